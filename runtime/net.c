/* SPDX-License-Identifier: MIT */
/**
 * net.c: addresses, listening and dialling.
 *
 * An address in digits is read here.  Names go to getaddrinfo(3), which blocks, and so by
 * gor_blocking: the other goroutines go on meanwhile.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "net.h"
#include "poll.h"

#define NO_INLINE __attribute__((noinline))
#define ADDRESSES_MOST 8
#define HOST_BYTES 256 // DNS allows 253
#define PORT_BYTES 32
#define RETRY_NS GOR_MILLISECOND // of a connect() that cannot be waited for

union address {
	struct sockaddr any;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
	struct sockaddr_un un;
};

/** What a hostport means. */
struct place {
	char host[HOST_BYTES], port[PORT_BYTES];
	bool listen; // for gor_listen: no host is every address, else this machine
	unsigned count;
	struct {
		union address address;
		socklen_t bytes;
	} at[ADDRESSES_MOST];
};

static void place_add(struct place *place, const void *address, size_t bytes)
{
	if (place->count == ADDRESSES_MOST || bytes > sizeof(union address))
		return;
	memcpy(&place->at[place->count].address, address, bytes);
	place->at[place->count++].bytes = (socklen_t)bytes;
}

/* ── reading a hostport ───────────────────────────────────────────────────────────────────────────
 */

/** "unix:/path" or "unix:@abstract", without the scheme. */
static int place_unix(struct place *place, const char *path)
{
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	size_t len = strlen(path);

	if (!len)
		return -EINVAL;
	if (len >= sizeof un.sun_path)
		return -ENAMETOOLONG;
	memcpy(un.sun_path, path, len);
	bool abstract = path[0] == '@';
	if (abstract)
		un.sun_path[0] = 0;
	place_add(place, &un, offsetof(struct sockaddr_un, sun_path) + len + !abstract);
	return 0;
}

static int place_copy(char *to, size_t room, const char *from, size_t len)
{
	if (len >= room)
		return -ENAMETOOLONG;
	memcpy(to, from, len);
	to[len] = 0;
	return 0;
}

/** Into host and port. */
static int place_split(struct place *place, const char *hostport)
{
	const char *host = hostport, *end, *colon;

	if (*host == '[') {
		end = strchr(++host, ']');
		if (!end || end[1] != ':')
			return -EINVAL;
		colon = end + 1;
		if (!memchr(host, ':', (size_t)(end - host))) // brackets are for IPv6
			return -EINVAL;
	} else {
		end = colon = strchr(host, ':');
		if (!end)
			return -EINVAL;
	}
	if (strchr(colon + 1, ':'))
		return -EINVAL;
	int err = place_copy(place->host, sizeof place->host, host, (size_t)(end - host));
	return err ? err : place_copy(place->port, sizeof place->port, colon + 1, strlen(colon + 1));
}

/** A port in digits, none being 0; -ENOENT: a name; -EINVAL: neither. */
static int place_port(const char *text)
{
	int port = 0;

	if (isalpha((unsigned char)*text))
		return -ENOENT;
	for (const char *p = text; *p; p++) {
		if (!isdigit((unsigned char)*p))
			return -EINVAL;
		port = port * 10 + (*p - '0');
		if (port > UINT16_MAX)
			return -EINVAL;
	}
	return port;
}

/** A name that always means this machine, whatever resolves the others: RFC 6761, section 6.3. */
static bool place_is_local(const struct place *place)
{
	static const char name[] = "localhost";
	size_t len = strlen(place->host), n = sizeof name - 1;

	return len >= n && strcasecmp(place->host + len - n, name) == 0 &&
	       (len == n || place->host[len - n - 1] == '.');
}

/** An address in digits, this machine, or none at all.  False: another name. */
static bool place_digits(struct place *place, uint16_t port)
{
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(port)};
	struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};

	if (!place->host[0] && place->listen) {
		place_add(place, &in6, sizeof in6);
		place_add(place, &in, sizeof in); // where there is no IPv6
	} else if (!place->host[0] || place_is_local(place)) {
		in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		in6.sin6_addr = in6addr_loopback;
		place_add(place, &in, sizeof in);
		place_add(place, &in6, sizeof in6);
	} else if (inet_pton(AF_INET, place->host, &in.sin_addr) == 1) {
		place_add(place, &in, sizeof in);
	} else if (inet_pton(AF_INET6, place->host, &in6.sin6_addr) == 1) {
		place_add(place, &in6, sizeof in6);
	} else {
		return false;
	}
	return true;
}

static int place_error(int code)
{
	switch (code) {
	case EAI_AGAIN:
		return -EHOSTUNREACH;
	case EAI_MEMORY:
		return -ENOMEM;
	case EAI_SYSTEM:
		return errno ? -errno : -EIO;
	case EAI_SERVICE:
		return -EINVAL;
	default:
		return -ENOENT;
	}
}

/** By gor_blocking: look the names up. */
static int place_resolve(void *arg)
{
	struct place *place = arg;
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM,
	                         .ai_flags = place->listen ? AI_PASSIVE : 0};
	struct addrinfo *list;
	int code = getaddrinfo(place->host[0] ? place->host : NULL, place->port[0] ? place->port : "0",
	                       &hints, &list);

	if (code)
		return place_error(code);
	for (int round = 0; round < 2; round++) // whoever listens is looked for at an IPv4 address most
		for (const struct addrinfo *a = list; a; a = a->ai_next)
			if (place->listen ? (a->ai_family == AF_INET) == (round == 0) : round == 0)
				place_add(place, a->ai_addr, a->ai_addrlen);
	freeaddrinfo(list);
	return place->count ? 0 : -ENOENT;
}

/** Where a hostport is.  0, or -errno. */
static int place_find(struct place *place, const char *hostport, const struct gor_site *site)
{
	if (!hostport)
		return -EINVAL;
	if (strncmp(hostport, "unix:", 5) == 0)
		return place_unix(place, hostport + 5);
	int err = place_split(place, hostport);
	if (err)
		return err;
	int port = place_port(place->port);
	if (port == -EINVAL || (port == 0 && !place->listen))
		return -EINVAL;
	if (port >= 0 && place_digits(place, (uint16_t)port))
		return 0;
	return gor_blocking_at(place_resolve, place, site);
}

/* ── sockets ──────────────────────────────────────────────────────────────────────────────────────
 */

static bool set_option(int fd, int level, int name, int value)
{
	return setsockopt(fd, level, name, &value, sizeof value) == 0;
}

/** A non-blocking stream socket for that address, or -errno. */
static NO_INLINE int net_socket(const union address *address)
{
	int fd = socket(address->any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	if (address->any.sa_family != AF_UNIX)
		set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
	return fd;
}

/** Start to listen at the nth address.  The socket, or -errno. */
static NO_INLINE int net_listen(const struct place *place, unsigned n)
{
	const union address *address = &place->at[n].address;
	int fd = net_socket(address), family = address->any.sa_family;

	if (fd < 0)
		return fd;
	bool wide = family == AF_INET6 && IN6_IS_ADDR_UNSPECIFIED(&address->in6.sin6_addr);
	if ((family == AF_INET6 && !set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, !wide)) ||
	    (family != AF_UNIX && !set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1)) ||
	    bind(fd, &address->any, place->at[n].bytes) != 0 || listen(fd, SOMAXCONN) != 0) {
		int err = -errno;
		close(fd);
		return err;
	}
	return fd;
}

/** connect(2) once: 0 it is connected; -EINPROGRESS not yet; -EAGAIN ask again later; or -errno. */
static NO_INLINE int net_connect(int fd, const struct place *place, unsigned n)
{
	if (connect(fd, &place->at[n].address.any, place->at[n].bytes) == 0 || errno == EISCONN)
		return 0;
	return errno == EALREADY || errno == EINTR ? -EINPROGRESS : -errno;
}

/** A free port may have been given to us as our own: then we talk to ourselves. */
static bool net_is_self(int fd)
{
	union address own, peer;
	socklen_t own_bytes = sizeof own, peer_bytes = sizeof peer;

	return getsockname(fd, &own.any, &own_bytes) == 0 && own.any.sa_family != AF_UNIX &&
	       getpeername(fd, &peer.any, &peer_bytes) == 0 && own_bytes == peer_bytes &&
	       memcmp(&own, &peer, own_bytes) == 0;
}

/** Into the hands of the poller. */
static void net_fresh(int fd, const struct gor_site *site)
{
	struct m *m = gor__enter_if();

	if (!m)
		return;
	m->cur->site = site;
	gor__poll_fresh(m, fd, site);
	gor__leave();
}

int gor_listen_at(const char *hostport, const struct gor_site *site)
{
	struct place place = {.listen = true};
	int err = place_find(&place, hostport, site), fd = err;

	for (unsigned n = 0; !err && n < place.count; n++) {
		fd = net_listen(&place, n);
		if (fd != -EAFNOSUPPORT && fd != -EADDRNOTAVAIL)
			break;
	}
	if (fd >= 0)
		net_fresh(fd, site);
	return fd;
}

int gor__listen_near(const char *hostport)
{
	struct place place = {.listen = false};
	bool path = strncmp(hostport, "unix:", 5) == 0;
	int err = path ? place_unix(&place, hostport + 5) : place_split(&place, hostport);

	if (!err && !path) {
		int port = place_port(place.port);
		if (port == -EINVAL)
			err = port;
		else if (port < 0 || !place_digits(&place, (uint16_t)port))
			err = place_resolve(&place);
	}
	int fd = err;
	for (unsigned n = 0; !err && n < place.count; n++) {
		fd = net_listen(&place, n);
		if (fd != -EAFNOSUPPORT && fd != -EADDRNOTAVAIL)
			break;
	}
	return fd;
}

/** Until a connect() is through, or time is up.  0, or -errno. */
static int dial_wait(int fd, const struct place *place, unsigned n, int64_t deadline,
                     const struct gor_site *site)
{
	for (;;) {
		struct poll_note note;
		struct m *m = gor__enter_if();
		if (!m)
			return -ECANCELED;
		gor__poll_note(m, fd, &note);
		gor__leave();
		int err = net_connect(fd, place, n);
		if (err != -EINPROGRESS && err != -EAGAIN)
			return err;
		if (deadline == GOR_NOW)
			return -EAGAIN;
		m = gor__enter_if();
		if (!m)
			return -ECANCELED;
		if (err == -EINPROGRESS) {
			err = gor__poll_wait(m, fd, POLL_WRITE, &note, deadline, site);
		} else { // a full queue of a unix socket: nobody will tell when it is not
			int64_t now = gor__now(), next = now + RETRY_NS;
			bool late = deadline > 0 && deadline <= now;
			if (!late)
				gor__sleep_until(m, deadline > 0 && deadline < next ? deadline : next,
				                 GTRACE_reason_IO_WAIT, site);
			err = late ? -ETIMEDOUT : 0;
		}
		gor__leave();
		if (err)
			return err;
	}
}

static int dial_one(const struct place *place, unsigned n, int64_t deadline,
                    const struct gor_site *site)
{
	int fd = net_socket(&place->at[n].address);

	if (fd < 0)
		return fd;
	net_fresh(fd, site);
	int err = dial_wait(fd, place, n, deadline, site);
	if (!err && net_is_self(fd))
		err = -ECONNREFUSED;
	if (!err)
		return fd;
	gor_close_fd_at(fd, site);
	return err;
}

int gor_dial_at(const char *hostport, int64_t deadline, const struct gor_site *site)
{
	struct place place = {.listen = false};
	int err = place_find(&place, hostport, site), fd = err;

	for (unsigned n = 0; !err && n < place.count; n++) {
		int got = dial_one(&place, n, deadline, site);
		if (got >= 0)
			return got;
		if (n == 0 || got == -ETIMEDOUT)
			fd = got;
		if (got == -ETIMEDOUT || got == -EAGAIN)
			break;
	}
	return fd;
}

int gor_port(int fd)
{
	union address own;
	socklen_t bytes = sizeof own;

	if (getsockname(fd, &own.any, &bytes) != 0)
		return -errno;
	switch (own.any.sa_family) {
	case AF_INET:
		return ntohs(own.in.sin_port);
	case AF_INET6:
		return ntohs(own.in6.sin6_port);
	default:
		return -EAFNOSUPPORT;
	}
}

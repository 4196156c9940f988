/* SPDX-License-Identifier: MIT */
/* net.c: listening, accepting, dialling, and the addresses for it.  Only this machine is spoken to.
 */
#define _GNU_SOURCE
#include "check.h"
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int dial_port(const char *host, int port)
{
	char hostport[64];

	snprintf(hostport, sizeof hostport, "%s:%d", host, port);
	return gor_dial(hostport);
}

struct server {
	int fd;
	gor_waitgroup wg;
};

static void echo(void *arg)
{
	int fd = (int)(intptr_t)arg;
	char buf[256];
	ssize_t n;

	while ((n = gor_read(fd, buf, sizeof buf)) > 0)
		REQUIRE_EQ(gor_write(fd, buf, (size_t)n), n);
	REQUIRE_EQ(n, 0);
	REQUIRE_EQ(gor_close_fd(fd), 0);
}

static void serve(void *arg)
{
	struct server *s = arg;
	int fd;

	while ((fd = gor_accept(s->fd)) >= 0)
		gor_go(echo, (void *)(intptr_t)fd);
	REQUIRE_EQ(fd, -EBADF);
}

static void server_begin(struct server *s, const char *hostport)
{
	s->fd = gor_listen(hostport);
	REQUIRE(s->fd >= 0);
	gor_wg_go(&s->wg, serve, s);
}

static void server_end(struct server *s)
{
	REQUIRE_EQ(gor_close_fd(s->fd), 0);
	gor_wg_wait(&s->wg);
}

/** One question and its answer over a connection, which is then closed. */
static void converse(int fd)
{
	char buf[8] = "";

	REQUIRE(fd >= 0);
	REQUIRE_EQ(gor_write(fd, "hello", 5), 5);
	REQUIRE_EQ(gor_read(fd, buf, sizeof buf), 5);
	REQUIRE(strcmp(buf, "hello") == 0);
	REQUIRE_EQ(gor_close_fd(fd), 0);
}

static bool has_ipv6(void)
{
	int fd = gor_listen("[::1]:0");

	if (fd >= 0)
		gor_close_fd(fd);
	return fd >= 0;
}

TEST(ipv4)
{
	struct server s = {0};

	server_begin(&s, "127.0.0.1:0");
	int port = gor_port(s.fd);
	REQUIRE(port > 0);
	converse(dial_port("127.0.0.1", port));
	converse(dial_port("localhost", port));
	converse(dial_port("", port));
	server_end(&s);
}

TEST(ipv6)
{
	struct server s = {0};

	if (!has_ipv6())
		return;
	server_begin(&s, "[::1]:0");
	int port = gor_port(s.fd);
	converse(dial_port("[::1]", port));
	REQUIRE_EQ(dial_port("127.0.0.1", port), -ECONNREFUSED);
	server_end(&s);
}

/** No host: all addresses, of both kinds. */
TEST(any_address)
{
	struct server s = {0};

	server_begin(&s, ":0");
	int port = gor_port(s.fd);
	converse(dial_port("127.0.0.1", port));
	if (has_ipv6())
		converse(dial_port("[::1]", port));
	server_end(&s);

	s = (struct server){0};
	server_begin(&s, "0.0.0.0:");
	port = gor_port(s.fd);
	converse(dial_port("127.0.0.1", port));
	if (has_ipv6())
		REQUIRE_EQ(dial_port("[::1]", port), -ECONNREFUSED);
	server_end(&s);
}

TEST(by_name)
{
	struct server s = {0};
	char service[64];

	server_begin(&s, "localhost:0");
	int port = gor_port(s.fd);
	converse(dial_port("127.0.0.1", port)); // IPv4 comes first
	converse(dial_port("localhost", port));
	server_end(&s);
	snprintf(service, sizeof service, "localhost:%s", "no-such-service");
	REQUIRE_EQ(gor_dial(service), -EINVAL);
	REQUIRE_EQ(gor_listen(service), -EINVAL);
	// 64 letters are no label: this is known without asking anybody
	char host[80];
	memset(host, 'a', 64);
	strcpy(host + 64, ":80");
	REQUIRE_EQ(gor_dial(host), -ENOENT);
}

TEST(unix_sockets)
{
	struct server s = {0};
	char path[64], dir[] = "net.XXXXXX";

	REQUIRE(mkdtemp(dir) != NULL);
	snprintf(path, sizeof path, "unix:%s/socket", dir);
	server_begin(&s, path);
	REQUIRE_EQ(gor_port(s.fd), -EAFNOSUPPORT);
	REQUIRE_EQ(gor_listen(path), -EADDRINUSE);
	converse(gor_dial(path));
	server_end(&s);
	REQUIRE_EQ(gor_dial(path), -ECONNREFUSED); // the file is still there
	unlink(path + 5);
	REQUIRE_EQ(gor_dial(path), -ENOENT);
	rmdir(dir);

	s = (struct server){0};
	snprintf(path, sizeof path, "unix:@gor-test-%d", (int)getpid());
	server_begin(&s, path);
	converse(gor_dial(path));
	server_end(&s);
	REQUIRE_EQ(gor_dial(path), -ECONNREFUSED);
}

TEST(bad_addresses)
{
	static const struct {
		const char *hostport;
		int err;
	} bad[] = {
		{NULL, -EINVAL},
		{"", -EINVAL},
		{"127.0.0.1", -EINVAL},
		{"::1:80", -EINVAL},
		{"[::1]", -EINVAL},
		{"[::1]80", -EINVAL},
		{"[::1", -EINVAL},
		{"[localhost]:80", -EINVAL},
		{"[]:80", -EINVAL},
		{"127.0.0.1:65536", -EINVAL},
		{"127.0.0.1:99999999999999999999", -EINVAL},
		{"127.0.0.1:-1", -EINVAL},
		{"127.0.0.1:+1", -EINVAL},
		{"127.0.0.1: 80", -EINVAL},
		{"127.0.0.1:80x", -EINVAL},
		{"127.0.0.1:80:", -EINVAL},
		{"unix:", -EINVAL},
	};
	char path[256];

	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		REQUIRE_EQ(gor_listen(bad[i].hostport), bad[i].err);
		REQUIRE_EQ(gor_dial(bad[i].hostport), bad[i].err);
	}
	REQUIRE_EQ(gor_dial("127.0.0.1:"), -EINVAL); // to nowhere
	REQUIRE_EQ(gor_dial("127.0.0.1:0"), -EINVAL);
	memset(path, 'x', sizeof path);
	memcpy(path, "unix:", 5);
	path[255] = 0;
	REQUIRE_EQ(gor_listen(path), -ENAMETOOLONG);
	path[4] = 'x';
	memcpy(path + 252, ":80", 4);
	char host[400];
	memset(host, 'x', sizeof host);
	strcpy(host + 300, ":80");
	REQUIRE_EQ(gor_dial(host), -ENAMETOOLONG);
}

TEST(refused)
{
	int fd = gor_listen("127.0.0.1:0");
	int port = gor_port(fd);

	REQUIRE_EQ(gor_close_fd(fd), 0);
	REQUIRE_EQ(dial_port("127.0.0.1", port), -ECONNREFUSED);
	REQUIRE_EQ(dial_port("localhost", port), -ECONNREFUSED);
}

TEST(in_use)
{
	int fd = gor_listen("127.0.0.1:0");
	char hostport[64];

	REQUIRE(fd >= 0);
	snprintf(hostport, sizeof hostport, "127.0.0.1:%d", gor_port(fd));
	REQUIRE_EQ(gor_listen(hostport), -EADDRINUSE);
	REQUIRE_EQ(gor_close_fd(fd), 0);
	fd = gor_listen(hostport); // at once
	REQUIRE(fd >= 0);
	REQUIRE_EQ(gor_close_fd(fd), 0);
}

TEST(accept_deadline)
{
	int fd = gor_listen("127.0.0.1:0");

	REQUIRE_EQ(gor_accept_until(fd, GOR_NOW), -EAGAIN);
	REQUIRE_EQ(gor_accept_until(fd, gor_deadline(GOR_MILLISECOND)), -ETIMEDOUT);
	int conn = dial_port("127.0.0.1", gor_port(fd));
	REQUIRE(conn >= 0);
	int other = gor_accept_until(fd, GOR_NOW);
	REQUIRE(other >= 0);
	REQUIRE(fcntl(other, F_GETFL) & O_NONBLOCK);
	REQUIRE(fcntl(other, F_GETFD) & FD_CLOEXEC);
	int on[2] = {0, 0};
	REQUIRE_EQ(getsockopt(other, IPPROTO_TCP, TCP_NODELAY, &on[0], &(socklen_t){sizeof(int)}), 0);
	REQUIRE_EQ(getsockopt(conn, IPPROTO_TCP, TCP_NODELAY, &on[1], &(socklen_t){sizeof(int)}), 0);
	REQUIRE(on[0] && on[1]);
	gor_close_fd(conn);
	gor_close_fd(other);
	gor_close_fd(fd);
}

/** A server that accepts nothing: the kernel does so for it until its queue is full. */
static void dial_full(const char *hostport, int backlog)
{
	enum { MOST = 64 };
	int fd = gor_listen(hostport), conn[MOST], n = 0;
	char name[64];

	REQUIRE(fd >= 0);
	REQUIRE_EQ(listen(fd, backlog), 0);
	if (gor_port(fd) > 0)
		snprintf(name, sizeof name, "127.0.0.1:%d", gor_port(fd));
	else
		snprintf(name, sizeof name, "%s", hostport);
	for (; n < MOST; n++) {
		conn[n] = gor_dial_until(name, gor_deadline(20 * GOR_MILLISECOND));
		if (conn[n] < 0)
			break;
	}
	REQUIRE(n > 0 && n < MOST);
	REQUIRE_EQ(conn[n], -ETIMEDOUT);
	REQUIRE_EQ(gor_dial_until(name, GOR_NOW), -EAGAIN);
	while (n > 0)
		gor_close_fd(conn[--n]);
	gor_close_fd(fd);
}

TEST(dial_deadline)
{
	char name[64];

	dial_full("127.0.0.1:0", 1);
	snprintf(name, sizeof name, "unix:@gor-full-%d", (int)getpid());
	dial_full(name, 1);
}

struct late {
	int fd;
	ints done;
};

static void accept_two(void *arg)
{
	struct late *l = arg;

	for (int i = 0; i < 3; i++) {
		int fd = gor_accept(l->fd);
		REQUIRE(fd >= 0);
		gor_close_fd(fd);
	}
	gor_send(l->done, 1);
}

/** A dial to a unix socket whose queue is full goes on when there is room. */
TEST(dial_waits_for_room)
{
	char name[64];
	struct late l;
	int conn[3];

	gor_make(l.done, 0);
	snprintf(name, sizeof name, "unix:@gor-room-%d", (int)getpid());
	l.fd = gor_listen(name);
	REQUIRE_EQ(listen(l.fd, 1), 0);
	conn[0] = gor_dial(name);
	conn[1] = gor_dial(name);
	REQUIRE(conn[0] >= 0 && conn[1] >= 0);
	REQUIRE_EQ(gor_dial_until(name, GOR_NOW), -EAGAIN);
	gor_go(accept_two, &l);
	conn[2] = gor_dial(name);
	REQUIRE(conn[2] >= 0);
	gor_recv(l.done, NULL);
	for (int i = 0; i < 3; i++)
		gor_close_fd(conn[i]);
	gor_close_fd(l.fd);
	gor_free(l.done);
}

/** A socket that somebody else has made to listen, as systemd does: it blocks. */
TEST(listener_from_elsewhere)
{
	struct server s = {.fd = socket(AF_INET, SOCK_STREAM, 0)};
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};

	REQUIRE_EQ(bind(s.fd, (struct sockaddr *)&in, sizeof in), 0);
	REQUIRE_EQ(listen(s.fd, 10), 0);
	gor_wg_go(&s.wg, serve, &s);
	for (int i = 0; i < 3; i++)
		converse(dial_port("127.0.0.1", gor_port(s.fd)));
	server_end(&s);
}

/** The end comes together with the last bytes, or after a reset. */
TEST(tcp_ends)
{
	int l = gor_listen("127.0.0.1:0");
	char buf[64];

	for (int i = 0; i < 100 / SLOW; i++) {
		int a = dial_port("127.0.0.1", gor_port(l)), b = gor_accept(l);
		REQUIRE(a >= 0 && b >= 0);
		REQUIRE_EQ(gor_write(a, "x", 1), 1);
		REQUIRE_EQ(gor_read(b, buf, 64), 1); // may have waited
		REQUIRE_EQ(gor_write(a, "abc", 3), 3);
		REQUIRE_EQ(gor_close_fd(a), 0);
		REQUIRE_EQ(gor_wait_fd(b, POLLRDHUP, GOR_FOREVER) & POLLRDHUP, POLLRDHUP);
		REQUIRE_EQ(gor_read(b, buf, 64), 3);
		REQUIRE_EQ(gor_read(b, buf, 64), 0); // must not wait for another edge
		REQUIRE_EQ(gor_close_fd(b), 0);
	}
	int a = dial_port("127.0.0.1", gor_port(l)), b = gor_accept(l);
	struct linger reset = {.l_onoff = 1, .l_linger = 0};
	REQUIRE_EQ(setsockopt(a, SOL_SOCKET, SO_LINGER, &reset, sizeof reset), 0);
	REQUIRE_EQ(gor_close_fd(a), 0);
	REQUIRE_EQ(gor_read(b, buf, 64), -ECONNRESET);
	gor_close_fd(b);
	gor_close_fd(l);
}

/** Urgent data splits a stream: a short read does not mean that there is no more. */
TEST(urgent_data)
{
	int l = gor_listen("127.0.0.1:0");
	int a = dial_port("127.0.0.1", gor_port(l)), b = gor_accept(l);
	char buf[64];

	REQUIRE(a >= 0 && b >= 0);
	REQUIRE_EQ(gor_write(a, "x", 1), 1);
	REQUIRE_EQ(gor_read(b, buf, 64), 1);
	for (int i = 0; i < 10; i++) {
		REQUIRE_EQ(gor_write(a, "ab", 2), 2);
		REQUIRE_EQ(send(a, "!", 1, MSG_OOB), 1);
		REQUIRE_EQ(gor_write(a, "cd", 2), 2);
		for (ssize_t n, sum = 0; sum < 4; sum += n) {
			n = gor_read(b, buf, 64);
			REQUIRE(n > 0);
		}
	}
	gor_close_fd(a);
	gor_close_fd(b);
	gor_close_fd(l);
}

/* ── many ─────────────────────────────────────────────────────────────────────────────────────────
 */

struct client {
	int port, rounds;
	gor_waitgroup *wg;
};

static void call_often(struct client *c)
{
	for (int i = 0; i < c->rounds; i++)
		converse(dial_port("127.0.0.1", c->port));
	gor_wg_done(c->wg);
}

/** Connections come and go, their numbers with them. */
TEST(churn)
{
	struct server s = {0};
	gor_waitgroup wg = {0};

	server_begin(&s, "127.0.0.1:0");
	for (int i = 0; i < 20; i++) {
		gor_wg_add(&wg, 1);
		gor_go_copy(call_often, ((struct client){gor_port(s.fd), 30 / SLOW, &wg}));
	}
	gor_wg_wait(&wg);
	server_end(&s);
}

/** Several goroutines accept from one socket. */
TEST(several_acceptors)
{
	struct server s = {0};
	gor_waitgroup wg = {0};

	server_begin(&s, "127.0.0.1:0");
	for (int i = 0; i < 4; i++)
		gor_wg_go(&s.wg, serve, &s);
	for (int i = 0; i < 10; i++) {
		gor_wg_add(&wg, 1);
		gor_go_copy(call_often, ((struct client){gor_port(s.fd), 20 / SLOW, &wg}));
	}
	gor_wg_wait(&wg);
	server_end(&s);
}

int main(int argc, char **argv)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(ipv4),
		cmocka_unit_test(ipv6),
		cmocka_unit_test(any_address),
		cmocka_unit_test(by_name),
		cmocka_unit_test(unix_sockets),
		cmocka_unit_test(bad_addresses),
		cmocka_unit_test(refused),
		cmocka_unit_test(in_use),
		cmocka_unit_test(accept_deadline),
		cmocka_unit_test(dial_deadline),
		cmocka_unit_test(dial_waits_for_room),
		cmocka_unit_test(listener_from_elsewhere),
		cmocka_unit_test(tcp_ends),
		cmocka_unit_test(urgent_data),
		cmocka_unit_test(churn),
		cmocka_unit_test(several_acceptors),
	};

	return CHECK_MAIN(tests, argc, argv);
}

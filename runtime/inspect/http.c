/* SPDX-License-Identifier: MIT */
/**
 * http.c: the threads that answer, and who may ask what.
 *
 * libmicrohttpd has a thread for each listening socket and one for each connection, so that a page
 * may take its time.  None of them is a goroutine or a worker: they answer while all of these are
 * stuck.  All signals are blocked in them, and their stacks are small.
 *
 * Whoever can connect to the port of a machine is a browser too, on behalf of any page it shows.
 * Such a page can have a name of its own resolve to 127.0.0.1 and then read the answers as its own
 * (DNS rebinding); but the browser says that name in Host.  So only a literal address, localhost
 * and the name that was configured are answered.  There is nothing to be changed by a request: GET
 * and HEAD are all.
 */
#include "inspect/http.h"

#include <arpa/inet.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define CONNECTIONS_MAX 16u
#define REQUEST_BYTES (32u << 10) // its line, headers, and those of the answer
#define IDLE_SECONDS 10u

struct server {
	const struct module_host *host;
	char name[256]; // that Host may be, too
};

/** Is a Host header's value one of ours?  NULL, in HTTP/1.0: no browser is that old. */
static bool host_is_ours(const char *value, const char *name)
{
	char host[256];
	struct in6_addr addr;

	if (!value)
		return true;
	bool bracket = *value == '[';
	size_t len = bracket ? strcspn(++value, "]") : strcspn(value, ":");
	if (len >= sizeof host)
		return false;
	memcpy(host, value, len);
	host[len] = 0;
	if (bracket)
		return inet_pton(AF_INET6, host, &addr) == 1;
	return inet_pton(AF_INET, host, &addr) == 1 || strcasecmp(host, "localhost") == 0 ||
	       (*name && strcasecmp(host, name) == 0);
}

static const struct page *page_find(struct request *r)
{
	for (const struct page *p = inspect_pages; p->path; p++) {
		size_t len = strlen(p->path);
		bool folder = p->path[len - 1] == '*';
		if (folder ? strncmp(r->path, p->path, len - 1) == 0 : strcmp(r->path, p->path) == 0) {
			r->name = folder ? r->path + len - 1 : strrchr(r->path, '/') + 1;
			return p;
		}
	}
	return NULL;
}

/** What it is answered with. */
static enum MHD_Result http_page(const struct server *server, struct request *r, const char *method)
{
	const char *host =
		MHD_lookup_connection_value(r->connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_HOST);

	if (!host_is_ours(host, server->name))
		return reply_line(r, MHD_HTTP_FORBIDDEN,
		                  "the Host header is neither an address nor localhost nor the name that "
		                  "was configured");
	if (strcmp(method, MHD_HTTP_METHOD_GET) != 0 && strcmp(method, MHD_HTTP_METHOD_HEAD) != 0)
		return reply_line(r, MHD_HTTP_METHOD_NOT_ALLOWED, "GET and HEAD are all there is");
	const struct page *page = page_find(r);
	return page ? page->answer(r) : reply_line(r, MHD_HTTP_NOT_FOUND, "404 page not found");
}

static enum MHD_Result http_answer(void *arg, struct MHD_Connection *connection, const char *url,
                                   const char *method, const char *version, const char *upload,
                                   size_t *upload_bytes, void **state)
{
	const struct server *server = arg;
	struct request r = {.connection = connection, .host = server->host, .path = url};

	(void)version, (void)upload, (void)upload_bytes, (void)state;
	// It is not idle while it waits for us; from 0 its time begins anew.
	MHD_set_connection_option(connection, MHD_CONNECTION_OPTION_TIMEOUT, 0u);
	enum MHD_Result queued = http_page(server, &r, method);
	MHD_set_connection_option(connection, MHD_CONNECTION_OPTION_TIMEOUT, IDLE_SECONDS);
	return queued;
}

static void http_unlogged(void *arg, const char *fmt, va_list args)
{
	(void)arg, (void)fmt, (void)args;
}

/** Threads inherit the mask of the one that starts them. */
static struct MHD_Daemon *http_start(struct server *server, int fd)
{
	unsigned flags = MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_THREAD_PER_CONNECTION |
	                 MHD_USE_POLL | MHD_USE_ITC | (fd < 0 ? MHD_USE_NO_LISTEN_SOCKET : 0);
	struct MHD_OptionItem listen[] = {{MHD_OPTION_LISTEN_SOCKET, fd, NULL},
	                                  {MHD_OPTION_END, 0, NULL}};
	sigset_t all, before;

	if (fd < 0)
		listen[0].option = MHD_OPTION_END;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	struct MHD_Daemon *daemon =
		MHD_start_daemon(flags, 0, NULL, NULL, http_answer, server, MHD_OPTION_EXTERNAL_LOGGER,
	                     http_unlogged, NULL, MHD_OPTION_ARRAY, listen, MHD_OPTION_CONNECTION_LIMIT,
	                     CONNECTIONS_MAX, MHD_OPTION_CONNECTION_TIMEOUT, IDLE_SECONDS,
	                     MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)REQUEST_BYTES,
	                     MHD_OPTION_THREAD_STACK_SIZE, (size_t)MODULE_STACK, MHD_OPTION_END);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return daemon;
}

int inspect_serve(const struct module_host *host, int fd, const char *name)
{
	struct server *server = calloc(1, sizeof *server); // as long as the program

	if (!server)
		return -ENOMEM;
	server->host = host;
	strncpy(server->name, name, sizeof server->name - 1);
	if (http_start(server, fd))
		return 0;
	free(server);
	return -EAGAIN;
}

/* Of libgor's agent, whose one thread is the only one that comes here. */
static struct {
	bool started;
	struct server server;
	struct MHD_Daemon *daemon; // NULL: it could not be started
} agent;

void inspect_answer(const struct module_host *host, int fd)
{
	struct sockaddr_un none = {.sun_family = AF_UNIX};

	if (!agent.started) {
		agent.started = true;
		agent.server.host = host;
		agent.daemon = http_start(&agent.server, -1);
	}
	if (!agent.daemon)
		close(fd);
	else // which closes it if that fails
		MHD_add_connection(agent.daemon, fd, (struct sockaddr *)&none, sizeof none);
}

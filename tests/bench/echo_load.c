/* SPDX-License-Identifier: MIT */
/**
 * echo_load.c: the load on an echo server, from one thread, by epoll.
 *
 * So many connections are open, on so many of them a request is on its way; each answer is checked
 * and followed by the next request, on the connection whose turn it is.  The first tenth of the
 * requests warms up.  Connections end by a reset, so that none lingers on.
 */
#define _GNU_SOURCE
#include "echo.h"
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { EVENTS = 128 };

struct row {
	const char *name;
	int conns, flying; // open; with a request on its way
	long requests;
};

static const struct row rows[] = {
	{"echo", 100, 100, 300000},
	{"echo1k", 1000, 100, 300000},
	{"echo5k", 5000, 100, 200000},
	{NULL, 0, 0, 0},
};

struct conn {
	int fd;
	int got; // bytes of the answer
	bool flying;
	int64_t sent_ns;
};

struct load {
	const struct row *row;
	pid_t server;
	int port, set;
	struct conn *conns;
	int next; // whose turn it is
	long sent, answered;
	uint32_t *took_ns; // of each answer
};

static pid_t server_pid; // to be killed whatever happens

static void require(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "bench_echo: %s: %s\n", what, strerror(errno));
	if (server_pid > 0)
		kill(server_pid, SIGKILL);
	exit(1);
}

static int64_t clock_ns(clockid_t clock)
{
	struct timespec ts;

	require(clock_gettime(clock, &ts) == 0, "clock");
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

static int64_t server_cpu_ns(const struct load *l)
{
	clockid_t clock;

	errno = clock_getcpuclockid(l->server, &clock);
	require(errno == 0, "the server's clock");
	return clock_ns(clock);
}

/* The server inherits the limit. */
static void allow_descriptors(int count)
{
	struct rlimit limit;

	require(getrlimit(RLIMIT_NOFILE, &limit) == 0, "limit");
	if (limit.rlim_cur >= (rlim_t)count + 100)
		return;
	limit.rlim_cur = limit.rlim_max;
	require(setrlimit(RLIMIT_NOFILE, &limit) == 0, "limit");
	errno = EMFILE;
	require(limit.rlim_cur >= (rlim_t)count + 100, "descriptors");
}

static void server_start(struct load *l, char **argv)
{
	posix_spawn_file_actions_t actions;
	int out[2];
	char text[16] = "";

	require(pipe(out) == 0, "pipe");
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, out[1], STDOUT_FILENO);
	posix_spawn_file_actions_addclose(&actions, out[0]);
	posix_spawn_file_actions_addclose(&actions, out[1]);
	errno = posix_spawnp(&l->server, argv[0], &actions, NULL, argv, environ);
	require(errno == 0, argv[0]);
	server_pid = l->server;
	posix_spawn_file_actions_destroy(&actions);
	close(out[1]);
	require(read(out[0], text, sizeof text - 1) > 0, "the server's port");
	close(out[0]);
	l->port = atoi(text);
}

static void connect_all(struct load *l)
{
	struct sockaddr_in at = {.sin_family = AF_INET,
	                         .sin_port = htons((uint16_t)l->port),
	                         .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};

	for (int i = 0; i < l->row->conns; i++) {
		struct conn *c = &l->conns[i];
		struct linger reset = {.l_onoff = 1};
		struct epoll_event ev = {.events = EPOLLIN, .data.ptr = c};
		c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		require(c->fd >= 0, "socket");
		setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
		setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
		require(connect(c->fd, (struct sockaddr *)&at, sizeof at) == 0, "connect");
		require(epoll_ctl(l->set, EPOLL_CTL_ADD, c->fd, &ev) == 0, "epoll_ctl");
	}
}

/* A request says which it is: an answer to another one would not be taken for its own. */
static void request_fill(char *bytes, const struct conn *c)
{
	memset(bytes, 'x', ECHO_BYTES);
	memcpy(bytes, &c->sent_ns, sizeof c->sent_ns);
}

static void send_next(struct load *l)
{
	char bytes[ECHO_BYTES];

	if (l->sent == l->row->requests)
		return;
	struct conn *c;
	do {
		c = &l->conns[l->next];
		l->next = (l->next + 7) % l->row->conns; // 7 divides no number of connections
	} while (c->flying);
	c->flying = true;
	c->got = 0;
	c->sent_ns = clock_ns(CLOCK_MONOTONIC);
	request_fill(bytes, c);
	require(send(c->fd, bytes, sizeof bytes, 0) == (ssize_t)sizeof bytes, "send");
	l->sent++;
}

static void receive(struct load *l, struct conn *c)
{
	char bytes[ECHO_BYTES], want[ECHO_BYTES];
	ssize_t n = recv(c->fd, bytes, sizeof bytes - (size_t)c->got, 0);

	require(n > 0, "recv");
	request_fill(want, c);
	require(memcmp(bytes, want + c->got, (size_t)n) == 0, "the answer is another");
	c->got += (int)n;
	if (c->got < ECHO_BYTES)
		return;
	int64_t took = clock_ns(CLOCK_MONOTONIC) - c->sent_ns;
	l->took_ns[l->answered++] = took > UINT32_MAX ? UINT32_MAX : (uint32_t)took;
	c->flying = false;
	send_next(l);
}

/* Until so many are answered. */
static void exchange(struct load *l, long answers)
{
	struct epoll_event ev[EVENTS];

	while (l->answered < answers) {
		int n = epoll_wait(l->set, ev, EVENTS, 10000);
		errno = n == 0 ? ETIMEDOUT : errno;
		require(n > 0, "waiting for answers");
		for (int i = 0; i < n; i++)
			receive(l, ev[i].data.ptr);
	}
}

static int by_size(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

static void measure(struct load *l)
{
	long warm = l->row->requests / 10;

	for (int i = 0; i < l->row->flying; i++)
		send_next(l);
	exchange(l, warm);
	long first = l->answered;
	int64_t cpu = server_cpu_ns(l), began = clock_ns(CLOCK_MONOTONIC);
	exchange(l, l->row->requests);
	double took = (double)(clock_ns(CLOCK_MONOTONIC) - began);
	cpu = server_cpu_ns(l) - cpu;
	long n = l->answered - first;
	uint32_t *samples = l->took_ns + first;

	qsort(samples, (size_t)n, sizeof *samples, by_size);
	printf("%s %.0f\n", l->row->name, (double)n / took * 1e9);
	printf("%s_p99 %.1f\n", l->row->name, samples[n - n / 100 - 1] / 1e3);
	printf("%s_cpu %.0f\n", l->row->name, (double)cpu / (double)n);
}

int echo_load(const char *row, char **argv)
{
	struct load l = {.row = rows};

	while (l.row->name && strcmp(l.row->name, row) != 0)
		l.row++;
	if (!l.row->name) {
		fprintf(stderr, "bench_echo: no row '%s'\n", row);
		return 2;
	}
	allow_descriptors(l.row->conns);
	l.conns = calloc((size_t)l.row->conns, sizeof *l.conns);
	l.took_ns = calloc((size_t)l.row->requests, sizeof *l.took_ns);
	l.set = epoll_create1(EPOLL_CLOEXEC);
	require(l.conns && l.took_ns && l.set >= 0, "memory");
	server_start(&l, argv);
	connect_all(&l);
	measure(&l);
	kill(l.server, SIGTERM); // a recording is completed
	waitpid(l.server, NULL, 0);
	for (int i = 0; i < l.row->conns; i++)
		close(l.conns[i].fd);
	free(l.conns);
	free(l.took_ns);
	close(l.set);
	return 0;
}

/* SPDX-License-Identifier: MIT */
/* echo_epoll.c: the server one would write without goroutines; connections go to the threads in
 * turn. */
#define _GNU_SOURCE
#include "echo.h"
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { THREADS_MOST = 64, EVENTS = 128 };

static void require(int ok, const char *what)
{
	if (ok)
		return;
	perror(what);
	exit(1);
}

static void *loop(void *arg)
{
	int set = *(int *)arg;
	struct epoll_event ev[EVENTS];
	char buf[4096];

	for (;;) {
		int n = epoll_wait(set, ev, EVENTS, -1);
		for (int i = 0; i < n; i++) {
			int fd = ev[i].data.fd;
			ssize_t got = read(fd, buf, sizeof buf);
			if (got <= 0 || send(fd, buf, (size_t)got, MSG_NOSIGNAL) != got)
				close(fd);
		}
	}
	return NULL;
}

static int listener_make(void)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t bytes = sizeof at;

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	require(bind(fd, (struct sockaddr *)&at, bytes) == 0, "bind");
	require(listen(fd, SOMAXCONN) == 0, "listen");
	require(getsockname(fd, (struct sockaddr *)&at, &bytes) == 0, "getsockname");
	printf("%d\n", ntohs(at.sin_port));
	fflush(stdout);
	return fd;
}

int echo_epoll(int threads)
{
	static int set[THREADS_MOST];
	int listener = listener_make();
	pthread_t thread;

	threads = threads < 1 ? 1 : threads > THREADS_MOST ? THREADS_MOST : threads;
	for (int i = 0; i < threads; i++) {
		set[i] = epoll_create1(EPOLL_CLOEXEC);
		require(set[i] >= 0 && pthread_create(&thread, NULL, loop, &set[i]) == 0, "thread");
	}
	for (int i = 0;; i++) {
		struct epoll_event ev = {.events = EPOLLIN};
		ev.data.fd = accept(listener, NULL, NULL);
		require(ev.data.fd >= 0, "accept");
		require(epoll_ctl(set[i % threads], EPOLL_CTL_ADD, ev.data.fd, &ev) == 0, "epoll_ctl");
	}
}

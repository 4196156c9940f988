/* SPDX-License-Identifier: MIT */
/**
 * echo.c: a server that sends back what it is sent, by goroutines; and what it is compared with.
 *
 *	bench_echo load ROW SERVER [ARG...]   start SERVER, do a row of work on it, print its figures
 *	bench_echo serve                      such a server: a goroutine a connection
 *	bench_echo epoll [THREADS]            such a server by epoll alone
 *	bench_echo                            all rows, on both of these
 *
 * A server prints its port and serves until it is killed; go/echo.go is one as well.  Whatever the
 * server, the load comes from the same code, in a process of its own (echo_load.c).  Everything
 * goes over 127.0.0.1.
 */
#include <gor.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/wait.h>

#include "echo.h"

static void serve(void *arg)
{
	int fd = (int)(intptr_t)arg;
	char buf[4096];

	for (ssize_t n; (n = gor_read(fd, buf, sizeof buf)) > 0;)
		if (gor_write(fd, buf, (size_t)n) != n)
			break;
	gor_close_fd(fd);
}

static int app(int argc, char **argv)
{
	int listener = gor_listen("127.0.0.1:0"), fd;

	(void)argc, (void)argv;
	printf("%d\n", gor_port(listener));
	fflush(stdout);
	while ((fd = gor_accept(listener)) >= 0)
		gor_go(serve, (void *)(intptr_t)fd);
	fprintf(stderr, "bench_echo: accept: %s\n", strerror(-fd));
	return 1;
}

/* All rows; each load is a process of its own. */
static int run_all(char *self)
{
	char *rows[] = {"echo", "echo5k"}, *servers[] = {"serve", "epoll"};
	int failed = 0;

	for (int i = 0; i < 4; i++) {
		char *argv[] = {self, servers[i % 2], NULL};
		int status = 1;
		printf("%s:\n", servers[i % 2]);
		fflush(stdout);
		pid_t pid = fork();
		if (pid == 0)
			exit(echo_load(rows[i / 2], argv));
		if (pid < 0 || waitpid(pid, &status, 0) != pid || status != 0)
			failed = 1;
	}
	return failed;
}

int main(int argc, char **argv)
{
	const char *verb = argc > 1 ? argv[1] : "";

	if (argc == 1)
		return run_all(argv[0]);
	if (strcmp(verb, "serve") == 0)
		return gor_run(app, argc, argv);
	if (strcmp(verb, "epoll") == 0)
		return echo_epoll(argc > 2 ? atoi(argv[2]) : 1);
	if (strcmp(verb, "load") == 0 && argc > 3)
		return echo_load(argv[2], argv + 3);
	fprintf(stderr, "bench_echo: load ROW SERVER [ARG...] | serve | epoll [THREADS]\n");
	return 2;
}

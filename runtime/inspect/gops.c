/* SPDX-License-Identifier: MIT */
/**
 * gops.c: the protocol of gops's agent: of each connection one byte is read, and answered.
 *
 *     1 stack  2 gc  3 memstats  4 version  5 heap profile  6 CPU profile, 30 s
 *     7 stats  8 trace, 5 s  0x10 set the garbage collector's percentage
 *
 * 9 would send the executable, and is not answered.  What C has not is answered by a line that says
 * so, since gops prints nothing and calls it success otherwise.  One thread answers one after the
 * other, as the original does.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <gor.h>
#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "inspect/http.h"

#define SECOND_NS INT64_C(1000000000)
#define SAY_WITHIN 5 // seconds, for the byte

struct gops {
	const struct module_host *host;
	int fd; // listens
};

static bool gops_wait(const void *arg, int64_t ns)
{
	struct pollfd gone = {.fd = *(const int *)arg, .events = POLLRDHUP};

	return poll(&gone, 1, (int)(ns / 1000000)) == 0 || !(gone.revents & (POLLHUP | POLLERR));
}

static void gops_stats(const struct module_host *host, int fd)
{
	struct module_numbers n;

	host->numbers(&n);
	dprintf(fd, "goroutines: %" PRIu64 "\nOS threads: %u\nGOMAXPROCS: %u\nnum CPU: %ld\n",
	        n.goroutines, n.threads, n.procs, sysconf(_SC_NPROCESSORS_ONLN));
}

static void gops_send(int fd, int file)
{
	off_t at = 0;
	struct stat st;

	if (fstat(file, &st) == 0)
		while (at < st.st_size && sendfile(fd, file, &at, (size_t)(st.st_size - at)) > 0)
			;
	close(file);
}

static void gops_cpu(const struct module_host *host, int fd)
{
	int err = cpu_collect(host, gops_wait, &fd, 30 * SECOND_NS, fd);

	if (err && err != -EPIPE)
		dprintf(fd, "no CPU profile: %s\n", strerror(-err));
}

static void gops_trace(const struct module_host *host, int fd)
{
	int file = trace_collect(host, gops_wait, &fd, 5 * SECOND_NS);

	if (file >= 0)
		gops_send(fd, file);
	else if (file != -EPIPE)
		dprintf(fd, "no trace: %s\n", strerror(-file));
}

static void gops_answer(const struct module_host *host, int fd)
{
	struct timeval patience = {.tv_sec = SAY_WITHIN};
	unsigned char byte;

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
	if (recv(fd, &byte, 1, 0) != 1)
		return;
	switch (byte) {
	case 1:
		host->profile("goroutine", fd, 2);
		break;
	case 2:
	case 0x10:
		dprintf(fd, "there is no garbage collector\n");
		break;
	case 3:
	case 5:
		dprintf(fd, "libgor does not own malloc, and knows nothing of the heap\n");
		break;
	case 4:
		dprintf(fd, "gor %s (C)\n", GOR_VERSION);
		break;
	case 6:
		gops_cpu(host, fd);
		break;
	case 7:
		gops_stats(host, fd);
		break;
	case 8:
		gops_trace(host, fd);
		break;
	default:
		dprintf(fd, "unknown request %u\n", byte);
	}
}

/** What was sent behind the byte is read, or the answer would be lost with it. */
static void gops_close(int fd)
{
	char rest[64];

	shutdown(fd, SHUT_WR);
	for (int i = 0; i < 16 && recv(fd, rest, sizeof rest, 0) > 0; i++)
		;
	close(fd);
}

static void *gops_main(void *arg)
{
	const struct gops *g = arg;
	struct pollfd next = {.fd = g->fd, .events = POLLIN};

	pthread_setname_np(pthread_self(), "gor gops");
	for (;;) {
		poll(&next, 1, -1); // the socket does not block
		int fd = accept4(g->fd, NULL, NULL, SOCK_CLOEXEC);
		if (fd < 0 && (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS))
			nanosleep(&(struct timespec){.tv_nsec = 100000000}, NULL); // it may pass
		if (fd < 0)
			continue;
		gops_answer(g->host, fd);
		gops_close(fd);
	}
	return NULL;
}

int inspect_gops(const struct module_host *host, int fd)
{
	struct gops *g = malloc(sizeof *g); // as long as the program
	pthread_attr_t attr;
	pthread_t thread;
	sigset_t all, before;

	if (!g)
		return -ENOMEM;
	*g = (struct gops){.host = host, .fd = fd};
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, MODULE_STACK);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	int err = -pthread_create(&thread, &attr, gops_main, g);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attr);
	if (err)
		free(g);
	return err;
}

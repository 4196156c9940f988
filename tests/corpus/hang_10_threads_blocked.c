/* SPDX-License-Identifier: MIT */
/*
 * hang_10_threads_blocked.c: every goroutine reads from a pipe of its own by read(2), each keeps a
 * thread, and nobody writes.
 *
 * expect: stuck-call|pool-exhausted fact
 * end: term
 */
#include "corpus.h"
#include <unistd.h>

enum { READERS = 4 };

static int pipes[READERS][2];

static int read_one(void *arg)
{
	char byte;

	return read(((int *)arg)[0], &byte, 1) == 1 ? byte : -1;
}

static void reader(void *arg)
{
	gor_blocking(read_one, arg);
}

static void feed(void *arg)
{
	(void)arg;
	for (int i = 0; FIXED && i < READERS; i++)
		if (write(pipes[i][1], "x", 1) != 1)
			return;
	if (!FIXED)
		gor_sleep(1500 * GOR_MILLISECOND); // longer than anything may take
	ready();
}

static int app(void)
{
	gor_waitgroup running = {0};

	for (int i = 0; i < READERS; i++) {
		if (pipe(pipes[i]) < 0)
			return 1;
		gor_wg_go(&running, reader, pipes[i]);
	}
	gor_wg_go(&running, feed, NULL);
	gor_wg_wait(&running);
	return 0;
}

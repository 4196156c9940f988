/* SPDX-License-Identifier: MIT */
/*
 * healthy_long_sleep.c: main sleeps for an hour, and a worker waits for what main will have for it
 * then.
 *
 * expect: clean
 * end: term
 */
#include "corpus.h"

static ints work;

static void worker(void *arg)
{
	(void)arg;
	while (gor_recv(work, NULL))
		;
}

static int app(void)
{
	gor_make(work, 0);
	gor_go(worker, NULL);
	gor_send(work, 1);
	ready();
	gor_sleep(GOR_HOUR);
	gor_close(work);
	return 0;
}

/* SPDX-License-Identifier: MIT */
/*
 * healthy_idle_pool.c: workers wait for work on a queue that a global variable holds, when main
 * returns.
 *
 * expect: clean
 */
#include "corpus.h"

enum { WORKERS = 8, JOBS = 20 };

static ints queue;
static gor_waitgroup jobs;

static void worker(void *arg)
{
	(void)arg;
	while (gor_recv(queue, NULL))
		gor_wg_done(&jobs);
}

static int app(void)
{
	gor_make(queue, 4);
	for (int i = 0; i < WORKERS; i++)
		gor_go(worker, NULL);
	gor_wg_add(&jobs, JOBS);
	for (int i = 0; i < JOBS; i++)
		gor_send(queue, i);
	gor_wg_wait(&jobs);
	return 0; // the pool is there as long as the process
}

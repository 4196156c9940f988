/* SPDX-License-Identifier: MIT */
/*
 * leak_19_growth_that_stops.c: A pool grows with its load up to a limit, idles, and is closed:
 * nothing is wrong.
 *
 * expect: clean
 */
#include "corpus.h"

enum { WORKERS_MAX = 6, JOBS = 24 };

struct pool {
	ints jobs;
	gor_waitgroup running;
	int workers;
};

static void work(void *arg)
{
	struct pool *p = arg;

	while (gor_recv(p->jobs, NULL))
		gor_sleep(GOR_MILLISECOND);
}

static void submit(struct pool *p, int job)
{
	if (p->workers < WORKERS_MAX && gor_len(p->jobs) == gor_cap(p->jobs)) {
		p->workers++;
		gor_wg_go(&p->running, work, p);
	}
	gor_send(p->jobs, job);
}

static int app(void)
{
	struct pool p = {.workers = 1};

	gor_make(p.jobs, 1);
	gor_wg_go(&p.running, work, &p);
	for (int i = 0; i < JOBS; i++)
		submit(&p, i);
	gor_sleep(20 * GOR_MILLISECOND); // no load for a while
	gor_close(p.jobs);
	gor_wg_wait(&p.running);
	gor_free(p.jobs);
	return 0;
}

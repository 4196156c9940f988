/* SPDX-License-Identifier: MIT */
/*
 * cockroach_1055.c: A worker registers itself in the drain counter and then waits for the stop
 * channel; the closer, holding the mutex, waits for a drain counter that nobody will ever
 * decrement.
 *
 * expect: global-deadlock proven
 */
#include "corpus.h"
#include <stdatomic.h>

struct stopper {
	gor_mutex mu;
	gor_waitgroup drain, stopped;
	gor_chan(char) stopper;
	atomic_bool draining;
};

static bool start_task(struct stopper *s)
{
	if (atomic_load(&s->draining))
		return false;
	gor_wg_add(&s->drain, 1);
	return true;
}

static void worker(void *arg)
{
	struct stopper *s = arg;

	if (start_task(s)) {
		if (FIXED)
			gor_wg_done(&s->drain); // what it waits for comes after the drain
		gor_recv(s->stopper, NULL);
		if (!FIXED)
			gor_wg_done(&s->drain);
	}
}

static void stop(struct stopper *s)
{
	gor_mutex_lock(&s->mu);
	atomic_store(&s->draining, true);
	gor_wg_wait(&s->drain);
	gor_close(s->stopper);
	gor_wg_wait(&s->stopped);
	gor_mutex_unlock(&s->mu);
}

static int app(void)
{
	struct stopper s = {0};

	gor_make(s.stopper, 0);
	for (int i = 0; i < 3; i++)
		gor_wg_go(&s.stopped, worker, &s);
	gor_yield();
	stop(&s);
	gor_free(s.stopper);
	return 0;
}

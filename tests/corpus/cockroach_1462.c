/* SPDX-License-Identifier: MIT */
/*
 * cockroach_1462.c: the event producer passes its stop check, then the stop channel closes and the
 * consumer leaves by that case; the producer stays blocked in its send, and the stopper waits for
 * it in the wait group.
 *
 * expect: global-deadlock proven
 */
#include "corpus.h"

struct stopper {
	gor_mutex mu;
	gor_cond drained;
	int tasks; // that must not be interrupted
	gor_chan(char) stop;
	gor_waitgroup workers;
};

struct feed {
	struct stopper *stopper;
	ints events;
	int seen;
};

static bool stopping(struct stopper *s)
{
	enum { STOP, NOT };

	return gor_select([STOP] = gor_on_recv(s->stop, NULL), [NOT] = gor_on_default) == STOP;
}

static void publish(void *arg)
{
	struct feed *f = arg;

	for (int event = 0; event < 50 && !stopping(f->stopper); event++) {
		if (FIXED)
			gor_select(gor_on_send(f->events, event), gor_on_recv(f->stopper->stop, NULL));
		else
			gor_send(f->events, event);
	}
}

static void monitor(void *arg)
{
	enum { EVENT, STOP };
	struct feed *f = arg;

	while (gor_select([EVENT] = gor_on_recv(f->events, NULL), [STOP] = gor_on_recv(f->stopper->stop,
	                                                                               NULL)) == EVENT)
		f->seen++;
}

static void task(void *arg)
{
	struct stopper *s = arg;

	gor_mutex_lock(&s->mu);
	s->tasks--;
	gor_cond_broadcast(&s->drained);
	gor_mutex_unlock(&s->mu);
}

static void stop(struct stopper *s)
{
	gor_mutex_lock(&s->mu);
	while (s->tasks > 0)
		gor_cond_wait(&s->drained, &s->mu);
	gor_mutex_unlock(&s->mu);
	gor_close(s->stop);
	gor_wg_wait(&s->workers);
}

static int app(void)
{
	struct stopper s = {.tasks = 1};
	struct feed f = {.stopper = &s};

	gor_make(s.stop, 0);
	gor_make(f.events, 0);
	gor_wg_go(&s.workers, publish, &f);
	gor_wg_go(&s.workers, monitor, &f);
	gor_go(task, &s);
	stop(&s);
	gor_free(f.events);
	gor_free(s.stop);
	return 0;
}

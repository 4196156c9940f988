/* SPDX-License-Identifier: MIT */
/*
 * istio_18454.c: the loop drains a timer's channel after a stop that failed, but the value had
 * been consumed already: it waits on a timer that will not fire; the producer then fills the reset
 * channel.
 *
 * expect: leak probable
 */
#include "corpus.h"

struct worker {
	ints reset;
	gor_chan(char) fired; // the timer's channel, as Go had it before 1.23: a stop does not drain it
	gor_mutex mu;
	bool armed;
	int pushed;
	gor_ctx *ctx;
};

static bool timer_stop(struct worker *w)
{
	bool was;

	gor_mutex_lock(&w->mu);
	was = w->armed;
	w->armed = false;
	gor_mutex_unlock(&w->mu);
	return was;
}

static void timer_fire(void *arg)
{
	struct worker *w = arg;

	gor_sleep(GOR_MILLISECOND);
	if (timer_stop(w))
		gor_send(w->fired, 0);
}

static void timer_start(struct worker *w)
{
	gor_mutex_lock(&w->mu);
	w->armed = true;
	gor_mutex_unlock(&w->mu);
	gor_go(timer_fire, w);
}

static void loop(void *arg)
{
	enum { RESET, FIRED, DONE };
	struct worker *w = arg;

	timer_start(w);
	for (;;) {
		switch (
			gor_select([RESET] = gor_on_recv(w->reset, NULL), [FIRED] = gor_on_recv(w->fired, NULL),
		               [DONE] = gor_on_recv(gor_ctx_done(w->ctx), NULL))) {
		case RESET:
			if (!timer_stop(w)) {
				if (FIXED)
					gor_try_recv(w->fired, NULL);
				else
					gor_recv(w->fired, NULL); // if it had fired, a value is there, it thinks
			}
			timer_start(w);
			break;
		case FIRED:
			w->pushed++;
			break;
		case DONE:
			return;
		}
	}
}

static void produce(void *arg)
{
	struct worker *w = arg;

	for (int i = 0; i < 4; i++) {
		gor_sleep(GOR_MILLISECOND);
		gor_select(gor_on_send(w->reset, i), gor_on_recv(gor_ctx_done(w->ctx), NULL));
	}
}

static void worker(void *arg)
{
	struct worker *w = calloc(1, sizeof *w);

	w->ctx = arg;
	gor_make(w->reset, 1);
	gor_make(w->fired, 1);
	gor_go(loop, w);
	gor_go(produce, w);
}

static int app(void)
{
	gor_ctx *ctx = gor_ctx_with_cancel(gor_ctx_background());

	gor_go(worker, ctx);
	gor_sleep(20 * GOR_MILLISECOND);
	gor_ctx_cancel(ctx);
	gor_sleep(20 * GOR_MILLISECOND); // the pilot goes on
	gor_ctx_free(ctx);
	return 0;
}

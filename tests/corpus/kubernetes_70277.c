/* SPDX-License-Identifier: MIT */
/*
 * kubernetes_70277.c: main waits for a done channel that nobody closes, while the poller is woken
 * by its ticker again and again until a timer of 20 s ends: a deadlock hidden behind a live timer.
 *
 * expect: hidden-deadlock suspect
 * names: a timer
 * end: term
 */
#include "corpus.h"

struct poll {
	ints ticks;
	gor_chan(char) done;
};

static void poller(struct poll *p)
{
	enum { TICK, AFTER, DONE } got;
	gor_ticker tick;
	gor_timer after;

	gor_ticker_start(&tick, 5 * GOR_MILLISECOND);
	gor_timer_start(&after, 20 * GOR_SECOND);
	for (int n = 1;; n++) {
		got = gor_select([TICK] = gor_on_recv(tick.c, NULL), [AFTER] = gor_on_recv(after.c, NULL),
		                 [DONE] = gor_on_recv(p->done, NULL));
		if (got != TICK)
			break;
		gor_try_send(p->ticks, n); // a tick that nobody takes is dropped
		if (n == 20)
			ready();
	}
	gor_timer_stop(&after);
	gor_ticker_stop(&tick);
	gor_close(p->ticks);
}

static bool condition(int n)
{
	return n >= 3;
}

// Waits until the condition holds, or the poller gives up.
static void wait_for(struct poll *p)
{
	int n = 0;

	while (gor_recv(p->ticks, &n))
		if (condition(n))
			break;
	if (FIXED)
		gor_close(p->done);
}

static int app(void)
{
	gor_chan(char) stopped;
	struct poll p;

	gor_make(p.ticks, 1);
	gor_make(p.done, 0);
	stopped = p.done;
	gor_go_copy(poller, p);
	wait_for(&p);
	gor_recv(stopped, NULL);
	while (FIXED && gor_recv(p.ticks, NULL)) // until the poller has ended
		;
	gor_free(p.ticks);
	gor_free(p.done);
	return 0;
}

/* SPDX-License-Identifier: MIT */
/*
 * healthy_ticker_tells.c: main waits for a goroutine that a ticker drives and that will tell it
 * after an hour of ticks.
 *
 * expect: clean
 * end: term
 */
#include "corpus.h"

struct watch {
	gor_chan(char) done, abort;
};

static void count(struct watch *w)
{
	enum { TICK, ABORT };
	gor_ticker tick;
	int n = 0;

	gor_ticker_start(&tick, 2 * GOR_MILLISECOND);
	while (n < 1800000 &&
	       gor_select([TICK] = gor_on_recv(tick.c, NULL), [ABORT] = gor_on_recv(w->abort, NULL)) ==
	           TICK)
		if (++n == 20)
			ready();
	gor_ticker_stop(&tick);
	gor_close(w->done);
}

static int app(void)
{
	struct watch w;
	gor_chan(char) done;

	gor_make(w.done, 0);
	gor_make(w.abort, 0);
	done = w.done;
	gor_go_copy(count, w);
	gor_recv(done, NULL);
	return 0;
}

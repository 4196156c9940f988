/* SPDX-License-Identifier: MIT */
/*
 * hang_01_killed.c: main waits for a worker that has ended without a word, hidden behind a ticker
 * that goes on; the end is a SIGKILL, so that nobody can look at the memory then, but the recorder
 * has after a second.
 *
 * expect: hidden-deadlock probable
 * names: a timer
 * end: kill
 */
#include "corpus.h"

struct job {
	ints result;
	bool fails;
};

static void work(struct job *j)
{
	if (!j->fails || FIXED)
		gor_send(j->result, j->fails ? -1 : 0);
}

static void statistics(ints *quit)
{
	enum { TICK, QUIT };
	gor_ticker tick;
	int n = 0;

	gor_ticker_start(&tick, 2 * GOR_MILLISECOND);
	while (gor_select([TICK] = gor_on_recv(tick.c, NULL), [QUIT] = gor_on_recv(*quit, NULL)) ==
	       TICK)
		if (++n == 700)
			ready();
	gor_ticker_stop(&tick);
}

static int app(void)
{
	ints result, quit;

	gor_make(result, 0);
	gor_make(quit, 0);
	gor_go_copy(statistics, quit);
	gor_go_copy(work, ((struct job){result, true}));
	gor_recv(result, NULL);
	gor_send(quit, 0);
	gor_free(result);
	gor_free(quit);
	return 0;
}

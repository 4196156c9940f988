/* SPDX-License-Identifier: MIT */
/*
 * leak_07_ticker.c: each session starts a loop that a ticker drives, and the end of the session
 * does not stop it.
 *
 * expect: alive-at-exit|leak-growth suspect
 */
#include "corpus.h"

struct session {
	gor_chan(char) closed;
	int beats;
};

static void heartbeat(struct session *s)
{
	enum { TICK, CLOSED };
	gor_ticker beat;

	gor_ticker_start(&beat, GOR_MILLISECOND);
	while (gor_select([TICK] = gor_on_recv(beat.c, NULL), [CLOSED] =
	                                                          gor_on_recv(s->closed, NULL)) == TICK)
		s->beats++;
	gor_ticker_stop(&beat);
}

static void session(void *arg)
{
	struct session s = {0};

	(void)arg;
	gor_make(s.closed, 0);
	gor_go_copy(heartbeat, s);
	gor_yield(); // the session's work
	if (FIXED)
		gor_close(s.closed);
}

static int app(void)
{
	for (int i = 0; i < 8; i++) {
		gor_go(session, NULL);
		gor_sleep(3 * GOR_MILLISECOND);
	}
	return 0;
}

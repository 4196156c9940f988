/* SPDX-License-Identifier: MIT */
/*
 * hang_01_timer.c: main waits for a result that nobody will send, hidden behind a timer that is an
 * hour away.
 *
 * expect: hidden-deadlock probable
 * names: a timer
 * end: term
 */
#include "corpus.h"

static void expire(ints *sessions)
{
	enum { SESSION, EXPIRED };
	gor_timer hour;

	gor_timer_start(&hour, GOR_HOUR);
	gor_select([SESSION] = gor_on_recv(*sessions, NULL), [EXPIRED] = gor_on_recv(hour.c, NULL));
	gor_timer_stop(&hour);
}

static int app(void)
{
	ints result, sessions;

	gor_make(result, FIXED ? 1 : 0);
	gor_make(sessions, 0);
	gor_go_copy(expire, sessions);
	if (FIXED)
		gor_send(result, 1);
	ready();
	gor_recv(result, NULL);
	gor_send(sessions, 0);
	gor_free(sessions);
	gor_free(result);
	return 0;
}

/* SPDX-License-Identifier: MIT */
/*
 * healthy_nil_and_timeout.c: A select on a channel that was never made has a time limit as well.
 *
 * expect: clean
 * end: term
 */
#include "corpus.h"

static void follow(ints *updates)
{
	enum { UPDATE, LATE };

	while (gor_select([UPDATE] = gor_on_recv(*updates, NULL), [LATE] = gor_on_timeout(GOR_HOUR)) ==
	       UPDATE)
		;
}

static int app(void)
{
	ints none = NULL, never;

	gor_make(never, 0);
	gor_go_copy(follow, none);
	ready();
	gor_recv_until(never, NULL, gor_deadline(GOR_HOUR));
	return 0;
}

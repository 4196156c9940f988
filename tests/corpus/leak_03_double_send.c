/* SPDX-License-Identifier: MIT */
/*
 * leak_03_double_send.c: after an error is sent a return is missing, and the result is sent as
 * well; only one is received.
 *
 * expect: leak probable
 */
#include "corpus.h"

static void lookup(ints *result)
{
	bool failed = true;

	if (failed) {
		gor_send(*result, -1);
		if (FIXED)
			return;
	}
	gor_send(*result, 0);
}

static void ask(void *arg)
{
	ints result;
	int got;

	(void)arg;
	gor_make(result, 0);
	gor_go_copy(lookup, result);
	gor_recv(result, &got);
	if (FIXED)
		gor_free(result);
}

static int app(void)
{
	gor_go(ask, NULL);
	gor_sleep(20 * GOR_MILLISECOND); // other questions
	return 0;
}

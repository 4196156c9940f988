/* SPDX-License-Identifier: MIT */
/*
 * leak_05_timeout.c: A time-out wins the select, and the worker sends its result to nobody later.
 *
 * expect: leak probable
 */
#include "corpus.h"

static void compute(ints *result)
{
	gor_sleep(3 * GOR_MILLISECOND);
	gor_send(*result, 42);
}

static int limited(void)
{
	enum { RESULT, LATE };
	ints result;
	int got = -1;

	gor_make(result, FIXED ? 1 : 0);
	gor_go_copy(compute, result);
	if (gor_select([RESULT] = gor_on_recv(result, &got), [LATE] = gor_on_timeout(
															 GOR_MILLISECOND)) == RESULT)
		gor_free(result);
	return got;
}

static void serve(void *arg)
{
	(void)arg;
	for (int i = 0; i < 3; i++)
		limited();
}

static int app(void)
{
	gor_go(serve, NULL);
	gor_sleep(50 * GOR_MILLISECOND); // the server goes on
	return 0;
}

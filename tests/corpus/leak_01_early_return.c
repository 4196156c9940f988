/* SPDX-License-Identifier: MIT */
/*
 * leak_01_early_return.c: the caller returns early on an error and never receives what the task it
 * started will send.
 *
 * expect: leak probable
 */
#include "corpus.h"

static void fetch(ints *answer)
{
	gor_yield(); // the network
	gor_send(*answer, 42);
}

static int check(int request)
{
	return request % 2 ? -1 : 0;
}

static int handle(int request)
{
	ints answer;
	int got = -1;

	gor_make(answer, FIXED ? 1 : 0);
	gor_go_copy(fetch, answer);
	if (check(request) < 0)
		return -1; // and with a buffer, the send succeeds nevertheless
	gor_recv(answer, &got);
	gor_free(answer);
	return got;
}

static void serve(void *arg)
{
	(void)arg;
	for (int request = 0; request < 4; request++)
		handle(request);
}

static int app(void)
{
	gor_go(serve, NULL);
	gor_sleep(20 * GOR_MILLISECOND); // the server goes on
	return 0;
}

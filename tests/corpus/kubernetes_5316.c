/* SPDX-License-Identifier: MIT */
/*
 * kubernetes_5316.c: the request times out first, so the handler's task blocks sending its result
 * on an unbuffered channel.
 *
 * expect: leak probable
 */
#include "corpus.h"

static void handler(ints *result)
{
	gor_sleep(5 * GOR_MILLISECOND); // the storage is slow
	gor_send(*result, 200);
}

static void finish_request(void *arg)
{
	ints result;
	int code;

	(void)arg;
	gor_make(result, FIXED ? 1 : 0);
	gor_go_copy(handler, result);
	if (gor_recv_until(result, &code, gor_deadline(GOR_MILLISECOND)) == 1)
		gor_free(result);
}

static int app(void)
{
	gor_go(finish_request, NULL);
	gor_sleep(20 * GOR_MILLISECOND); // other requests
	return 0;
}

/* SPDX-License-Identifier: MIT */
/*
 * leak_18_one_a_request.c: A server of many requests leaves one goroutine behind for each that
 * fails.
 *
 * expect: leak probable
 */
#include "corpus.h"

struct request {
	int number;
	ints reply;
};

static void backend(struct request *r)
{
	gor_sleep(GOR_MILLISECOND);
	gor_send(r->reply, r->number);
}

static void handle(struct request *r)
{
	enum { REPLY, LATE };

	gor_make(r->reply, FIXED ? 1 : 0);
	gor_go_copy(backend, *r);
	if (r->number % 3 && gor_recv(r->reply, NULL))
		gor_free(r->reply); // those in time
}

static int app(void)
{
	for (int i = 0; i < 30; i++) {
		gor_go_copy(handle, (struct request){.number = i});
		gor_sleep(GOR_MILLISECOND);
	}
	gor_sleep(5 * GOR_MILLISECOND);
	return 0;
}

/* SPDX-License-Identifier: MIT */
/*
 * healthy_chan_in_chan_exit.c: goroutines wait for their replies, whose channels are in the buffer
 * of another channel, when main returns.
 *
 * expect: clean
 */
#include "corpus.h"

typedef gor_chan(ints) requests;

static requests queue;

static void ask(void *arg)
{
	ints reply;

	(void)arg;
	gor_make(reply, 0);
	gor_send(queue, reply);
	gor_recv(reply, NULL);
	gor_free(reply);
}

static void serve(void *arg)
{
	ints reply;

	(void)arg;
	gor_sleep(GOR_HOUR); // once an hour
	while (gor_try_recv(queue, &reply) == 1)
		gor_send(reply, 1);
}

static int app(void)
{
	gor_make(queue, 4);
	gor_go(ask, NULL);
	gor_go(ask, NULL);
	gor_go(serve, NULL);
	while (gor_len(queue) < 2)
		gor_yield();
	gor_sleep(GOR_MILLISECOND);
	return 0;
}

/* SPDX-License-Identifier: MIT */
/*
 * healthy_chan_in_chan.c: A goroutine waits for its reply, whose channel is in the buffer of
 * another channel, for a server that is on its way.
 *
 * expect: clean
 * end: term
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

static int app(void)
{
	ints reply;

	gor_make(queue, 4);
	gor_go(ask, NULL);
	gor_go(ask, NULL);
	while (gor_len(queue) < 2)
		gor_yield();
	ready();
	gor_sleep(GOR_HOUR); // the server starts
	while (gor_try_recv(queue, &reply) == 1)
		gor_send(reply, 1);
	return 0;
}

/* SPDX-License-Identifier: MIT */
/*
 * healthy_slow_consumer.c: fast senders wait for a slow receiver most of the time, and all is
 * received in the end.
 *
 * expect: clean
 */
#include "corpus.h"

enum { SENDERS = 6, EACH = 5 };

struct line {
	ints items;
	gor_waitgroup senders;
};

static void produce(void *arg)
{
	struct line *l = arg;

	for (int i = 0; i < EACH; i++)
		gor_send(l->items, i);
}

static void end(void *arg)
{
	struct line *l = arg;

	gor_wg_wait(&l->senders);
	gor_close(l->items);
}

static int app(void)
{
	struct line l = {0};
	int got = 0;

	gor_make(l.items, 0);
	for (int i = 0; i < SENDERS; i++)
		gor_wg_go(&l.senders, produce, &l);
	gor_go(end, &l);
	for (; gor_recv(l.items, NULL); got++)
		gor_sleep(GOR_MILLISECOND);
	gor_free(l.items);
	return got == SENDERS * EACH ? 0 : 1;
}

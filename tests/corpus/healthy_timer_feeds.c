/* SPDX-License-Identifier: MIT */
/*
 * healthy_timer_feeds.c: A goroutine waits for another, which waits for a timer, when main
 * returns.
 *
 * expect: clean
 */
#include "corpus.h"

static void consume(ints *values)
{
	while (gor_recv(*values, NULL))
		;
}

static void produce(void *arg)
{
	gor_ticker hourly;
	ints values;

	(void)arg;
	gor_make(values, 0);
	gor_go_copy(consume, values);
	gor_ticker_start(&hourly, GOR_HOUR);
	for (int i = 0; i < 3; i++) {
		gor_recv(hourly.c, NULL);
		gor_send(values, i);
	}
	gor_ticker_stop(&hourly);
	gor_close(values);
}

static int app(void)
{
	gor_go(produce, NULL);
	gor_sleep(5 * GOR_MILLISECOND);
	return 0;
}

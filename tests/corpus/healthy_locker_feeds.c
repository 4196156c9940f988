/* SPDX-License-Identifier: MIT */
/*
 * healthy_locker_feeds.c: A goroutine waits for another, which waits for a lock that main will
 * release, when main is told to end.
 *
 * expect: clean
 * end: term
 */
#include "corpus.h"

static gor_mutex mu;

static void produce(ints *values)
{
	gor_mutex_lock(&mu);
	gor_mutex_unlock(&mu);
	gor_send(*values, 1);
}

static void consume(void *arg)
{
	ints values;

	(void)arg;
	gor_make(values, 0);
	gor_go_copy(produce, values);
	gor_recv(values, NULL);
	gor_free(values);
}

static int app(void)
{
	gor_mutex_lock(&mu);
	gor_go(consume, NULL);
	gor_sleep(5 * GOR_MILLISECOND);
	ready();
	gor_sleep(GOR_HOUR);
	gor_mutex_unlock(&mu);
	return 0;
}

/* SPDX-License-Identifier: MIT */
/*
 * healthy_lock_convoy.c: many goroutines want one lock all the time, and each gets it.
 *
 * expect: clean
 */
#include "corpus.h"

enum { GOROUTINES = 16, TIMES = 20 };

static struct {
	gor_mutex mu;
	int count;
} counter;

static void count(void *arg)
{
	(void)arg;
	for (int i = 0; i < TIMES; i++) {
		gor_mutex_lock(&counter.mu);
		counter.count++;
		gor_yield(); // with the lock: all others queue
		gor_mutex_unlock(&counter.mu);
	}
}

static int app(void)
{
	gor_waitgroup running = {0};

	for (int i = 0; i < GOROUTINES; i++)
		gor_wg_go(&running, count, NULL);
	gor_wg_wait(&running);
	return counter.count == GOROUTINES * TIMES ? 0 : 1;
}

/* SPDX-License-Identifier: MIT */
/*
 * leak_13_lock_over_channel.c: A task sends with the lock held; the receiver wants the lock before
 * it receives.
 *
 * expect: partial-deadlock probable
 */
#include "corpus.h"

static struct {
	gor_mutex mu;
	int items;
} shared;

static void put(ints *queue)
{
	gor_mutex_lock(&shared.mu);
	shared.items++;
	if (FIXED)
		gor_mutex_unlock(&shared.mu);
	gor_send(*queue, 1);
	if (!FIXED)
		gor_mutex_unlock(&shared.mu);
}

static void take(ints *queue)
{
	gor_mutex_lock(&shared.mu);
	shared.items--;
	gor_mutex_unlock(&shared.mu);
	gor_recv(*queue, NULL);
}

static void start(void *arg)
{
	ints queue;

	(void)arg;
	gor_make(queue, 0);
	gor_go_copy(put, queue);
	gor_go_copy(take, queue);
}

static int app(void)
{
	gor_go(start, NULL);
	gor_sleep(20 * GOR_MILLISECOND); // the program goes on
	return 0;
}

/* SPDX-License-Identifier: MIT */
/*
 * leak_11_lost_wakeup.c: the consumer looks at the flag without the lock, and the signal comes
 * before it waits.
 *
 * expect: lost-wakeup|leak probable
 */
#include "corpus.h"
#include <stdatomic.h>

struct box {
	gor_mutex mu;
	gor_cond full;
	atomic_bool has;
	gor_waitgroup users;
};

static void consume(void *arg)
{
	struct box *b = arg;

	if (FIXED) {
		gor_mutex_lock(&b->mu);
		while (!atomic_load(&b->has))
			gor_cond_wait(&b->full, &b->mu);
		gor_mutex_unlock(&b->mu);
	} else if (!atomic_load(&b->has)) {
		gor_mutex_lock(&b->mu); // here the producer may come in between
		gor_cond_wait(&b->full, &b->mu);
		gor_mutex_unlock(&b->mu);
	}
}

static void produce(void *arg)
{
	struct box *b = arg;

	gor_mutex_lock(&b->mu);
	atomic_store(&b->has, true);
	gor_cond_signal(&b->full);
	gor_mutex_unlock(&b->mu);
}

static void exchange(void *arg)
{
	struct box b = {0};

	(void)arg;
	gor_wg_go(&b.users, consume, &b);
	gor_wg_go(&b.users, produce, &b);
	gor_wg_wait(&b.users);
}

static int app(void)
{
	gor_go(exchange, NULL);
	gor_sleep(20 * GOR_MILLISECOND); // the program goes on
	return 0;
}

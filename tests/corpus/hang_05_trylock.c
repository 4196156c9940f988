/* SPDX-License-Identifier: MIT */
/*
 * hang_05_trylock.c: two goroutines each hold a lock and try for the other's without ever letting
 * go of their own.
 *
 * expect: livelock|poll suspect
 * end: term
 */
#include "corpus.h"

static gor_mutex locks[2];

static void both(int *first)
{
	gor_mutex *mine = &locks[*first], *other = &locks[1 - *first];
	int64_t began = gor_now();
	bool told = false;

	gor_mutex_lock(mine);
	gor_yield(); // the work for which one is enough
	while (gor_mutex_trylock(other) < 0) {
		if (FIXED)
			gor_mutex_unlock(mine);
		gor_yield();
		if (FIXED)
			gor_mutex_lock(mine);
		if (!told && gor_now() - began > GOR_SECOND) {
			ready();
			told = true;
		}
	}
	gor_mutex_unlock(other);
	gor_mutex_unlock(mine);
}

static void zero(void *arg)
{
	int first = 0;

	(void)arg;
	both(&first);
}

static void one(void *arg)
{
	int first = FIXED ? 0 : 1;

	(void)arg;
	both(&first);
}

static int app(void)
{
	gor_waitgroup running = {0};

	gor_wg_go(&running, zero, NULL);
	gor_wg_go(&running, one, NULL);
	gor_wg_wait(&running);
	return 0;
}

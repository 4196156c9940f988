/* SPDX-License-Identifier: MIT */
/*
 * leak_14_gated.c: two locks are taken in opposite orders, but always under a third: nothing is
 * wrong.
 *
 * expect: clean
 */
#include "corpus.h"

static gor_mutex gate, a, b;
static int done;

static void both(gor_mutex *first, gor_mutex *second)
{
	gor_mutex_lock(&gate);
	gor_mutex_lock(first);
	gor_mutex_lock(second);
	done++;
	gor_mutex_unlock(second);
	gor_mutex_unlock(first);
	gor_mutex_unlock(&gate);
}

static void ab(void *arg)
{
	(void)arg;
	both(&a, &b);
}

static void ba(void *arg)
{
	(void)arg;
	both(&b, &a);
}

static int app(void)
{
	gor_waitgroup running = {0};

	gor_wg_go(&running, ab, NULL);
	gor_wg_go(&running, ba, NULL);
	gor_wg_wait(&running);
	return done == 2 ? 0 : 1;
}

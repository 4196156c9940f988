/* SPDX-License-Identifier: MIT */
/*
 * leak_14_good_run.c: two locks are taken in opposite orders, by two tasks of which the second
 * starts late enough, as a rule.
 *
 * expect: lock-order predicted
 */
#include "corpus.h"

static gor_mutex index_lock, data_lock;
static int generation, records;

static void insert(void *arg)
{
	(void)arg;
	gor_mutex_lock(&data_lock);
	gor_mutex_lock(&index_lock);
	records++;
	gor_mutex_unlock(&index_lock);
	gor_mutex_unlock(&data_lock);
}

static void compact(void *arg)
{
	(void)arg;
	gor_sleep(2 * GOR_MILLISECOND); // from time to time
	gor_mutex_lock(FIXED ? &data_lock : &index_lock);
	gor_mutex_lock(FIXED ? &index_lock : &data_lock);
	generation++;
	gor_mutex_unlock(FIXED ? &index_lock : &data_lock);
	gor_mutex_unlock(FIXED ? &data_lock : &index_lock);
}

static int app(void)
{
	gor_waitgroup running = {0};

	gor_wg_go(&running, insert, NULL);
	gor_wg_go(&running, compact, NULL);
	gor_wg_wait(&running);
	return records == 1 && generation == 1 ? 0 : 1;
}

/* SPDX-License-Identifier: MIT */
/*
 * leak_15_recursive_read.c: A reader takes the read lock again while a writer has queued for it.
 *
 * expect: lock-deadlock proven
 */
#include "corpus.h"

static struct {
	gor_rwmutex mu;
	int size;
} cache = {.size = 3};

static int size(void)
{
	int n;

	gor_rwmutex_rlock(&cache.mu);
	n = cache.size;
	gor_rwmutex_runlock(&cache.mu);
	return n;
}

static void report(void *arg)
{
	int before = FIXED ? size() : 0;

	(void)arg;
	gor_rwmutex_rlock(&cache.mu);
	before += FIXED ? 0 : size();
	gor_rwmutex_runlock(&cache.mu);
}

static void insert(void *arg)
{
	(void)arg;
	gor_rwmutex_lock(&cache.mu);
	cache.size++;
	gor_rwmutex_unlock(&cache.mu);
}

static int app(void)
{
	gor_go(report, NULL);
	gor_go(insert, NULL);
	gor_sleep(20 * GOR_MILLISECOND); // the program goes on
	return 0;
}

/* SPDX-License-Identifier: MIT */
/*
 * leak_16_upgrade.c: two readers each ask for the write lock with the read lock held.
 *
 * expect: lock-deadlock proven
 */
#include "corpus.h"

static struct {
	gor_rwmutex mu;
	bool loaded;
	int loads;
} config;

static void load(void *arg)
{
	(void)arg;
	gor_rwmutex_rlock(&config.mu);
	if (config.loaded) {
		gor_rwmutex_runlock(&config.mu);
		return;
	}
	if (FIXED)
		gor_rwmutex_runlock(&config.mu);
	gor_rwmutex_lock(&config.mu);
	config.loads += !config.loaded;
	config.loaded = true;
	gor_rwmutex_unlock(&config.mu);
	if (!FIXED)
		gor_rwmutex_runlock(&config.mu);
}

static int app(void)
{
	gor_go(load, NULL);
	gor_go(load, NULL);
	gor_sleep(20 * GOR_MILLISECOND); // the program goes on
	return 0;
}

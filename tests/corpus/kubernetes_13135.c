/* SPDX-License-Identifier: MIT */
/*
 * kubernetes_13135.c: adding an object holds the watch cache's lock and asks for the cacher's
 * lock, while the restarted reflector holds the cacher's lock and asks for the watch cache's.
 *
 * expect: lock-deadlock proven
 */
#include "corpus.h"

static struct {
	gor_rwmutex cache; // the watch cache
	gor_mutex mu;      // the cacher
	int objects, watchers, initialized;
	gor_once usable;
	gor_waitgroup stopped;
} cacher;

static void process_event(void)
{
	gor_mutex_lock(&cacher.mu);
	cacher.watchers++;
	gor_mutex_unlock(&cacher.mu);
}

static void add(void *arg)
{
	(void)arg;
	gor_rwmutex_lock(&cacher.cache);
	cacher.objects++;
	if (FIXED)
		gor_rwmutex_unlock(&cacher.cache);
	process_event(); // the hook of each event
	if (!FIXED)
		gor_rwmutex_unlock(&cacher.cache);
}

static void make_usable(void)
{
	cacher.initialized++;
}

static void start_caching(void *arg)
{
	(void)arg;
	gor_mutex_lock(&cacher.mu);
	gor_once_do(&cacher.usable, make_usable);
	gor_rwmutex_lock(&cacher.cache); // replaces what is in it
	cacher.objects = 0;
	gor_rwmutex_unlock(&cacher.cache);
	gor_mutex_unlock(&cacher.mu);
}

static int app(void)
{
	gor_wg_go(&cacher.stopped, start_caching, NULL);
	gor_wg_go(&cacher.stopped, add, NULL);
	gor_sleep(20 * GOR_MILLISECOND); // the server goes on
	return 0;
}

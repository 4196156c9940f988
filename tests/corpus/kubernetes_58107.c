/* SPDX-License-Identifier: MIT */
/*
 * kubernetes_58107.c: A worker waits on a condition variable while holding a read lock, a writer
 * queues, and the other worker waits behind the writer; the signals have been spent already.
 *
 * expect: partial-deadlock|lost-wakeup|leak probable
 */
#include "corpus.h"

static struct {
	gor_rwmutex workers; // read: a worker works; write: a resync
	gor_mutex mu;
	gor_cond more;
	int queue, handled;
	bool shut;
} controller;

static bool next(void)
{
	bool any;

	gor_mutex_lock(&controller.mu);
	while (controller.queue == 0 && !controller.shut)
		gor_cond_wait(&controller.more, &controller.mu);
	any = controller.queue > 0;
	controller.queue -= any;
	gor_mutex_unlock(&controller.mu);
	return any;
}

static void worker(void *arg)
{
	bool any = true;

	(void)arg;
	while (any) {
		if (FIXED)
			any = next();
		gor_rwmutex_rlock(&controller.workers);
		if (!FIXED)
			any = next();
		controller.handled += any;
		gor_rwmutex_runlock(&controller.workers);
		gor_yield(); // the work
	}
}

static void enqueue(void)
{
	gor_mutex_lock(&controller.mu);
	controller.queue++;
	gor_cond_signal(&controller.more);
	gor_mutex_unlock(&controller.mu);
}

static void resync(void *arg)
{
	(void)arg;
	enqueue();
	gor_sleep(GOR_MILLISECOND);
	gor_rwmutex_lock(&controller.workers);
	gor_mutex_lock(&controller.mu);
	controller.shut = true;
	gor_cond_broadcast(&controller.more);
	gor_mutex_unlock(&controller.mu);
	gor_rwmutex_unlock(&controller.workers);
}

static int app(void)
{
	gor_go(worker, NULL);
	gor_go(worker, NULL);
	gor_go(resync, NULL);
	gor_sleep(20 * GOR_MILLISECOND); // other controllers
	return 0;
}

/* SPDX-License-Identifier: MIT */
/*
 * cockroach_16167.c: A task holds the read lock of the system configuration, a writer queues, and
 * the same task takes the read lock again behind the queued writer.
 *
 * expect: lock-deadlock proven
 */
#include "corpus.h"

static struct {
	gor_rwmutex config; // the system configuration
	gor_mutex mu;       // of the condition
	gor_cond changed;
	bool known;
	int version;
	gor_waitgroup running;
} executor;

static int read_config(void)
{
	int v;

	gor_rwmutex_rlock(&executor.config);
	v = executor.version;
	gor_rwmutex_runlock(&executor.config);
	return v;
}

// Waits for the first configuration; the condition's locker is the read lock.
static void wait_for_config(void)
{
	gor_mutex_lock(&executor.mu);
	while (!executor.known) {
		gor_rwmutex_runlock(&executor.config);
		gor_cond_wait(&executor.changed, &executor.mu);
		gor_mutex_unlock(&executor.mu);
		gor_rwmutex_rlock(&executor.config);
		gor_mutex_lock(&executor.mu);
	}
	gor_mutex_unlock(&executor.mu);
}

static void execute(void *arg)
{
	(void)arg;
	gor_rwmutex_rlock(&executor.config);
	wait_for_config();
	if (FIXED)
		gor_rwmutex_runlock(&executor.config);
	read_config();
	if (!FIXED)
		gor_rwmutex_runlock(&executor.config);
}

static void update(void)
{
	gor_rwmutex_lock(&executor.config);
	executor.version++;
	gor_rwmutex_unlock(&executor.config);
	gor_mutex_lock(&executor.mu);
	executor.known = true;
	gor_cond_broadcast(&executor.changed);
	gor_mutex_unlock(&executor.mu);
}

static int app(void)
{
	gor_wg_go(&executor.running, execute, NULL);
	update(); // gossip brings the configuration, and soon a newer one
	update();
	gor_wg_wait(&executor.running);
	return 0;
}

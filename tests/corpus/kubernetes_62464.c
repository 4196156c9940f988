/* SPDX-License-Identifier: MIT */
/*
 * kubernetes_62464.c: the state's getter takes the read lock and calls another getter that takes
 * it again; a writer queues in between.
 *
 * expect: lock-deadlock proven
 */
#include "corpus.h"

static struct {
	gor_rwmutex mu;
	int default_cpus, assigned[4];
} state = {.default_cpus = 8};

static int default_set(void)
{
	int n;

	gor_rwmutex_rlock(&state.mu);
	n = state.default_cpus;
	gor_rwmutex_runlock(&state.mu);
	return n;
}

static int cpus_or_default(int container)
{
	int n;

	gor_rwmutex_rlock(&state.mu);
	n = state.assigned[container];
	if (FIXED) {
		n = n > 0 ? n : state.default_cpus;
		gor_rwmutex_runlock(&state.mu);
		return n;
	}
	n = n > 0 ? n : default_set();
	gor_rwmutex_runlock(&state.mu);
	return n;
}

static void reconcile(void *arg)
{
	(void)arg;
	for (int i = 0; i < 4; i++)
		cpus_or_default(i);
}

static void remove_container(void *arg)
{
	(void)arg;
	gor_rwmutex_lock(&state.mu);
	state.assigned[3] = 0;
	gor_rwmutex_unlock(&state.mu);
}

static int app(void)
{
	gor_go(reconcile, NULL);
	gor_go(remove_container, NULL);
	gor_sleep(20 * GOR_MILLISECOND); // the kubelet goes on
	return 0;
}

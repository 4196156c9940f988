/* SPDX-License-Identifier: MIT */
/*
 * syncthing_4829.c: clearing the addresses of a port mapping holds the write lock and notifies the
 * subscribers, which takes the read lock.
 *
 * expect: lock-deadlock proven
 */
#include "corpus.h"

struct mapping {
	gor_rwmutex mu;
	int external;
	void (*subscriber)(struct mapping *);
	int told;
};

static void log_change(struct mapping *m)
{
	m->told++;
}

static struct mapping mapping = {.external = 22000, .subscriber = log_change};

static void notify(struct mapping *m)
{
	gor_rwmutex_rlock(&m->mu);
	m->subscriber(m);
	gor_rwmutex_runlock(&m->mu);
}

static void clear_addresses(struct mapping *m)
{
	bool change;

	gor_rwmutex_lock(&m->mu);
	change = m->external != 0;
	m->external = 0;
	if (FIXED)
		gor_rwmutex_unlock(&m->mu);
	if (change)
		notify(m);
	if (!FIXED)
		gor_rwmutex_unlock(&m->mu);
}

static void serve(void *arg)
{
	clear_addresses(arg);
}

static int app(void)
{
	gor_go(serve, &mapping);
	gor_sleep(20 * GOR_MILLISECOND); // the program's other services
	return 0;
}

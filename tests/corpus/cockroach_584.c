/* SPDX-License-Identifier: MIT */
/*
 * cockroach_584.c: the gossip server's loop breaks out without unlocking, and the same task locks
 * again in the next function.
 *
 * expect: lock-deadlock proven
 */
#include "corpus.h"

struct gossip {
	gor_mutex mu;
	int rounds;
	bool connected;
};

static struct gossip gossip;

static void bootstrap(struct gossip *g)
{
	for (;;) {
		gor_mutex_lock(&g->mu);
		if (++g->rounds == 3)
			break; // the lock is still held
		gor_mutex_unlock(&g->mu);
	}
	if (FIXED)
		gor_mutex_unlock(&g->mu);
}

static void manage(struct gossip *g)
{
	gor_mutex_lock(&g->mu);
	g->connected = true;
	gor_mutex_unlock(&g->mu);
}

static void start(void *arg)
{
	bootstrap(arg);
	manage(arg);
}

static int app(void)
{
	gor_go(start, &gossip);
	gor_sleep(20 * GOR_MILLISECOND); // the server's other work
	return 0;
}

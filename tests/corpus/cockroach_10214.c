/* SPDX-License-Identifier: MIT */
/*
 * cockroach_10214.c: one task holds the lock of the coalesced heartbeats and asks for a replica's
 * raft lock, while the ticking task holds that raft lock and asks for the coalesced lock.
 *
 * expect: lock-deadlock proven
 */
#include "corpus.h"

struct replica {
	gor_mutex raft;
	bool quiescent;
};

static struct {
	gor_mutex coalesced;
	int heartbeats;
	struct replica replica;
} store;

static void report_unreachable(struct replica *r)
{
	gor_mutex_lock(&r->raft);
	r->quiescent = false;
	gor_mutex_unlock(&r->raft);
}

static void send_queued_heartbeats(void *arg)
{
	(void)arg;
	gor_mutex_lock(&store.coalesced);
	store.heartbeats = 0;
	if (FIXED)
		gor_mutex_unlock(&store.coalesced);
	report_unreachable(&store.replica);
	if (!FIXED)
		gor_mutex_unlock(&store.coalesced);
}

static void queue_heartbeat(void)
{
	gor_mutex_lock(&store.coalesced);
	store.heartbeats++;
	gor_mutex_unlock(&store.coalesced);
}

static void tick(void *arg)
{
	(void)arg;
	gor_mutex_lock(&store.replica.raft);
	if (!store.replica.quiescent)
		queue_heartbeat();
	gor_mutex_unlock(&store.replica.raft);
}

static int app(void)
{
	gor_go(send_queued_heartbeats, NULL);
	gor_go(tick, NULL);
	gor_sleep(20 * GOR_MILLISECOND); // the store serves requests
	return 0;
}

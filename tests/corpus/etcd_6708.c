/* SPDX-License-Identifier: MIT */
/*
 * etcd_6708.c: sync of the cluster's client holds the write lock and reaches a request, which
 * takes the read lock.
 *
 * expect: lock-deadlock proven
 */
#include "corpus.h"

struct client {
	gor_rwmutex mu;
	int endpoints[3];
	int count;
};

static int do_request(struct client *c)
{
	int to;

	gor_rwmutex_rlock(&c->mu);
	to = c->endpoints[c->count - 1];
	gor_rwmutex_runlock(&c->mu);
	return to;
}

static int sync_members(struct client *c)
{
	int leader;

	if (FIXED) {
		leader = do_request(c);
		gor_rwmutex_lock(&c->mu);
	} else {
		gor_rwmutex_lock(&c->mu);
		leader = do_request(c); // asks a member for the list of members
	}
	c->endpoints[0] = leader;
	c->count = 1;
	gor_rwmutex_unlock(&c->mu);
	return leader;
}

static int app(void)
{
	struct client c = {.endpoints = {2379, 2380, 2381}, .count = 3};

	return sync_members(&c) == 2381 ? 0 : 1;
}

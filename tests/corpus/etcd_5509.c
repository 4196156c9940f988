/* SPDX-License-Identifier: MIT */
/*
 * etcd_5509.c: close of a client unlocks for a moment; the reader takes the read lock, sees the
 * client closed and ends still holding it; Close's second write lock never succeeds.
 *
 * A read lock may be ended by another goroutine than took it, so that this is not sure.
 *
 * expect: abandoned-lock probable
 */
#include "corpus.h"

struct client {
	gor_rwmutex mu;
	gor_mutex errors;
	gor_ctx *ctx;
	ints dialled;
	int closed_connections, failures;
};

// A connection to work with, which is returned with the read lock held; or none.
static bool acquire(struct client *c)
{
	gor_rwmutex_rlock(&c->mu);
	if (!gor_ctx_err(c->ctx))
		return true;
	if (FIXED)
		gor_rwmutex_runlock(&c->mu);
	return false; // nobody unlocks for a caller that got nothing
}

static void get(void *arg)
{
	struct client *c = arg;

	if (acquire(c)) {
		gor_rwmutex_runlock(&c->mu);
		gor_send(c->dialled, 1);
		return;
	}
	gor_mutex_lock(&c->errors);
	c->failures++;
	gor_mutex_unlock(&c->errors);
	gor_send(c->dialled, 0);
}

static void close_client(struct client *c)
{
	gor_rwmutex_lock(&c->mu);
	gor_ctx_cancel(c->ctx);
	gor_rwmutex_unlock(&c->mu);
	gor_yield(); // connections are closed, one after the other
	gor_rwmutex_lock(&c->mu);
	c->closed_connections++;
	gor_rwmutex_unlock(&c->mu);
}

static int app(void)
{
	struct client c = {.ctx = gor_ctx_with_cancel(gor_ctx_background())};

	gor_make(c.dialled, 1);
	gor_go(get, &c);
	close_client(&c);
	gor_recv(c.dialled, NULL);
	gor_free(c.dialled);
	gor_ctx_free(c.ctx);
	return 0;
}

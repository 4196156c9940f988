/* SPDX-License-Identifier: MIT */
/*
 * etcd_6873.c: stop of the watch broadcasts holds the mutex, closes the update channel and waits
 * for the task that drains it, which still needs the mutex for the buffered update.
 *
 * expect: partial-deadlock probable
 */
#include "corpus.h"

struct broadcasts {
	gor_mutex mu;
	ints updates;
	gor_chan(char) done;
	int coalesced;
};

static void coalesce(struct broadcasts *b, int watch)
{
	gor_mutex_lock(&b->mu);
	b->coalesced += watch;
	gor_mutex_unlock(&b->mu);
}

static void drain(void *arg)
{
	struct broadcasts *b = arg;
	int watch;

	while (gor_recv(b->updates, &watch))
		coalesce(b, watch);
	gor_close(b->done);
}

static void stop(struct broadcasts *b)
{
	gor_mutex_lock(&b->mu);
	gor_close(b->updates);
	if (FIXED)
		gor_mutex_unlock(&b->mu);
	gor_recv(b->done, NULL);
	if (!FIXED)
		gor_mutex_unlock(&b->mu);
	gor_free(b->updates);
	gor_free(b->done);
	free(b);
}

static void proxy(void *arg)
{
	struct broadcasts *b = calloc(1, sizeof *b);

	(void)arg;
	gor_make(b->updates, 1);
	gor_make(b->done, 0);
	gor_go(drain, b);
	gor_send(b->updates, 7);
	stop(b);
}

static int app(void)
{
	gor_go(proxy, NULL);
	gor_sleep(20 * GOR_MILLISECOND); // other proxies
	return 0;
}

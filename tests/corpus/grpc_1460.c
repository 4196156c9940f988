/* SPDX-License-Identifier: MIT */
/*
 * grpc_1460.c: keep-alive waits for the awaken channel with the transport's lock held; the stream
 * opener that would awaken it needs the lock.
 *
 * expect: partial-deadlock probable
 */
#include "corpus.h"

struct transport {
	gor_mutex mu;
	gor_chan(char) awaken;
	int streams;
	gor_waitgroup users;
};

static void keepalive(void *arg)
{
	struct transport *t = arg;

	gor_mutex_lock(&t->mu);
	if (t->streams == 0) { // dormant until there is a stream again
		if (FIXED)
			gor_mutex_unlock(&t->mu);
		gor_recv(t->awaken, NULL);
		if (FIXED)
			gor_mutex_lock(&t->mu);
	}
	gor_mutex_unlock(&t->mu);
	gor_wg_done(&t->users);
}

static void new_stream(void *arg)
{
	struct transport *t = arg;

	gor_mutex_lock(&t->mu);
	if (t->streams++ == 0)
		gor_close(t->awaken);
	gor_mutex_unlock(&t->mu);
	gor_wg_done(&t->users);
}

static void connection(void *arg)
{
	struct transport *t = calloc(1, sizeof *t);

	(void)arg;
	gor_make(t->awaken, 0);
	gor_wg_add(&t->users, 2);
	gor_go(keepalive, t);
	gor_go(new_stream, t);
	gor_wg_wait(&t->users);
	gor_free(t->awaken);
	free(t);
}

static int app(void)
{
	gor_go(connection, NULL);
	gor_sleep(20 * GOR_MILLISECOND); // other connections
	return 0;
}

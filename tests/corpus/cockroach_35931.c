/* SPDX-License-Identifier: MIT */
/*
 * cockroach_35931.c: cancelling a flow pushes to each inbound stream in turn and blocks on the
 * first one, whose buffer is full, before it reaches the one being read.
 *
 * expect: global-deadlock proven
 */
#include "corpus.h"

enum { STREAMS = 2 };

struct flow {
	gor_mutex mu;
	ints streams[STREAMS];
	gor_waitgroup consumers;
};

static void merge(void *arg)
{
	struct flow *f = arg;
	int row;

	for (int i = STREAMS - 1; i >= 0; i--) // the last one first: it is the outer side of the join
		while (gor_recv(f->streams[i], &row) && row >= 0)
			;
}

static void cancel(struct flow *f)
{
	gor_mutex_lock(&f->mu);
	for (int i = 0; i < STREAMS; i++) {
		if (FIXED)
			gor_close(f->streams[i]);
		else
			gor_send(f->streams[i], -1); // an error, so that the consumer stops
	}
	gor_mutex_unlock(&f->mu);
}

static int app(void)
{
	struct flow f = {0};

	for (int i = 0; i < STREAMS; i++)
		gor_make(f.streams[i], 1);
	gor_send(f.streams[0], 42);
	gor_wg_go(&f.consumers, merge, &f);
	cancel(&f);
	gor_wg_wait(&f.consumers);
	for (int i = 0; i < STREAMS; i++)
		gor_free(f.streams[i]);
	return 0;
}

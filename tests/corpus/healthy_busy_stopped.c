/* SPDX-License-Identifier: MIT */
/*
 * healthy_busy_stopped.c: A busy program of channels, locks and groups is told to end in the middle
 * of it.
 *
 * expect: clean
 * end: term
 */
#include "corpus.h"
#include <stdatomic.h>

enum { PAIRS = 6 };

static gor_mutex mu;
static gor_rwmutex table;
static atomic_int rounds;
static atomic_bool stop; // which nobody sets
static int shared;

struct pair {
	ints there, back;
};

static void echo(struct pair *p)
{
	int v;

	while (gor_recv(p->there, &v)) {
		gor_mutex_lock(&mu);
		shared += v;
		gor_mutex_unlock(&mu);
		gor_send(p->back, v);
	}
	gor_close(p->back);
}

static void ask(struct pair *p)
{
	for (unsigned i = 0; !atomic_load(&stop); i++) {
		gor_send(p->there, 1);
		gor_rwmutex_rlock(&table);
		gor_recv(p->back, NULL);
		gor_rwmutex_runlock(&table);
		if (i % 8 == 0) {
			gor_rwmutex_lock(&table);
			shared = 0;
			gor_rwmutex_unlock(&table);
		}
		if (i % 16 == 0)
			gor_sleep(GOR_MILLISECOND);
		if (atomic_fetch_add(&rounds, 1) == 300)
			ready();
	}
	gor_close(p->there);
}

static void batch(ints *done)
{
	gor_recv(*done, NULL);
}

static int app(void)
{
	ints quit;

	gor_make(quit, 0);
	for (int i = 0; i < PAIRS; i++) {
		struct pair p;

		gor_make(p.there, 0);
		gor_make(p.back, 1);
		gor_go_copy(echo, p);
		gor_go_copy(ask, p);
		gor_go_copy(batch, quit);
	}
	while (!atomic_load(&stop)) {
		gor_sleep(100 * GOR_MICROSECOND);
		gor_send(quit, 1);
		gor_go_copy(batch, quit);
	}
	return 0;
}

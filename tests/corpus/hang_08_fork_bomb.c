/* SPDX-License-Identifier: MIT */
/*
 * hang_08_fork_bomb.c: each goroutine starts two and waits for them, and the recursion has no
 * bottom.
 *
 * expect: runaway-spawn fact
 * end: kill
 */
#include "corpus.h"
#include <stdatomic.h>

struct range {
	int low, high;
	gor_waitgroup *parent;
};

static atomic_int started;

static void sort(struct range *r)
{
	int middle = (r->low + r->high) / 2; // of 0 and 1 it is 0: the upper half is the whole
	gor_waitgroup halves = {0};

	if (atomic_fetch_add(&started, 1) == 20000)
		ready();
	if (!FIXED || r->high - r->low > 1) {
		gor_wg_add(&halves, 2);
		gor_go_copy(sort, ((struct range){r->low, middle, &halves}));
		gor_go_copy(sort, ((struct range){middle, r->high, &halves}));
	}
	gor_wg_wait(&halves);
	gor_wg_done(r->parent);
}

static int app(void)
{
	gor_waitgroup all = {0};

	gor_wg_add(&all, 1);
	gor_go_copy(sort, ((struct range){0, 64, &all}));
	gor_wg_wait(&all);
	return 0;
}

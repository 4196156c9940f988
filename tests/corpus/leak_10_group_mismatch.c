/* SPDX-License-Identifier: MIT */
/*
 * leak_10_group_mismatch.c: one of the tasks returns early without counting down, and whoever
 * waits for the group waits for ever.
 *
 * expect: leak probable
 */
#include "corpus.h"

struct job {
	gor_waitgroup *group;
	int number;
};

static void task(struct job *j)
{
	if (j->number == 2) { // not found
		if (FIXED)
			gor_wg_done(j->group);
		return;
	}
	gor_yield(); // the work
	gor_wg_done(j->group);
}

static void batch(void *arg)
{
	gor_waitgroup group = {0};

	(void)arg;
	gor_wg_add(&group, 3);
	for (int i = 0; i < 3; i++)
		gor_go_copy(task, ((struct job){&group, i}));
	gor_wg_wait(&group);
}

static int app(void)
{
	gor_go(batch, NULL);
	gor_sleep(20 * GOR_MILLISECOND); // the next batch
	return 0;
}

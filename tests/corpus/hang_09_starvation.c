/* SPDX-License-Identifier: MIT */
/*
 * hang_09_starvation.c: one goroutine does nothing but yield, at a priority that lets no other
 * run: only some policies are so unfair.
 *
 * expect: starved fact
 * end: term
 * missed: no such finding yet
 */
#include "corpus.h"
#include <stdatomic.h>

static atomic_bool stop;

static void hog(void *arg)
{
	int64_t began = gor_now();
	bool told = false;

	(void)arg;
	while (!atomic_load(&stop)) {
		if (FIXED)
			gor_sleep(GOR_MILLISECOND);
		else
			gor_yield();
		if (!told && gor_now() - began > 2 * GOR_SECOND) {
			ready();
			told = true;
		}
	}
}

static void work(void *arg)
{
	(void)arg;
	for (int i = 0; i < 10; i++)
		gor_yield();
	atomic_store(&stop, true);
}

static int app(void)
{
	gor_waitgroup running = {0};

	gor_wg_go(&running, hog, NULL);
	gor_wg_go(&running, work, NULL);
	gor_wg_wait(&running);
	return 0;
}

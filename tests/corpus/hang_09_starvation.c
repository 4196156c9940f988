/* SPDX-License-Identifier: MIT */
/*
 * hang_09_starvation.c: many goroutines compute for long between two calls, and one that has
 * little to do hardly gets to run; without a seed the others' processors would be handed over to
 * it.
 *
 * expect: starved fact
 * end: term
 * alone: on a busy machine the hogs do not get the processor either
 */
#include "corpus.h"
#include <stdatomic.h>
#include <time.h>

enum { HOGS = 8 };

static atomic_bool stop;
static int64_t began;

static int64_t cpu_time(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return t.tv_sec * GOR_SECOND + t.tv_nsec;
}

static void compute(int64_t ns)
{
	int64_t from = cpu_time();
	uint64_t x = 1;

	do {
		for (int i = 0; i < 1 << 16; i++)
			x = x * 6364136223846793005 + 1442695040888963407;
	} while (x && cpu_time() - from < ns);
}

static void hog(void *arg)
{
	(void)arg;
	while (!atomic_load(&stop)) {
		compute((FIXED ? 1 : 300) * GOR_MILLISECOND);
		gor_yield();
	}
}

static void work(void *arg)
{
	(void)arg;
	for (int i = 0; i < 5; i++) {
		gor_yield();
		if (gor_now() - began > 2 * GOR_SECOND)
			ready(); // and it is still not through
	}
	atomic_store(&stop, true);
}

static int app(void)
{
	gor_waitgroup running = {0};

	began = gor_now();
	for (int i = 0; i < HOGS; i++)
		gor_wg_go(&running, hog, NULL);
	gor_wg_go(&running, work, NULL);
	gor_wg_wait(&running);
	return 0;
}

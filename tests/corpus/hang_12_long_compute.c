/* SPDX-License-Identifier: MIT */
/*
 * hang_12_long_compute.c: A goroutine computes for longer than anybody would spin, and ends:
 * nothing is wrong.
 *
 * expect: clean
 */
#include "corpus.h"
#include <time.h>

static bool burned(int64_t ns)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return t.tv_sec * GOR_SECOND + t.tv_nsec >= ns;
}

static void compute(ints *result)
{
	unsigned sum = 0;

	do {
		for (unsigned i = 0; i < 1 << 20; i++)
			sum = sum * 31 + i;
	} while (!burned(1200 * GOR_MILLISECOND));
	gor_send(*result, (int)(sum & 1));
}

static int app(void)
{
	ints result;

	gor_make(result, 0);
	gor_go_copy(compute, result);
	gor_recv(result, NULL);
	gor_free(result);
	return 0;
}

/* SPDX-License-Identifier: MIT */
/**
 * ticker.c: one goroutine loops for ever, one is inside read(2) on an empty pipe, and a third ticks
 * every 10 ms.  Prints the median and the longest time between two ticks, in microseconds.
 */
#include <gor.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { TICKS = 100 };

static void spin(void *arg)
{
	(void)arg;
	for (;;)
		;
}

static void read_nothing(void *arg)
{
	char byte;

	if (read(*(int *)arg, &byte, 1) >= 0)
		abort(); // nobody writes
}

static int by_length(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

static int app(int argc, char **argv)
{
	int64_t gap[TICKS], before;
	int fds[2];

	(void)argc;
	(void)argv;
	if (pipe(fds) < 0)
		return 1;
	gor_go(spin, NULL);
	gor_go(read_nothing, &fds[0]);
	gor_yield();
	before = gor_now();
	for (int i = 0; i < TICKS; i++) {
		gor_sleep(10 * GOR_MILLISECOND);
		gap[i] = gor_now() - before;
		before += gap[i];
	}
	qsort(gap, TICKS, sizeof *gap, by_length);
	printf("%lld %lld\n", (long long)gap[TICKS / 2] / 1000, (long long)gap[TICKS - 1] / 1000);
	return 0;
}

int main(int argc, char **argv)
{
	return gor_run(app, argc, argv);
}

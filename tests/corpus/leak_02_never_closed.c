/* SPDX-License-Identifier: MIT */
/*
 * leak_02_never_closed.c: A worker receives until the channel is closed, and whoever sends ends
 * without closing it.
 *
 * expect: leak probable
 */
#include "corpus.h"

static void sum(ints *numbers)
{
	int n, total = 0;

	while (gor_recv(*numbers, &n))
		total += n;
	gor_free(*numbers);
}

static void produce(void *arg)
{
	ints numbers;

	(void)arg;
	gor_make(numbers, 4);
	gor_go_copy(sum, numbers);
	for (int i = 0; i < 10; i++)
		gor_send(numbers, i);
	if (FIXED)
		gor_close(numbers);
}

static int app(void)
{
	gor_go(produce, NULL);
	gor_sleep(20 * GOR_MILLISECOND); // what comes next
	return 0;
}

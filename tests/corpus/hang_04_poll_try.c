/* SPDX-License-Identifier: MIT */
/*
 * hang_04_poll_try.c: A loop tries to receive, again and again, from a channel whose sender has
 * ended.
 *
 * expect: poll probable
 * end: term
 */
#include "corpus.h"

static void produce(ints *values)
{
	if (FIXED)
		gor_send(*values, 1);
}

static int app(void)
{
	int64_t began = gor_now();
	bool told = false;
	ints values;

	gor_make(values, 1);
	gor_go_copy(produce, values);
	for (int tries = 0; gor_try_recv(values, NULL) != 1; tries++) {
		if (tries % 16 == 15)
			gor_yield();
		if (!told && gor_now() - began > GOR_SECOND) {
			ready();
			told = true;
		}
	}
	gor_free(values);
	return 0;
}

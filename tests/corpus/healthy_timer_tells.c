/* SPDX-License-Identifier: MIT */
/*
 * healthy_timer_tells.c: main waits for a goroutine that waits for a timer and then tells it.
 *
 * expect: clean
 * end: term
 */
#include "corpus.h"

static void alarm_after(ints *done)
{
	gor_timer timer;

	gor_timer_start(&timer, GOR_HOUR);
	gor_recv(timer.c, NULL);
	gor_send(*done, 1);
}

static int app(void)
{
	ints done;

	gor_make(done, 0);
	gor_go_copy(alarm_after, done);
	ready();
	gor_recv(done, NULL);
	return 0;
}

/* SPDX-License-Identifier: MIT */
/*
 * hang_04_poll_sleep.c: A loop sleeps for a moment and looks for a lock to become free, whose
 * holder waits for the loop.
 *
 * expect: poll probable
 * end: term
 */
#include "corpus.h"

static struct {
	gor_mutex mu;
	ints go_on;
} door;

static void hold(void *arg)
{
	(void)arg;
	gor_mutex_lock(&door.mu);
	if (FIXED)
		gor_mutex_unlock(&door.mu);
	gor_recv(door.go_on, NULL);
	if (!FIXED)
		gor_mutex_unlock(&door.mu);
}

static int app(void)
{
	int64_t began = gor_now();
	bool told = false;

	gor_make(door.go_on, 1);
	gor_go(hold, NULL);
	while (gor_mutex_trylock(&door.mu) == 0) { // let it have the lock first
		gor_mutex_unlock(&door.mu);
		gor_yield();
		if (FIXED)
			break;
	}
	while (gor_mutex_trylock(&door.mu) < 0) {
		gor_sleep(50 * GOR_MICROSECOND);
		if (!told && gor_now() - began > GOR_SECOND) {
			ready();
			told = true;
		}
	}
	gor_mutex_unlock(&door.mu);
	gor_send(door.go_on, 1);
	return 0;
}

/* SPDX-License-Identifier: MIT */
/*
 * leak_14_three_locks.c: three philosophers each take the left fork first.
 *
 * expect: lock-deadlock proven
 */
#include "corpus.h"

enum { SEATS = 3 };

static gor_mutex forks[SEATS];
static int meals[SEATS];

static void philosopher(int *seat)
{
	int left = *seat, right = (*seat + 1) % SEATS;
	int first = FIXED && right < left ? right : left;
	int second = first == left ? right : left;

	for (int i = 0; i < 3; i++) {
		gor_mutex_lock(&forks[first]);
		gor_mutex_lock(&forks[second]);
		meals[*seat]++;
		gor_mutex_unlock(&forks[second]);
		gor_mutex_unlock(&forks[first]);
	}
}

static int app(void)
{
	for (int i = 0; i < SEATS; i++)
		gor_go_copy(philosopher, i);
	gor_sleep(20 * GOR_MILLISECOND); // the world goes on
	return 0;
}

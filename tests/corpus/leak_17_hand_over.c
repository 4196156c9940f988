/* SPDX-License-Identifier: MIT */
/*
 * leak_17_hand_over.c: A permit is taken by one goroutine and given back by another, which is what
 * it is for: nothing is wrong.
 *
 * expect: clean
 */
#include "corpus.h"

enum { BUFFERS = 2, ROUNDS = 6 };

static gor_sem empty, full;

static void fill(void *arg)
{
	(void)arg;
	for (int i = 0; i < ROUNDS; i++) {
		gor_sem_acquire(&empty, 1);
		gor_sem_release(&full, 1);
	}
}

static void drain(void *arg)
{
	(void)arg;
	for (int i = 0; i < ROUNDS; i++) {
		gor_sem_acquire(&full, 1);
		gor_sem_release(&empty, 1);
	}
}

static int app(void)
{
	gor_waitgroup running = {0};

	gor_sem_release(&empty, BUFFERS);
	gor_wg_go(&running, fill, NULL);
	gor_wg_go(&running, drain, NULL);
	gor_wg_wait(&running);
	gor_sem_acquire(&empty, BUFFERS);
	return 0;
}

/* SPDX-License-Identifier: MIT */
/*
 * healthy_read_hand_over_ended.c: A goroutine takes a read lock for another and ends, the other
 * will release it, and main waits to write.
 *
 * expect: clean
 * end: term
 * missed: false alarm: a read lock may be released by another goroutine than took it
 */
#include "corpus.h"

static gor_rwmutex table;

static void scan(void *arg)
{
	(void)arg;
	gor_sleep(GOR_HOUR); // reads all of it
	gor_rwmutex_runlock(&table);
}

static void prepare(ints *prepared)
{
	gor_rwmutex_rlock(&table);
	gor_go(scan, NULL);
	gor_send(*prepared, 1);
}

static int app(void)
{
	ints prepared;

	gor_make(prepared, 0);
	gor_go_copy(prepare, prepared);
	gor_recv(prepared, NULL);
	ready();
	gor_rwmutex_lock(&table);
	gor_rwmutex_unlock(&table);
	return 0;
}

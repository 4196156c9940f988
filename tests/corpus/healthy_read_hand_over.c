/* SPDX-License-Identifier: MIT */
/*
 * healthy_read_hand_over.c: main hands its read lock over to another goroutine, which will release
 * it, and asks for the write lock.
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

static int app(void)
{
	gor_rwmutex_rlock(&table); // so that nothing changes until the scan has begun
	gor_go(scan, NULL);
	ready();
	gor_rwmutex_lock(&table);
	gor_rwmutex_unlock(&table);
	return 0;
}

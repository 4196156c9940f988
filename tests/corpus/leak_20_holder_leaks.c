/* SPDX-License-Identifier: MIT */
/*
 * leak_20_holder_leaks.c: A goroutine that has leaked in a receive holds a lock, so others never
 * get that.
 *
 * expect: leak|partial-deadlock probable
 */
#include "corpus.h"

static struct {
	gor_mutex mu;
	int updates;
} table;

static void update(ints *confirmed)
{
	gor_mutex_lock(&table.mu);
	if (FIXED)
		gor_mutex_unlock(&table.mu);
	gor_recv(*confirmed, NULL);
	if (FIXED)
		gor_mutex_lock(&table.mu);
	table.updates++;
	gor_mutex_unlock(&table.mu);
}

static void begin(void *arg)
{
	ints confirmed;

	(void)arg;
	gor_make(confirmed, 1);
	gor_go_copy(update, confirmed);
	if (FIXED)
		gor_send(confirmed, 1); // else: the client is gone
}

static void look(void *arg)
{
	(void)arg;
	gor_mutex_lock(&table.mu);
	gor_mutex_unlock(&table.mu);
}

static int app(void)
{
	gor_go(begin, NULL);
	gor_sleep(GOR_MILLISECOND);
	gor_go(look, NULL);
	gor_go(look, NULL);
	gor_sleep(20 * GOR_MILLISECOND); // the program goes on
	return 0;
}

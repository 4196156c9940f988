/* SPDX-License-Identifier: MIT */
/*
 * hang_04_poll_yield.c: A loop yields until a counter gets to its end, and the goroutine that
 * counts has ended early.
 *
 * expect: poll fact
 * end: kill
 */
#include "corpus.h"
#include <stdatomic.h>

static atomic_int parts;

static void load(void *arg)
{
	int many = FIXED ? 3 : 2; // the last one is missing

	(void)arg;
	for (int i = 0; i < many; i++)
		atomic_fetch_add(&parts, 1);
}

static int app(void)
{
	int64_t began = gor_now();
	bool told = false;

	gor_go(load, NULL);
	while (atomic_load(&parts) < 3) {
		gor_yield();
		if (!told && gor_now() - began > GOR_SECOND) {
			ready();
			told = true;
		}
	}
	return 0;
}

/* SPDX-License-Identifier: MIT */
/*
 * hang_02_spin_hides_main.c: main waits for a channel that nobody sends on, and one goroutine that
 * spins hides that all is over.
 *
 * expect: hidden-deadlock probable
 * names: search() spins
 * end: term
 */
#include "corpus.h"
#include <time.h>

static bool burned(int64_t ns)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return t.tv_sec * GOR_SECOND + t.tv_nsec >= ns;
}

static uint64_t hash(uint64_t x)
{
	for (int i = 0; i < 1 << 20; i++)
		x = x * 6364136223846793005 + 1442695040888963407;
	return x;
}

// Looks for a number that does not exist.
static void search(void *arg)
{
	bool told = false;
	uint64_t x = 1;

	(void)arg;
	while (x) {
		x = hash(x) | 1;
		if (FIXED)
			return;
		if (!told && burned(1700 * GOR_MILLISECOND)) {
			ready();
			told = true;
		}
	}
}

static int app(void)
{
	ints found;

	gor_make(found, 1);
	gor_go(search, NULL);
	if (FIXED)
		gor_send(found, 1);
	gor_recv(found, NULL);
	gor_free(found);
	return 0;
}

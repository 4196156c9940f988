/* SPDX-License-Identifier: MIT */
/*
 * hang_03_flag_spin.c: A goroutine spins until a flag is set, with the lock that the setter needs.
 *
 * expect: spin fact
 * end: term
 */
#include "corpus.h"
#include <stdatomic.h>
#include <time.h>

static struct {
	gor_mutex mu;
	atomic_bool set;
	gor_waitgroup running;
} flag;

static bool burned(int64_t ns)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return t.tv_sec * GOR_SECOND + t.tv_nsec >= ns;
}

static void wait_for_it(void *arg)
{
	bool told = false;

	(void)arg;
	if (FIXED) { // the lock only for a look
		while (!atomic_load(&flag.set))
			gor_sleep(GOR_MILLISECOND);
		gor_mutex_lock(&flag.mu);
		gor_mutex_unlock(&flag.mu);
		return;
	}
	gor_mutex_lock(&flag.mu);
	for (unsigned n = 1; !atomic_load(&flag.set); n++)
		if (n % (1 << 20) == 0 && !told && burned(1700 * GOR_MILLISECOND)) {
			ready();
			told = true;
		}
	gor_mutex_unlock(&flag.mu);
}

static void set(void *arg)
{
	(void)arg;
	gor_mutex_lock(&flag.mu);
	atomic_store(&flag.set, true);
	gor_mutex_unlock(&flag.mu);
}

static int app(void)
{
	gor_wg_go(&flag.running, wait_for_it, NULL);
	gor_wg_go(&flag.running, set, NULL);
	gor_wg_wait(&flag.running);
	return 0;
}

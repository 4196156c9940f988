/* SPDX-License-Identifier: MIT */
/**
 * aside.c: what takes more stack than a goroutine may have.
 *
 * libdw, zlib and the dynamic linker were written for the stacks of threads.  A goroutine that
 * needs them has a thread do it, and waits: it keeps its own thread, and the monitor gives its p to
 * others.
 */
#include "aside.h"

#include <pthread.h>
#include <signal.h>

#include "scheduler.h"

struct aside {
	void (*fn)(void *);
	void *arg;
};

static void *aside_main(void *arg)
{
	const struct aside *a = arg;

	a->fn(a->arg);
	return NULL;
}

/** Call fn(arg) on a stack that is large enough; on the caller's if no thread can be had. */
void gor__aside(void (*fn)(void *), void *arg)
{
	const struct m *m = gor__self();
	struct aside a = {fn, arg};
	sigset_t all, before;
	pthread_t thread;

	if (m && m->cur && !m->foreign) {
		sigfillset(&all); // signals are for the program's own threads
		pthread_sigmask(SIG_SETMASK, &all, &before);
		int err = pthread_create(&thread, NULL, aside_main, &a);
		pthread_sigmask(SIG_SETMASK, &before, NULL);
		if (!err) {
			pthread_join(thread, NULL);
			return;
		}
	}
	fn(arg);
}

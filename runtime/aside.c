/* SPDX-License-Identifier: MIT */
/**
 * aside.c: what takes more stack than a goroutine may have, or leaves there what must not stay.
 *
 * libdw, zlib and the dynamic linker were written for the stacks of threads.  Who needs them has a
 * thread do it, and waits: a goroutine keeps its own thread, and the monitor gives its p to others.
 *
 * Who looks at goroutines has had in hand the addresses of what they wait for, and what is left of
 * those on a stack, which the C library keeps for the next thread, would be found by a search for
 * leaks (reach.c) as if somebody had them still.  So the stack is mapped for the one thread.
 */
#define _GNU_SOURCE
#include "aside.h"

#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>

#include "module.h"
#include "scheduler.h"

#define GUARD 65536u

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

/** Run it by a thread on that stack.  False: there is none to be had. */
static bool aside_run(struct aside *a, char *stack)
{
	sigset_t all, before;
	pthread_attr_t attr;
	pthread_t thread;

	if (mprotect(stack, GUARD, PROT_NONE) != 0 || pthread_attr_init(&attr) != 0)
		return false;
	pthread_attr_setstack(&attr, stack + GUARD, MODULE_STACK);
	sigfillset(&all); // signals are for the program's own threads
	pthread_sigmask(SIG_SETMASK, &all, &before);
	int err = pthread_create(&thread, &attr, aside_main, a);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attr);
	if (err)
		return false;
	pthread_join(thread, NULL);
	return true;
}

bool gor__aside_thread(void (*fn)(void *), void *arg)
{
	struct aside a = {fn, arg};
	char *stack = mmap(NULL, GUARD + MODULE_STACK, PROT_READ | PROT_WRITE,
	                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK | MAP_NORESERVE, -1, 0);

	if (stack == MAP_FAILED)
		return false;
	bool done = aside_run(&a, stack);
	munmap(stack, GUARD + MODULE_STACK);
	return done;
}

void gor__aside(void (*fn)(void *), void *arg)
{
	if (!gor__aside_thread(fn, arg))
		fn(arg);
}

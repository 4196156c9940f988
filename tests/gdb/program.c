/* SPDX-License-Identifier: MIT */
/* program.c: goroutines in every state, to be looked at in all_there() while fresh_ran is 0; with
 * an argument it traps there. */
#include <gor.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

typedef gor_chan(int) ints;

static ints jobs, quit;
static gor_mutex mutex;
static gor_waitgroup parked;
static int ready[2]; // a pipe that nobody writes to

static void receiver(void *arg)
{
	int job;

	(void)arg;
	gor_set_name("collector");
	gor_wg_done(&parked);
	gor_recv(jobs, &job);
}

__attribute__((noinline)) static int deep(int depth)
{
	int below = 0;

	if (depth > 0)
		below = deep(depth - 1);
	else
		gor_mutex_lock(&mutex);
	__asm__ volatile("" : "+r"(below));
	return below + 1;
}

static void locker(void *arg)
{
	gor_wg_done(&parked);
	if (deep(*(int *)arg) == 0)
		abort();
}

static void chooser(void *arg)
{
	(void)arg;
	gor_wg_done(&parked);
	gor_select(gor_on_recv(jobs, NULL), gor_on_recv(quit, NULL));
}

static void reader(void *arg)
{
	char byte;

	(void)arg;
	gor_wg_done(&parked);
	if (read(ready[0], &byte, 1) != 1)
		abort();
}

static _Atomic int fresh_ran;

static void fresh(void *arg)
{
	(void)arg;
	atomic_store(&fresh_ran, 1);
}

__attribute__((noinline, used)) static void all_there(bool crash)
{
	__asm__ volatile("");
	if (crash && !atomic_load(&fresh_ran))
		__builtin_trap();
}

static int app(int argc, char **argv)
{
	int depth = 3;

	(void)argv;
	gor_make(jobs, 0);
	gor_make(quit, 0);
	if (pipe(ready) != 0)
		abort();
	gor_mutex_lock(&mutex);
	gor_wg_add(&parked, 4);
	gor_go(receiver, NULL);
	gor_go(locker, &depth);
	gor_go(chooser, NULL);
	gor_go(reader, NULL);
	gor_wg_wait(&parked);
	// While a thread is being made for reader's handoff, fresh may be quicker than this goroutine.
	for (;;) {
		atomic_store(&fresh_ran, 0);
		gor_go(fresh, NULL);
		all_there(argc > 1);
		while (!atomic_load(&fresh_ran))
			gor_yield();
	}
}

int main(int argc, char **argv)
{
	// with one processor nobody runs while another is on its way to where it waits
	gor_max_procs(1);
	return gor_run(app, argc, argv);
}

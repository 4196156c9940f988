/* SPDX-License-Identifier: MIT */
/* program.c: goroutines in every state, to be looked at in all_there() while fresh_ran is 0; with
 * an argument it traps there. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <gor.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
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

static _Atomic int foreign; // number of the thread that has just been attached

static void foreign_here(const char *name)
{
	pthread_setname_np(pthread_self(), name);
	if (gor_thread_enter() != 0)
		abort();
	atomic_store(&foreign, (int)syscall(SYS_gettid));
}

static void *foreign_reader(void *arg)
{
	char byte;

	foreign_here("reading");
	if (read(ready[0], &byte, 1) != 1)
		abort();
	return arg;
}

__attribute__((noinline)) static void foreign_deep(int depth)
{
	if (depth > 0)
		foreign_deep(depth - 1);
	else
		gor_recv(jobs, NULL);
	__asm__ volatile("");
}

static void *foreign_receiver(void *arg)
{
	foreign_here("receiving");
	foreign_deep(2);
	return arg;
}

/* Start a thread, and wait until the kernel says that it sleeps. */
static void start_foreign(void *(*fn)(void *))
{
	char path[64], text[512] = "";
	pthread_t thread;

	atomic_store(&foreign, 0);
	if (pthread_create(&thread, NULL, fn, NULL) != 0)
		abort();
	while (!atomic_load(&foreign))
		gor_yield();
	snprintf(path, sizeof path, "/proc/self/task/%d/stat", atomic_load(&foreign));
	while (!strstr(text, ") S")) {
		gor_yield();
		int fd = open(path, O_RDONLY | O_CLOEXEC);
		ssize_t n = read(fd, text, sizeof text - 1);
		close(fd);
		text[n > 0 ? n : 0] = 0;
	}
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
	start_foreign(foreign_reader);
	start_foreign(foreign_receiver);
	gor_yield(); // here it is seen
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

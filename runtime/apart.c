/* SPDX-License-Identifier: MIT */
/**
 * apart.c: what may crash or wait for ever, without harm to the one that wants it.
 *
 * A program that dies of a panic is to say where, with functions and lines, and that takes libdw
 * and malloc().  But the heap may be what is broken, and whoever had its lock may be the one that
 * died. So a copy of the process does it, which clone(2) makes without any of the C library's
 * handlers: if it crashes, it is as if it had never been, and the dying one does with what it
 * knows.  If it sleeps without an end, a thread had a lock at the moment of copying; by now that
 * one has most likely let go of it, and another copy is made.
 *
 * The copy is no child that the program could see: there is no SIGCHLD, and wait() does not find
 * it.
 */
#define _GNU_SOURCE
#include "apart.h"

#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "module.h"
#include "monitor.h"
#include "san.h"
#include "timer.h"

#define SLEEPS_MOST (500 * GOR_MILLISECOND) // it waits for a lock that nobody has there
#define COPIES_MOST 3
#define PAUSE_FIRST (50 * GOR_MICROSECOND)
#define PAUSE_LAST (5 * GOR_MILLISECOND)

struct apart {
	bool (*fn)(void *arg);
	void *arg;
};

static pid_t apart_of; // in the copy alone

int gor__apart_of(void)
{
	return apart_of;
}

/** On a stack of its own. */
static int apart_main(void *arg)
{
	static const int deadly[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGTRAP};
	const struct rlimit none = {0, 0};
	const struct apart *a = arg;
	sigset_t all;

	apart_of = getppid();
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	setrlimit(RLIMIT_CORE, &none);
	sigfillset(&all);
	for (size_t i = 0; i < sizeof deadly / sizeof *deadly; i++) {
		signal(deadly[i], SIG_DFL); // the handlers would say that the program has failed
		sigdelset(&all, deadly[i]);
	}
	sigprocmask(SIG_SETMASK, &all, NULL);
	_exit(a->fn(a->arg) ? 0 : 1);
}

enum apart_end { APART_FAILED, APART_DONE, APART_ASLEEP };

/** Wait for the end, which may be made. */
static enum apart_end apart_await(pid_t pid, int64_t until)
{
	int64_t ran = gor__clock(), pause = PAUSE_FIRST;
	enum apart_end end = APART_FAILED;
	int status;

	for (;;) {
		pid_t ended = waitpid(pid, &status, __WALL | WNOHANG);
		int64_t now = gor__clock();
		if (ended)
			return ended == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0 ? APART_DONE
			                                                                     : APART_FAILED;
		if (!gor__process_sleeps(pid)) // it may have no processor, too
			ran = now;
		if (now - ran > SLEEPS_MOST)
			end = APART_ASLEEP;
		if (end == APART_ASLEEP || now > until)
			break;
		nanosleep(&(struct timespec){.tv_nsec = pause}, NULL);
		pause = 2 * pause < PAUSE_LAST ? 2 * pause : PAUSE_LAST;
	}
	kill(pid, SIGKILL);
	waitpid(pid, &status, __WALL);
	return end;
}

bool gor__apart(bool (*fn)(void *arg), void *arg, int64_t ns_max)
{
	if (SAN_SPINS)
		return false;
	struct apart a = {fn, arg};
	char *stack = mmap(NULL, MODULE_STACK, PROT_READ | PROT_WRITE,
	                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK | MAP_NORESERVE, -1, 0);

	if (stack == MAP_FAILED)
		return false;
	enum apart_end end = APART_ASLEEP;
	int64_t until = gor__clock() + ns_max;
	for (int n = 0; end == APART_ASLEEP && n < COPIES_MOST; n++) {
		pid_t pid = clone(apart_main, stack + MODULE_STACK, 0, &a);
		end = pid > 0 ? apart_await(pid, until) : APART_FAILED;
	}
	munmap(stack, MODULE_STACK);
	return end == APART_DONE;
}

/* SPDX-License-Identifier: MIT */
/**
 * quit.c: the thread that dumps all goroutines when a signal asks for it.
 *
 * A signal may come while the thread that gets it holds any lock, malloc's too, and while every
 * worker computes.  So its handler does nothing but ask this thread, which was made at the start of
 * the first run, has all signals blocked, and takes no memory and no lock to write the dump.
 *
 *	SIGQUIT, any thread              this thread                     the limit's
 *	─────────────────────────        ─────────────────────────       ─────────────────
 *	asked; wake              ──────▶ dump                            wait, QUIT_WAIT
 *	wait                     ◀────── written; wake
 *	return, if recording             complete the trace
 *	                                 exit with status 2              or exit with status 2
 *
 * The trace is completed with the recorder's locks, and the interrupted thread may have one: so it
 * goes on then.  Another thread sees to it that the program ends in any case, and the sidecar has
 * everything; without a recording the one that was interrupted does.
 *
 * Rejected: the monitor.  It starts threads, which takes memory, and may wait for that for ever.
 * The agent: who looks in has it load the module, by the dynamic linker's lock and malloc's.  And
 * one thread for both of these: the limit is for when the other one hangs in a write to stderr, or
 * waits for a lock of the recorder.
 */
#define _GNU_SOURCE
#include "quit.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "futex.h"
#include "module.h"
#include "schedtrace.h"
#include "search.h"
#include "signals.h"
#include "timer.h"

#define QUIT_WAIT (3 * GOR_SECOND)
#define DUMP_WAIT GOR_SECOND // for whole stacks: then there is time for call sites
#define EXIT_QUIT 2

static struct {
	_Atomic uint32_t word;    // futex: bumped to wake the thread
	_Atomic int dump;         // the signal that asks for a dump, 0 none
	_Atomic bool asked;       // SIGQUIT: once
	_Atomic uint32_t ready;   // futex: what it says is there
	_Atomic uint32_t written; // futex: the dump is out
	uint64_t pc;              // before `ready`
	int m, code;              // likewise
	bool there, limited;      // the threads; by the one thread that starts runs
} quit;

static void quit_wake(void)
{
	atomic_fetch_add(&quit.word, 1);
	gor__futex_wake(&quit.word);
}

static _Noreturn void quit_end(void)
{
	if (gor__config.traceback == TRACEBACK_CRASH) {
		sigset_t set;
		signal(SIGQUIT, SIG_DFL);
		sigemptyset(&set);
		sigaddset(&set, SIGQUIT);
		pthread_sigmask(SIG_UNBLOCK, &set, NULL);
		raise(SIGQUIT);
	}
	_exit(EXIT_QUIT);
}

static _Noreturn void quit_now(void)
{
	gor__fatal_claim(); // else the program is about to end, and says why
	gor__say("SIGQUIT: quit\nPC=%#llx m=%d sigcode=%d\n\n", (unsigned long long)quit.pc, quit.m,
	         quit.code);
	if (gor__config.traceback != TRACEBACK_NONE)
		gor__dump(true, DUMP_WAIT);
	if (gor__config.traceback >= TRACEBACK_SYSTEM)
		gor__schedtrace_threads();
	atomic_store(&quit.written, 1);
	gor__futex_wake_all(&quit.written);
	gor__record_close(GTRACE_END_SIGNAL, SIGQUIT);
	if (ftrylockfile(stdout) == 0) { // as at other fatal ends
		fflush(stdout);
		funlockfile(stdout);
	}
	quit_end();
}

static void quit_dump(int signo)
{
	char name[16];

	gor__say("%s: goroutines: %zu\n\n", gor__signal_name(signo, name, sizeof name),
	         gor_num_goroutine());
	gor__dump(true, DUMP_WAIT);
}

static void *quit_main(void *arg)
{
	(void)arg;
	gor__search_leave_out_below(__builtin_frame_address(0), MODULE_STACK / 2);
	for (;;) {
		uint32_t word = atomic_load(&quit.word);
		int signo = atomic_exchange(&quit.dump, 0);
		if (signo)
			quit_dump(signo);
		if (atomic_load(&quit.ready))
			quit_now();
		gor__futex_wait(&quit.word, word, -1);
	}
	return NULL;
}

/** The limit's thread. */
static void *quit_limit(void *arg)
{
	(void)arg;
	while (!atomic_load(&quit.ready))
		gor__futex_wait(&quit.ready, 0, -1);
	int64_t until = gor__clock() + QUIT_WAIT;
	static _Atomic uint32_t never;
	while (gor__clock() < until)
		gor__futex_wait(&never, 0, until);
	quit_end();
}

static bool quit_thread(void *(*fn)(void *))
{
	pthread_attr_t attr;
	pthread_t thread;
	sigset_t all, before;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, MODULE_STACK);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	int err = pthread_create(&thread, &attr, fn, NULL);
	pthread_attr_destroy(&attr);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return err == 0;
}

/** Make the threads that are not there.  False: there are none to be had. */
bool gor__quit_start(void)
{
	if (!quit.there)
		quit.there = quit_thread(quit_main);
	if (quit.there && gor__record() && !quit.limited)
		quit.limited = quit_thread(quit_limit);
	return quit.there;
}

/** From a handler: a dump, and the program goes on. */
void gor__quit_dump(int signo)
{
	int saved_errno = errno;

	atomic_store(&quit.dump, signo);
	quit_wake();
	errno = saved_errno;
}

/** From a handler of SIGQUIT that interrupted this pc; returns if the trace is to be completed. */
void gor__quit(uint64_t pc, int code)
{
	const struct m *m = gor__self();
	int64_t until = gor__clock() + QUIT_WAIT;
	int saved_errno = errno;

	if (!atomic_exchange(&quit.asked, true)) {
		quit.pc = pc;
		quit.m = m ? (int)m->number : -1;
		quit.code = code;
		atomic_store(&quit.ready, 1);
		gor__futex_wake_all(&quit.ready);
		quit_wake();
	}
	while (!atomic_load(&quit.written) && gor__clock() < until)
		gor__futex_wait(&quit.written, 0, until);
	if (atomic_load(&quit.written) && quit.limited) {
		errno = saved_errno;
		return;
	}
	while (gor__clock() < until)
		gor__futex_wait(&quit.written, 1, until); // until the program ends
	quit_end();
}

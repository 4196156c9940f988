/* SPDX-License-Identifier: MIT */
/**
 * quit.c: the thread that dumps all goroutines when a signal asks for it.
 *
 * A signal may come while the thread that gets it holds any lock, malloc's too, and while every
 * worker computes.  So its handler does nothing but ask this thread, which was made at the start of
 * the first run, has all signals blocked, and takes no memory and no lock to write the dump.
 *
 *	SIGQUIT, any thread              this thread
 *	─────────────────────────        ─────────────────────────────
 *	quit.asked; wake         ──────▶ dump; complete the trace
 *	wait, QUIT_WAIT at most  ◀────── quit.done; wake
 *	exit with status 2, or, for a core, return to the default action
 *
 * The trace is completed with the recorder's locks.  If the interrupted thread has one, the time
 * runs out, and the sidecar has everything.
 *
 * Rejected: the monitor.  It starts threads, which takes memory, and may wait for that for ever.
 */
#define _GNU_SOURCE
#include "quit.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "futex.h"
#include "schedtrace.h"
#include "signals.h"
#include "timer.h"

#define QUIT_WAIT (2 * GOR_SECOND)
#define QUIT_STACK (2u << 20) // with GOR_TRACEBACK=system libdw is at work on it
#define EXIT_QUIT 2

static struct {
	_Atomic uint32_t word;  // futex: bumped to wake the thread
	_Atomic int dump;       // the signal that asks for a dump, 0 none
	_Atomic bool asked;     // SIGQUIT: once
	_Atomic uint32_t ready; // what it says is written
	_Atomic uint32_t done;  // futex: the dump is written, the trace complete
	uint64_t pc;            // before `ready`
	int m, code;            // likewise
	bool there;             // by the one thread that starts runs
} quit;

static void quit_wake(void)
{
	atomic_fetch_add(&quit.word, 1);
	gor__futex_wake(&quit.word);
}

static void quit_now(void)
{
	gor__fatal_claim(); // else the program is about to end, and says why
	gor__say("SIGQUIT: quit\nPC=%#llx m=%d sigcode=%d\n\n", (unsigned long long)quit.pc, quit.m,
	         quit.code);
	if (gor__config.traceback != TRACEBACK_NONE)
		gor__dump(true);
	if (gor__config.traceback >= TRACEBACK_SYSTEM)
		gor__schedtrace_threads();
	gor__record_close(GTRACE_END_SIGNAL, SIGQUIT);
	if (ftrylockfile(stdout) == 0) { // as at other fatal ends
		fflush(stdout);
		funlockfile(stdout);
	}
	atomic_store(&quit.done, 1);
	gor__futex_wake_all(&quit.done);
}

static void quit_dump(int signo)
{
	char name[16];

	gor__say("%s: goroutines: %zu\n\n", gor__signal_name(signo, name, sizeof name),
	         gor_num_goroutine());
	gor__dump(true);
}

static void *quit_main(void *arg)
{
	(void)arg;
	for (;;) {
		uint32_t word = atomic_load(&quit.word);
		int signo = atomic_exchange(&quit.dump, 0);
		if (signo)
			quit_dump(signo);
		if (atomic_load(&quit.ready) && !atomic_load(&quit.done))
			quit_now();
		gor__futex_wait(&quit.word, word, -1);
	}
	return NULL;
}

/** Make the thread, if it is not there.  False: there is none to be had. */
bool gor__quit_start(void)
{
	pthread_attr_t attr;
	pthread_t thread;
	sigset_t all, before;

	if (quit.there)
		return true;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, QUIT_STACK);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	quit.there = pthread_create(&thread, &attr, quit_main, NULL) == 0;
	pthread_attr_destroy(&attr);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
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

/** From a handler of SIGQUIT that interrupted this pc: returns only if there is to be a core. */
void gor__quit(uint64_t pc, int code)
{
	const struct m *m = gor__self();
	int64_t until = gor__clock() + QUIT_WAIT;

	if (!atomic_exchange(&quit.asked, true)) {
		quit.pc = pc;
		quit.m = m ? (int)m->number : -1;
		quit.code = code;
		atomic_store(&quit.ready, 1);
		quit_wake();
	}
	while (!atomic_load(&quit.done) && gor__clock() < until)
		gor__futex_wait(&quit.done, 0, until);
	if (gor__config.traceback != TRACEBACK_CRASH)
		_exit(EXIT_QUIT);
}

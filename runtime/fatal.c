/* SPDX-License-Identifier: MIT */
/**
 * fatal.c: the ends that are the program's own fault, in Go's words, and exit status 2.
 *
 * What the program has printed and not flushed is flushed if that cannot block: a goroutine may
 * hold the lock of stdout for ever.
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent.h"
#include "emit.h"
#include "gops.h"
#include "schedtrace.h"

#define EXIT_FATAL 2
#define DUMP_WAIT (10 * GOR_SECOND)
#define SAY_WAIT_MS 1000
#define LISTED_MAX \
	4096 // goroutines, with their stacks some 30 bytes each: a ring is to keep what led to it

/** May it go on after write() has failed?  Not for ever, if nobody reads. */
static bool say_again(void)
{
	struct pollfd out = {.fd = STDERR_FILENO, .events = POLLOUT};

	return errno == EINTR || (errno == EAGAIN && poll(&out, 1, SAY_WAIT_MS) > 0);
}

/** To stderr, in one write. */
void gor__say(const char *fmt, ...)
{
	char buf[1024];
	va_list args;

	va_start(args, fmt);
	int len = vsnprintf(buf, sizeof buf, fmt, args);
	va_end(args);
	if (len < 0)
		return;
	size_t left = (size_t)len < sizeof buf ? (size_t)len : sizeof buf - 1;
	for (const char *p = buf; left > 0;) {
		ssize_t n = write(STDERR_FILENO, p, left);
		if (n == 0 || (n < 0 && !say_again()))
			return;
		p += n > 0 ? n : 0;
		left -= n > 0 ? (size_t)n : 0;
	}
}

/** One thread may end the process; any other that comes here stops for good. */
void gor__fatal_claim(void)
{
	static _Atomic bool claimed;

	if (atomic_exchange(&claimed, true))
		for (;;)
			pause();
}

/** After the message: dump, trace, exit. */
static _Noreturn void fatal_exit(bool all, enum gtrace_end end)
{
	if (gor__config.traceback != TRACEBACK_NONE)
		gor__dump(all || gor__config.traceback >= TRACEBACK_ALL, DUMP_WAIT);
	if (gor__config.traceback >= TRACEBACK_SYSTEM)
		gor__schedtrace_threads();
	gor__record_close(end, EXIT_FATAL);
	gor__agent_end();
	gor__gops_end();
	if (ftrylockfile(stdout) == 0) {
		fflush(stdout);
		funlockfile(stdout);
	}
	if (gor__config.traceback == TRACEBACK_CRASH)
		abort();
	_exit(EXIT_FATAL);
}

static struct g *fatal_current(void)
{
	struct m *m = gor__self();

	if (m)
		atomic_store(&m->in_rt, 1); // keeps its p: the trace gets events from here on
	return m ? m->cur : NULL;
}

static void fatal_record(const char *text, const struct gor_site *site)
{
	struct m *m = gor__self();

	if (!m || !m->stream)
		return;
	size_t len = strlen(text);
	uint64_t number = site ? emit_site(m, site) : 0;
	gtrace_stream_text(m->stream, GTRACE_PANIC, (const uint64_t[]){0, number}, &text, &len);
}

static _Noreturn void fatal_v(const struct gor_site *site, const char *kind, const char *fmt,
                              va_list args)
{
	bool panic = strcmp(kind, "panic") == 0;
	char text[512];
	struct g *g = fatal_current();

	gor__fatal_claim();
	vsnprintf(text, sizeof text, fmt, args);
	fatal_record(text, site);
	gor__say("%s: %s\n\n", kind, text);
	if (g && site)
		g->site = site;
	fatal_exit(!panic || !g, GTRACE_END_PANIC);
}

void gor__panic(const struct gor_site *site, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	fatal_v(site, "panic", fmt, args);
}

/** What Go calls fatal and no panic. */
void gor__fatal(const struct gor_site *site, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	fatal_v(site, "fatal error", fmt, args);
}

void gor_panic_at(const struct gor_site *site, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	fatal_v(site, "panic", fmt, args);
}

/**
 * All goroutines wait for each other; called by the thread that saw it, on its own context.
 * Returns if that is not to be the end.
 */
void gor__deadlock(void)
{
	struct m *m = gor__self();
	const char *text = gor_num_goroutine() == 0
	                       ? "no goroutines (main called runtime.Goexit) - deadlock!"
	                       : "all goroutines are asleep - deadlock!";

	if (gor__config.deadlock == DEADLOCK_FATAL)
		gor__fatal_claim(); // a second thread may have seen it too
	if (gor__config.deadlock != DEADLOCK_OFF) {
		EMIT(m, DEADLOCK);
		gor__say("fatal error: %s\n\n", text);
	}
	if (gor__config.deadlock == DEADLOCK_FATAL) {
		if (gor_num_goroutine() <= LISTED_MAX)
			gor__record_snapshot(m, GTRACE_snap_END);
		fatal_exit(true, GTRACE_END_DEADLOCK);
	}
	if (gor__config.deadlock == DEADLOCK_REPORT) {
		gor__dump(true, DUMP_WAIT);
		gor__record_dump(GTRACE_END_DEADLOCK, text);
	}
}

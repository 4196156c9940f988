/* SPDX-License-Identifier: MIT */
/**
 * signals.c: the signals the runtime takes, each only if the program has left it at its default.
 *
 *   SIGINT, SIGTERM, SIGHUP
 *                     while recording: the trace is completed, then the default action happens.
 *   SIGQUIT           all goroutines are dumped, the trace is completed, exit status 2 (quit.c);
 *                     with sigquit=0 as the ones before.
 *   SIGSEGV, SIGBUS   in the guard of a goroutine's stack: "stack overflow"; anything else: as the
 *                     next ones.
 *   SIGILL, SIGFPE, SIGABRT
 *                     while recording: the thread waits until the trace is completed, two seconds
 *                     at most, then the default action happens to it, at the same instruction.
 *   dumpsig=          all goroutines are dumped, a flight recorder dumps, and the program goes on.
 *   SIGURG            samples a busy goroutine's program counter: for the monitor while recording,
 *                     for who looks into the program from then on.  Sent only to a thread that
 *                     computes, so it interrupts no system call that would wait; and with
 *                     SA_RESTART.
 *
 * A thread that faults may hold any lock and have broken any memory.  So its handler does nothing
 * but ask the recorder's own thread, which has all signals blocked, and wait on a word; if that
 * thread needs what the faulting one holds, or is itself the one that faults, the time runs out and
 * the sidecar has everything.
 */
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>
#include <unistd.h>

#include "backtrace.h"
#include "emit.h"
#include "quit.h"
#include "signals.h"
#include "slab.h"

#define CRASH_WAIT (2 * GOR_SECOND)

static void on_stop(int signo)
{
	struct gtrace_rec *rec = gor__record_hold_last();

	if (rec)
		gtrace_rec_signal(rec, signo); // raises it again
	gor__record_release();
	if (rec)
		return;
	signal(signo, SIG_DFL);
	raise(signo);
}

static void on_dump(int signo)
{
	if (gor__forked())
		return;
	gor__quit_dump(signo);
	struct gtrace_rec *rec = gor__record_hold();

	if (rec)
		gtrace_rec_dump_async(rec, "a signal");
	gor__record_release();
}

/** Complete the trace; then the default action, when the handler has returned. */
static void on_crash(int signo, siginfo_t *info, void *context)
{
	struct gtrace_rec *rec = gor__record_hold_last();

	(void)context;
	if (rec)
		gtrace_rec_fault(rec, signo, CRASH_WAIT);
	gor__record_release();
	signal(signo, SIG_DFL);
	if (info->si_code <= 0) // sent, by raise() for instance: no instruction to run again
		raise(signo);
}

static void on_fault(int signo, siginfo_t *info, void *context)
{
	struct m *m = gor__self();
	bool guard = false;
	struct g *g = gor__g_of_address(info->si_addr, &guard);

	if (info->si_code > 0 && m && g && guard && m->cur == g)
		gor__stack_overflow(g);
	on_crash(signo, info, context);
}

/* pc, frame pointer, stack pointer and the first SAMPLE_REGS general registers of an interrupted
 * thread */
#if defined(__x86_64__)
static uint64_t context_sp(const ucontext_t *uc)
{
	return (uint64_t)uc->uc_mcontext.gregs[REG_RSP];
}
static uint64_t context_reg(const ucontext_t *uc, unsigned i)
{
	return (uint64_t)uc->uc_mcontext.gregs[i];
}
static uint64_t context_pc(const ucontext_t *uc)
{
	return (uint64_t)uc->uc_mcontext.gregs[REG_RIP];
}
static uint64_t context_fp(const ucontext_t *uc)
{
	return (uint64_t)uc->uc_mcontext.gregs[REG_RBP];
}
#elif defined(__aarch64__)
static uint64_t context_sp(const ucontext_t *uc)
{
	return uc->uc_mcontext.sp;
}
static uint64_t context_reg(const ucontext_t *uc, unsigned i)
{
	return uc->uc_mcontext.regs[i];
}
static uint64_t context_pc(const ucontext_t *uc)
{
	return uc->uc_mcontext.pc;
}
static uint64_t context_fp(const ucontext_t *uc)
{
	return uc->uc_mcontext.regs[29];
}
#endif

static void on_quit(int signo, siginfo_t *info, void *context)
{
	if (!gor__forked()) {
		gor__quit(context_pc(context), info->si_code);
		return;
	}
	signal(signo, SIG_DFL);
	raise(signo); // when the handler has returned
}

/** For a snapshot: also inside the runtime, but not on the way from one stack to another. */
__attribute__((no_sanitize("address", "thread", "undefined"))) static void signals_shoot(
	struct m *m, const ucontext_t *uc)
{
	struct shot *shot = &m->shot;
	const struct g *g = m->cur;
	uint64_t sp = context_sp(uc);

	shot->g = 0;
	if (g && sp >= (uintptr_t)g->stack_low && sp < (uintptr_t)g->stack_high) {
		shot->g = g->id;
		shot->pc[0] = context_pc(uc);
		shot->count =
			gor__frames(context_fp(uc), g->stack_low, g->stack_high, shot->pc, 1, SHOT_FRAMES);
	}
	atomic_store_explicit(&shot->done, atomic_load(&shot->asked), memory_order_release);
}

__attribute__((no_sanitize("address", "thread", "undefined"))) static void on_sample(
	int signo, siginfo_t *info, void *context)
{
	struct m *m = gor__self();

	(void)signo, (void)info;
	if (m && atomic_load(&m->shot.asked) != atomic_load(&m->shot.done))
		signals_shoot(m, context);
	if (!m || atomic_load_explicit(&m->in_rt, memory_order_relaxed) || !m->cur)
		return;
	m->sample.pc[0] = context_pc(context);
	uint32_t n = gor__frames(context_fp(context), m->cur->stack_low, m->cur->stack_high,
	                         m->sample.pc, 1, SAMPLE_FRAMES);
	for (unsigned i = 0; i < SAMPLE_REGS; i++)
		m->sample.regs[i] = context_reg(context, i);
	m->sample.sp = context_sp(context);
	atomic_store_explicit(&m->sample.count, n, memory_order_release);
}

static void signals_take(int signo, void (*plain)(int), void (*detailed)(int, siginfo_t *, void *))
{
	struct sigaction old, act = {.sa_flags = SA_RESTART | SA_ONSTACK};

	if (sigaction(signo, NULL, &old) != 0 || (old.sa_flags & SA_SIGINFO) ||
	    old.sa_handler != SIG_DFL)
		return;
	sigemptyset(&act.sa_mask);
	if (detailed) {
		act.sa_sigaction = detailed;
		act.sa_flags |= SA_SIGINFO;
	} else {
		act.sa_handler = plain;
	}
	sigaction(signo, &act, NULL);
}

/** At each start of a run. */
void gor__signals_install(void)
{
	signals_take(SIGSEGV, NULL, on_fault);
	signals_take(SIGBUS, NULL, on_fault);
	if (gor__config.dump_signal && gor__quit_start())
		signals_take(gor__config.dump_signal, on_dump, NULL);
	if (gor__config.quit && gor__quit_start())
		signals_take(SIGQUIT, NULL, on_quit);
	if (!gor__record())
		return;
	signals_take(SIGINT, on_stop, NULL);
	signals_take(SIGTERM, on_stop, NULL);
	signals_take(SIGHUP, on_stop, NULL);
	signals_take(SIGQUIT, on_stop, NULL);
	signals_take(SIGILL, NULL, on_crash);
	signals_take(SIGFPE, NULL, on_crash);
	signals_take(SIGABRT, NULL, on_crash);
	signals_take(SAMPLE_SIGNAL, NULL, on_sample);
}

static const struct {
	char name[8];
	int number;
} signals_known[] = {
	{"USR1", SIGUSR1}, {"USR2", SIGUSR2},   {"HUP", SIGHUP}, {"QUIT", SIGQUIT},
	{"ALRM", SIGALRM}, {"WINCH", SIGWINCH}, {"IO", SIGIO},   {"CONT", SIGCONT},
};
#define SIGNALS_KNOWN (sizeof signals_known / sizeof *signals_known)

/** SIGUSR2, or "signal 50". */
const char *gor__signal_name(int signo, char *text, size_t room)
{
	snprintf(text, room, "signal %d", signo);
	for (unsigned i = 0; i < SIGNALS_KNOWN; i++)
		if (signals_known[i].number == signo)
			snprintf(text, room, "SIG%s", signals_known[i].name);
	return text;
}

/** USR2, SIGUSR2 or 12; 0: it is none that may be taken. */
int gor__signal_number(const char *text)
{
	char *end;
	long n = strtol(text, &end, 10);

	if (end != text && !*end)
		return n < 1 || n >= NSIG || n == SIGKILL || n == SIGSTOP ? 0 : (int)n;
	if (strncmp(text, "SIG", 3) == 0)
		text += 3;
	for (unsigned i = 0; i < SIGNALS_KNOWN; i++)
		if (strcmp(signals_known[i].name, text) == 0)
			return signals_known[i].number;
	return 0;
}

/** Take the sampling signal, if nobody has.  Returns: is it ours? */
bool gor__signals_sample(void)
{
	signals_take(SAMPLE_SIGNAL, NULL, on_sample);
	return gor__signals_sampling();
}

/** Is the sampling signal ours? */
bool gor__signals_sampling(void)
{
	struct sigaction act;

	return sigaction(SAMPLE_SIGNAL, NULL, &act) == 0 && (act.sa_flags & SA_SIGINFO) &&
	       act.sa_sigaction == on_sample;
}

/**
 * A stack for handlers of the calling thread: goroutine stacks are small, and an overflowing one is
 * full.
 */
void *gor__signals_thread(void)
{
	stack_t have, want = {.ss_size = (size_t)sysconf(_SC_SIGSTKSZ) + (32u << 10)};

	if (sigaltstack(NULL, &have) != 0 || !(have.ss_flags & SS_DISABLE))
		return NULL; // a sanitizer's
	want.ss_sp = malloc(want.ss_size);
	if (want.ss_sp)
		sigaltstack(&want, NULL);
	return want.ss_sp;
}

/** The thread ends; stack is what gor__signals_thread() returned. */
void gor__signals_thread_end(void *stack)
{
	stack_t off = {.ss_flags = SS_DISABLE};

	if (!stack)
		return;
	sigaltstack(&off, NULL);
	free(stack);
}

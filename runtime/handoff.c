/* SPDX-License-Identifier: MIT */
/**
 * handoff.c: taking the p away from a thread that stays in user code.
 *
 * A goroutine that computes, or sits in read(2), keeps its thread; the others must not wait for
 * it.  It cannot be switched out: in the middle of malloc or printf that would be the end of a C
 * program.  So the monitor takes the *p* and gives it to another thread, and the goroutine stays
 * where it is.  When it next calls the runtime it finds its p gone and queues for one.
 *
 * The two sides, with no fence and no atomic exchange on the fast one:
 *
 *	thread, entering the runtime          monitor, under m->hand
 *	────────────────────────────          ─────────────────────────────────
 *	in_rt = 1                             mark = 1
 *	(compiler barrier)                    membarrier: every thread has fenced
 *	if mark: slow path, m->hand           if in_rt is 0: p is ours, handed = true
 *
 * If the monitor reads in_rt as 0, the thread's store of 1 comes after its fence, hence its load of
 * mark does too, and it goes to the slow path, where it waits for m->hand and sees `handed`.  If
 * the monitor reads 1, it takes nothing; the mark stays, and makes the thread yield at its next
 * entry: its time slice is over. in_rt = 0 is a release store and read with acquire, so the p is as
 * the thread left it.
 *
 * Where membarrier is missing, mark is always 1 and every entry takes the slow path with a full
 * fence: slow and right.  Seeded runs (seed.c) use the same way in, for a look at each entry.
 *
 * Rejected: a signal to the thread, as Go does since 1.14: EINTR in user code, and a handler cannot
 * switch away safely anyway.  A CAS at each entry and leave (Go's P status): 10 ns a call.
 */
#define _GNU_SOURCE
#include <linux/membarrier.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "emit.h"
#include "handoff.h"
#include "seed.h"
#include "timer.h"

#define MARK_SLICE 2u // m->mark: and its time is up; any other but 0 only asks for the slow path

bool gor__membarrier_init(void)
{
	return syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0) == 0;
}

/** Every thread of the process has fenced when this returns. */
void gor__barrier(const struct sched *s)
{
	if (s->no_membarrier)
		atomic_thread_fence(memory_order_seq_cst);
	else
		syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0);
}

/**
 * The run is over, and every mark is set: wait until no thread is inside the runtime any more.
 * Those in user code stay there, and stop at their next entry.
 */
void gor__wait_stopped(struct sched *s)
{
	gor__barrier(s);
	for (struct m *m = atomic_load_explicit(&s->all_m, memory_order_acquire); m; m = m->all_next) {
		unsigned round = 0;
		while (!atomic_load_explicit(&m->ended, memory_order_acquire) &&
		       atomic_load_explicit(&m->in_rt, memory_order_acquire))
			gor__backoff(&round);
	}
}

void gor__not_a_goroutine(void)
{
	gor__panic(NULL, gor__forked() ? "gor: used in a forked child, which has no threads for it"
	                               : "gor: called outside a goroutine, and no run is going on");
}

/**
 * The CPU time of a thread; own or another's.  By the clock's number, which is made of the thread's
 * in this way: pthread_getcpuclockid() may not be asked of a thread that is gone.
 */
int64_t gor__thread_cpu_ns(const struct m *m)
{
	uint32_t tid = (uint32_t)atomic_load_explicit(&m->tid, memory_order_relaxed);
	struct timespec ts;

	if (clock_gettime((clockid_t)(~tid << 3 | 6), &ts)) // 4: of a thread; 2: CPU time
		return -1;
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

/**
 * Take the p of a thread that is in user code.  False: it is inside the runtime, and will look up
 * soon, or has none.
 */
bool gor__take_p(struct m *m, unsigned why)
{
	struct sched *s = m->sched;

	gor__lock(&m->hand);
	atomic_store_explicit(&m->mark, MARK_SLICE, memory_order_seq_cst);
	gor__barrier(s);
	if (atomic_load_explicit(&m->in_rt, memory_order_acquire) || m->handed || !m->p || !m->cur) {
		gor__unlock(&m->hand);
		return false;
	}
	struct p *p = m->p;
	struct handoff handoff = {.stream = m->stream ? m->stream->number : 0,
	                          .why = why,
	                          .g = m->cur->id,
	                          .site = m->cur->site};
	m->p = NULL;
	m->handed = true;
	atomic_fetch_add_explicit(&s->handed, 1, memory_order_seq_cst);
	gor__unlock(&m->hand);
	gor__thread_give(s, p, handoff);
	return true;
}

/** The goroutine of a thread without a p is back in the runtime. */
static void handoff_return(struct m *m)
{
	struct g *g = m->cur;

	EMIT(m, GO_REENTER, (uint64_t)gor__thread_cpu_ns(m));
	if (gor__idle_return(m, g))
		return;
	// in the global list by now, but nobody runs it before its on_cpu is clear
	if (m->stream) {
		uint64_t site = emit_site(m, g->site ? g->site : g->born);
		GTRACE_EMIT(m->stream, GO_YIELD, site);
		emit_context(m, NULL);
	}
	gor__switch_to_g0(m);
}

/** The run is over.  Goes on with the next one, or returns NULL, if the thread is a foreign one. */
static struct m *handoff_over(struct m *m)
{
	if (!m->foreign)
		gor__abandon(m);
	return gor__foreign_over(m);
}

/** Does anybody wait for p: in it, in the list of all, or for the time? */
static bool handoff_others(struct p *p)
{
	return !gor__runq_empty(p) ||
	       atomic_load_explicit(&p->sched->global_count, memory_order_relaxed) ||
	       gor__timers_due(p);
}

struct m *gor__enter_slow(struct m *m)
{
	struct sched *s = m->sched;

	if (gor__forked())
		gor__panic(NULL, "gor: used in a forked child, which has no threads for it");
	atomic_thread_fence(memory_order_seq_cst);
	gor__lock(&m->hand); // before all else: whoever took the p wrote to m
	bool handed = m->handed;
	uint32_t mark = atomic_exchange_explicit(&m->mark, s->marked, memory_order_relaxed);
	gor__unlock(&m->hand);
	if (atomic_load(&s->stopped))
		return handoff_over(m);
	gor__record_look(m);
	if (handed) {
		atomic_store_explicit(&m->tick, atomic_load_explicit(&m->tick, memory_order_relaxed) + 1,
		                      memory_order_relaxed);
		handoff_return(m);
	} else if (gor__seeded()) {
		gor__seed_point(m); // a slice, of the clock, is nothing to it
	} else if (mark == MARK_SLICE && !gor__runq_empty(m->p)) {
	} else if (mark == MARK_SLICE && handoff_others(m->p)) {
		struct g *g = m->cur; // the slice is over
		gor__yield(m, g->site ? g->site : g->born);
	}
	if (atomic_load(&s->stopped)) // set before it could set our mark
		return handoff_over(gor__self());
	return gor__self();
}

/** Out of the runtime and without a p, which is for the others. */
static void handoff_explicit(struct m *m)
{
	struct p *p = m->p;
	struct handoff handoff = {.stream = m->stream ? m->stream->number : 0,
	                          .why = GTRACE_why_EXPLICIT,
	                          .g = m->cur->id,
	                          .site = m->cur->site};

	gor__lock(&m->hand);
	m->handed = true;
	m->p = NULL;
	atomic_store_explicit(&m->mark, 1, memory_order_relaxed);
	atomic_fetch_add_explicit(&m->sched->handed, 1, memory_order_seq_cst);
	gor__unlock(&m->hand);
	if (!gor__idle_give_up(m->sched, p, handoff))
		EMIT(m, HANDOFF, handoff.stream, 0, handoff.why, handoff.g);
}

int gor_blocking_at(int (*fn)(void *), void *arg, const struct gor_site *site)
{
	struct m *m = gor__enter_if();

	if (!m)
		return fn(arg);
	m->cur->site = site;
	// a foreign one leaves without a p at any time; and with a seed, when fn returns is chance: the
	// others wait as long as that can be
	if (!m->foreign && !gor__seeded())
		handoff_explicit(m);
	gor__leave();
	int result = fn(arg);
	if (gor__enter_if())
		gor__leave();
	return result;
}

/* SPDX-License-Identifier: MIT */
/**
 * scheduler.c: switching between goroutines.
 *
 * A goroutine that stops running picks its successor itself and switches to it directly; only when
 * its p has nothing at hand does it switch to the thread's own context g0, whose loop looks further
 * (idle.c).
 *
 * Invariants:
 *   S1  a goroutine is RUNNING on one thread, or in one queue, or in wait queues only, or dead.
 *   S2  on_cpu is 1 from the moment a thread decides to run a goroutine until another context has
 *       taken that thread over.  A goroutine in a queue may still have on_cpu 1: it is on its way
 *       out.
 *   S3  nobody spins for on_cpu while its own goroutine's on_cpu is 1.
 *   S4  the monitor may set on_cpu from 0 to 2 for some microseconds; whoever picks the goroutine
 *       waits for that as well.  shrink.c shows that none slips through.
 *
 * Why S2: a waker may put a goroutine into a queue between the unlock of its channel and the end of
 * its switch.
 *
 *	parking goroutine a, thread 1            waker, thread 2            thread 3
 *	──────────────────────────────           ───────────────────        ──────────────────────
 *	enqueue in c; unlock c
 *	                                         lock c; pop a; unlock
 *	                                         ready(a) into a queue ───▶ picks a; on_cpu is 1: waits
 *	switch to b; b clears a->on_cpu ──────────────────────────────────▶ runs a
 *
 * Why S3: if thread 1 parked a and picked b while thread 2 parked b and picked a, each would wait
 * for the other.  So a goroutine that picks one with on_cpu set switches to g0 first, and g0 waits.
 *
 * Rejected: unlocking the channel only after the switch, by the successor.  It needs no on_cpu, but
 * keeps the lock over the switch, and each kind of lock needs its own epilogue.
 */
#include "context.h"
#include "emit.h"
#include "global.h"
#include "poll.h"
#include "runq.h"
#include "seed.h"
#include "tally.h"
#include "timer.h"

// used: link-time optimization does not see what gor__self() makes of it
__thread struct m *gor__m __attribute__((tls_model("initial-exec"), used));

extern struct m *gor__self_slow(void);
__attribute__((noinline)) struct m *gor__self_slow(void)
{
	__asm__ volatile("");
	return gor__m;
}

#define TIMERS_EVERY 16 // and at the p's own timers
#define CROWD 128       // so many in the global list are too many to be taken one in GLOBAL_EVERY

void gor__arrive(void)
{
	struct m *m = gor__self();
	struct g *prev = m->prev;

	if (!prev)
		return;
	m->prev = NULL;
	if (g_state(prev) == G_DEAD)
		gor__g_free(m->p, prev); // clears it too
	else
		atomic_store_explicit(&prev->on_cpu, ON_CPU_NONE, memory_order_release);
}

/** Leave the context `from` for `to`; from may be dead, and this does not return then. */
static inline void sched_switch(struct m *m, struct g *from, struct g *to)
{
	bool dies = g_state(from) == G_DEAD;
	size_t room = to == &m->g0 ? to->san.bytes : gor__stack_room(to);

	m->prev = from == &m->g0 ? NULL : from;
	m->cur = to == &m->g0 ? NULL : to;
	san_leave(&from->san, &to->san, to == &m->g0 ? to->san.low : to->stack_low, room, dies);
	gor__context_switch(&from->sp, to->sp);
	san_arrive(&from->san, &m->g0.san);
	gor__arrive();
}

/** What m runs now, for those who look on. */
static inline void sched_start(struct m *m, struct g *g)
{
	g_set_state(g, G_RUNNING);
	g->starts++;
	atomic_thread_fence(memory_order_release); // before it writes to its stack: snapshot.c
	atomic_store_explicit(&g->on_cpu, ON_CPU_RUNS, memory_order_relaxed);
	atomic_store_explicit(&m->tick, atomic_load_explicit(&m->tick, memory_order_relaxed) + 1,
	                      memory_order_relaxed);
	atomic_store_explicit(&m->running, g->id, memory_order_relaxed);
	emit_context(m, g);
}

/** m runs no goroutine. */
static inline void sched_stop(struct m *m)
{
	atomic_store_explicit(&m->running, 0, memory_order_relaxed);
	emit_context(m, NULL);
}

void gor__switch_to_g0(struct m *m)
{
	sched_stop(m);
	sched_switch(m, m->cur, &m->g0);
}

/** The next goroutine of m's p to switch to directly; NULL: g0 has to look. */
__attribute__((always_inline)) static inline struct g *sched_pick(struct m *m)
{
	if (__builtin_expect(m->cur->home != NULL, 0)) // this thread runs nobody else
		return NULL;
	struct p *p = m->p;
	uint32_t tick = ++p->tick;
	if (__builtin_expect(tick % GLOBAL_EVERY == 0, 0) &&
	    (atomic_load_explicit(&p->sched->global_count, memory_order_relaxed) ||
	     gor__poll_waits(p->sched)))
		return NULL;
	if (__builtin_expect(tick % TIMERS_EVERY == 0, 0) && gor__timers_due(p))
		return NULL;
	struct g *g = gor__runq_get(p);
	atomic_signal_fence(memory_order_seq_cst); // S4: its other half is a membarrier
	if (g && (atomic_load_explicit(&g->on_cpu, memory_order_acquire) || g->home)) { // S3
		m->pending = g;
		return NULL;
	}
	return g;
}

static void emit_park(struct m *m, struct g *g, struct g *next)
{
	if (g->attempts)
		gor__attempts_flush(m);
	uint64_t site = emit_site(m, g->site);

	if (next)
		GTRACE_EMIT(m->stream, GO_SWITCH, g->reason, g->wait_obj, site, g->wait_flags, next->id,
		            emit_seq(m, next));
	else
		GTRACE_EMIT(m->stream, GO_PARK, g->reason, g->wait_obj, site, g->wait_flags);
}

/** The end of gor__park() where somebody wants to know. */
__attribute__((noinline)) static void park_watched(struct m *m, struct g *g, struct g *next)
{
	int64_t began = gor__config.block_ns > 0 ? gor__clock() : 0;

	if (m->stream)
		emit_park(m, g, next);
	if (next)
		sched_start(m, next);
	else
		sched_stop(m);
	sched_switch(m, g, next ? next : &m->g0);
	if (began)
		gor__tally_blocked(g, gor__clock() - began);
}

/**
 * Switch away from a goroutine that gor__wait_begin() was called for and that is in its wait
 * queues, and release the lock of the last of them.  Returns when it was made ready and picked,
 * perhaps on another thread.
 */
void gor__park(struct m *m, struct lock *unlock)
{
	struct g *g = m->cur;

	if (unlock)
		gor__unlock(unlock);
	struct g *next = sched_pick(m);

	if (__builtin_expect(m->watched, 0)) {
		park_watched(m, g, next);
		return;
	}
	if (next)
		sched_start(m, next);
	else
		sched_stop(m);
	sched_switch(m, g, next ? next : &m->g0);
}

/**
 * Let others run.  If many wait in the global list, the goroutine goes behind them: were it to stay
 * in its full ring, that would be run over and over, and they one by one.  Every ring is empty soon
 * then, and takes from the list by the hundreds.
 */
void gor__yield(struct m *m, const struct gor_site *site)
{
	struct g *g = m->cur;

	g->site = site;
	g_set_state(g, G_RUNNABLE);
	if (atomic_load_explicit(&m->sched->global_count, memory_order_relaxed) < CROWD)
		gor__runq_put(m->p, g);
	else
		gor__global_put(m->sched, &g, 1);
	struct g *next = sched_pick(m);
	if (!next && m->pending == g) { // nobody else here; the global list may have more
		m->pending = NULL;
		if (gor__seed_picks() ||
		    (!atomic_load_explicit(&m->sched->global_count, memory_order_relaxed) &&
		     !gor__timers_due(m->p))) {
			g_set_state(g, G_RUNNING);
			emit_yielded(m, site);
			return;
		}
		gor__global_put(m->sched, &g, 1);
	}
	if (__builtin_expect(m->stream != NULL, 0)) {
		uint64_t number = emit_site(m, site);
		if (next)
			GTRACE_EMIT(m->stream, GO_YIELD_TO, number, next->id, emit_seq(m, next));
		else
			GTRACE_EMIT(m->stream, GO_YIELD, number);
	}
	if (next)
		sched_start(m, next);
	else
		sched_stop(m);
	sched_switch(m, g, next ? next : &m->g0);
}

void gor__end(struct m *m)
{
	struct g *g = m->cur;

	atomic_store_explicit(&m->p->alive,
	                      atomic_load_explicit(&m->p->alive, memory_order_relaxed) - 1,
	                      memory_order_relaxed);
	g_set_state(g, G_DEAD);
	g->home = NULL;
	m->guest = NULL;
	struct g *next = sched_pick(m);

	if (g->attempts && m->stream)
		gor__attempts_flush(m);
	if (next) {
		EMIT(m, GO_END_TO, next->id, emit_seq(m, next));
		sched_start(m, next);
	} else {
		EMIT(m, GO_END);
		sched_stop(m);
	}
	sched_switch(m, g, next ? next : &m->g0);
	__builtin_unreachable();
}

/** Work lies behind runnext and a p is idle: wake a thread, if stealing is worth it (idle.c). */
static inline void sched_wake(struct sched *s)
{
	uint32_t skip = atomic_load_explicit(&s->wake_skip, memory_order_relaxed);

	if (skip)
		atomic_store_explicit(&s->wake_skip, skip - 1, memory_order_relaxed);
	else
		gor__wake_one(s);
}

/**
 * Make a parked or new goroutine runnable: it runs next on this p.
 *
 * Waking another thread costs more than most goroutines run for, and one that wakes its partner and
 * parks needs none; so a thread is woken only for what lies behind runnext.  If the running
 * goroutine does not stop, the monitor sees the waiting one.
 */
void gor__ready(struct m *m, struct g *g)
{
	struct p *p = m->p;

	g_set_state(g, G_RUNNABLE);
	gor__runq_put_next(p, g);
	if (atomic_load_explicit(&m->sched->idle_p_count, memory_order_relaxed) &&
	    atomic_load_explicit(&p->head, memory_order_relaxed) !=
	        atomic_load_explicit(&p->tail, memory_order_relaxed))
		sched_wake(m->sched);
}

/**
 * The same for a list linked by next: a ring's worth stays here, the rest is for everybody; all of
 * it if m has no p.
 */
void gor__ready_list(struct m *m, struct g *list, unsigned count)
{
	unsigned here = 0;

	while (list && m->p && here < RING_SIZE / 2) {
		struct g *g = list;
		list = g->next;
		g_set_state(g, G_RUNNABLE);
		gor__runq_put(m->p, g);
		here++;
	}
	gor__global_put_waiting(m->sched, list);
	if (count && atomic_load_explicit(&m->sched->idle_p_count, memory_order_relaxed))
		gor__wake_one(m->sched);
}

/**
 * The life of g0: find a goroutine, run it, come back when a goroutine has no successor; until the
 * run is over.
 */
void gor__loop(struct m *m)
{
	struct g *g;

	while ((g = gor__find_work(m))) {
		unsigned round = 0;
		if (g->home && gor__idle_send_home(m, g))
			continue;
		while (atomic_load_explicit(&g->on_cpu, memory_order_acquire)) // S2
			gor__backoff(&round);
		EMIT(m, GO_START, g->id, emit_seq(m, g));
		sched_start(m, g);
		sched_switch(m, &m->g0, g);
	}
}

/** The run is over: g, a foreign thread's, goes on without a p, to return from its call. */
void gor__switch_back(struct m *m, struct g *g)
{
	sched_switch(m, &m->g0, g);
}

/** The running goroutine has ended, but stays on its stack for what is left to do. */
void gor__mark_ended(struct m *m)
{
	g_set_state(m->cur, G_DEAD);
	if (m->cur->attempts && m->stream)
		gor__attempts_flush(m);
	EMIT(m, GO_END);
	sched_stop(m);
}

/** The run is over: this goroutine, ended or not, goes no further, and its thread ends. */
void gor__abandon(struct m *m)
{
	sched_switch(m, m->cur, &m->g0);
	__builtin_unreachable();
}

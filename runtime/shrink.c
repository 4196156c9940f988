/* SPDX-License-Identifier: MIT */
/**
 * shrink.c: stacks give back the pages that they do not use any more.
 *
 * The monitor walks over all stacks, one walk in `shrink=` (10 s), some stacks in each step, so
 * that it is never away for long: a million are looked at in five seconds, and shrunk in eighty.  A
 * goroutine that is parked, or dead and cached, is marked as seen; parking again, and being born,
 * takes the mark away.  Who has it at the next walk loses all pages below what is in use: below the
 * saved stack pointer if it is parked, below the page of its descriptor if it is dead.  Dead ones
 * that were not needed for a whole walk are cooled as well (stack.c), half of them in each.
 *
 * Dropping pages under somebody who runs on them would be the end, and a wake may come at any
 * moment.  So the monitor claims the goroutine first, by on_cpu, which everybody looks at who is
 * about to use a stack (S2 in scheduler.c; gor__g_new()):
 *
 *	monitor                                   waker, then whoever picks g
 *	─────────────────────────────────────     ──────────────────────────────────────────────────
 *	1  on_cpu: 0 ─▶ 2, by CAS                 a  state = RUNNABLE (NEW, if it was dead)
 *	2  membarrier                             b  g passes through a queue
 *	3  state is WAITING or DEAD?              c  on_cpu is 0?  else wait, on g0
 *	4  membarrier                             d  state = RUNNING
 *	5  on_cpu is 2 still?                     e  on_cpu = 1, a plain store
 *	6  drop pages; on_cpu: 2 ─▶ 0, by CAS     f  runs, and perhaps parks again: state = WAITING,
 *	                                             on_cpu = 0 when another context has the thread
 *
 * Neither c nor e is an atomic exchange, and there is no fence between a and c: those are on the
 * way of every switch.  membarrier() makes every running thread fence once between 1 and 3, and
 * once between 3 and 5.
 *
 * Claim: if 3 and 5 say yes, nobody gets past c until 6, and nobody who did is on the stack.
 *
 *   - Look at the a that comes next after the state that 3 read.  It comes after its thread's fence
 *     of 2, or 3 would have read it or something later.  What follows it, on this thread or through
 *     the queue on another, comes after 1: c reads 2, and waits.  Only 6 ends that, as nobody who
 *     waits at c stores to on_cpu.
 *   - Look at one who read 0 in c before 1.  If its e came before 1 too, then 1 found the 0 of a
 *     park after it: that one is over.  Else its a came before the fence of 2 on its thread (or c
 *     would come after the fence, and read 2), so 3 read that a or what came later: if not WAITING
 *     or DEAD, it said no.  If WAITING or DEAD, then from an f after e; on its thread, e is in
 *     front of f, thus in front of the fence of 4, and 5 does not read 2 but this e or later.
 *
 * If 3 or 5 says no, the claim is withdrawn by CAS, which fails if an e has overwritten it.
 *
 * The one who waits at c does so as behind any other that is on its way out of a processor, and
 * never while its own goroutine is claimed or on its way out (S3).  The monitor waits for nothing
 * between 1 and 6 but for the kernel.  CLAIMS at a time share the two barriers and are held for
 * some ten microseconds.
 *
 * Rejected: asking mincore() which stacks have pages to give: it takes longer than MADV_DONTNEED on
 * a stack that has none.  Leaving it to a goroutine that parks: it does not know for how long.
 *
 * Where membarrier is missing nothing is claimed; dead ones are cooled, for they are taken from
 * their list under its lock.
 */
#define _GNU_SOURCE
#include <sys/mman.h>

#include "backtrace.h"
#include "scheduler.h"
#include "slab.h"
#include "timer.h"

#define STEP_NS (5 * GOR_MILLISECOND)
#define STEP_STACKS 1024u // looked at in a step
#define STEP_CLAIMS 64u
#define STEP_COOLED 64u
#define CLAIMS 16u // at a time

/** g->look */
enum { LOOK_NONE, LOOK_SEEN, LOOK_SHRUNK };

struct claim {
	struct g *g;
	const struct stack_slab *slab;
	uint32_t i;
	bool held;
	enum g_state state; // as 3 saw it: by now it may be RUNNABLE, and waited for at c
};

static bool shrink_may(enum g_state state)
{
	return state == G_WAITING || state == G_DEAD;
}

static void shrink_withdraw(struct claim *c)
{
	uint32_t claimed = ON_CPU_SHRINKS;

	atomic_compare_exchange_strong_explicit(&c->g->on_cpu, &claimed, ON_CPU_NONE,
	                                        memory_order_release, memory_order_relaxed);
	c->held = false;
}

/** Drop what a claimed goroutine does not use. */
static void shrink_drop(const struct claim *c)
{
	uintptr_t low = (uintptr_t)slab_low(c->slab, c->i), keep = (uintptr_t)c->g;

	gor__guard_check(c->slab, c->i);
	if (c->state == G_WAITING)
		keep = (uintptr_t)c->g->sp;
	keep = keep / SLAB_PAGE * SLAB_PAGE;
	if (keep > low && keep <= (uintptr_t)c->g)
		madvise((void *)low, keep - low, MADV_DONTNEED); // NOLINT: an address
	atomic_store_explicit(&c->g->look, LOOK_SHRUNK, memory_order_relaxed);
}

/**
 * Tell the trace where a claimed goroutine waits: it does so for long, and its stack stays as it
 * is. It may have been woken, but not run.
 */
static void shrink_tell(const struct sched *s, struct gtrace_stream *stream, const struct claim *c)
{
	if (!stream || c->state != G_WAITING || c->g->sched != s)
		return;
	uint64_t stack = gor__backtrace_number(stream, c->g);
	if (!stack)
		return;
	GTRACE_EMIT(stream, GO_PARKED, c->g->id);
	GTRACE_EMIT(stream, STACK, stack);
}

static void shrink_claims(const struct sched *s, struct gtrace_stream *stream, struct claim *claims,
                          uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		uint32_t none = ON_CPU_NONE;
		claims[i].held =
			atomic_compare_exchange_strong_explicit(&claims[i].g->on_cpu, &none, ON_CPU_SHRINKS,
		                                            memory_order_acq_rel, memory_order_relaxed);
	}
	gor__barrier(s);
	for (uint32_t i = 0; i < n; i++) {
		struct claim *c = &claims[i];
		c->state = atomic_load_explicit(&c->g->state, memory_order_acquire);
		if (c->held && !shrink_may(c->state))
			shrink_withdraw(c);
	}
	gor__barrier(s);
	for (uint32_t i = 0; i < n; i++) {
		struct claim *c = &claims[i];
		if (!c->held || atomic_load_explicit(&c->g->on_cpu, memory_order_acquire) != ON_CPU_SHRINKS)
			continue;
		shrink_tell(s, stream, c);
		shrink_drop(c);
		shrink_withdraw(c);
	}
}

/** The walk's next stack; true: it is to be claimed. */
static bool shrink_look(struct shrink *sh, struct claim *c, bool all)
{
	const struct stack_slab *slab = sh->slab;
	uint32_t i = sh->next;

	if (i == atomic_load_explicit(&slab->used, memory_order_acquire)) {
		sh->slab = atomic_load_explicit(&slab->next, memory_order_acquire);
		sh->next = 0;
		return false;
	}
	sh->next++;
	if (slab_bit(slab->cold, i))
		return false;
	struct g *g = slab_g(slab, i);
	uint8_t look = atomic_load_explicit(&g->look, memory_order_relaxed);
	if (look == LOOK_SHRUNK || !shrink_may(g_state(g)))
		return false;
	sh->changed = true;
	*c = (struct claim){.g = g, .slab = slab, .i = i};
	if (look == LOOK_SEEN || all)
		return true;
	atomic_store_explicit(&g->look, LOOK_SEEN, memory_order_relaxed);
	return false;
}

/** A part of the walk, told to a stream of the calling thread, or not. */
static void shrink_some(struct sched *s, struct gtrace_stream *stream, bool all)
{
	struct shrink *sh = &s->shrink;
	struct claim claims[CLAIMS];
	uint32_t claimed = 0, n = 0;

	for (uint32_t looks = 0; sh->slab && looks < STEP_STACKS && claimed < STEP_CLAIMS; looks++) {
		if (!shrink_look(sh, &claims[n], all) || ++n < CLAIMS)
			continue;
		shrink_claims(s, stream, claims, n);
		claimed += n;
		n = 0;
	}
	if (n)
		shrink_claims(s, stream, claims, n);
}

/** How often all threads have switched. */
static uint32_t shrink_ticks(const struct sched *s)
{
	uint32_t ticks = 0;

	for (const struct m *m = atomic_load_explicit(&s->all_m, memory_order_acquire); m;
	     m = m->all_next)
		ticks += atomic_load_explicit(&m->tick, memory_order_relaxed);
	return ticks;
}

static void shrink_begin(struct sched *s, int64_t now)
{
	struct shrink *sh = &s->shrink;

	sh->began = now;
	sh->ticks = shrink_ticks(s);
	sh->slab = s->no_membarrier ? NULL : atomic_load_explicit(&gor__slabs, memory_order_acquire);
	sh->next = 0;
	gor__lock(&s->free_lock);
	sh->cool = (s->free_least + 1) / 2;
	s->free_least = s->free_count;
	gor__unlock(&s->free_lock);
	sh->changed = sh->cool > 0;
}

/** For the monitor, at each of its looks: the next part of the walk, if it is due. */
void gor__shrink_step(struct sched *s, int64_t now)
{
	struct shrink *sh = &s->shrink;

	if (now < sh->due || gor__config.shrink_ns <= 0)
		return;
	if (sh->due == 0) { // the run has just begun
		sh->due = now + gor__config.shrink_ns;
		sh->changed = true;
		return;
	}
	if (!sh->slab && !sh->cool)
		shrink_begin(s, now);
	shrink_some(s, s->monitor_stream, false);
	uint32_t cool = sh->cool < STEP_COOLED ? sh->cool : STEP_COOLED;
	gor__stack_cool(s, cool);
	sh->cool -= cool;
	int64_t walk = sh->began + gor__config.shrink_ns;
	sh->due = sh->slab || sh->cool || walk < now + STEP_NS ? now + STEP_NS : walk;
}

/** When the next step is due; NO_TIMER: when a goroutine has run again. */
int64_t gor__shrink_due(const struct sched *s)
{
	const struct shrink *sh = &s->shrink;

	if (gor__config.shrink_ns <= 0)
		return NO_TIMER;
	if (!sh->slab && !sh->cool && !sh->changed && sh->ticks == shrink_ticks(s))
		return NO_TIMER;
	return sh->due;
}

/** For tests, instead of the monitor: a whole walk; all: nobody has to be seen first. */
void gor__shrink_walk(struct sched *s, bool all)
{
	shrink_begin(s, gor__clock());
	while (s->shrink.slab)
		shrink_some(s, NULL, all);
	gor__stack_cool(s, s->shrink.cool);
	s->shrink.cool = 0;
}

/** g's claim has to end first. */
void gor__shrink_wait(const struct g *g)
{
	unsigned round = 0;

	while (atomic_load_explicit(&g->on_cpu, memory_order_acquire))
		gor__backoff(&round);
}

/* SPDX-License-Identifier: MIT */
/** runq.h: the quick ways into and out of a p's queue, which every switch takes; see runq.c. */
#ifndef GOR_RUNQ_H
#define GOR_RUNQ_H

#include "seed.h"

/**
 * How often in a row runnext may pass the ring: two goroutines that wake each other must not starve
 * it.
 */
#define STREAK_MAX 64

/** Owner: begin to change runnext with plain loads and stores.  False: a thief is at it. */
static inline bool gor__runq_own_next(struct p *p)
{
	if (p->alone)
		return true;
	if (__builtin_expect(!p->barrier, 0))
		return false;
	atomic_store_explicit(&p->taking, 1, memory_order_relaxed);
	atomic_signal_fence(memory_order_seq_cst); // the thief's barrier is the other half
	if (__builtin_expect(atomic_load_explicit(&p->thieves, memory_order_acquire) == 0, 1))
		return true;
	atomic_store_explicit(&p->taking, 0, memory_order_release);
	return false;
}

static inline void gor__runq_disown_next(struct p *p)
{
	if (!p->alone)
		atomic_store_explicit(&p->taking, 0, memory_order_release);
}

/** Owner: put g, which may be NULL, into the slot.  Returns: what was there. */
static inline struct g *gor__runq_swap_next(struct p *p, struct g *g)
{
	if (__builtin_expect(!gor__runq_own_next(p), 0))
		return atomic_exchange_explicit(&p->runnext, g, memory_order_acq_rel);
	struct g *old = atomic_load_explicit(&p->runnext, memory_order_relaxed);
	atomic_store_explicit(&p->runnext, g, memory_order_release);
	gor__runq_disown_next(p);
	return old;
}

/** g runs next on p; whoever was to do so goes to the ring. */
static inline void gor__runq_put_next(struct p *p, struct g *g)
{
	struct g *old = atomic_load_explicit(&p->runnext, memory_order_relaxed);

	if (!old) // only the owner fills the slot
		atomic_store_explicit(&p->runnext, g, memory_order_release);
	else
		old = gor__runq_swap_next(p, g);
	if (old)
		gor__runq_put(p, old);
}

/** Owner: empty the slot. */
static inline struct g *gor__runq_take_next(struct p *p)
{
	struct g *g = atomic_load_explicit(&p->runnext, memory_order_relaxed);

	return g ? gor__runq_swap_next(p, NULL) : NULL;
}

/** The next goroutine of p, out of the queue; NULL: it is empty. */
static inline struct g *gor__runq_get(struct p *p)
{
	if (__builtin_expect(p->runnext_streak < STREAK_MAX, 1)) {
		struct g *g = gor__runq_take_next(p);
		if (g) {
			p->runnext_streak++;
			return g;
		}
	} else if (p->runnext_streak == STREAK_SEEDED) {
		return gor__seed_get(p);
	}
	p->runnext_streak = 0;
	return gor__runq_get_ring(p);
}

#endif

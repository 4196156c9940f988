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

/** g runs next on p; whoever was to do so goes to the ring. */
static inline void gor__runq_put_next(struct p *p, struct g *g)
{
	struct g *old = atomic_load_explicit(&p->runnext, memory_order_relaxed);

	if (!old || p->alone) // only the owner fills the slot
		atomic_store_explicit(&p->runnext, g, memory_order_release);
	else
		old = atomic_exchange_explicit(&p->runnext, g, memory_order_acq_rel);
	if (old)
		gor__runq_put(p, old);
}

/** Empty p's slot; thieves may do it as well. */
static inline struct g *gor__runq_take_next(struct p *p)
{
	struct g *g = atomic_load_explicit(&p->runnext, memory_order_relaxed);

	if (g && p->alone)
		atomic_store_explicit(&p->runnext, NULL, memory_order_relaxed);
	else if (g)
		g = atomic_exchange_explicit(&p->runnext, NULL, memory_order_acq_rel);
	return g;
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

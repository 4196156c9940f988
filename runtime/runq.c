/* SPDX-License-Identifier: MIT */
/**
 * runq.c: where runnable goroutines wait.
 *
 * Each p has a ring, and one slot `runnext` before it; all share a global list.  The ring is the
 * single-producer, many-consumer queue of Go's scheduler:
 *
 *   I1  only the owner moves tail; head moves by CAS, by the owner or a thief.
 *   I2  tail - head <= RING_SIZE; the slots between are goroutines that are RUNNABLE.
 *   I3  a slot is read before the CAS that takes it, and rewritten only after head has passed it:
 *       the acquire load of head in put pairs with the release in that CAS.
 *
 * runnext is changed by its owner at every other switch, and by a thief once in a blue moon, so the
 * owner uses plain loads and stores, and the thief pays:
 *
 *	owner                              thief
 *	────────────────────────────────   ───────────────────────────────────
 *	taking = 1                         thieves++
 *	(no fence)                         membarrier: a fence in every thread
 *	thieves == 0: load, store          taking == 0: exchange
 *	else: exchange                     else: leave it
 *	taking = 0                         thieves--
 *
 *   I4  Of an owner between the two lines and a thief behind its membarrier one has seen the other:
 *       the owner's load of `thieves` came after the membarrier, or its store to `taking` before.
 *       Two that exchange do not mind each other.
 *
 * Without membarrier, all exchange.
 *
 * A full ring gives its oldest quarter to the global list (global.c), so that one p cannot hide
 * work from the others.
 */
#include "global.h"
#include "runq.h"
#include "seed.h"

bool gor__runq_empty(const struct p *p)
{
	// tail, then runnext, then tail again: a goroutine kicked from runnext into the ring is seen in
	// one of them
	for (;;) {
		uint32_t head = atomic_load_explicit(&p->head, memory_order_acquire);
		uint32_t tail = atomic_load_explicit(&p->tail, memory_order_acquire);
		struct g *next = atomic_load_explicit(&p->runnext, memory_order_acquire);

		if (tail == atomic_load_explicit(&p->tail, memory_order_acquire))
			return head == tail && !next &&
			       !atomic_load_explicit(&gor__seed.count, memory_order_relaxed);
	}
}

/** Is anything in the ring? */
bool gor__runq_ring(const struct p *p)
{
	return atomic_load_explicit(&p->head, memory_order_relaxed) !=
	       atomic_load_explicit(&p->tail, memory_order_acquire);
}

#define SPILL_MAX (BATCH - 1)

/**
 * The ring is full: its oldest quarter and g go to the global list.  False if thieves made room
 * meanwhile.
 */
static bool runq_spill(struct p *p, struct g *g, uint32_t head)
{
	struct g *batch[BATCH];
	uint32_t n = SPILL_MAX;

	for (uint32_t i = 0; i < n; i++)
		batch[i] = atomic_load_explicit(&p->ring[(head + i) % RING_SIZE], memory_order_relaxed);
	if (!atomic_compare_exchange_strong_explicit(&p->head, &head, head + n, memory_order_release,
	                                             memory_order_relaxed))
		return false;
	batch[n] = g;
	gor__global_put(p->sched, batch, n + 1);
	return true;
}

void gor__runq_put(struct p *p, struct g *g)
{
	for (;;) {
		uint32_t head = atomic_load_explicit(&p->head, memory_order_acquire);
		uint32_t tail = atomic_load_explicit(&p->tail, memory_order_relaxed);

		if (tail - head < RING_SIZE) {
			atomic_store_explicit(&p->ring[tail % RING_SIZE], g, memory_order_relaxed);
			atomic_store_explicit(&p->tail, tail + 1, memory_order_release);
			return;
		}
		if (runq_spill(p, g, head))
			return;
	}
}

/**
 * Of those that run next, fetch what a switch to them touches first: of the second its descriptor,
 * of the first, whose descriptor was fetched the last time, its saved context.  Cold ones are the
 * rule where many wait, and two misses a switch cost more than the switch.
 */
static inline void runq_prefetch(struct p *p, uint32_t head, uint32_t tail)
{
	if (tail - head < 3)
		return;
	__builtin_prefetch(atomic_load_explicit(&p->ring[(head + 2) % RING_SIZE], memory_order_relaxed),
	                   1);
	struct g *g = atomic_load_explicit(&p->ring[(head + 1) % RING_SIZE], memory_order_relaxed);
	// a thief may have it by now; its memory stays, and a wrong address does no harm
	__builtin_prefetch(__atomic_load_n(&g->sp, __ATOMIC_RELAXED), 1);
}

static inline __attribute__((always_inline)) struct g *runq_take_head(struct p *p)
{
	uint32_t head = atomic_load_explicit(&p->head, memory_order_acquire);

	for (;;) {
		uint32_t tail = atomic_load_explicit(&p->tail, memory_order_relaxed);
		if (head == tail)
			return NULL;
		struct g *g = atomic_load_explicit(&p->ring[head % RING_SIZE], memory_order_relaxed);
		runq_prefetch(p, head, tail);
		if (p->alone) { // there are no thieves
			atomic_store_explicit(&p->head, head + 1, memory_order_relaxed);
			return g;
		}
		if (atomic_compare_exchange_weak_explicit(&p->head, &head, head + 1, memory_order_acq_rel,
		                                          memory_order_acquire))
			return g;
	}
}

/** The head of the ring, then runnext. */
struct g *gor__runq_get_ring(struct p *p)
{
	struct g *g = runq_take_head(p);

	return g ? g : gor__runq_take_next(p);
}

/** Any goroutine from p's queue or from the global list; NULL: there is none. */
struct g *gor__runq_take(struct p *p)
{
	struct g *g = gor__runq_take_next(p);

	if (!g)
		g = runq_take_head(p);
	return g ? g : gor__global_get(p, 1);
}

/**
 * Take victim's runnext if its thread does not get to it: one that switches will run it in no time.
 */
static struct g *runq_steal_next(struct p *victim)
{
	const struct m *m = atomic_load_explicit(&victim->m, memory_order_acquire);
	struct g *g = NULL;

	if (!atomic_load_explicit(&victim->runnext, memory_order_relaxed))
		return NULL;
	if (m) {
		uint32_t tick = atomic_load_explicit(&m->tick, memory_order_relaxed);
		for (int i = 0; i < 100; i++)
			gor__relax();
		if (tick != atomic_load_explicit(&m->tick, memory_order_relaxed))
			return NULL;
	}
	atomic_fetch_add_explicit(&victim->thieves, 1, memory_order_seq_cst);
	if (victim->barrier)
		gor__barrier(victim->sched);
	if (!atomic_load_explicit(&victim->taking, memory_order_acquire))
		g = atomic_exchange_explicit(&victim->runnext, NULL, memory_order_acq_rel);
	atomic_fetch_sub_explicit(&victim->thieves, 1, memory_order_release);
	return g;
}

#define STEAL_MAX 128 // copying more takes longer than waking another thief

/**
 * Move half of victim's ring to p's empty one; one of them is returned to run.  runnext only if
 * asked, and last.
 */
struct g *gor__runq_steal(struct p *p, struct p *victim, bool take_next)
{
	uint32_t tail = atomic_load_explicit(&p->tail, memory_order_relaxed);
	uint32_t head = atomic_load_explicit(&victim->head, memory_order_acquire);

	for (;;) {
		uint32_t n = atomic_load_explicit(&victim->tail, memory_order_acquire) - head;
		n -= n / 2;
		if (n > STEAL_MAX && n <= RING_SIZE / 2)
			n = STEAL_MAX;
		if (n == 0)
			return take_next ? runq_steal_next(victim) : NULL;
		if (n > RING_SIZE / 2) { // head and tail are not of one moment
			head = atomic_load_explicit(&victim->head, memory_order_acquire);
			continue;
		}
		for (uint32_t i = 0; i < n; i++)
			atomic_store_explicit(&p->ring[(tail + i) % RING_SIZE],
			                      atomic_load_explicit(&victim->ring[(head + i) % RING_SIZE],
			                                           memory_order_relaxed),
			                      memory_order_relaxed);
		if (!atomic_compare_exchange_strong_explicit(&victim->head, &head, head + n,
		                                             memory_order_acq_rel, memory_order_acquire))
			continue;
		struct g *g =
			atomic_load_explicit(&p->ring[(tail + n - 1) % RING_SIZE], memory_order_relaxed);
		atomic_store_explicit(&p->tail, tail + n - 1, memory_order_release);
		return g;
	}
}

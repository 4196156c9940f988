/* SPDX-License-Identifier: MIT */
/**
 * global.c: the list of runnable goroutines that belong to no p: what overflowed from a ring, or
 * came back without a p.
 *
 * It holds pointers in batches, first in first out, so that moving goroutines touches none of their
 * descriptors, each of which is in a cache line of its own and most often in nobody's cache.
 *
 *   B1  a goroutine is in at most one queue; two neighbouring batches hold more than BATCH
 *       together, but for the first, from which goroutines are taken.
 *   B2  so two batches for each BATCH goroutines always suffice, two more for the first and the
 *       last, and one for each p that is about to add one.  They are reserved with the stacks
 *       (stack.c) and the ps (run.c), and taking one cannot fail.
 *
 * Rejected: linking the goroutines themselves; skynet spent a fifth of its time on following the
 * links, under the lock.
 */
#include <string.h>

#include "crowd.h"
#include "global.h"
#include "runq.h"

struct batch {
	struct batch *next;
	uint32_t first, end; // slots in use
	struct g *slot[BATCH];
};

_Static_assert(sizeof(struct batch) <= BATCH_BYTES, "a batch fits where it is reserved");

static struct {
	struct lock lock;
	struct batch *free;           // lock: used before
	struct batch_reserve *ranges; // lock: never used yet
} batches;

void gor__global_reserve(struct batch_reserve *range)
{
	gor__lock(&batches.lock);
	range->next = batches.ranges;
	batches.ranges = range;
	gor__unlock(&batches.lock);
}

static struct batch *batch_new(void)
{
	gor__lock(&batches.lock);
	struct batch *b = batches.free;
	if (b) {
		batches.free = b->next;
	} else {
		struct batch_reserve *range = batches.ranges; // there is one: B2
		b = (struct batch *)(void *)range->memory;
		range->memory += BATCH_BYTES;
		if (--range->left == 0)
			batches.ranges = range->next;
	}
	gor__unlock(&batches.lock);
	b->next = NULL;
	b->first = b->end = 0;
	return b;
}

static void batch_free(struct batch *b)
{
	gor__lock(&batches.lock);
	b->next = batches.free;
	batches.free = b;
	gor__unlock(&batches.lock);
}

/** Add b's goroutines, under s->lock.  True: b itself is in the list now. */
static bool global_add(struct sched *s, struct batch *b)
{
	struct batch *last = s->global_last;
	uint32_t n = b->end;
	bool joins = last && last->end + n <= BATCH; // keeps B1

	if (joins) {
		memcpy(&last->slot[last->end], b->slot, n * sizeof *b->slot);
		last->end += n;
	} else {
		if (last)
			last->next = b;
		else
			s->global_first = b;
		s->global_last = b;
	}
	atomic_fetch_add_explicit(&s->global_count, n, memory_order_release);
	return !joins;
}

/** One goroutine, under s->lock. */
void gor__global_put_locked(struct sched *s, struct g *g)
{
	struct batch *last = s->global_last;

	if (last && last->end < BATCH) {
		last->slot[last->end++] = g;
		atomic_fetch_add_explicit(&s->global_count, 1, memory_order_release);
		return;
	}
	struct batch *b = batch_new();
	b->slot[b->end++] = g;
	global_add(s, b);
}

static void global_put_batch(struct sched *s, struct batch *b)
{
	gor__lock(&s->lock);
	bool kept = global_add(s, b);
	gor__unlock(&s->lock);
	if (!kept)
		batch_free(b);
}

/** Up to BATCH of them. */
void gor__global_put(struct sched *s, struct g *const *gs, uint32_t n)
{
	struct batch *b = batch_new();

	memcpy(b->slot, gs, n * sizeof *gs);
	b->end = n;
	global_put_batch(s, b);
}

/** A list linked by next of goroutines that waited, and are runnable from here on. */
void gor__global_put_waiting(struct sched *s, struct g *list)
{
	while (list) {
		struct batch *b = batch_new();
		for (; list && b->end < BATCH; list = list->next) {
			g_set_state(list, G_RUNNABLE);
			b->slot[b->end++] = list;
		}
		global_put_batch(s, b);
	}
}

/** A fair share: one to run, the rest into p's ring, at most `most` in all.  NULL: none. */
struct g *gor__global_get(struct p *p, unsigned most)
{
	struct sched *s = p->sched;
	struct batch *empty = NULL;
	struct g *got = NULL;
	unsigned taken;

	if (!atomic_load_explicit(&s->global_count, memory_order_acquire))
		return NULL;
	gor__lock(&s->lock);
	struct crowd *crowd = gor__crowd_next(s);
	if (crowd) {
		gor__unlock(&s->lock);
		return gor__crowd_wake(p, crowd, most);
	}
	unsigned n = atomic_load_explicit(&s->global_count, memory_order_relaxed) / s->procs + 1;
	struct batch *b;

	n = n > most ? most : n;
	for (taken = 0; taken < n && (b = s->global_first); taken++) {
		struct g *g = b->slot[b->first++];
		if (b->first == b->end) {
			s->global_first = b->next;
			if (!b->next)
				s->global_last = NULL;
			b->next = empty;
			empty = b;
		}
		if (got)
			gor__runq_put(p, g); // has room: its callers ask for less than that
		else
			got = g;
	}
	atomic_fetch_sub_explicit(&s->global_count, taken, memory_order_relaxed);
	gor__unlock(&s->lock);
	for (struct batch *next; empty; empty = next) {
		next = empty->next;
		batch_free(empty);
	}
	return got;
}

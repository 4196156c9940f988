/* SPDX-License-Identifier: MIT */
/**
 * sync.h: what the public synchronisation types share: their lock, their queue, their id in traces.
 */
#ifndef GOR_SYNC_H
#define GOR_SYNC_H

#include "emit.h"
#include "wait.h"

/** The public types are plain memory: their `spin` is a struct lock. */
static inline struct lock *gor__sync_lock(uint32_t *spin)
{
	_Static_assert(sizeof(struct lock) == sizeof *spin, "spin holds a lock");
	return (struct lock *)(void *)spin;
}

/** The object's id in traces, given at its first use that is recorded. */
static inline uint64_t gor__sync_id(struct m *m, uint64_t *id, unsigned type,
                                    const struct gor_site *site)
{
	uint64_t have = __atomic_load_n(id, __ATOMIC_ACQUIRE);

	if (have || !m->stream)
		return have;
	uint64_t made = gor__obj_id(m);
	if (!__atomic_compare_exchange_n(id, &have, made, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
		return have;
	uint64_t number = emit_site(m, site);
	GTRACE_EMIT(m->stream, OBJ_NEW, made, type, number, 0);
	return made;
}

/** The id given by gor__sync_id() before; another's attempt to give one may be under way. */
static inline uint64_t gor__sync_known(const uint64_t *id)
{
	return __atomic_load_n(id, __ATOMIC_RELAXED);
}

/** Queue a waiter in a public type's head and tail. */
static inline void gor__sync_push(void **head, void **tail, struct waiter *w)
{
	struct waitq q = {.first = *head, .last = *tail};

	gor__waitq_push(&q, w);
	*head = q.first;
	*tail = q.last;
}

/** Its first waiter, claimed; NULL: none. */
static inline struct waiter *gor__sync_claim(void **head, void **tail)
{
	struct waitq q = {.first = *head, .last = *tail};
	struct waiter *w = gor__waitq_claim(&q);

	*head = q.first;
	*tail = q.last;
	return w;
}

/** Goroutines claimed under a lock, to be made ready after it. */
struct woken {
	struct g *first, *last;
	unsigned count;
};

static inline void gor__woken_add(struct woken *woken, struct g *g)
{
	g->next = NULL;
	if (woken->last)
		woken->last->next = g;
	else
		woken->first = g;
	woken->last = g;
	woken->count++;
}

/** Claim and add all that wait in head and tail. */
static inline void gor__woken_add_all(struct woken *woken, void **head, void **tail)
{
	for (struct waiter *w; (w = gor__sync_claim(head, tail));)
		gor__woken_add(woken, w->wait->g);
}

/** After the unlock: tell the trace, for the object id, and make them ready. */
static inline void gor__woken_ready(struct m *m, const struct woken *woken, uint64_t id)
{
	for (struct g *g = woken->first; g; g = g->next)
		emit_wake(m, g, id, g != woken->first);
	if (woken->count == 1)
		gor__ready(m, woken->first);
	else if (woken->count)
		gor__ready_list(m, woken->first, woken->count);
}

#endif

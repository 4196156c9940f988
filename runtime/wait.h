/* SPDX-License-Identifier: MIT */
/**
 * wait.h: how a goroutine waits in queues.
 *
 * A `struct wait` is one act of waiting, a `struct waiter` its place in one queue; both lie on the
 * waiting goroutine's stack.  A select has one wait and a waiter for each case; a timer may end a
 * wait as well. Whoever ends it claims it first: exactly one does.
 */
#ifndef GOR_WAIT_H
#define GOR_WAIT_H

#include "scheduler.h"
#include "timer.h"

#define WAIT_TIMED_OUT (-1)
#define WAIT_CUT (-2) // a foreign thread's, by the end of the run

struct wait {
	struct g *g;
	bool shared; // more than one may end it: claim by exchange
	_Atomic uint32_t claimed;
	uint32_t want; // of a semaphore: permits; of a rwmutex: its count when it was granted
	int result;    // index of the waiter it ended by, or WAIT_TIMED_OUT; set by the claimer
	               // (channels: WAIT_CUT before)
	bool ok;       // a value passed; false: the channel was closed
};

struct waiter {
	struct waiter *next, *prev; // the queue's lock
	struct wait *wait;
	void *value; // from or to where; may be NULL for a receiver
	int index;   // of the select case
	bool queued; // the queue's lock
};

struct waitq {
	struct waiter *first, *last; // first: stored atomically, for who looks without the lock
};

/** Without the lock: is anybody in it?  It may be one whose wait has ended. */
static inline bool gor__waitq_first(const struct waitq *q)
{
	return __atomic_load_n(&q->first, __ATOMIC_RELAXED) != NULL;
}

/** The running goroutine g is about to wait; it is put into its queues after this. */
static inline void gor__wait_begin(struct g *g, unsigned reason, uint64_t obj,
                                   const struct gor_site *site, unsigned flags)
{
	g->reason = (uint8_t)reason;
	g->wait_flags = (uint8_t)flags;
	g->wait_obj = obj;
	g->wait_on = NULL;
	g->wait_cases = 0;
	g->wait_ns = atomic_load_explicit(&gor__coarse.ns, memory_order_relaxed);
	g->site = site;
	atomic_store_explicit(&g->look, 0, memory_order_relaxed);
	g_set_state(g, G_WAITING);
}

static inline void gor__waitq_push(struct waitq *q, struct waiter *w)
{
	w->queued = true;
	w->next = NULL;
	w->prev = q->last;
	if (q->last)
		q->last->next = w;
	else
		__atomic_store_n(&q->first, w, __ATOMIC_RELAXED);
	q->last = w;
}

static inline void gor__waitq_remove(struct waitq *q, struct waiter *w)
{
	if (!w->queued)
		return;
	w->queued = false;
	if (w->prev)
		w->prev->next = w->next;
	else
		__atomic_store_n(&q->first, w->next, __ATOMIC_RELAXED);
	if (w->next)
		w->next->prev = w->prev;
	else
		q->last = w->prev;
}

/** End the wait; false: somebody else did. */
static inline bool gor__wait_claim(struct wait *wait)
{
	return !wait->shared || !atomic_exchange_explicit(&wait->claimed, 1, memory_order_acq_rel);
}

/** Is there a waiter whose wait is still open?  It may be claimed by the time its turn comes. */
static inline bool gor__waitq_open(struct waitq *q)
{
	struct waiter *w;

	while ((w = q->first) && w->wait->shared &&
	       atomic_load_explicit(&w->wait->claimed, memory_order_relaxed))
		gor__waitq_remove(q, w);
	return w != NULL;
}

/** The first waiter whose wait is still open, out of the queue and claimed; NULL: none. */
static inline struct waiter *gor__waitq_claim(struct waitq *q)
{
	for (;;) {
		struct waiter *w = q->first;
		if (!w)
			return NULL;
		gor__waitq_remove(q, w);
		if (gor__wait_claim(w->wait))
			return w;
	}
}

/** The same from the other end. */
static inline struct waiter *gor__waitq_claim_last(struct waitq *q)
{
	for (;;) {
		struct waiter *w = q->last;
		if (!w)
			return NULL;
		gor__waitq_remove(q, w);
		if (gor__wait_claim(w->wait))
			return w;
	}
}

/* time.c: let a wait end at an absolute time */
int gor__wait_until(struct m *m, struct wait *wait, struct timer *timer, int64_t deadline);
void gor__emit_until(struct m *m, int64_t deadline);
int gor__sleep_until(struct m *m, int64_t deadline, unsigned reason, const struct gor_site *site);

#endif

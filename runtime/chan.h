/* SPDX-License-Identifier: MIT */
/** chan.h: the inside of a channel, for chan.c and select.c. */
#ifndef GOR_CHAN_H
#define GOR_CHAN_H

#include <string.h>

#include "emit.h"
#include "wait.h"

struct gor_hchan {
	struct lock lock;
	_Atomic bool closed; // written under lock
	_Atomic bool timed;  // an armed timer will send; reach.c looks at it
	bool of_ctx;         // it is the done of a context
	bool recv_mixed;     // lock: waits were put into recvq that others than a partner may end
	uint32_t elem_bytes;
	size_t cap;
	_Atomic size_t len;        // written under lock
	size_t head;               // lock: slot of the oldest value
	struct waitq recvq, sendq; // lock
	uint64_t id;               // in traces
	uint64_t last_send_g;      // lock: whose use of it the trace has
	uint64_t last_recv_g;      // lock
	_Alignas(16) char slots[];
};

/** What gor__chan_try_*() did. */
enum chan_try {
	CHAN_DONE, // a value passed
	CHAN_CLOSED,
	CHAN_BLOCKS,
};

/** Who may run once the channel is unlocked. */
struct chan_met {
	struct g *g; // NULL: nobody
	bool told;   // the trace has a record of this call
};

/* ctx.c: addresses that may have gone, for reach.c; 0: none, or the root */
uint64_t gor__ctx_of(uint64_t chan);   // the context whose channel that is
uint64_t gor__ctx_above(uint64_t ctx); // the one above

struct g **gor__chan_close(struct gor_hchan *c, struct g **end, unsigned *count);
void gor__chan_init(struct gor_hchan *c, size_t elem_bytes, size_t cap);
void gor__chan_tell(struct m *m, struct gor_hchan *c, uint64_t *last, const struct gor_site *site);
void gor__chan_zero(const struct gor_hchan *c, void *out);
void gor__park_forever(struct m *m, unsigned reason, const struct gor_site *site)
	__attribute__((noreturn));

/** Under c->lock: a wait that others may end as well is about to be put into q. */
static inline void gor__chan_mix(struct gor_hchan *c, const struct waitq *q)
{
	c->recv_mixed |= q == &c->recvq;
}

static inline char *gor__chan_slot(struct gor_hchan *c, size_t i)
{
	size_t at = c->head + i;

	return c->slots + (at >= c->cap ? at - c->cap : at) * c->elem_bytes;
}

static inline void gor__chan_copy(const struct gor_hchan *c, void *to, const void *from)
{
	switch (c->elem_bytes) { // the usual sizes without a call
	case 8:
		memcpy(to, from, 8);
		break;
	case 4:
		memcpy(to, from, 4);
		break;
	default:
		memcpy(to, from, c->elem_bytes);
	}
}

/**
 * With one p, who has it has all channels to itself, and an exchange costs as much as the rest of a
 * send.  What runs without a p, in foreign threads when a run is over, runs when nobody has one.
 */
static inline void gor__chan_lock(const struct m *m, struct gor_hchan *c)
{
	if (!m->p || !m->p->alone)
		gor__lock(&c->lock);
}

static inline bool gor__chan_closed(const struct gor_hchan *c)
{
	return atomic_load_explicit(&c->closed, memory_order_relaxed);
}

static inline size_t gor__chan_len(const struct gor_hchan *c)
{
	return atomic_load_explicit(&c->len, memory_order_relaxed);
}

static inline void gor__chan_set_len(struct gor_hchan *c, size_t len)
{
	atomic_store_explicit(&c->len, len, memory_order_relaxed);
}

/** Tell the trace that the running goroutine acts on c, unless *last has told it already. */
static inline bool gor__chan_use(struct m *m, struct gor_hchan *c, uint64_t *last,
                                 const struct gor_site *site)
{
	if (__builtin_expect(m->sync == NULL, 1) || !m->cur || *last == m->cur->id)
		return false;
	gor__chan_tell(m, c, last, site);
	return true;
}

/* Under c->lock.  met->g, which is NULL before: a goroutine to make ready after the unlock. */
static inline enum chan_try gor__chan_try_send(struct m *m, struct gor_hchan *c, const void *value,
                                               const struct gor_site *site, struct chan_met *met)
{
	struct waiter *w;

	if (gor__chan_closed(c))
		return CHAN_CLOSED;
	if ((w = gor__waitq_claim(&c->recvq))) {
		if (w->value)
			gor__chan_copy(c, w->value, value);
		w->wait->result = w->index;
		w->wait->ok = true;
		met->g = w->wait->g;
		met->told = gor__chan_use(m, c, &c->last_send_g, site);
		return CHAN_DONE;
	}
	size_t len = gor__chan_len(c);
	if (len == c->cap)
		return CHAN_BLOCKS;
	gor__chan_copy(c, gor__chan_slot(c, len), value);
	gor__chan_set_len(c, len + 1);
	gor__chan_use(m, c, &c->last_send_g, site);
	return CHAN_DONE;
}

static inline enum chan_try gor__chan_try_recv(struct m *m, struct gor_hchan *c, void *out,
                                               const struct gor_site *site, struct chan_met *met)
{
	size_t len = gor__chan_len(c);
	struct waiter *w = NULL;

	if (len > 0) {
		if (out)
			gor__chan_copy(c, out, gor__chan_slot(c, 0));
		c->head = c->head + 1 == c->cap ? 0 : c->head + 1;
		w = gor__waitq_claim(&c->sendq);
		if (w)
			gor__chan_copy(c, gor__chan_slot(c, len - 1), w->value); // keeps C3
		else
			gor__chan_set_len(c, len - 1);
	} else if ((w = gor__waitq_claim(&c->sendq))) {
		if (out)
			gor__chan_copy(c, out, w->value);
	} else {
		return gor__chan_closed(c) ? CHAN_CLOSED : CHAN_BLOCKS;
	}
	if (w) {
		w->wait->result = w->index;
		w->wait->ok = true;
		met->g = w->wait->g;
	}
	met->told = gor__chan_use(m, c, &c->last_recv_g, site);
	return CHAN_DONE;
}

/** After the unlock of the channel with that id: its partner, if any, may run. */
static inline void gor__chan_wake(struct m *m, uint64_t id, const struct chan_met *met)
{
	if (!met->g)
		return;
	emit_wake(m, met->g, id, met->told);
	gor__ready(m, met->g);
}

#endif

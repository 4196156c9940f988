/* SPDX-License-Identifier: MIT */
/**
 * chan.c: channels, with a buffer and without.
 *
 * A channel is a lock, a ring of `cap` slots and two first-in-first-out queues of parked
 * goroutines.
 *
 * Invariants, whenever c->lock is free:
 *   C1  sendq is empty or recvq is empty, unless one select waits on both sides.
 *   C2  len > 0    implies recvq is empty.
 *   C3  len < cap  implies sendq is empty.
 *   C4  closed     implies both are empty.
 * ("Empty" means of waits that nobody has claimed; a select's other waiters stay until it runs
 * again.)
 *
 * A value goes straight to a parked receiver, past the ring:
 *
 *	sender                                 receiver, parked in recvq
 *	────────────────────────────────────   ─────────────────────────
 *	lock; claim w; copy value to w->value
 *	unlock; ready(w->wait->g) ───────────▶ returns, its value is there
 *
 * ready() comes after the unlock: it may wake a thread, and a system call has no place under the
 * lock.  A sender parked at a full buffer: the receiver takes the oldest slot and moves the
 * sender's value to the end, so values keep their order.
 *
 * Nobody touches the channel after its unlock: whoever got the last value, or saw the close, may
 * free it at once.
 *
 * Close collects the waiters under the lock and makes them ready as one list afterwards: they
 * spread over the threads by stealing.  A crowd of receivers is left to be woken bit by bit
 * (crowd.c).  Rejected: readying each under the lock, and letting each lock the channel again.
 */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "chan.h"
#include "crowd.h"
#include "emit.h"
#include "seed.h"

/** For a channel in memory of the caller's, with room for its slots. */
void gor__chan_init(struct gor_hchan *c, size_t elem_bytes, size_t cap)
{
	memset(c, 0, sizeof *c);
	c->elem_bytes = (uint32_t)elem_bytes;
	c->cap = cap;
}

int gor_chan_make_at(struct gor_hchan **out, size_t elem_bytes, size_t cap,
                     const struct gor_site *site)
{
	struct gor_hchan *c = NULL;
	size_t bytes;

	_Static_assert(_Alignof(struct gor_hchan) <= _Alignof(max_align_t), "malloc will do");

	*out = NULL;
	if (elem_bytes > UINT32_MAX || __builtin_mul_overflow(elem_bytes, cap, &bytes) ||
	    __builtin_add_overflow(bytes, sizeof *c, &bytes) || !(c = malloc(bytes)))
		return -ENOMEM;
	gor__chan_init(c, elem_bytes, cap);
	*out = c;
	struct m *m = gor__here() ? gor__enter_if() : NULL;
	c->id = gor__obj_id(m);
	if (m && m->stream) {
		uint64_t number = emit_site(m, site);
		GTRACE_EMIT(m->stream, OBJ_NEW, c->id, GTRACE_object_CHAN, number, cap);
	}
	if (m)
		gor__leave();
	return 0;
}

void gor__chan_zero(const struct gor_hchan *c, void *out)
{
	if (out)
		memset(out, 0, c->elem_bytes);
}

void gor__chan_tell(struct m *m, struct gor_hchan *c, uint64_t *last, const struct gor_site *site)
{
	if (gtrace_rec_level(m->stream->rec) < GTRACE_LEVEL_ALL)
		*last = m->cur->id; // once; level all tells every time
	uint64_t number = emit_site(m, site);
	GTRACE_EMIT(m->sync, USE, c->id,
	            last == &c->last_send_g ? GTRACE_op_CHAN_SEND : GTRACE_op_CHAN_RECV, number);
}

void gor__park_forever(struct m *m, unsigned reason, const struct gor_site *site)
{
	for (;;) {
		gor__wait_begin(m->cur, reason, 0, site, 0);
		gor__park(m, NULL);
		m = gor__self();
	}
}

static unsigned chan_reason(const struct gor_hchan *c, const struct waitq *q)
{
	return q == &c->sendq ? GTRACE_reason_CHAN_SEND : GTRACE_reason_CHAN_RECV;
}

/** What a wait says that nobody on the other side has ended. */
static int chan_not_met(int result)
{
	return result == WAIT_TIMED_OUT ? -ETIMEDOUT : -ECANCELED;
}

/** The same, of a waiter that is still in q. */
__attribute__((noinline, cold)) static int chan_leave(struct gor_hchan *c, struct waitq *q,
                                                      struct waiter *w)
{
	gor__lock(&c->lock);
	gor__waitq_remove(q, w);
	gor__unlock(&c->lock);
	return chan_not_met(w->wait->result);
}

/**
 * Wait in q, c locked, until somebody passes a value or closes.  Returns 1, 0 if closed, or
 * -ECANCELED: see WAIT_CUT.
 */
__attribute__((always_inline)) static inline int chan_wait(struct m *m, struct gor_hchan *c,
                                                           struct waitq *q, void *value,
                                                           const struct gor_site *site)
{
	struct wait wait = {.g = m->cur, .result = WAIT_CUT}; // unless somebody ends it
	struct waiter w = {.wait = &wait, .value = value};

	gor__wait_begin(m->cur, chan_reason(c, q), c->id, site, 0);
	m->cur->wait_on = c;
	if (__builtin_expect(m->foreign, 0))
		gor__chan_mix(c, q);
	gor__waitq_push(q, &w);
	gor__park(m, &c->lock);
	return __builtin_expect(wait.result >= 0, 1) ? wait.ok : chan_leave(c, q, &w);
}

/** The same, until deadline at most: -ETIMEDOUT as well. */
__attribute__((noinline)) static int chan_wait_until(struct m *m, struct gor_hchan *c,
                                                     struct waitq *q, void *value, int64_t deadline,
                                                     const struct gor_site *site)
{
	struct wait wait = {.g = m->cur, .result = WAIT_CUT};
	struct waiter w = {.wait = &wait, .value = value};
	struct timer timer;

	gor__wait_begin(m->cur, chan_reason(c, q), c->id, site, GTRACE_WAIT_DEADLINE);
	gor__emit_until(m, deadline);
	m->cur->wait_on = c;
	gor__chan_mix(c, q);
	gor__waitq_push(q, &w);
	if (gor__wait_until(m, &wait, &timer, deadline))
		gor__fatal(m->cur->site, "gor: out of memory for a timer");
	gor__park(m, &c->lock);
	gor__timer_del(&timer);
	return wait.result >= 0 ? wait.ok : chan_leave(c, q, &w);
}

/** On a nil channel nothing ever happens. */
static int chan_nil(struct m *m, int64_t deadline, unsigned reason, const struct gor_site *site)
{
	int result = -EAGAIN;

	if (deadline < 0)
		gor__park_forever(m, reason, site);
	if (deadline != GOR_NOW)
		result = chan_not_met(gor__sleep_until(m, deadline, reason, site));
	else
		emit_attempt(m, site);
	gor__leave();
	return result;
}

/*
 * The ends of a send and of a receive that have to wait, c locked.  They leave the runtime
 * themselves and return to the caller of the call that ends in them: each return after a switch is
 * one that the processor has foreseen wrongly.
 */
__attribute__((noinline)) static int chan_send_wait(struct m *m, struct gor_hchan *c,
                                                    const void *value, const struct gor_site *site)
{
	int result = chan_wait(m, c, &c->sendq, (void *)(uintptr_t)value, site);

	gor__leave();
	return result == 1 ? 0 : result == 0 ? -EPIPE : result;
}

__attribute__((noinline)) static int chan_send_wait_open(struct m *m, struct gor_hchan *c,
                                                         const void *value,
                                                         const struct gor_site *site)
{
	int result = chan_wait(m, c, &c->sendq, (void *)(uintptr_t)value, site);

	gor__leave();
	if (__builtin_expect(result == 0, 0))
		gor__panic(site, "send on closed channel");
	return result == 1 ? 0 : result;
}

__attribute__((noinline)) static int chan_recv_wait(struct m *m, struct gor_hchan *c, void *out,
                                                    const struct gor_site *site)
{
	int result = chan_wait(m, c, &c->recvq, out, site);

	gor__leave();
	return result;
}

/** Send without waiting; c is unlocked then.  CHAN_BLOCKS: it is not. */
static inline enum chan_try chan_send_now(struct m *m, struct gor_hchan *c, const void *value,
                                          const struct gor_site *site)
{
	struct chan_met met = {0};

	gor__chan_lock(m, c);
	enum chan_try tried = gor__chan_try_send(m, c, value, site, &met);
	if (__builtin_expect(tried == CHAN_BLOCKS, 0))
		return tried;
	uint64_t id = c->id;
	gor__unlock(&c->lock);
	gor__chan_wake(m, id, &met);
	gor__leave();
	return tried;
}

int gor_chan_send_until_at(struct gor_hchan *c, const void *value, int64_t deadline,
                           const struct gor_site *site)
{
	struct m *m = gor__enter_if();
	int result;

	if (__builtin_expect(!m, 0))
		return -ECANCELED;
	if (__builtin_expect(!c, 0))
		return chan_nil(m, deadline, GTRACE_reason_CHAN_SEND_NIL, site);
	switch (chan_send_now(m, c, value, site)) {
	case CHAN_DONE:
		return 0;
	case CHAN_CLOSED:
		return -EPIPE;
	case CHAN_BLOCKS:
		break;
	}
	if (deadline < 0)
		return chan_send_wait(m, c, value, site);
	if (deadline == GOR_NOW) {
		gor__unlock(&c->lock);
		emit_attempt(m, site);
		result = -EAGAIN;
	} else {
		result = chan_wait_until(m, c, &c->sendq, (void *)(uintptr_t)value, deadline, site);
		result = result == 1 ? 0 : result == 0 ? -EPIPE : result;
	}
	gor__leave();
	return result;
}

int gor_chan_send_at(struct gor_hchan *c, const void *value, const struct gor_site *site)
{
	struct m *m = gor__enter_if();

	if (__builtin_expect(!m, 0))
		return -ECANCELED;
	if (__builtin_expect(!c, 0))
		gor__park_forever(m, GTRACE_reason_CHAN_SEND_NIL, site);
	enum chan_try tried = chan_send_now(m, c, value, site);
	if (tried == CHAN_BLOCKS)
		return chan_send_wait_open(m, c, value, site);
	if (__builtin_expect(tried == CHAN_CLOSED, 0))
		gor__panic(site, "send on closed channel");
	return 0;
}

int gor_chan_recv_at(struct gor_hchan *c, void *out, int64_t deadline, const struct gor_site *site)
{
	struct m *m = gor__enter_if();
	struct chan_met met = {0};
	int result;

	if (__builtin_expect(!m, 0))
		return -ECANCELED;
	if (__builtin_expect(!c, 0))
		return chan_nil(m, deadline, GTRACE_reason_CHAN_RECV_NIL, site);
	gor__chan_lock(m, c);
	enum chan_try tried = gor__chan_try_recv(m, c, out, site, &met);
	if (tried == CHAN_BLOCKS && deadline < 0)
		return chan_recv_wait(m, c, out, site);
	if (tried == CHAN_BLOCKS && deadline != GOR_NOW) {
		result = chan_wait_until(m, c, &c->recvq, out, deadline, site);
	} else {
		uint64_t id = c->id;
		if (tried == CHAN_CLOSED)
			gor__chan_zero(c, out);
		gor__unlock(&c->lock);
		gor__chan_wake(m, id, &met);
		if (tried == CHAN_BLOCKS)
			emit_attempt(m, site);
		result = tried == CHAN_DONE ? 1 : tried == CHAN_CLOSED ? 0 : -EAGAIN;
	}
	gor__leave();
	return result;
}

/** The first waits of a queue of c, claimed, as a list of goroutines appended at *end. */
static struct g **chan_drain(struct gor_hchan *c, struct waitq *q, unsigned most, struct g **end,
                             unsigned *count)
{
	struct waiter *w;

	for (; most > 0 && (w = gor__waitq_claim(q)); most--) {
		if (q == &c->recvq)
			gor__chan_zero(c, w->value);
		w->wait->result = w->index;
		w->wait->ok = false;
		*end = w->wait->g;
		end = &w->wait->g->next;
		++*count;
	}
	return end;
}

/**
 * Under c->lock: close, and append all that waited to the list that ends at *end.  The caller makes
 * them ready after the unlock.  Returns the new end.
 */
struct g **gor__chan_close(struct gor_hchan *c, struct g **end, unsigned *count)
{
	atomic_store_explicit(&c->closed, true, memory_order_relaxed);
	end = chan_drain(c, &c->recvq, UINT_MAX, end, count);
	end = chan_drain(c, &c->sendq, UINT_MAX, end, count);
	*end = NULL;
	return end;
}

void gor_chan_close_at(struct gor_hchan *c, const struct gor_site *site)
{
	struct m *m = gor__enter_if();
	struct g *list = NULL, **end = &list;
	unsigned count = 0;

	if (!m)
		return;
	if (!c)
		gor__panic(site, "close of nil channel");
	gor__chan_lock(m, c);
	if (gor__chan_closed(c)) {
		gor__unlock(&c->lock);
		gor__panic(site, "close of closed channel");
	}
	if (!c->recv_mixed && !m->stream && !gor__seeded()) {
		end = chan_drain(c, &c->recvq, RING_SIZE / 2, end, &count);
		if (c->recvq.first)
			gor__crowd_put(m->sched, &c->recvq, c->elem_bytes);
	}
	gor__chan_close(c, end, &count);
	uint64_t id = c->id;
	gor__unlock(&c->lock);
	if (m->stream) {
		uint64_t number = emit_site(m, site);
		GTRACE_EMIT(m->stream, CHAN_CLOSE, id, count, number);
		for (struct g *g = list; g; g = g->next)
			emit_wake(m, g, id, true);
	}
	if (count)
		gor__ready_list(m, list, count);
	gor__leave();
}

void gor_chan_free_at(struct gor_hchan *c, const struct gor_site *site)
{
	if (!c)
		return;
	struct m *m = gor__here() ? gor__enter_if() : NULL; // recorded or not: seed.c counts
	gor__lock(&c->lock);
	bool waited = c->recvq.first || c->sendq.first;
	gor__unlock(&c->lock);
	if (waited)
		gor__panic(site, "free of channel with waiting goroutines");
	if (m && m->stream) {
		uint64_t number = emit_site(m, site);
		GTRACE_EMIT(m->stream, OBJ_FREE, c->id, number);
	}
	if (m)
		gor__leave();
	free(c);
}

size_t gor_chan_len(const struct gor_hchan *c)
{
	return c ? gor__chan_len(c) : 0;
}

size_t gor_chan_cap(const struct gor_hchan *c)
{
	return c ? c->cap : 0;
}

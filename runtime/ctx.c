/* SPDX-License-Identifier: MIT */
/**
 * ctx.c: trees of contexts, cancelled from the top down.
 *
 * One lock for all trees: cancelling walks a subtree and must see it whole, and it is rare.  The
 * channels of the subtree are closed under it (the lock ranks before a channel's), and their
 * waiters are made ready after it.
 *
 *   X1  a context is in its parent's list of children from its making until it is cancelled or
 *       freed.
 *   X2  err, once not 0, stays; done is closed exactly when err is set.
 *   X3  the children of a cancelled context are cancelled, and it has none in its list.
 *
 * Who has the address of a context can cancel it, which is why reach.c looks for it.  The tree
 * itself cannot: its links are kept upside down, so that they are not found.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "chan.h"
#include "emit.h"
#include "peek.h"

struct link {              // to a context
	uintptr_t upside_down; // 0: to none
};

struct gor_ctx_ {
	struct link parent;         // lock; none once it is out of its parent's list
	struct link child;          // lock: first of its children
	struct link next, prev;     // lock: siblings
	struct link next_cancelled; // of the subtree that is being cancelled
	_Atomic int err;            // written under lock
	bool timed;
	struct timer timer;
	struct gor_hchan done;
};

static struct {
	struct lock lock;
	struct gor_ctx_ root;
} ctx;

static struct link ctx_link(const struct gor_ctx_ *to)
{
	return (struct link){to ? ~(uintptr_t)to : 0};
}

static struct gor_ctx_ *ctx_at(struct link l)
{
	return l.upside_down ? (struct gor_ctx_ *)~l.upside_down : NULL; // NOLINT: an address
}

uint64_t gor__ctx_of(uint64_t chan)
{
	bool of_ctx;

	if (gor__peek(&of_ctx, chan + offsetof(struct gor_hchan, of_ctx), sizeof of_ctx) !=
	        sizeof of_ctx ||
	    !of_ctx)
		return 0;
	return chan - offsetof(struct gor_ctx_, done);
}

uint64_t gor__ctx_above(uint64_t address)
{
	struct link l;

	if (gor__peek(&l, address + offsetof(struct gor_ctx_, parent), sizeof l) != sizeof l ||
	    ctx_at(l) == &ctx.root)
		return 0;
	return (uint64_t)(uintptr_t)ctx_at(l);
}

gor_ctx *gor_ctx_background(void)
{
	return &ctx.root;
}

int gor_ctx_err(const gor_ctx *c)
{
	return atomic_load_explicit(&c->err, memory_order_acquire);
}

void *gor_ctx_done_at(gor_ctx *c)
{
	return c == &ctx.root ? NULL : &c->done;
}

static void ctx_unlink(struct gor_ctx_ *c)
{
	struct gor_ctx_ *parent = ctx_at(c->parent), *prev = ctx_at(c->prev), *next = ctx_at(c->next);

	if (!parent)
		return;
	if (prev)
		prev->next = c->next;
	else
		parent->child = c->next;
	if (next)
		next->prev = c->prev;
	c->parent = ctx_link(NULL);
}

/** Under the lock: c and all below it, as a list by next_cancelled, out of the tree. */
static struct gor_ctx_ *ctx_subtree(struct gor_ctx_ *c)
{
	struct gor_ctx_ *last = c, *child;

	ctx_unlink(c);
	c->next_cancelled = ctx_link(NULL);
	for (struct gor_ctx_ *at = c; at; at = ctx_at(at->next_cancelled))
		while ((child = ctx_at(at->child))) {
			ctx_unlink(child);
			child->next_cancelled = ctx_link(NULL);
			last->next_cancelled = ctx_link(child);
			last = child;
		}
	return c;
}

/** Cancel c and what is below it with err; by is the waker if no goroutine does it. */
static void ctx_cancel(struct m *m, struct gor_ctx_ *c, int err, const struct gor_site *site)
{
	struct g *list = NULL, **end = &list;
	unsigned all = 0;

	gor__lock(&ctx.lock);
	if (atomic_load_explicit(&c->err, memory_order_relaxed)) {
		gor__unlock(&ctx.lock);
		return;
	}
	for (struct gor_ctx_ *at = ctx_subtree(c); at; at = ctx_at(at->next_cancelled)) {
		unsigned count = 0;
		if (at->timed && gor__timer_del(&at->timer)) // its time does not matter any more
			EMIT(m, TIMER_STOP, at->done.id, 0);
		struct g **first = end;
		gor__lock(&at->done.lock);
		atomic_store_explicit(&at->err, err, memory_order_release);
		end = gor__chan_close(&at->done, end, &count);
		gor__unlock(&at->done.lock);
		all += count;
		if (!m->stream)
			continue;
		uint64_t number = site ? emit_site(m, site) : 0;
		GTRACE_EMIT(m->stream, CHAN_CLOSE, at->done.id, count, number);
		for (struct g *g = *first; g; g = g->next) {
			if (m->cur)
				emit_wake(m, g, at->done.id, true);
			else
				emit_wake_by(m, g, at->done.id, GTRACE_waker_TIMER, true);
		}
	}
	gor__unlock(&ctx.lock);
	if (all)
		gor__ready_list(m, list, all);
}

static void ctx_expired(struct m *m, struct timer *t)
{
	EMIT(m, TIMER_FIRE, ((struct gor_ctx_ *)t->arg)->done.id);
	ctx_cancel(m, t->arg, -ETIMEDOUT, NULL);
	gor__timer_ran(t);
}

/** Under the lock: below parent, or cancelled as parent is. */
static int ctx_put(struct gor_ctx_ *c, struct gor_ctx_ *parent)
{
	int err = atomic_load_explicit(&parent->err, memory_order_relaxed);
	struct gor_ctx_ *next = ctx_at(parent->child);

	if (err || atomic_load_explicit(&c->err, memory_order_relaxed)) // its time may be over already
		return err;
	c->parent = ctx_link(parent);
	c->next = parent->child;
	if (next)
		next->prev = ctx_link(c);
	parent->child = ctx_link(c);
	return 0;
}

static int ctx_arm(struct m *m, struct gor_ctx_ *c, int64_t deadline, const struct gor_site *site)
{
	c->timer = (struct timer){.when = deadline, .run = ctx_expired, .arg = c};
	c->timed = true;
	if (m->stream) {
		int64_t left = deadline - gor__now();
		uint64_t number = emit_site(m, site);
		GTRACE_EMIT(m->stream, TIMER_ARM, c->done.id, left > 0 ? (uint64_t)left : 0, 0, number);
	}
	return gor__timer_add(m, &c->timer);
}

gor_ctx *gor_ctx_new_at(gor_ctx *parent, int64_t deadline, const struct gor_site *site)
{
	struct gor_ctx_ *c = calloc(1, sizeof *c);

	if (!c)
		return NULL;
	struct m *m = gor__enter_if();
	if (!m) {
		free(c);
		return NULL;
	}
	gor__chan_init(&c->done, 1, 0);
	c->done.of_ctx = true;
	c->done.id = gor__obj_id(m);
	if (m->stream) {
		uint64_t number = emit_site(m, site);
		GTRACE_EMIT(m->stream, OBJ_NEW, c->done.id, GTRACE_object_CTX, number, parent->done.id);
	}
	int err = deadline >= 0 && deadline <= gor__now() ? -ETIMEDOUT : 0;
	if (deadline >= 0 && !err && ctx_arm(m, c, deadline, site)) {
		free(c);
		gor__leave();
		return NULL;
	}
	gor__lock(&ctx.lock);
	int above = ctx_put(c, parent);
	gor__unlock(&ctx.lock);
	if (above || err)
		ctx_cancel(m, c, above ? above : err, site);
	gor__leave();
	return c;
}

void gor_ctx_cancel_at(gor_ctx *c, const struct gor_site *site)
{
	struct m *m = gor__enter_if();

	if (!m)
		return;
	if (c == &ctx.root)
		gor__panic(site, "gor_ctx_cancel: the root cannot be cancelled");
	ctx_cancel(m, c, -ECANCELED, site);
	gor__leave();
}

void gor_ctx_free_at(gor_ctx *c, const struct gor_site *site)
{
	if (!c || c == &ctx.root)
		return;
	struct m *m = gor__enter_if();
	if (!m)
		return;
	if (c->timed)
		gor__timer_cancel(&c->timer); // and wait if it is just expiring
	ctx_cancel(m, c, -ECANCELED, site);
	gor__lock(&c->done.lock);
	bool waited = c->done.recvq.first != NULL;
	gor__unlock(&c->done.lock);
	if (waited)
		gor__panic(site, "gor_ctx_free: goroutines still wait on it");
	EMIT(m, OBJ_FREE, c->done.id, 0);
	gor__leave();
	free(c);
}

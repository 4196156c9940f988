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
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "chan.h"
#include "emit.h"

struct gor_ctx_ {
	struct gor_ctx_ *parent;         // lock; NULL once it is out of its parent's list
	struct gor_ctx_ *child;          // lock: first of its children
	struct gor_ctx_ *next, **link;   // lock: siblings, and what points here
	struct gor_ctx_ *next_cancelled; // of the subtree that is being cancelled
	_Atomic int err;                 // written under lock
	bool timed;
	struct timer timer;
	struct gor_hchan done;
};

static struct {
	struct lock lock;
	struct gor_ctx_ root;
} ctx;

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
	if (!c->parent)
		return;
	*c->link = c->next;
	if (c->next)
		c->next->link = c->link;
	c->parent = NULL;
}

/** Under the lock: c and all below it, as a list by next_cancelled, out of the tree. */
static struct gor_ctx_ *ctx_subtree(struct gor_ctx_ *c)
{
	struct gor_ctx_ *last = c;

	ctx_unlink(c);
	c->next_cancelled = NULL;
	for (struct gor_ctx_ *at = c; at; at = at->next_cancelled)
		while (at->child) {
			struct gor_ctx_ *child = at->child;
			ctx_unlink(child);
			child->next_cancelled = NULL;
			last = last->next_cancelled = child;
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
	for (struct gor_ctx_ *at = ctx_subtree(c); at; at = at->next_cancelled) {
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
				emit_wake(m, g, at->done.id);
			else
				emit_wake_by(m, g, at->done.id, GTRACE_waker_TIMER);
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
static int ctx_link(struct gor_ctx_ *c, struct gor_ctx_ *parent)
{
	int err = atomic_load_explicit(&parent->err, memory_order_relaxed);

	if (err || atomic_load_explicit(&c->err, memory_order_relaxed)) // its time may be over already
		return err;
	c->parent = parent;
	c->next = parent->child;
	c->link = &parent->child;
	if (c->next)
		c->next->link = &c->next;
	parent->child = c;
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
	c->done.id = gor__obj_id(m);
	if (m->stream) {
		uint64_t number = emit_site(m, site);
		GTRACE_EMIT(m->stream, OBJ_NEW, c->done.id, GTRACE_object_CTX, number, 0);
	}
	int err = deadline >= 0 && deadline <= gor__now() ? -ETIMEDOUT : 0;
	if (deadline >= 0 && !err && ctx_arm(m, c, deadline, site)) {
		free(c);
		gor__leave();
		return NULL;
	}
	gor__lock(&ctx.lock);
	int above = ctx_link(c, parent);
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

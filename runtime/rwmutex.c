/* SPDX-License-Identifier: MIT */
/**
 * rwmutex.c: the lock of one writer or many readers.
 *
 * Everything is under `spin`.  The queue holds readers and writers in the order they came; a
 * waiter's index says which it is.
 *
 *   R1  writer != 0 implies readers == 0.
 *   R2  the queue is empty, or a writer holds the lock, or readers hold it and the first waiter is
 *       a writer.
 *
 * Writers are preferred, as in Go: a reader that comes while a writer waits queues behind it, so
 * readers cannot starve a writer.  And as in Go a writer that leaves lets in every reader that
 * waits then, even those behind another writer, so writers cannot starve readers.  A goroutine that
 * takes the read lock twice, with a writer queued in between, therefore waits for itself; the
 * analyzer says so.
 */
#include <errno.h>

#include "sync.h"
#include "tally.h"

enum { READER, WRITER };

/** count: acquisitions so far, as of under spin. */
static void rw_trace(struct m *m, gor_rwmutex *rw, unsigned mode, uint32_t count,
                     const struct gor_site *site)
{
	if (__builtin_expect(m->sync == NULL, 1))
		return;
	uint64_t number = emit_site(m, site);

	if (mode == GTRACE_op_RWMUTEX_LOCK || mode == GTRACE_op_RWMUTEX_RLOCK)
		GTRACE_EMIT(m->sync, LOCK, gor__sync_known(&rw->id), count, mode, number);
	else
		GTRACE_EMIT(m->sync, UNLOCK, gor__sync_known(&rw->id), count,
		            mode == GTRACE_op_RWMUTEX_UNLOCK ? GTRACE_op_RWMUTEX_LOCK
		                                             : GTRACE_op_RWMUTEX_RLOCK,
		            number);
}

/** Under spin: take it as a reader or a writer if it can be had now. */
static bool rw_take(struct m *m, gor_rwmutex *rw, int what)
{
	if (rw->writer || (what == WRITER ? rw->readers > 0 : rw->head != NULL))
		return false;
	if (what == WRITER)
		rw->writer = m->cur->id;
	else
		rw->readers++;
	rw->count++;
	return true;
}

static void rw_lock(gor_rwmutex *rw, int what, const struct gor_site *site)
{
	struct m *m = gor__enter();
	struct lock *lock = gor__sync_lock(&rw->spin);
	uint64_t id = gor__sync_id(m, &rw->id, GTRACE_object_RWMUTEX, site);

	gor__lock(lock);
	uint32_t count = rw->count + 1;
	if (rw_take(m, rw, what)) {
		gor__unlock(lock);
	} else {
		struct wait wait = {.g = m->cur};
		struct waiter w = {.wait = &wait, .index = what};
		EMIT(m, WAIT_HELD, id, rw->writer, rw->count);
		gor__sync_push(&rw->head, &rw->tail, &w);
		gor__wait_begin(m->cur,
		                what == WRITER ? GTRACE_reason_RWMUTEX_LOCK : GTRACE_reason_RWMUTEX_RLOCK,
		                id, site, 0);
		m->cur->wait_on = rw;
		if (gor__config.mutex_rate)
			m->cur->wait_ns = gor__clock(); // to the nanosecond
		gor__park(m, lock);                 // who wakes us has given us the lock
		m = gor__self();
		count = wait.want;
	}
	rw_trace(m, rw, what == WRITER ? GTRACE_op_RWMUTEX_LOCK : GTRACE_op_RWMUTEX_RLOCK, count, site);
	gor__leave();
}

static int rw_try(gor_rwmutex *rw, int what, const struct gor_site *site)
{
	struct m *m = gor__enter_if();
	struct lock *lock = gor__sync_lock(&rw->spin);

	if (!m)
		return -ECANCELED;
	gor__sync_id(m, &rw->id, GTRACE_object_RWMUTEX, site);
	gor__lock(lock);
	bool mine = rw_take(m, rw, what);
	uint32_t count = rw->count;
	gor__unlock(lock);
	if (mine)
		rw_trace(m, rw, what == WRITER ? GTRACE_op_RWMUTEX_LOCK : GTRACE_op_RWMUTEX_RLOCK, count,
		         site);
	else
		emit_attempt(m, site);
	gor__leave();
	return mine ? 0 : -EBUSY;
}

/** Under spin: w owns the lock when it runs. */
static void rw_grant(gor_rwmutex *rw, struct woken *woken, struct waiter *w)
{
	w->wait->want = ++rw->count;
	gor__woken_add(woken, w->wait->g);
}

/** Under spin: the lock to the first waiter, which is a writer, if there is one. */
static void rw_grant_writer(gor_rwmutex *rw, struct woken *woken)
{
	struct waiter *w = gor__sync_claim(&rw->head, &rw->tail);

	if (!w)
		return;
	rw->writer = w->wait->g->id;
	rw_grant(rw, woken, w);
}

/** Under spin: the lock to every waiting reader. */
static void rw_grant_readers(gor_rwmutex *rw, struct woken *woken)
{
	struct waitq q = {.first = rw->head, .last = rw->tail};

	for (struct waiter *w = q.first, *next; w; w = next) {
		next = w->next;
		if (w->index != READER)
			continue;
		gor__waitq_remove(&q, w);
		rw->readers++;
		rw_grant(rw, woken, w);
	}
	rw->head = q.first;
	rw->tail = q.last;
}

/** mutexprofile=: whose wait for the lock ends here. */
static void rw_contended(const struct woken *woken, const struct gor_site *site)
{
	for (const struct g *g = gor__config.mutex_rate ? woken->first : NULL; g; g = g->next)
		gor__tally_contended(site, g->wait_ns);
}

void gor_rwmutex_lock_at(gor_rwmutex *rw, const struct gor_site *site)
{
	rw_lock(rw, WRITER, site);
}

void gor_rwmutex_rlock_at(gor_rwmutex *rw, const struct gor_site *site)
{
	rw_lock(rw, READER, site);
}

int gor_rwmutex_trylock_at(gor_rwmutex *rw, const struct gor_site *site)
{
	return rw_try(rw, WRITER, site);
}

int gor_rwmutex_tryrlock_at(gor_rwmutex *rw, const struct gor_site *site)
{
	return rw_try(rw, READER, site);
}

void gor_rwmutex_unlock_at(gor_rwmutex *rw, const struct gor_site *site)
{
	struct m *m = gor__enter_if();
	struct lock *lock = gor__sync_lock(&rw->spin);
	struct woken woken = {0};

	if (!m)
		return;
	gor__lock(lock);
	uint64_t id = gor__sync_known(&rw->id), owner = rw->writer;
	if (owner != m->cur->id) {
		gor__unlock(lock);
		if (!owner)
			gor__fatal(site, "sync: Unlock of unlocked RWMutex");
		gor__fatal(site, "sync: Unlock of RWMutex held by goroutine %llu",
		           (unsigned long long)owner);
	}
	rw_trace(m, rw, GTRACE_op_RWMUTEX_UNLOCK, rw->count, site);
	rw->writer = 0;
	rw_grant_readers(rw, &woken);
	if (!woken.count)
		rw_grant_writer(rw, &woken);
	gor__unlock(lock);
	rw_contended(&woken, site);
	gor__woken_ready(m, &woken, id);
	gor__leave();
}

void gor_rwmutex_runlock_at(gor_rwmutex *rw, const struct gor_site *site)
{
	struct m *m = gor__enter_if();
	struct lock *lock = gor__sync_lock(&rw->spin);
	struct woken woken = {0};

	if (!m)
		return;
	gor__lock(lock);
	uint64_t id = gor__sync_known(&rw->id);
	if (!rw->readers) {
		gor__unlock(lock);
		gor__fatal(site, "sync: RUnlock of unlocked RWMutex");
	}
	rw_trace(m, rw, GTRACE_op_RWMUTEX_RUNLOCK, rw->count, site);
	if (--rw->readers == 0)
		rw_grant_writer(rw, &woken); // R2: the first is a writer
	gor__unlock(lock);
	rw_contended(&woken, site);
	gor__woken_ready(m, &woken, id);
	gor__leave();
}

/* SPDX-License-Identifier: MIT */
/**
 * cond.c: the condition variable.
 *
 * Waiting unlocks the mutex and queues as one step to those who signal: both happen under the
 * condition's lock, so that a signal given under the mutex is never missed.  Between that and its
 * switch the goroutine may be made ready already; that is allowed (S2 in scheduler.c).
 *
 * The unlock comes before the queueing for the sake of the trace.  Were it the other way round, the
 * next owner of the mutex, if it signals first and then waits for the mutex, would have to be woken
 * in this thread's records behind its own wait, which is behind its wake of this goroutine, which
 * is behind this one's park, the last of these records: there would be no order of them.
 */
#include "mutex.h"
#include "sync.h"

void gor_cond_wait_at(gor_cond *cond, gor_mutex *mu, const struct gor_site *site)
{
	struct m *m = gor__enter();
	struct lock *lock = gor__sync_lock(&cond->spin);
	struct wait wait = {.g = m->cur};
	struct waiter w = {.wait = &wait};
	uint64_t id = gor__sync_id(m, &cond->id, GTRACE_object_COND, site);

	gor__mutex_check_owner(m, mu, site);
	gor__lock(lock);
	struct g *next = gor__mutex_release(m, mu, site);
	gor__sync_push(&cond->head, &cond->tail, &w);
	gor__wait_begin(m->cur, GTRACE_reason_COND_WAIT, id, site, 0);
	m->cur->wait_on = cond;
	gor__unlock(lock);
	if (next)
		gor__ready(m, next);
	gor__park(m, NULL);
	gor__mutex_lock(gor__self(), mu, site);
	gor__leave();
}

static void cond_wake(gor_cond *cond, bool all, const struct gor_site *site)
{
	struct m *m = gor__enter_if();
	if (!m)
		return;
	struct lock *lock = gor__sync_lock(&cond->spin);
	struct woken woken = {0};
	struct waiter *w;
	uint64_t id = gor__sync_id(m, &cond->id, GTRACE_object_COND, site);

	gor__lock(lock);
	if (all)
		gor__woken_add_all(&woken, &cond->head, &cond->tail);
	else if ((w = gor__sync_claim(&cond->head, &cond->tail)))
		gor__woken_add(&woken, w->wait->g);
	gor__unlock(lock);
	if (m->sync) {
		uint64_t number = emit_site(m, site);
		GTRACE_EMIT(m->sync, USE, id, all ? GTRACE_op_COND_BROADCAST : GTRACE_op_COND_SIGNAL,
		            number);
	}
	gor__woken_ready(m, &woken, id);
	gor__leave();
}

void gor_cond_signal_at(gor_cond *cond, const struct gor_site *site)
{
	cond_wake(cond, false, site);
}

void gor_cond_broadcast_at(gor_cond *cond, const struct gor_site *site)
{
	cond_wake(cond, true, site);
}

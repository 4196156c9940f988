/* SPDX-License-Identifier: MIT */
/**
 * cond.c: the condition variable.
 *
 * Waiting queues first and unlocks the mutex then, so that a signal given under the mutex is never
 * missed. Between the two the goroutine may be made ready already; that is allowed (S2 in
 * scheduler.c).
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
	gor__sync_push(&cond->head, &cond->tail, &w);
	gor__wait_begin(m->cur, GTRACE_reason_COND_WAIT, id, site, 0);
	gor__unlock(lock);
	gor__mutex_unlock(m, mu, site);
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

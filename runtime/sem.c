/* SPDX-License-Identifier: MIT */
/**
 * sem.c: the counting semaphore.
 *
 * Nobody owns what was acquired: any goroutine may release.  First come, first served: a large
 * request at the head is not overtaken by small ones behind it.
 */
#include <errno.h>

#include "sync.h"

void gor_sem_acquire_at(gor_sem *sem, uint32_t n, const struct gor_site *site)
{
	struct m *m = gor__enter();
	struct lock *lock = gor__sync_lock(&sem->spin);
	uint64_t id = gor__sync_id(m, &sem->id, GTRACE_object_SEM, site);

	gor__lock(lock);
	if (!sem->head && sem->value >= n) {
		sem->value -= n;
		gor__unlock(lock);
		if (m->sync) {
			uint64_t number = emit_site(m, site);
			GTRACE_EMIT(m->sync, USE, id, GTRACE_op_SEM_ACQUIRE, number);
		}
	} else {
		struct wait wait = {.g = m->cur, .want = n};
		struct waiter w = {.wait = &wait};
		gor__sync_push(&sem->head, &sem->tail, &w);
		gor__wait_begin(m->cur, GTRACE_reason_SEM_ACQUIRE, id, site, 0);
		m->cur->wait_on = sem;
		gor__park(m, lock);
	}
	gor__leave();
}

int gor_sem_try_acquire_at(gor_sem *sem, uint32_t n, const struct gor_site *site)
{
	struct m *m = gor__enter_if();
	if (!m)
		return -ECANCELED;
	struct lock *lock = gor__sync_lock(&sem->spin);
	uint64_t id = gor__sync_id(m, &sem->id, GTRACE_object_SEM, site);

	gor__lock(lock);
	bool mine = !sem->head && sem->value >= n;
	if (mine)
		sem->value -= n;
	gor__unlock(lock);
	if (mine && m->sync) {
		uint64_t number = emit_site(m, site);
		GTRACE_EMIT(m->sync, USE, id, GTRACE_op_SEM_ACQUIRE, number);
	}
	if (!mine)
		emit_attempt(m, site);
	gor__leave();
	return mine ? 0 : -EAGAIN;
}

void gor_sem_release_at(gor_sem *sem, uint32_t n, const struct gor_site *site)
{
	struct m *m = gor__enter_if();
	if (!m)
		return;
	struct lock *lock = gor__sync_lock(&sem->spin);
	struct woken woken = {0};
	uint64_t id = gor__sync_id(m, &sem->id, GTRACE_object_SEM, site);

	gor__lock(lock);
	sem->value += n;
	for (struct waiter *w; (w = sem->head) && w->wait->want <= sem->value;) {
		sem->value -= w->wait->want;
		gor__sync_claim(&sem->head, &sem->tail);
		gor__woken_add(&woken, w->wait->g);
	}
	gor__unlock(lock);
	if (m->sync) {
		uint64_t number = emit_site(m, site);
		GTRACE_EMIT(m->sync, USE, id, GTRACE_op_SEM_RELEASE, number);
	}
	gor__woken_ready(m, &woken, id);
	gor__leave();
}

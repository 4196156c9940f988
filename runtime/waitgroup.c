/* SPDX-License-Identifier: MIT */
/** waitgroup.c: waiting for a number of goroutines to finish. */
#include "sync.h"

void gor_wg_add_at(gor_waitgroup *wg, int n, const struct gor_site *site)
{
	struct m *m = gor__enter_if();
	if (!m)
		return;
	struct lock *lock = gor__sync_lock(&wg->spin);
	struct woken woken = {0};
	uint64_t id = gor__sync_id(m, &wg->id, GTRACE_object_WAITGROUP, site);

	gor__lock(lock);
	int64_t value = wg->value += n;
	if (value == 0)
		gor__woken_add_all(&woken, &wg->head, &wg->tail);
	gor__unlock(lock); // at zero, wg may be gone from here on
	if (value < 0)
		gor__panic(site, "sync: negative WaitGroup counter");
	if (m->sync) {
		uint64_t number = emit_site(m, site);
		GTRACE_EMIT(m->sync, WG_ADD, id, gtrace_zigzag(n), gtrace_zigzag(value), number);
	}
	gor__woken_ready(m, &woken, id);
	gor__leave();
}

void gor_wg_wait_at(gor_waitgroup *wg, const struct gor_site *site)
{
	struct m *m = gor__enter();
	struct lock *lock = gor__sync_lock(&wg->spin);
	uint64_t id = gor__sync_id(m, &wg->id, GTRACE_object_WAITGROUP, site);

	gor__lock(lock);
	if (wg->value == 0) {
		gor__unlock(lock);
	} else {
		struct wait wait = {.g = m->cur};
		struct waiter w = {.wait = &wait};
		gor__sync_push(&wg->head, &wg->tail, &w);
		gor__wait_begin(m->cur, GTRACE_reason_WAITGROUP_WAIT, id, site, 0);
		m->cur->wait_on = wg;
		gor__park(m, lock);
	}
	gor__leave();
}

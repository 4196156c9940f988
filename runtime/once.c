/* SPDX-License-Identifier: MIT */
/** once.c: a function that is called once; the others wait until it has returned. */
#include "spawn.h"
#include "sync.h"

enum { ONCE_NEW, ONCE_RUNNING, ONCE_DONE };

/** Wait until the goroutine that runs the function is through; lock is held, and released. */
static void once_wait(struct m *m, gor_once *once, const struct gor_site *site)
{
	struct wait wait = {.g = m->cur};
	struct waiter w = {.wait = &wait};

	gor__sync_push(&once->head, &once->tail, &w);
	gor__wait_begin(m->cur, GTRACE_reason_ONCE, gor__sync_known(&once->id), site, 0);
	gor__park(m, gor__sync_lock(&once->spin));
}

/** A call that is under way, on its goroutine's stack. */
struct once_frame {
	gor_once *once;
	struct once_frame *outer;
};

static void once_finish(gor_once *once)
{
	struct m *m = gor__enter_if();
	if (!m)
		return;
	struct lock *lock = gor__sync_lock(&once->spin);
	struct woken woken = {0};

	gor__lock(lock);
	uint64_t id = gor__sync_known(&once->id);
	gor__woken_add_all(&woken, &once->head, &once->tail);
	__atomic_store_n(&once->state, ONCE_DONE, __ATOMIC_RELEASE);
	gor__unlock(lock);
	gor__woken_ready(m, &woken, id);
	gor__leave();
}

/** The goroutine ends inside fn, by gor_exit(): that counts as done, as in Go. */
void gor__once_unwind(struct g *g)
{
	for (; g->once; g->once = g->once->outer)
		once_finish(g->once->once);
}

void gor_once_do_at(gor_once *once, void (*fn)(void), const struct gor_site *site)
{
	if (__atomic_load_n(&once->state, __ATOMIC_ACQUIRE) == ONCE_DONE)
		return;
	struct m *m = gor__enter();
	struct lock *lock = gor__sync_lock(&once->spin);

	uint64_t id = gor__sync_id(m, &once->id, GTRACE_object_ONCE, site);
	gor__lock(lock);
	uint32_t state = once->state;
	if (state == ONCE_RUNNING) {
		once_wait(m, once, site);
		gor__leave();
		return;
	}
	if (state == ONCE_NEW)
		__atomic_store_n(&once->state, ONCE_RUNNING, __ATOMIC_RELAXED);
	gor__unlock(lock);
	if (state == ONCE_NEW && m->sync) {
		uint64_t number = emit_site(m, site);
		GTRACE_EMIT(m->sync, USE, id, GTRACE_op_ONCE_DO, number);
	}
	gor__leave();
	if (state == ONCE_DONE)
		return;
	m = gor__self();
	struct g *g =
		m->foreign ? NULL : m->cur; // of a foreign one neither fn nor this is the last act
	struct once_frame frame = {.once = once, .outer = g ? g->once : NULL};
	if (g)
		g->once = &frame;
	fn();
	if (g)
		g->once = frame.outer;
	once_finish(once);
}

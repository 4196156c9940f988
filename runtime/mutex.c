/* SPDX-License-Identifier: MIT */
/**
 * mutex.c: the mutual exclusion lock.
 *
 * `word` is the owner's id << 1, plus 1 if somebody waits; 0 is free.  Free and unwaited, lock and
 * unlock are one compare-and-swap each.
 *
 *   M1  the waiters bit is set exactly while the queue is not empty, whenever `spin` is free.
 *   M2  word is never 0 while the queue is not empty: unlock hands the lock to the first waiter,
 *       which owns it before it runs.
 *
 * That one exchange is all a thread does that nobody waits for and nobody records: it does not even
 * enter the runtime (handoff.c).  Should the monitor take its p at that moment, it has locked or
 * unlocked as any other code without a p may.  A mark sends it in, so a loop around a lock still
 * yields when its time is up.
 *
 * So nobody starves and nobody overtakes, and the trace's owner is always true.  Rejected: letting
 * new-comers overtake (Go's normal mode): quicker under contention on many threads, but then a
 * waiter's turn is luck.  An unlock by one subtraction, which never fails: one by somebody who does
 * not own it would leave a word by which the next unlock blames the owner.
 */
#include <errno.h>

#include "mutex.h"
#include "sync.h"
#include "tally.h"

static uint64_t mutex_word(const gor_mutex *mu)
{
	return __atomic_load_n(&mu->word, __ATOMIC_RELAXED);
}

static inline bool mutex_cas(gor_mutex *mu, uint64_t from, uint64_t to)
{
	return __atomic_compare_exchange_n(&mu->word, &from, to, false, __ATOMIC_ACQ_REL,
	                                   __ATOMIC_RELAXED);
}

/** The same where it is likely to fail, which costs as much as to succeed: after a look. */
static inline bool mutex_try(gor_mutex *mu, uint64_t from, uint64_t to)
{
	return mutex_word(mu) == from && mutex_cas(mu, from, to);
}

__attribute__((noinline)) static void mutex_trace_lock(struct m *m, gor_mutex *mu,
                                                       const struct gor_site *site)
{
	uint64_t id = gor__sync_id(m, &mu->id, GTRACE_object_MUTEX, site);
	uint64_t number = emit_site(m, site);

	GTRACE_EMIT(m->sync, LOCK, id, mu->count, GTRACE_op_MUTEX_LOCK, number);
}

__attribute__((noinline)) static void mutex_trace_unlock(struct m *m, gor_mutex *mu,
                                                         const struct gor_site *site)
{
	uint64_t id = gor__sync_id(m, &mu->id, GTRACE_object_MUTEX, site);
	uint64_t number = emit_site(m, site);

	GTRACE_EMIT(m->sync, UNLOCK, id, mu->count, GTRACE_op_MUTEX_LOCK, number);
}

/** The running goroutine has it now.  Only traces want to know how often it was locked. */
static void mutex_locked(struct m *m, gor_mutex *mu, const struct gor_site *site)
{
	if (__builtin_expect(m->sync == NULL, 1))
		return;
	// others read it while they queue
	__atomic_store_n(&mu->count, mu->count + 1, __ATOMIC_RELAXED);
	mutex_trace_lock(m, mu, site);
}

__attribute__((noinline, cold)) static void mutex_wait(struct m *m, gor_mutex *mu,
                                                       const struct gor_site *site)
{
	struct lock *lock = gor__sync_lock(&mu->spin);
	struct wait wait = {.g = m->cur};
	struct waiter w = {.wait = &wait};
	uint64_t id = gor__sync_id(m, &mu->id, GTRACE_object_MUTEX, site);

	gor__lock(lock);
	for (;;) {
		uint64_t word = mutex_word(mu);
		if (word == 0 && mutex_cas(mu, 0, m->cur->id << 1)) {
			gor__unlock(lock);
			return;
		}
		if (word & 1 || (word != 0 && mutex_cas(mu, word, word | 1))) { // M1: it stays, for now
			EMIT(m, WAIT_HELD, id, word >> 1, __atomic_load_n(&mu->count, __ATOMIC_RELAXED));
			break;
		}
	}
	gor__sync_push(&mu->head, &mu->tail, &w);
	gor__wait_begin(m->cur, GTRACE_reason_MUTEX_LOCK, id, site, 0);
	m->cur->wait_on = mu;
	if (gor__config.mutex_rate)
		m->cur->wait_ns = gor__clock(); // to the nanosecond
	gor__park(m, lock);
}

void gor__mutex_lock(struct m *m, gor_mutex *mu, const struct gor_site *site)
{
	if (!mutex_try(mu, 0, m->cur->id << 1)) {
		mutex_wait(m, mu, site);
		m = gor__self();
	}
	mutex_locked(m, mu, site);
}

/** The calling thread, if it may do without entering the runtime; else NULL. */
static inline struct m *mutex_outside(void)
{
	struct m *m = gor__self();

	if (__builtin_expect(!m || m->sync || atomic_load_explicit(&m->mark, memory_order_relaxed), 0))
		return NULL;
	return m;
}

__attribute__((noinline)) static void mutex_lock_inside(gor_mutex *mu, const struct gor_site *site)
{
	gor__mutex_lock(gor__enter(), mu, site);
	gor__leave();
}

void gor_mutex_lock_at(gor_mutex *mu, const struct gor_site *site)
{
	struct m *m = mutex_outside();

	if (__builtin_expect(!m || !mutex_cas(mu, 0, m->cur->id << 1), 0))
		mutex_lock_inside(mu, site);
}

int gor_mutex_trylock_at(gor_mutex *mu, const struct gor_site *site)
{
	struct m *m = gor__enter_if();
	if (!m)
		return -ECANCELED;
	bool mine = mutex_try(mu, 0, m->cur->id << 1);

	if (mine)
		mutex_locked(m, mu, site);
	else
		emit_attempt(m, site);
	gor__leave();
	return mine ? 0 : -EBUSY;
}

/** Returns: its owner from now on, who is to be made ready. */
__attribute__((noinline)) static struct g *mutex_hand_over(struct m *m, gor_mutex *mu,
                                                           const struct gor_site *site)
{
	struct lock *lock = gor__sync_lock(&mu->spin);

	gor__lock(lock);
	struct waiter *w = gor__sync_claim(&mu->head, &mu->tail);
	struct g *g = w->wait->g; // there is one: M1
	__atomic_store_n(&mu->word, g->id << 1 | (mu->head != NULL), __ATOMIC_RELEASE); // M2
	gor__unlock(lock);
	if (gor__config.mutex_rate)
		gor__tally_contended(site, g->wait_ns);
	emit_wake(m, g, gor__sync_known(&mu->id), m->sync != NULL);
	return g;
}

__attribute__((noinline, cold)) static void mutex_not_owner(uint64_t word,
                                                            const struct gor_site *site)
{
	if (word == 0)
		gor__fatal(site, "sync: unlock of unlocked mutex");
	gor__fatal(site, "sync: unlock of mutex held by goroutine %llu",
	           (unsigned long long)(word >> 1));
}

void gor__mutex_check_owner(struct m *m, const gor_mutex *mu, const struct gor_site *site)
{
	uint64_t word = mutex_word(mu);

	if (__builtin_expect(word >> 1 != m->cur->id, 0))
		mutex_not_owner(word, site);
}

/** By its owner.  Returns: a goroutine to make ready, or NULL. */
struct g *gor__mutex_release(struct m *m, gor_mutex *mu, const struct gor_site *site)
{
	if (__builtin_expect(m->sync != NULL, 0))
		mutex_trace_unlock(m, mu, site);
	return mutex_try(mu, m->cur->id << 1, 0) ? NULL : mutex_hand_over(m, mu, site);
}

__attribute__((noinline)) static void mutex_unlock_inside(gor_mutex *mu,
                                                          const struct gor_site *site)
{
	struct m *m = gor__enter_if();

	if (!m)
		return;
	gor__mutex_check_owner(m, mu, site);
	struct g *g = gor__mutex_release(m, mu, site);
	if (g)
		gor__ready(m, g);
	gor__leave();
}

void gor_mutex_unlock_at(gor_mutex *mu, const struct gor_site *site)
{
	struct m *m = mutex_outside();

	if (__builtin_expect(!m || !mutex_cas(mu, m->cur->id << 1, 0), 0))
		mutex_unlock_inside(mu, site);
}

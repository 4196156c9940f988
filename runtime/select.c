/* SPDX-License-Identifier: MIT */
/**
 * select.c: waiting on several channels at once.
 *
 *   1. Look, with no lock, which cases seem to be able to go on; lock the channel of one of them
 *      and do it, if it still can; return.
 *   2. Else lock all channels, in the order of their addresses, each once.
 *   3. Look which cases can go on; do one of them, unlock, return.
 *   4. Else, with a default: return that.
 *   5. Else queue a waiter at each channel, park (which unlocks), be claimed by one partner or the
 *      timer.
 *   6. Lock all again, take the other waiters out of their queues.
 *
 * Locking all makes 3 and 5 one atomic step: no partner can slip in between looking and queueing,
 * and a default is taken only if at one moment no case could go on.
 *
 * Fairness: of k cases that can go on each is done with the same chance, 1 / k; the last one seen
 * takes the place of the one chosen so far with chance 1 / (number seen), so one pass will do and
 * no random number is drawn where there is no choice.  Rejected: looking in a random order; it
 * shuffles for every select, and nearly always for one case or none.
 *
 * A case that can go on may turn out not to: its partner is itself in a select, or has a deadline,
 * and was claimed elsewhere between the look and the claim.  Then 3 is done again; there is one
 * partner less each time.
 *
 * Between 5 and 6 a partner may find one of our stale waiters; its wait is claimed already, so the
 * partner drops it.  The wait and the waiters are on our stack, which stays until 6 is through.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "chan.h"
#include "emit.h"

#define CASES_ON_STACK 16
#define CASES_MAX 65536

/** One select under way. */
struct sel {
	gor_case *cases; // n, and as many places in the arrays
	int n;
	struct gor_hchan **locks; // the channels by address, each once: nothing but the order of locks
	                          // hangs on addresses, which are others in each run of the program
	struct waiter *waiters;   // of the cases with a channel
	int lock_count;
	int chans;          // how many cases have a channel
	int deflt, timeout; // case numbers, -1 none
	const struct gor_site *site;
};

/** Does it have a channel to wait at? */
static inline bool sel_has_chan(const gor_case *k)
{
	return (k->kind == GOR_CASE_RECV || k->kind == GOR_CASE_SEND) && k->chan;
}

static void sel_swap(struct gor_hchan **locks, int i, int k)
{
	struct gor_hchan *t = locks[i];

	locks[i] = locks[k];
	locks[k] = t;
}

static void sel_sift(struct gor_hchan **locks, int i, int n)
{
	for (int child; (child = 2 * i + 1) < n; i = child) {
		if (child + 1 < n && locks[child + 1] > locks[child])
			child++;
		if (locks[i] >= locks[child])
			return;
		sel_swap(locks, i, child);
	}
}

/** The locks of a long select: heap sort has no stack and no worst case. */
static void sel_sort(struct gor_hchan **locks, int n)
{
	for (int i = n / 2 - 1; i >= 0; i--)
		sel_sift(locks, i, n);
	for (int end = n - 1; end > 0; end--) {
		sel_swap(locks, 0, end);
		sel_sift(locks, 0, end);
	}
}

/** Sort out the cases: default, timeout, and those with a channel. */
__attribute__((always_inline)) static inline void sel_prepare(struct sel *s)
{
	struct gor_hchan **locks = s->locks;
	bool few = s->n <= CASES_ON_STACK;
	int chans = 0, count = 0, deflt = -1, timeout = -1;

	for (int i = 0; i < s->n; i++) {
		const gor_case *k = &s->cases[i];
		if (sel_has_chan(k)) {
			int at = chans++;
			for (; few && at > 0 && locks[at - 1] > k->chan; at--)
				locks[at] = locks[at - 1];
			locks[at] = k->chan;
		} else if (k->kind == GOR_CASE_DEFAULT) {
			deflt = i;
		} else if (k->kind == GOR_CASE_TIMEOUT &&
		           (timeout < 0 || k->dur_ns < s->cases[timeout].dur_ns)) {
			timeout = i;
		}
	}
	if (!few)
		sel_sort(locks, chans);
	for (int i = 0; i < chans; i++)
		if (i == 0 || locks[i] != locks[count - 1])
			locks[count++] = locks[i];
	s->chans = chans;
	s->lock_count = count;
	s->deflt = deflt;
	s->timeout = timeout;
}

static inline void sel_lock(const struct m *m, const struct sel *s)
{
	for (int i = 0; i < s->lock_count; i++)
		gor__chan_lock(m, s->locks[i]);
}

static inline void sel_unlock(const struct sel *s)
{
	for (int i = 0; i < s->lock_count; i++)
		gor__unlock(&s->locks[i]->lock);
}

/**
 * Case `done` has ended the wait: unless another case has its channel, that needs no look, and may
 * be freed by now.
 */
static inline void sel_finished(struct sel *s, int done)
{
	const struct gor_hchan *c = s->cases[done].chan;
	int kept = 0, uses = 1;

	if (__builtin_expect(s->lock_count < s->chans, 0)) { // some channel has several cases
		uses = 0;
		for (int i = 0; i < s->n; i++)
			uses += sel_has_chan(&s->cases[i]) && s->cases[i].chan == c;
	}
	for (int i = 0; i < s->lock_count; i++)
		if (s->locks[i] != c || uses > 1)
			s->locks[kept++] = s->locks[i];
	s->lock_count = kept;
}

static inline struct waitq *sel_queue(const gor_case *k)
{
	return k->kind == GOR_CASE_SEND ? &k->chan->sendq : &k->chan->recvq;
}

/** What a finished case leaves for its caller. */
static inline void sel_done(const gor_case *k, bool ok, const struct gor_site *site)
{
	if (k->kind == GOR_CASE_SEND && !ok)
		gor__panic(site, "send on closed channel");
	if (k->kind == GOR_CASE_RECV && k->ok)
		*k->ok = ok;
}

/** Can this case go on?  Its channel is locked. */
static inline bool sel_ready(const gor_case *k)
{
	struct gor_hchan *c = k->chan;

	if (gor__chan_closed(c))
		return true;
	if (k->kind == GOR_CASE_SEND)
		return gor__chan_len(c) < c->cap || gor__waitq_open(&c->recvq);
	return gor__chan_len(c) > 0 || gor__waitq_open(&c->sendq);
}

/** The same without the lock: what may be so, and may have changed by the time it is locked. */
static inline bool sel_seems_ready(const gor_case *k)
{
	const struct gor_hchan *c = k->chan;

	if (gor__chan_closed(c))
		return true;
	if (k->kind == GOR_CASE_SEND)
		return gor__chan_len(c) < c->cap || gor__waitq_first(&c->recvq);
	return gor__chan_len(c) > 0 || gor__waitq_first(&c->sendq);
}

/** One of the cases that can go on, each with the same chance; -1: none can. */
__attribute__((always_inline)) static inline int sel_choose(struct m *m, const struct sel *s,
                                                            bool (*ready)(const gor_case *k))
{
	int chosen = -1;
	uint64_t seen = 0;

	for (int i = 0; i < s->n; i++) {
		if (!sel_has_chan(&s->cases[i]) || !ready(&s->cases[i]))
			continue;
		if (seen++ == 0 || gor__rand(m->p) % seen == 0)
			chosen = i;
	}
	return chosen;
}

/** What a case that was done leaves to do, once its channel is unlocked. */
struct sel_end {
	uint64_t chan_id;
	struct chan_met met;
	bool ok;
};

/** Do a case whose channel is locked.  False: it cannot go on. */
static inline bool sel_do(struct m *m, const gor_case *k, const struct gor_site *site,
                          struct sel_end *end)
{
	end->met = (struct chan_met){0};
	end->chan_id = k->chan->id;
	enum chan_try tried = k->kind == GOR_CASE_SEND
	                          ? gor__chan_try_send(m, k->chan, k->value, site, &end->met)
	                          : gor__chan_try_recv(m, k->chan, k->value, site, &end->met);
	if (tried == CHAN_CLOSED && k->kind == GOR_CASE_RECV)
		gor__chan_zero(k->chan, k->value);
	end->ok = tried == CHAN_DONE;
	return tried != CHAN_BLOCKS;
}

static inline void sel_end(struct m *m, const gor_case *k, const struct gor_site *site,
                           const struct sel_end *end)
{
	gor__chan_wake(m, end->chan_id, &end->met);
	sel_done(k, end->ok, site);
}

/** 1.  Returns the number of the case it did, or -1. */
static inline int sel_glance(struct m *m, const struct sel *s)
{
	struct sel_end end;
	int i = sel_choose(m, s, sel_seems_ready);

	if (i < 0)
		return -1;
	const gor_case *k = &s->cases[i];
	gor__chan_lock(m, k->chan);
	bool done = sel_do(m, k, s->site, &end);
	gor__unlock(&k->chan->lock);
	if (!done)
		return -1;
	sel_end(m, k, s->site, &end);
	return i;
}

/** 3.  Channels are locked, and unlocked if it did a case.  Returns its number or -1. */
static inline int sel_try(struct m *m, const struct sel *s)
{
	struct sel_end end;

	for (int i; (i = sel_choose(m, s, sel_ready)) >= 0;) {
		const gor_case *k = &s->cases[i];
		if (!sel_do(m, k, s->site, &end))
			continue;
		sel_unlock(s);
		sel_end(m, k, s->site, &end);
		return i;
	}
	return -1;
}

static void sel_emit_cases(struct m *m, const struct sel *s)
{
	uint64_t ticks = gtrace_ticks();

	for (int i = 0; i < s->n; i++) {
		const gor_case *k = &s->cases[i];
		if (sel_has_chan(k))
			GTRACE_EMIT_AT(m->stream, ticks, WAIT_CASE, k->chan->id,
			               k->kind == GOR_CASE_SEND ? GTRACE_op_CHAN_SEND : GTRACE_op_CHAN_RECV);
	}
	if (s->timeout >= 0)
		GTRACE_EMIT_AT(m->stream, ticks, WAIT_UNTIL, (uint64_t)s->cases[s->timeout].dur_ns);
}

/**
 * Queue at every channel, which are locked, and wait.  Returns the case that ended it, or
 * -ECANCELED.
 */
static inline int sel_wait(struct m *m, struct sel *s)
{
	struct wait wait = {.g = m->cur, .shared = true, .result = WAIT_CUT};
	struct timer timer;
	bool timed = s->timeout >= 0;

	if (__builtin_expect(m->stream != NULL, 0))
		sel_emit_cases(m, s);
	gor__wait_begin(m->cur, s->chans || timed ? GTRACE_reason_SELECT : GTRACE_reason_SELECT_NONE,
	                s->chans == 1 ? s->locks[0]->id : 0, s->site, timed ? GTRACE_WAIT_DEADLINE : 0);
	m->cur->wait_on = s->chans ? s->cases : NULL;
	m->cur->wait_cases = (uint32_t)s->n;
	for (int i = 0; i < s->n; i++) {
		const gor_case *k = &s->cases[i];
		struct waiter *w = &s->waiters[i];
		if (!sel_has_chan(k))
			continue;
		w->wait = &wait;
		w->value = k->value;
		w->index = i;
		gor__chan_mix(k->chan, sel_queue(k));
		gor__waitq_push(sel_queue(k), w);
	}
	if (timed && gor__wait_until(m, &wait, &timer, gor_deadline(s->cases[s->timeout].dur_ns)))
		gor__fatal(NULL, "gor: out of memory for a timer");
	sel_unlock(s);
	gor__park(m, NULL);

	if (timed)
		gor__timer_del(&timer);
	if (wait.result >= 0)
		sel_finished(s, wait.result); // that waiter is queued no more
	sel_lock(gor__self(), s);
	for (int i = 0; i < s->n; i++)
		if (sel_has_chan(&s->cases[i]))
			gor__waitq_remove(sel_queue(&s->cases[i]), &s->waiters[i]);
	sel_unlock(s);
	if (__builtin_expect(wait.result < 0, 0))
		return wait.result == WAIT_TIMED_OUT ? s->timeout : -ECANCELED;
	sel_done(&s->cases[wait.result], wait.ok, s->site);
	return wait.result;
}

__attribute__((always_inline)) static inline int sel_run(struct m *m, struct sel *s)
{
	int done = sel_glance(m, s);
	if (done >= 0)
		return done;
	sel_prepare(s);
	sel_lock(m, s);
	done = sel_try(m, s);
	if (done >= 0)
		return done;
	if (s->deflt >= 0 || s->timeout >= 0) {
		bool now = s->timeout >= 0 && s->cases[s->timeout].dur_ns <= 0;
		if (s->deflt >= 0 || now) {
			sel_unlock(s);
			emit_attempt(m, s->site);
			return s->deflt >= 0 ? s->deflt : s->timeout;
		}
	} else if (!s->chans) {
		gor__park_forever(m, GTRACE_reason_SELECT_NONE, s->site);
	}
	return sel_wait(m, s);
}

/* These leave the runtime and return to the caller of the select: see chan.c. */

__attribute__((noinline)) static int sel_few(struct m *m, gor_case *cases, int n,
                                             const struct gor_site *site)
{
	struct gor_hchan *locks[CASES_ON_STACK];
	struct waiter waiters[CASES_ON_STACK];
	struct sel s = {.cases = cases, .n = n, .locks = locks, .waiters = waiters, .site = site};
	int done = sel_run(m, &s);

	gor__leave();
	return done;
}

__attribute__((noinline)) static int sel_many(struct m *m, gor_case *cases, int n,
                                              const struct gor_site *site)
{
	struct sel s = {.cases = cases, .n = n, .site = site};

	s.waiters = malloc((size_t)n * (sizeof *s.waiters + sizeof(struct gor_hchan *)));
	if (!s.waiters)
		gor__fatal(NULL, "gor: out of memory for a select");
	s.locks = (struct gor_hchan **)(s.waiters + n);
	int done = sel_run(m, &s);
	free(s.waiters);
	gor__leave();
	return done;
}

int gor_select_n_at(gor_case *cases, int n, const struct gor_site *site)
{
	struct m *m = gor__enter_if();

	if (!m)
		return -ECANCELED;
	if (n < 0 || n > CASES_MAX)
		gor__panic(site, "gor_select_n: %d cases", n);
	return n <= CASES_ON_STACK ? sel_few(m, cases, n, site) : sel_many(m, cases, n, site);
}

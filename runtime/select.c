/* SPDX-License-Identifier: MIT */
/**
 * select.c: waiting on several channels at once.
 *
 *   1. Lock all channels, in the order of their addresses, each once.
 *   2. Look which cases can go on; do one of them, unlock, return.
 *   3. Else, with a default: return that.
 *   4. Else queue a waiter at each channel, park (which unlocks), be claimed by one partner or the
 *      timer.
 *   5. Lock all again, take the other waiters out of their queues.
 *
 * Locking all makes 2 and 4 one atomic step: no partner can slip in between looking and queueing.
 *
 * Fairness: of k cases that can go on each is done with the same chance, 1 / k; the last one seen
 * takes the place of the one chosen so far with chance 1 / (number seen), so one pass will do and
 * no random number is drawn where there is no choice.  Rejected: looking in a random order; it
 * shuffles for every select, and nearly always for one case or none.
 *
 * A case that can go on may turn out not to: its partner is itself in a select, or has a deadline,
 * and was claimed elsewhere between the look and the claim.  Then 2 is done again; there is one
 * partner less each time.
 *
 * Between 4 and 5 a partner may find one of our stale waiters; its wait is claimed already, so the
 * partner drops it.  The wait and the waiters are on our stack, which stays until 5 is through.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "chan.h"
#include "emit.h"

#define CASES_ON_STACK 16
#define CASES_MAX 65536

/** A case with a channel. */
struct sel_case {
	struct gor_hchan *chan;
	uint16_t index; // of the case
	bool send;
	bool again; // its channel comes before in the order of locks
};

/** One select under way; the arrays have n places. */
struct sel {
	gor_case *cases;
	int n;
	struct sel_case *on; // those with a channel, in their own order: nothing but the order of locks
	                     // hangs on addresses, which are others in each run of the program
	uint16_t *locks;     // places in `on`, by address of the channel
	struct waiter *waiters;
	int deflt, timeout; // case numbers, -1 none
	int chans;          // how many have a channel
	const struct gor_site *site;
};

static const struct gor_hchan *sel_locked(const struct sel *s, int i)
{
	return s->on[s->locks[i]].chan;
}

static void sel_swap(const struct sel *s, int i, int k)
{
	uint16_t t = s->locks[i];

	s->locks[i] = s->locks[k];
	s->locks[k] = t;
}

static void sel_sift(const struct sel *s, int i, int n)
{
	for (int child; (child = 2 * i + 1) < n; i = child) {
		if (child + 1 < n && sel_locked(s, child + 1) > sel_locked(s, child))
			child++;
		if (sel_locked(s, i) >= sel_locked(s, child))
			return;
		sel_swap(s, i, child);
	}
}

/** Put the channels of a long select in order: heap sort has no stack and no worst case. */
static void sel_sort(const struct sel *s)
{
	for (int i = s->chans / 2 - 1; i >= 0; i--)
		sel_sift(s, i, s->chans);
	for (int end = s->chans - 1; end > 0; end--) {
		sel_swap(s, 0, end);
		sel_sift(s, 0, end);
	}
}

/** One more case with a channel; a short select is kept in order by insertion. */
static inline void sel_add(struct sel *s, int index, const gor_case *k, bool few)
{
	int at = s->chans;

	for (; few && at > 0 && sel_locked(s, at - 1) > k->chan; at--)
		s->locks[at] = s->locks[at - 1];
	s->locks[at] = (uint16_t)s->chans;
	struct sel_case *on = &s->on[s->chans++];
	on->chan = k->chan;
	on->index = (uint16_t)index;
	on->send = k->kind == GOR_CASE_SEND;
	on->again = false;
}

/** Sort out the cases: default, timeout, and those with a channel. */
static void sel_prepare(struct sel *s)
{
	bool few = s->n <= CASES_ON_STACK;

	s->deflt = s->timeout = -1;
	s->chans = 0;
	for (int i = 0; i < s->n; i++) {
		const gor_case *k = &s->cases[i];
		if (k->kind == GOR_CASE_RECV || k->kind == GOR_CASE_SEND) {
			if (k->chan)
				sel_add(s, i, k, few);
		} else if (k->kind == GOR_CASE_DEFAULT) {
			s->deflt = i;
		} else if (k->kind == GOR_CASE_TIMEOUT &&
		           (s->timeout < 0 || k->dur_ns < s->cases[s->timeout].dur_ns)) {
			s->timeout = i;
		}
	}
	if (!few)
		sel_sort(s);
	for (int i = 1; i < s->chans; i++)
		s->on[s->locks[i]].again = sel_locked(s, i - 1) == sel_locked(s, i);
}

static void sel_lock(const struct sel *s, const struct gor_hchan *except)
{
	for (int i = 0; i < s->chans; i++) {
		const struct sel_case *on = &s->on[s->locks[i]];
		if (!on->again && on->chan != except)
			gor__lock(&on->chan->lock);
	}
}

static void sel_unlock(const struct sel *s, const struct gor_hchan *except)
{
	for (int i = 0; i < s->chans; i++)
		if (!s->on[i].again && s->on[i].chan != except)
			gor__unlock(&s->on[i].chan->lock);
}

/**
 * The channel of case `done` if no other case has it: it needs no look after the wait, and may be
 * freed by now.
 */
static const struct gor_hchan *sel_finished(const struct sel *s, int done)
{
	const struct gor_hchan *c = done >= 0 ? s->cases[done].chan : NULL;
	int uses = 0;

	for (int i = 0; i < s->chans; i++)
		uses += s->on[i].chan == c;
	return uses == 1 ? c : NULL;
}

static inline struct waitq *sel_queue(const struct sel_case *on)
{
	return on->send ? &on->chan->sendq : &on->chan->recvq;
}

/** What a finished case leaves for its caller. */
static void sel_done(const gor_case *k, bool ok, const struct gor_site *site)
{
	if (k->kind == GOR_CASE_SEND && !ok)
		gor__panic(site, "send on closed channel");
	if (k->kind != GOR_CASE_RECV)
		return;
	if (k->ok)
		*k->ok = ok;
}

/** Can this case go on?  Its channel is locked. */
static inline bool sel_ready(const struct sel_case *on)
{
	struct gor_hchan *c = on->chan;

	if (c->closed)
		return true;
	if (on->send)
		return gor__chan_len(c) < c->cap || gor__waitq_open(&c->recvq);
	return gor__chan_len(c) > 0 || gor__waitq_open(&c->sendq);
}

/** One of the cases that can go on, each with the same chance; -1: none can. */
static int sel_choose(struct m *m, const struct sel *s)
{
	int chosen = -1;
	uint64_t seen = 0;

	for (int i = 0; i < s->chans; i++) {
		if (!sel_ready(&s->on[i]))
			continue;
		if (seen++ == 0 || gor__rand(m->p) % seen == 0)
			chosen = s->on[i].index;
	}
	return chosen;
}

/**
 * Do a case that can go on; channels are locked, and unlocked if it did one.  Returns its number or
 * -1.
 */
static int sel_try(struct m *m, const struct sel *s)
{
	for (int i; (i = sel_choose(m, s)) >= 0;) {
		gor_case *k = &s->cases[i];
		struct g *wake = NULL;
		enum chan_try tried = k->kind == GOR_CASE_SEND
		                          ? gor__chan_try_send(m, k->chan, k->value, s->site, &wake)
		                          : gor__chan_try_recv(m, k->chan, k->value, s->site, &wake);
		if (tried == CHAN_BLOCKS)
			continue;
		uint64_t id = k->chan->id;
		if (tried == CHAN_CLOSED && k->kind == GOR_CASE_RECV)
			gor__chan_zero(k->chan, k->value);
		sel_unlock(s, NULL);
		gor__chan_wake(m, id, wake);
		sel_done(k, tried == CHAN_DONE, s->site);
		return i;
	}
	return -1;
}

static void sel_emit_cases(struct m *m, const struct sel *s)
{
	if (!m->stream)
		return;
	for (int i = 0; i < s->chans; i++) {
		const struct sel_case *on = &s->on[i];
		GTRACE_EMIT(m->stream, WAIT_CASE, on->chan->id,
		            on->send ? GTRACE_op_CHAN_SEND : GTRACE_op_CHAN_RECV);
	}
	if (s->timeout >= 0)
		GTRACE_EMIT(m->stream, WAIT_UNTIL, (uint64_t)s->cases[s->timeout].dur_ns);
}

/**
 * Queue at every channel, which are locked, and wait.  Returns the case that ended it, or
 * -ECANCELED.
 */
static int sel_wait(struct m *m, const struct sel *s)
{
	struct wait wait = {.g = m->cur, .shared = true, .result = WAIT_CUT};
	struct timer timer;
	bool timed = s->timeout >= 0;

	sel_emit_cases(m, s);
	gor__wait_begin(m->cur, s->chans || timed ? GTRACE_reason_SELECT : GTRACE_reason_SELECT_NONE,
	                s->chans == 1 ? s->on[0].chan->id : 0, s->site,
	                timed ? GTRACE_WAIT_DEADLINE : 0);
	m->cur->wait_on = s->chans ? s->cases : NULL;
	m->cur->wait_cases = (uint32_t)s->n;
	for (int i = 0; i < s->chans; i++) {
		const struct sel_case *on = &s->on[i];
		struct waiter *w = &s->waiters[i];
		w->wait = &wait;
		w->value = s->cases[on->index].value;
		w->index = on->index;
		gor__waitq_push(sel_queue(on), w);
	}
	if (timed && gor__wait_until(m, &wait, &timer, gor_deadline(s->cases[s->timeout].dur_ns)))
		gor__fatal(NULL, "gor: out of memory for a timer");
	struct gor_hchan *first = s->chans ? s->on[0].chan : NULL;
	sel_unlock(s, first);
	gor__park(m, first ? &first->lock : NULL);

	if (timed)
		gor__timer_del(&timer);
	const struct gor_hchan *finished = sel_finished(s, wait.result);
	sel_lock(s, finished);
	for (int i = 0; i < s->chans; i++) {
		if (s->on[i].chan != finished)
			gor__waitq_remove(sel_queue(&s->on[i]), &s->waiters[i]);
	}
	sel_unlock(s, finished);
	if (__builtin_expect(wait.result < 0, 0))
		return wait.result == WAIT_TIMED_OUT ? s->timeout : -ECANCELED;
	sel_done(&s->cases[wait.result], wait.ok, s->site);
	return wait.result;
}

static int sel_run(struct m *m, struct sel *s)
{
	sel_prepare(s);
	sel_lock(s, NULL);
	int done = sel_try(m, s);
	if (done >= 0)
		return done;
	bool now = s->timeout >= 0 && s->cases[s->timeout].dur_ns <= 0;
	if (s->deflt >= 0 || now) {
		sel_unlock(s, NULL);
		return s->deflt >= 0 ? s->deflt : s->timeout;
	}
	if (!s->chans && s->timeout < 0)
		gor__park_forever(m, GTRACE_reason_SELECT_NONE, s->site);
	return sel_wait(m, s);
}

int gor_select_n_at(gor_case *cases, int n, const struct gor_site *site)
{
	struct m *m = gor__enter_if();
	struct sel s = {.cases = cases, .n = n, .site = site};
	int done;

	if (!m)
		return -ECANCELED;
	if (n < 0 || n > CASES_MAX)
		gor__panic(site, "gor_select_n: %d cases", n);
	if (n <= CASES_ON_STACK) {
		struct sel_case on[CASES_ON_STACK];
		uint16_t locks[CASES_ON_STACK];
		struct waiter waiters[CASES_ON_STACK];
		s.on = on;
		s.locks = locks;
		s.waiters = waiters;
		done = sel_run(m, &s);
	} else {
		s.waiters = malloc((size_t)n * (sizeof *s.waiters + sizeof *s.on + sizeof *s.locks));
		if (!s.waiters)
			gor__fatal(NULL, "gor: out of memory for a select");
		s.on = (struct sel_case *)(s.waiters + n);
		s.locks = (uint16_t *)(s.on + n);
		done = sel_run(m, &s);
		free(s.waiters);
	}
	gor__leave();
	return done;
}

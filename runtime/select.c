/* SPDX-License-Identifier: MIT */
/**
 * select.c: waiting on several channels at once.
 *
 *   1. Lock all channels, in the order of their addresses, each once.
 *   2. Look for a case that can go on, starting at random; do it, unlock, return.
 *   3. Else, with a default: return that.
 *   4. Else queue a waiter at each channel, park (which unlocks), be claimed by one partner or the
 *   timer. 5. Lock all again, take the other waiters out of their queues.
 *
 * Locking all makes 2 and 4 one atomic step: no partner can slip in between looking and queueing.
 * Fairness: the cases are looked at in a random order, so each ready one has the same chance.
 *
 * Between 4 and 5 a partner may find one of our stale waiters; its wait is claimed already, so the
 * partner drops it.  The wait and the waiters are on our stack, which stays until 5 is through.
 */
#include <stdlib.h>
#include <string.h>

#include "chan.h"
#include "emit.h"

#define CASES_ON_STACK 16
#define CASES_MAX 65536

/** One select under way; the arrays have n places. */
struct sel {
	gor_case *cases;
	int n;
	uint16_t *order; // case numbers in random order
	uint16_t *locks; // case numbers of channels by address
	struct waiter *waiters;
	int deflt, timeout; // case numbers, -1 none
	int chans;          // cases with a channel; also the length of locks
	const struct gor_site *site;
};

static bool sel_has_chan(const gor_case *k)
{
	return (k->kind == GOR_CASE_RECV || k->kind == GOR_CASE_SEND) && k->chan;
}

static void sel_sift(const struct sel *s, int i, int n)
{
	for (int child; (child = 2 * i + 1) < n; i = child) {
		if (child + 1 < n && s->cases[s->locks[child + 1]].chan > s->cases[s->locks[child]].chan)
			child++;
		if (s->cases[s->locks[i]].chan >= s->cases[s->locks[child]].chan)
			return;
		uint16_t t = s->locks[i];
		s->locks[i] = s->locks[child];
		s->locks[child] = t;
	}
}

/**
 * Sort out the cases: default, timeout, and those with a channel in random and in address order.
 */
static void sel_prepare(struct m *m, struct sel *s)
{
	s->deflt = s->timeout = -1;
	s->chans = 0;
	for (int i = 0; i < s->n; i++) {
		const gor_case *k = &s->cases[i];
		if (k->kind == GOR_CASE_DEFAULT)
			s->deflt = i;
		else if (k->kind == GOR_CASE_TIMEOUT &&
		         (s->timeout < 0 || k->dur_ns < s->cases[s->timeout].dur_ns))
			s->timeout = i;
		if (!sel_has_chan(k))
			continue;
		int j = (int)(gor__rand(m->p) % (uint64_t)(s->chans + 1));
		if (j != s->chans)
			s->order[s->chans] = s->order[j];
		s->order[j] = (uint16_t)i;
		s->locks[s->chans++] = (uint16_t)i;
	}
	for (int i = s->chans / 2 - 1; i >= 0; i--) // heap sort: no stack, no worst case
		sel_sift(s, i, s->chans);
	for (int end = s->chans - 1; end > 0; end--) {
		uint16_t t = s->locks[0];
		s->locks[0] = s->locks[end];
		s->locks[end] = t;
		sel_sift(s, 0, end);
	}
}

/**
 * Is this place of the lock order the first of its channel, and is that not the one to leave out?
 */
static bool sel_first(const struct sel *s, int i, const struct gor_hchan *except)
{
	const struct gor_hchan *c = s->cases[s->locks[i]].chan;

	return c != except && (i == 0 || s->cases[s->locks[i - 1]].chan != c);
}

static void sel_lock(const struct sel *s, const struct gor_hchan *except)
{
	for (int i = 0; i < s->chans; i++)
		if (sel_first(s, i, except))
			gor__lock(&s->cases[s->locks[i]].chan->lock);
}

static void sel_unlock(const struct sel *s, const struct gor_hchan *except)
{
	for (int i = s->chans - 1; i >= 0; i--)
		if (sel_first(s, i, except))
			gor__unlock(&s->cases[s->locks[i]].chan->lock);
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
		uses += s->cases[s->locks[i]].chan == c;
	return uses == 1 ? c : NULL;
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

/**
 * Do a case that can go on; channels are locked, and unlocked if it did one.  Returns its number or
 * -1.
 */
static int sel_try(struct m *m, const struct sel *s)
{
	for (int i = 0; i < s->chans; i++) {
		gor_case *k = &s->cases[s->order[i]];
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
		return s->order[i];
	}
	return -1;
}

static void sel_emit_cases(struct m *m, const struct sel *s)
{
	if (!m->stream)
		return;
	for (int i = 0; i < s->chans; i++) {
		const gor_case *k = &s->cases[s->locks[i]];
		GTRACE_EMIT(m->stream, WAIT_CASE, k->chan->id,
		            k->kind == GOR_CASE_SEND ? GTRACE_op_CHAN_SEND : GTRACE_op_CHAN_RECV);
	}
	if (s->timeout >= 0)
		GTRACE_EMIT(m->stream, WAIT_UNTIL, (uint64_t)s->cases[s->timeout].dur_ns);
}

/** Queue at every channel, which are locked, and wait.  Returns the case that ended it. */
static int sel_wait(struct m *m, const struct sel *s)
{
	struct wait wait = {.g = m->cur, .shared = true};
	struct timer timer;
	bool timed = s->timeout >= 0;

	sel_emit_cases(m, s);
	gor__wait_begin(m->cur, s->chans || timed ? GTRACE_reason_SELECT : GTRACE_reason_SELECT_NONE,
	                s->chans == 1 ? s->cases[s->locks[0]].chan->id : 0, s->site,
	                timed ? GTRACE_WAIT_DEADLINE : 0);
	m->cur->wait_on = s->chans ? s->cases : NULL;
	m->cur->wait_cases = (uint32_t)s->n;
	for (int i = 0; i < s->chans; i++) {
		const gor_case *k = &s->cases[s->locks[i]];
		struct waiter *w = &s->waiters[i];
		*w = (struct waiter){.wait = &wait, .value = k->value, .index = s->locks[i]};
		gor__waitq_push(k->kind == GOR_CASE_SEND ? &k->chan->sendq : &k->chan->recvq, w);
	}
	if (timed && gor__wait_until(m, &wait, &timer, gor_deadline(s->cases[s->timeout].dur_ns)))
		gor__fatal(NULL, "gor: out of memory for a timer");
	struct gor_hchan *first = s->chans ? s->cases[s->locks[0]].chan : NULL;
	sel_unlock(s, first);
	gor__park(m, first ? &first->lock : NULL);

	if (timed)
		gor__timer_del(&timer);
	const struct gor_hchan *finished = sel_finished(s, wait.result);
	sel_lock(s, finished);
	for (int i = 0; i < s->chans; i++) {
		const gor_case *k = &s->cases[s->locks[i]];
		if (k->chan != finished)
			gor__waitq_remove(k->kind == GOR_CASE_SEND ? &k->chan->sendq : &k->chan->recvq,
			                  &s->waiters[i]);
	}
	sel_unlock(s, finished);
	if (wait.result == WAIT_TIMED_OUT)
		return s->timeout;
	sel_done(&s->cases[wait.result], wait.ok, s->site);
	return wait.result;
}

static int sel_run(struct m *m, struct sel *s)
{
	sel_prepare(m, s);
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
	struct m *m = gor__enter();
	struct sel s = {.cases = cases, .n = n, .site = site};
	int done;

	if (n < 0 || n > CASES_MAX)
		gor__panic(site, "gor_select_n: %d cases", n);
	if (n <= CASES_ON_STACK) {
		uint16_t order[CASES_ON_STACK], locks[CASES_ON_STACK];
		struct waiter waiters[CASES_ON_STACK];
		s.order = order;
		s.locks = locks;
		s.waiters = waiters;
		done = sel_run(m, &s);
	} else {
		size_t each = sizeof *s.waiters + sizeof *s.order + sizeof *s.locks;
		s.waiters = malloc((size_t)n * each);
		if (!s.waiters)
			gor__fatal(NULL, "gor: out of memory for a select");
		s.order = (uint16_t *)(s.waiters + n);
		s.locks = s.order + n;
		done = sel_run(m, &s);
		free(s.waiters);
	}
	gor__leave();
	return done;
}

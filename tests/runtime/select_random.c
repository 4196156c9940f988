/* SPDX-License-Identifier: MIT */
/**
 * select_random.c: selects of random shapes, against an oracle that is a line of words a case.
 *
 * A round makes channels in random states, and an array of up to eighty cases on them: holes, the
 * nil channel, one channel many times and in both directions, several defaults, several timeouts,
 * closed channels, with values left or without.
 *
 *   S1  a case that is ready is done, and any of them may be
 *   S2  else a default, if there is one
 *   S3  else the shortest of the timeouts
 *   S4  else it waits, and ends by a case on the channel where something happens
 *   S5  nothing but the case that is returned leaves a trace, in no variable and in no queue
 *   S6  each of several ready cases is done equally often
 */
#include "check.h"
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include "chan.h"

enum { CHANS = 10, CASES_MAX = 80, CAP_MAX = 3, UNTOUCHED = -7 };
static const int64_t long_time = GOR_HOUR;

/* A channel, what is in it, and who waits there before the select comes. */
struct place {
	ints ch;
	int values[CAP_MAX], len, cap;
	bool closed;
	enum { NOBODY, SENDER, RECEIVER } waits;
	int value;       // of the sender
	_Atomic int got; // by the receiver
};

struct round {
	uint64_t random;
	struct place at[CHANS];
	gor_case cases[CASES_MAX];
	int chan[CASES_MAX]; // of the case, -1 none
	int out[CASES_MAX];
	bool ok[CASES_MAX];
	int n, serial;
	bool quiet; // nobody waits, nothing is ready
	gor_waitgroup wg;
};

static int below(struct round *r, int n)
{
	return (int)(check_random(&r->random) % (uint64_t)n);
}

/* ── channels ─────────────────────────────────────────────────────────────────────────────────────
 */

static void wait_there(struct place *p)
{
	int got = UNTOUCHED;

	if (p->waits == SENDER) {
		gor_send_until(p->ch, p->value, GOR_FOREVER);
	} else {
		gor_recv(p->ch, &got);
		atomic_store(&p->got, got);
	}
}

static bool has_waiter(const struct place *p)
{
	struct gor_hchan *c = GOR_HCHAN_(p->ch);

	gor__lock(&c->lock);
	bool any = c->recvq.first || c->sendq.first;
	gor__unlock(&c->lock);
	return any;
}

static void wait_in(void *arg)
{
	wait_there(arg);
}

static void make_place(struct round *r, struct place *p)
{
	memset(p, 0, sizeof *p);
	if (below(r, 10) == 0)
		return; // nil
	p->cap = below(r, 2) ? below(r, CAP_MAX + 1) : 0;
	REQUIRE_EQ(gor_make(p->ch, (size_t)p->cap), 0);
	for (int n = below(r, p->cap + 1); n > 0; n--) {
		p->values[p->len++] = ++r->serial;
		REQUIRE_EQ(gor_try_send(p->ch, r->serial), 0);
	}
	if (below(r, 8) == 0) {
		p->closed = true;
		gor_close(p->ch);
	} else if (p->len == p->cap && !r->quiet && below(r, 4) == 0) {
		p->waits = SENDER;
		p->value = ++r->serial;
	} else if (p->len == 0 && !r->quiet && below(r, 4) == 0) {
		p->waits = RECEIVER;
	}
	atomic_store(&p->got, UNTOUCHED);
	if (p->waits) {
		REQUIRE(gor_wg_go(&r->wg, wait_in, p) > 0);
		while (!has_waiter(p))
			gor_yield();
	}
}

/* ── cases ────────────────────────────────────────────────────────────────────────────────────────
 */

static bool is_ready(const struct round *r, int i)
{
	const struct place *p = r->chan[i] < 0 ? NULL : &r->at[r->chan[i]];

	if (!p || !p->ch)
		return false;
	if (r->cases[i].kind == GOR_CASE_RECV)
		return p->closed || p->len > 0 || p->waits == SENDER;
	return p->len < p->cap || p->waits == RECEIVER;
}

static void make_case(struct round *r, int i)
{
	static const int64_t durations[] = {
		0, -1, 5 * GOR_MICROSECOND, 60 * GOR_MICROSECOND, GOR_HOUR, 2 * GOR_HOUR};
	gor_case *k = &r->cases[i];
	int what = below(r, 20), c = below(r, CHANS);

	*k = (gor_case){.kind = GOR_CASE_NONE};
	r->chan[i] = -1;
	r->out[i] = UNTOUCHED;
	r->ok[i] = i % 2;
	if (what == 0) {
		*k = gor_on_timeout(durations[below(r, 6)]);
	} else if (what == 1 && below(r, 2)) {
		*k = gor_on_default;
	} else if (what < 11) {
		r->chan[i] = c;
		*k = gor_on_recv_ok(r->at[c].ch, below(r, 4) ? &r->out[i] : NULL,
		                    below(r, 4) ? &r->ok[i] : NULL);
	} else if (what < 18 && !r->at[c].closed) { // it would panic
		r->chan[i] = c;
		r->out[i] = ++r->serial;
		*k =
			(gor_case){.kind = GOR_CASE_SEND, .chan = GOR_HCHAN_(r->at[c].ch), .value = &r->out[i]};
	}
}

/* ── what is expected ─────────────────────────────────────────────────────────────────────────────
 */

static void check_recv(struct round *r, int i)
{
	struct place *p = &r->at[r->chan[i]];
	bool any = p->len > 0 || p->waits == SENDER;
	int want = p->len > 0 ? p->values[0] : p->waits == SENDER ? p->value : 0;

	if (r->cases[i].value)
		REQUIRE_EQ(r->out[i], want);
	if (r->cases[i].ok)
		REQUIRE_EQ(r->ok[i], any);
	if (p->len > 0) {
		memmove(p->values, p->values + 1, (size_t)--p->len * sizeof *p->values);
		if (p->waits == SENDER) // moves up
			p->values[p->len++] = p->value;
	}
	if (p->waits == SENDER)
		p->waits = NOBODY;
}

static void check_send(struct round *r, int i)
{
	struct place *p = &r->at[r->chan[i]];

	if (p->waits == RECEIVER) {
		while (atomic_load(&p->got) == UNTOUCHED)
			gor_yield();
		REQUIRE_EQ(atomic_load(&p->got), r->out[i]);
		p->waits = NOBODY;
	} else {
		p->values[p->len++] = r->out[i];
	}
}

/* S5 */
static void check_others(const struct round *r, int done)
{
	for (int i = 0; i < r->n; i++) {
		bool recv = r->cases[i].kind == GOR_CASE_RECV;
		if (i != done || !recv)
			REQUIRE_EQ(r->ok[i], i % 2);
		if (recv && (i != done || !r->cases[i].value))
			REQUIRE_EQ(r->out[i], UNTOUCHED);
	}
}

/* The case that a select of these shall do if none is ready: a default or a timeout; -1 none. */
static int fallback(const struct round *r)
{
	int shortest = -1;

	for (int i = 0; i < r->n; i++) {
		if (r->cases[i].kind == GOR_CASE_DEFAULT)
			return i;
		if (r->cases[i].kind == GOR_CASE_TIMEOUT && r->cases[i].dur_ns < long_time &&
		    (shortest < 0 || r->cases[i].dur_ns < r->cases[shortest].dur_ns))
			shortest = i;
	}
	return shortest;
}

static void select_now(struct round *r, bool any)
{
	int done = gor_select_n(r->cases, r->n), want = fallback(r);

	REQUIRE(done >= 0 && done < r->n);
	if (any) {
		REQUIRE(is_ready(r, done)); // S1
		if (r->cases[done].kind == GOR_CASE_RECV)
			check_recv(r, done);
		else
			check_send(r, done);
	} else {
		REQUIRE_EQ(r->cases[done].kind, r->cases[want].kind); // S2
		if (r->cases[done].kind == GOR_CASE_TIMEOUT)          // S3; of equal ones any
			REQUIRE(r->cases[done].dur_ns == r->cases[want].dur_ns ||
			        (r->cases[done].dur_ns <= 0 && r->cases[want].dur_ns <= 0));
	}
	check_others(r, done);
}

/* ── S4 ───────────────────────────────────────────────────────────────────────────────────────────
 */

struct visitor {
	struct place *p;
	enum { SENDS, RECEIVES, CLOSES } does;
	int value, yields;
	gor_waitgroup *wg;
};

static void visit(struct visitor *v)
{
	int got = UNTOUCHED;

	for (int i = 0; i < v->yields; i++)
		gor_yield();
	if (v->does == SENDS)
		gor_send(v->p->ch, v->value);
	else if (v->does == CLOSES)
		gor_close(v->p->ch);
	else
		gor_recv(v->p->ch, &got);
	atomic_store(&v->p->got, got);
	gor_wg_done(v->wg);
}

/* Some case on a channel: there somebody will act.  False: there is none, it would wait for ever.
 */
static bool select_later(struct round *r)
{
	struct visitor v = {.yields = below(r, 4), .wg = &r->wg, .value = ++r->serial};
	int start = below(r, r->n ? r->n : 1), k = -1;

	for (int i = 0; i < r->n && k < 0; i++) {
		int at = (start + i) % r->n;
		if (r->chan[at] >= 0 && r->at[r->chan[at]].ch)
			k = at;
	}
	if (k < 0)
		return false;
	struct place *p = v.p = &r->at[r->chan[k]];
	bool sends = false;
	for (int i = 0; i < r->n; i++)
		sends |= r->chan[i] == r->chan[k] && r->cases[i].kind == GOR_CASE_SEND;
	v.does = r->cases[k].kind == GOR_CASE_SEND ? RECEIVES : sends || below(r, 2) ? SENDS : CLOSES;
	gor_wg_add(&r->wg, 1);
	REQUIRE(gor_go_copy(visit, v) > 0);
	int done = gor_select_n(r->cases, r->n);
	gor_wg_wait(&r->wg);
	REQUIRE(done >= 0 && r->chan[done] == r->chan[k]);
	REQUIRE_EQ(r->cases[done].kind, r->cases[k].kind);
	if (v.does == RECEIVES && p->cap == 0)
		REQUIRE_EQ(atomic_load(&p->got), r->out[done]);
	if (v.does != RECEIVES && r->cases[done].value)
		REQUIRE_EQ(r->out[done], v.does == SENDS ? v.value : 0);
	if (v.does != RECEIVES && r->cases[done].ok)
		REQUIRE_EQ(r->ok[done], v.does == SENDS);
	check_others(r, done);
	p->closed = v.does == CLOSES;
	if (p->cap > 0 && v.does == RECEIVES) { // the oldest went, this one came
		REQUIRE_EQ(atomic_load(&p->got), p->values[0]);
		memmove(p->values, p->values + 1, (size_t)(p->len - 1) * sizeof *p->values);
		p->values[p->len - 1] = r->out[done];
	}
	return true;
}

/* ── rounds ───────────────────────────────────────────────────────────────────────────────────────
 */

/* Who still waits gets what he waits for; what is left in the channel is what should be. */
static void clear_place(struct place *p)
{
	int got = UNTOUCHED;

	if (!p->ch)
		return;
	REQUIRE_EQ(has_waiter(p), p->waits != NOBODY); // S5
	if (p->waits == RECEIVER) {
		REQUIRE_EQ(gor_try_send(p->ch, 1), 0);
	} else {
		for (int i = 0; i < p->len; i++)
			REQUIRE(gor_try_recv(p->ch, &got) == 1 && got == p->values[i]);
		if (p->waits == SENDER)
			REQUIRE(gor_recv(p->ch, &got) == 1 && got == p->value);
		REQUIRE_EQ(gor_try_recv(p->ch, &got), p->closed ? 0 : -EAGAIN);
	}
}

enum kind { READY, FALLBACK, LATER, NEVER, KINDS };

static enum kind run_round(struct round *r)
{
	enum kind kind = NEVER;
	bool any = false;

	r->quiet = below(r, 4) == 0;
	for (int i = 0; i < CHANS; i++)
		make_place(r, &r->at[i]);
	r->n = below(r, 3) ? below(r, 20) : below(r, CASES_MAX + 1);
	for (int i = 0; i < r->n; i++) {
		make_case(r, i);
		if (r->quiet && is_ready(r, i)) {
			r->cases[i] = (gor_case){.kind = GOR_CASE_NONE};
			r->chan[i] = -1;
			r->out[i] = UNTOUCHED;
		}
		any |= is_ready(r, i);
	}
	if (any || fallback(r) >= 0) {
		kind = any ? READY : FALLBACK;
		select_now(r, any);
	} else if (r->wg.value == 0 && select_later(r)) {
		kind = LATER;
	}
	for (int i = 0; i < CHANS; i++)
		clear_place(&r->at[i]);
	gor_wg_wait(&r->wg);
	for (int i = 0; i < CHANS; i++)
		gor_free(r->at[i].ch);
	return kind;
}

TEST(against_the_oracle)
{
	static struct round r;
	int kinds[KINDS] = {0};

	for (int seed = 1; seed <= check_times(40000); seed++) {
		memset(&r, 0, sizeof r);
		r.random = (uint64_t)seed * UINT64_C(0x9e3779b97f4a7c15);
		check_random(&r.random);
		kinds[run_round(&r)]++;
	}
	printf("%d ready, %d by default or time, %d by another\n", kinds[READY], kinds[FALLBACK],
	       kinds[LATER]);
	for (int i = 0; i < NEVER; i++)
		REQUIRE(kinds[i] > 0);
}

/** S6, for few and many cases, one a channel or all on one, among others that are not ready. */
TEST(fair_whatever_the_shape)
{
	static const int counts[] = {2, 3, 5, 16, 17, 40};

	for (size_t at = 0; at < 2 * sizeof counts / sizeof *counts; at++) {
		int k = counts[at / 2], rounds = check_times(k * 1000), n = 0;
		bool one = at % 2; // channel
		gor_case cases[CASES_MAX];
		ints ch[CASES_MAX], never;
		int hits[CASES_MAX] = {0};

		gor_make(never, 0);
		for (int i = 0; i < k; i++) {
			if (!one || i == 0)
				gor_make(ch[i], 1);
			cases[n++] = gor_on_recv(ch[one ? 0 : i], NULL);
			if (i % 2)
				cases[n++] = gor_on_recv(never, NULL);
		}
		for (int i = 0; i < (one ? 1 : k); i++)
			gor_close(ch[i]); // ready for good
		for (int i = 0; i < rounds; i++)
			hits[gor_select_n(cases, n)]++;
		for (int i = 0, to = 0; i < n; i++) // ready ones only
			if (cases[i].chan != GOR_HCHAN_(never))
				hits[to++] = hits[i];
		REQUIRE(check_even(hits, k));
		for (int i = 0; i < (one ? 1 : k); i++)
			gor_free(ch[i]);
		gor_free(never);
	}
}

/* ── many at once ─────────────────────────────────────────────────────────────────────────────────
 */

enum { SELECTORS = 8, SHARED = 5, TURNS = 1500 };

struct crowd {
	ints ch[SHARED];
	_Atomic uint8_t sent[SELECTORS * TURNS], received[SELECTORS * TURNS];
	_Atomic int left;
	gor_waitgroup wg;
};

struct selector {
	struct crowd *crowd;
	uint64_t random;
	int number, turns;
};

/* A select of random cases, all sends of the same value. */
static void take_turn(struct selector *s, int v)
{
	gor_case cases[24];
	int got[24], n = 1 + (int)(check_random(&s->random) % 23), out = v;
	struct crowd *c = s->crowd;

	for (int i = 0; i < n; i++) {
		uint64_t x = check_random(&s->random) >> 32;
		ints ch = c->ch[x % SHARED];
		got[i] = -1;
		cases[i] = gor_on_recv(ch, &got[i]);
		if (x >> 16 & 1)
			cases[i] = (gor_case){.kind = GOR_CASE_SEND, .chan = GOR_HCHAN_(ch), .value = &out};
	}
	cases[n++] = gor_on_timeout((int64_t)(check_random(&s->random) % 30) * GOR_MICROSECOND);
	int done = gor_select_n(cases, n);
	if (cases[done].kind == GOR_CASE_SEND)
		REQUIRE_EQ(atomic_fetch_add(&c->sent[v], 1), 0);
	if (cases[done].kind == GOR_CASE_RECV) {
		REQUIRE(got[done] >= 0 && got[done] < SELECTORS * TURNS);
		REQUIRE_EQ(atomic_fetch_add(&c->received[got[done]], 1), 0);
	}
	for (int i = 0; i < n - 1; i++)
		REQUIRE(i == done || got[i] == -1);
}

static void take_turns(struct selector *s)
{
	for (int i = 0; i < s->turns; i++)
		take_turn(s, s->number * TURNS + i);
	gor_wg_done(&s->crowd->wg);
}

/** Selects meet selects on the same channels, both ways: each value sent is received once. */
TEST(crowd)
{
	static struct crowd c;
	int got;

	for (int i = 0; i < SHARED; i++)
		gor_make(c.ch[i], (size_t)(i / 2)); // 0, 0, 1, 1, 2
	gor_wg_add(&c.wg, SELECTORS);
	for (int i = 0; i < SELECTORS; i++) {
		struct selector s = {&c, (uint64_t)(i + 1) * UINT64_C(0x9e3779b97f4a7c15), i, TURNS / SLOW};
		REQUIRE(gor_go_copy(take_turns, s) > 0);
	}
	gor_wg_wait(&c.wg);
	for (int i = 0; i < SHARED; i++) {
		while (gor_try_recv(c.ch[i], &got) == 1)
			REQUIRE_EQ(atomic_fetch_add(&c.received[got], 1), 0);
		gor_free(c.ch[i]);
	}
	for (int v = 0; v < SELECTORS * TURNS; v++)
		REQUIRE_EQ(atomic_load(&c.sent[v]), atomic_load(&c.received[v]));
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(against_the_oracle),
		cmocka_unit_test(fair_whatever_the_shape),
		cmocka_unit_test(crowd),
	};

	return CHECK_MAIN(tests, argc, argv);
}

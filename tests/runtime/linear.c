/* SPDX-License-Identifier: MIT */
/**
 * linear.c: what goroutines see of one channel at the same time is what a queue could have shown.
 *
 * Each call on the channel is noted with the ticks of one clock before and after it.  A history is
 * right (linearizable) if each call can be given one moment between its ticks such that the calls,
 * in the order of these moments, are answered by
 *
 *   Q1  a queue of cap values; a send finds room, a receive finds the oldest value
 *   Q2  with cap 0: a send and a receive at one and the same moment
 *   Q3  a send that gives up found the queue full, a receive that gives up found it empty, and both
 *       found it open
 *   Q4  after the close sends say closed; receives do when the queue is empty
 *
 * The search is that of Wing and Gong (Testing and verifying concurrent objects, 1993) with the
 * memory of Lowe (Testing for linearizability, 2017): take any call that no other call precedes,
 * go on with the rest; never look twice at the same calls taken with the same queue.
 *
 * Unlike the reference of programs.c this knows nothing of who waits, and takes far longer
 * histories.
 */
#include "check.h"
#include <errno.h>
#include <stdatomic.h>
#include <string.h>

enum { CALLS_MAX = 60, CAP_MAX = 3, ACTORS_MAX = 6 };

enum kind { PUT, GET, SHUT };
enum result { PASSED, GAVE_UP, WAS_CLOSED };

struct event {
	uint64_t invoked, returned;
	enum kind kind;
	enum result result;
	int value; // of PASSED
};

struct history {
	struct event at[CALLS_MAX];
	int len, cap;
};

/* ── the search ───────────────────────────────────────────────────────────────────────────────────
 */

struct state {
	uint64_t taken; // a bit a call
	uint32_t closed, len;
	int queue[CAP_MAX];
};

enum { TABLE = 1 << 17 };

static struct {
	struct state slot[TABLE];
	uint32_t search[TABLE]; // in use if it is the number of this search
	uint32_t number, count;
} memory;

/* False: it was here before, or there is no more room, which is told by the count. */
static bool remember(const struct state *s)
{
	uint64_t hash = s->taken * UINT64_C(0x9e3779b97f4a7c15);

	if (memory.count > TABLE / 2)
		return false;
	for (uint32_t i = 0; i < s->len; i++)
		hash = (hash ^ (uint64_t)s->queue[i]) * UINT64_C(0x100000001b3);
	uint32_t at = (uint32_t)(hash >> 40) % TABLE;
	for (; memory.search[at] == memory.number; at = (at + 1) % TABLE)
		if (memcmp(&memory.slot[at], s, sizeof *s) == 0)
			return false;
	memory.search[at] = memory.number;
	memory.slot[at] = *s;
	memory.count++;
	return true;
}

/* May call i be the next?  Not if another that is not taken had returned before it began. */
static bool is_minimal(const struct history *h, const struct state *s, int i)
{
	for (int k = 0; k < h->len; k++)
		if (!(s->taken >> k & 1) && h->at[k].returned < h->at[i].invoked)
			return false;
	return true;
}

/* Call i takes effect now, in s.  False: with another answer than it had. */
static bool apply(const struct history *h, struct state *s, int i)
{
	const struct event *e = &h->at[i];
	uint32_t cap = (uint32_t)h->cap;

	s->taken |= UINT64_C(1) << i;
	if (e->kind == SHUT) {
		s->closed = 1;
		return true;
	}
	if (e->result == WAS_CLOSED)
		return s->closed && (e->kind == PUT || s->len == 0);
	if (e->result == GAVE_UP)
		return !s->closed && s->len == (e->kind == PUT ? cap : 0);
	if (e->kind == PUT) {
		if (s->closed || s->len == cap)
			return false;
		s->queue[s->len++] = e->value;
		return true;
	}
	if (s->len == 0 || s->queue[0] != e->value)
		return false;
	memmove(s->queue, s->queue + 1, --s->len * sizeof *s->queue);
	s->queue[s->len] = 0;
	return true;
}

/* Q2: put i and get k meet. */
static bool apply_pair(const struct history *h, struct state *s, int i, int k)
{
	const struct event *put = &h->at[i], *get = &h->at[k];

	if (s->closed || put->kind != PUT || get->kind != GET || put->result != PASSED ||
	    get->result != PASSED || put->value != get->value)
		return false;
	s->taken |= UINT64_C(1) << i | UINT64_C(1) << k;
	return true;
}

static bool explore(const struct history *h, const struct state *s)
{
	if (s->taken == (UINT64_C(1) << h->len) - 1)
		return true;
	if (!remember(s))
		return false;
	for (int i = 0; i < h->len; i++) {
		if (s->taken >> i & 1 || !is_minimal(h, s, i))
			continue;
		struct state next = *s;
		if (apply(h, &next, i) && explore(h, &next))
			return true;
		for (int k = 0; h->cap == 0 && k < h->len; k++) {
			next = *s;
			if (!(s->taken >> k & 1) && is_minimal(h, s, k) && apply_pair(h, &next, i, k) &&
			    explore(h, &next))
				return true;
		}
	}
	return false;
}

/* Is the history right? */
static bool explained(const struct history *h)
{
	memory.number++;
	memory.count = 0;
	bool right = explore(h, &(struct state){0});
	REQUIRE(right || memory.count <= TABLE / 2); // or else nobody knows
	return right;
}

static void print(const struct history *h)
{
	static const char *const kinds[] = {"send", "recv", "close"};
	static const char *const results[] = {"", "gave up", "closed"};

	fprintf(stderr, "a channel of %d\n", h->cap);
	for (int i = 0; i < h->len; i++) {
		const struct event *e = &h->at[i];
		fprintf(stderr, "%4d to %4d  %s %d %s\n", (int)e->invoked, (int)e->returned, kinds[e->kind],
		        e->value, results[e->result]);
	}
}

/* ── histories of the runtime ─────────────────────────────────────────────────────────────────────
 */

struct round {
	struct history h;
	ints ch;
	bool closes; // at some moment; who sends then uses no form that panics
	uint64_t random;
	_Atomic int len; // of h
	_Atomic uint64_t clock;
	_Atomic int there; // actors that have begun
	int actors;
	gor_waitgroup wg;
};

struct actor {
	struct round *round;
	uint64_t random;
	int number, calls;
};

static int below(uint64_t *random, int n)
{
	return (int)(check_random(random) % (uint64_t)n);
}

static enum result result_of(int code)
{
	REQUIRE(code >= 0 || code == -EAGAIN || code == -ETIMEDOUT || code == -EPIPE);
	return code == -EPIPE ? WAS_CLOSED : code < 0 ? GAVE_UP : PASSED;
}

static int64_t soon(struct actor *a)
{
	return below(&a->random, 20) * GOR_MICROSECOND;
}

static enum result put(struct actor *a, int v)
{
	ints ch = a->round->ch;

	switch (below(&a->random, 4)) {
	case 0:
		return result_of(gor_try_send(ch, v));
	case 1:
		return result_of(gor_send_until(ch, v, gor_deadline(soon(a))));
	case 2:
		if (a->round->closes)
			return result_of(gor_send_until(ch, v, GOR_FOREVER));
		return gor_select(gor_on_timeout(soon(a)), gor_on_send(ch, v)) == 1 ? PASSED : GAVE_UP;
	default:
		if (a->round->closes)
			return result_of(gor_send_until(ch, v, gor_deadline(GOR_HOUR)));
		return gor_select(gor_on_send(ch, v), gor_on_default) == 0 ? PASSED : GAVE_UP;
	}
}

static enum result get(struct actor *a, int *v)
{
	ints ch = a->round->ch;
	bool ok = true;
	int code;

	switch (below(&a->random, 5)) {
	case 0:
		code = gor_try_recv(ch, v);
		return code == 0 ? WAS_CLOSED : result_of(code);
	case 1:
		code = gor_recv_until(ch, v, gor_deadline(soon(a)));
		return code == 0 ? WAS_CLOSED : result_of(code);
	case 2:
		code = gor_select(gor_on_recv_ok(ch, v, &ok), gor_on_timeout(soon(a)));
		return code == 1 ? GAVE_UP : ok ? PASSED : WAS_CLOSED;
	case 3:
		code = gor_select(gor_on_default, gor_on_recv_ok(ch, v, &ok));
		return code == 0 ? GAVE_UP : ok ? PASSED : WAS_CLOSED;
	default:
		if (a->round->closes)
			return gor_recv(ch, v) == 1 ? PASSED : WAS_CLOSED;
		code = gor_recv_until(ch, v, gor_deadline(soon(a)));
		return result_of(code);
	}
}

/* A send or a receive, whichever comes. */
static struct event either(struct actor *a, int v)
{
	int got = 0, done;

	done = gor_select(gor_on_send(a->round->ch, v), gor_on_recv(a->round->ch, &got),
	                  gor_on_timeout(soon(a)));
	if (done == 2) { // both full and empty
		REQUIRE_EQ(a->round->h.cap, 0);
		return (struct event){.kind = PUT, .result = GAVE_UP};
	}
	return (struct event){.kind = done == 0 ? PUT : GET, .value = done == 0 ? v : got};
}

static void note(struct round *r, struct event e, uint64_t invoked)
{
	e.invoked = invoked;
	e.returned = atomic_fetch_add(&r->clock, 1);
	int at = atomic_fetch_add(&r->len, 1);
	REQUIRE(at < CALLS_MAX);
	r->h.at[at] = e;
}

/* All begin at once, and take long enough for other threads to get some of them. */
static void wait_for_all(struct round *r)
{
	atomic_fetch_add(&r->there, 1);
	while (atomic_load(&r->there) < r->actors)
		gor_yield();
}

static void dawdle(struct actor *a)
{
	int what = below(&a->random, 8);

	if (what == 0)
		gor_yield();
	for (int n = what < 4 ? below(&a->random, 400) : 0; n > 0; n--)
		atomic_signal_fence(memory_order_seq_cst);
}

static void act(struct actor *a)
{
	struct round *r = a->round;

	wait_for_all(r);
	for (int i = 0; i < a->calls; i++) {
		int v = 1 + a->number * CALLS_MAX + i, what = below(&a->random, r->closes ? 2 : 3);
		struct event e = {.value = what == 0 ? v : 0, .kind = what == 0 ? PUT : GET};

		dawdle(a);
		uint64_t invoked = atomic_fetch_add(&r->clock, 1);
		if (what == 0)
			e.result = put(a, v);
		else if (what == 1)
			e.result = get(a, &e.value);
		else
			e = either(a, v);
		note(r, e, invoked);
	}
	gor_wg_done(&r->wg);
}

/* Close at some moment, and release those who wait. */
static void close_it(struct round *r)
{
	for (int n = below(&r->random, 60); n > 0; n--)
		gor_yield();
	uint64_t invoked = atomic_fetch_add(&r->clock, 1);
	gor_close(r->ch);
	note(r, (struct event){.kind = SHUT}, invoked);
}

static void begin_round(struct round *r, uint64_t seed)
{
	uint64_t random = seed * UINT64_C(0x9e3779b97f4a7c15);

	memset(r, 0, sizeof *r);
	check_random(&random);
	r->h.cap = below(&random, CAP_MAX + 1);
	r->closes = below(&random, 2);
	r->actors = 2 + below(&random, ACTORS_MAX - 1);
	atomic_store(&r->clock, 1);
	r->random = random;
	REQUIRE_EQ(gor_make(r->ch, (size_t)r->h.cap), 0);
	gor_wg_add(&r->wg, r->actors);
	for (int i = 0; i < r->actors; i++, check_random(&random)) {
		struct actor a = {r, random, i, 1 + below(&random, (CALLS_MAX - 1) / r->actors)};
		REQUIRE(gor_go_copy(act, a) > 0);
	}
}

static void end_round(struct round *r)
{
	if (r->closes)
		close_it(r);
	gor_wg_wait(&r->wg);
	gor_free(r->ch);
	r->h.len = atomic_load(&r->len);
}

/* How many pairs of calls were under way at the same time. */
static unsigned long overlaps(const struct history *h)
{
	unsigned long n = 0;

	for (int i = 0; i < h->len; i++)
		for (int k = 0; k < i; k++)
			n += h->at[k].invoked < h->at[i].returned && h->at[i].invoked < h->at[k].returned;
	return n;
}

struct totals {
	unsigned long calls, together, states;
};

static void check_round(const struct round *r, uint64_t seed, struct totals *t)
{
	if (!explained(&r->h)) {
		fprintf(stderr, "seed %llu\n", (unsigned long long)seed);
		print(&r->h);
		REQUIRE(!"a history that no queue explains");
	}
	t->calls += (unsigned long)r->h.len;
	t->together += overlaps(&r->h);
	t->states += memory.count;
}

/* Several rounds at a time, so that no thread runs out of work. */
static void run_rounds(uint64_t seed, int rounds)
{
	enum { ABREAST = 4 };
	static struct round r[ABREAST];
	struct totals t = {0};

	for (int n = check_times(rounds) / ABREAST; n > 0; n--, seed += ABREAST) {
		for (int i = 0; i < ABREAST; i++)
			begin_round(&r[i], seed + (uint64_t)i);
		for (int i = 0; i < ABREAST; i++)
			end_round(&r[i]);
		for (int i = 0; i < ABREAST; i++)
			check_round(&r[i], seed + (uint64_t)i, &t);
	}
	printf("%lu calls, %lu pairs at the same time, %lu states\n", t.calls, t.together, t.states);
	REQUIRE(t.together > t.calls / 4);
}

TEST_PROCS(on_one, 1)
{
	run_rounds(10000, 8000);
}

TEST_PROCS(on_two, 2)
{
	run_rounds(20000, 6000);
}

TEST_PROCS(on_four, 4)
{
	run_rounds(40000, 4000);
}

TEST_PROCS(on_eight, 8)
{
	run_rounds(80000, 4000);
}

/* ── that wrong histories are told from right ones ────────────────────────────────────────────────
 */

struct known {
	const char *what;
	bool right;
	struct history h;
};

#define SENT(from, to, v) \
	{ \
		from, to, PUT, PASSED, v \
	}
#define GOT(from, to, v) \
	{ \
		from, to, GET, PASSED, v \
	}
#define FULL(from, to) \
	{ \
		from, to, PUT, GAVE_UP, 0 \
	}
#define EMPTY(from, to) \
	{ \
		from, to, GET, GAVE_UP, 0 \
	}
#define SEND_CLOSED(from, to) \
	{ \
		from, to, PUT, WAS_CLOSED, 0 \
	}
#define RECV_CLOSED(from, to) \
	{ \
		from, to, GET, WAS_CLOSED, 0 \
	}
#define CLOSE(from, to) \
	{ \
		from, to, SHUT, PASSED, 0 \
	}
#define HISTORY(cap, ...) \
	{ \
		{__VA_ARGS__}, sizeof((struct event[]){__VA_ARGS__}) / sizeof(struct event), cap \
	}

static const struct known known[] = {
	{"nothing", true, {.cap = 1}},
	{"in order", true, HISTORY(2, SENT(1, 2, 7), SENT(3, 4, 8), GOT(5, 6, 7), GOT(7, 8, 8))},
	{"out of order", false, HISTORY(2, SENT(1, 2, 7), SENT(3, 4, 8), GOT(5, 6, 8), GOT(7, 8, 7))},
	{"sent at once", true, HISTORY(2, SENT(1, 4, 7), SENT(2, 3, 8), GOT(5, 6, 8), GOT(7, 8, 7))},
	{"got at once", true, HISTORY(2, SENT(1, 2, 7), SENT(3, 4, 8), GOT(5, 8, 8), GOT(6, 7, 7))},
	{"before it was sent", false, HISTORY(1, GOT(1, 2, 7), SENT(3, 4, 7))},
	{"twice", false, HISTORY(1, SENT(1, 2, 7), GOT(3, 4, 7), GOT(5, 6, 7))},
	{"from nowhere", false, HISTORY(1, SENT(1, 2, 7), GOT(3, 4, 9))},
	{"too many", false, HISTORY(1, SENT(1, 2, 7), SENT(3, 4, 8), GOT(5, 6, 7))},
	{"just in time", true, HISTORY(1, SENT(1, 2, 7), SENT(3, 6, 8), GOT(4, 5, 7))},
	{"meet", true, HISTORY(0, SENT(1, 3, 7), GOT(2, 4, 7))},
	{"do not meet", false, HISTORY(0, SENT(1, 2, 7), GOT(3, 4, 7))},
	{"met by the wrong one", false, HISTORY(0, SENT(1, 3, 7), GOT(2, 5, 8), SENT(4, 6, 7))},
	{"full", true, HISTORY(1, SENT(1, 2, 7), FULL(3, 4), GOT(5, 6, 7))},
	{"full with room", false, HISTORY(2, SENT(1, 2, 7), FULL(3, 4), GOT(5, 6, 7))},
	{"empty", true, HISTORY(1, SENT(1, 3, 7), EMPTY(2, 4), GOT(5, 6, 7))},
	{"empty with a value", false, HISTORY(1, SENT(1, 2, 7), EMPTY(3, 4), GOT(5, 6, 7))},
	{"closed", true, HISTORY(0, CLOSE(1, 2), SEND_CLOSED(3, 4), RECV_CLOSED(5, 6))},
	{"closed before", false, HISTORY(0, SEND_CLOSED(1, 2), CLOSE(3, 4))},
	{"drained", true, HISTORY(1, SENT(1, 2, 7), CLOSE(3, 4), GOT(5, 6, 7), RECV_CLOSED(7, 8))},
	{"cut off", false, HISTORY(1, SENT(1, 2, 7), CLOSE(3, 4), RECV_CLOSED(5, 6), GOT(7, 8, 7))},
	{"sent after", false, HISTORY(1, CLOSE(1, 2), SENT(3, 4, 7), GOT(5, 6, 7))},
	{"empty after", false, HISTORY(1, CLOSE(1, 2), EMPTY(3, 4))},
};

static void known_histories(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof known / sizeof *known; i++)
		if (explained(&known[i].h) != known[i].right)
			fail_msg("%s", known[i].what);
}

/* The how-many-eth get that passed, from `from` on; -1: none. */
static int find_get(const struct history *h, int from)
{
	for (int i = from; i < h->len; i++)
		if (h->at[i].kind == GET && h->at[i].result == PASSED)
			return i;
	return -1;
}

/** What really happened, with one answer changed, is no longer right. */
TEST(corrupted_histories)
{
	static struct round r;
	int changed = 0;

	for (uint64_t seed = 1; seed <= (uint64_t)check_times(500); seed++) {
		begin_round(&r, seed);
		end_round(&r);
		int first = find_get(&r.h, 0), second = first < 0 ? -1 : find_get(&r.h, first + 1);
		if (second < 0)
			continue;
		struct history h = r.h;
		h.at[first].value = h.at[second].value; // twice
		REQUIRE(!explained(&h));
		h = r.h;
		h.at[second].value = 9999; // from nowhere
		REQUIRE(!explained(&h));
		h = r.h;
		h.at[first].returned = h.at[first].invoked = 0; // before it was sent
		REQUIRE(!explained(&h));
		changed++;
	}
	REQUIRE(changed > 0);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(on_one),          cmocka_unit_test(on_two),
		cmocka_unit_test(on_four),         cmocka_unit_test(on_eight),
		cmocka_unit_test(known_histories), cmocka_unit_test(corrupted_histories),
	};

	return CHECK_MAIN(tests, argc, argv);
}

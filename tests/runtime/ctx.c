/* SPDX-License-Identifier: MIT */
/* ctx.c: trees of contexts. */
#include "check.h"
#include <errno.h>
#include <stdatomic.h>
#include <string.h>

/* ── children ─────────────────────────────────────────────────────────────────────────────────────
 */

static int cancel_root(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	gor_ctx_cancel(gor_ctx_background());
	return 0;
}

static int wait_for_root(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	gor_recv(gor_ctx_done(gor_ctx_background()), NULL);
	return 0;
}

/* What has been cancelled from above does not keep its time, and so hides no deadlock. */
static int blocked_beside_cancelled(int argc, char **argv)
{
	gor_ctx *top = gor_ctx_with_cancel(gor_ctx_background());

	(void)argc;
	(void)argv;
	gor_ctx_with_timeout(gor_ctx_with_timeout(top, GOR_HOUR), GOR_HOUR);
	gor_ctx_cancel(top);
	gor_recv((ints)NULL, NULL);
	return 0;
}

static const struct check_child children[] = {
	{"cancel_root", cancel_root},
	{"wait_for_root", wait_for_root},
	{"blocked_beside_cancelled", blocked_beside_cancelled},
	{NULL, NULL},
};

static void expect(const char *child, const char *first)
{
	static struct check_result r;

	check_spawn(child, &r);
	if (r.status != 2 || !check_has_line(r.err, first))
		print_message("%s ended with %d and wrote\n%s\n", child, r.status, r.err);
	assert_int_equal(r.status, 2);
	assert_true(check_has_line(r.err, first));
}

/** The root is never cancelled. */
static void root_stays(void **state)
{
	(void)state;
	expect("cancel_root", "panic: gor_ctx_cancel: the root cannot be cancelled");
	expect("wait_for_root", "fatal error: all goroutines are asleep - deadlock!");
}

/** A timeout is over when its context is cancelled, from above too. */
static void cancelled_timers_are_gone(void **state)
{
	(void)state;
	expect("blocked_beside_cancelled", "fatal error: all goroutines are asleep - deadlock!");
}

/* ── one context ──────────────────────────────────────────────────────────────────────────────────
 */

static gor_ctx *below_root(void)
{
	gor_ctx *c = gor_ctx_with_cancel(gor_ctx_background());

	REQUIRE(c != NULL);
	return c;
}

static gor_ctx *timed_below(gor_ctx *parent, int64_t dur)
{
	gor_ctx *c = gor_ctx_with_timeout(parent, dur);

	REQUIRE(c != NULL);
	return c;
}

/* Cancelled with err (0: not), and its channel says the same. */
static void is(gor_ctx *c, int err)
{
	char byte = 'x';

	REQUIRE_EQ(gor_ctx_err(c), err);
	REQUIRE_EQ(gor_try_recv(gor_ctx_done(c), &byte), err ? 0 : -EAGAIN);
	REQUIRE_EQ(byte, err ? 0 : 'x');
	REQUIRE_EQ(gor_select(gor_on_recv(gor_ctx_done(c), NULL), gor_on_default), err ? 0 : 1);
}

static void is_done(gor_ctx *c, int err)
{
	REQUIRE_EQ(gor_recv(gor_ctx_done(c), NULL), 0);
	is(c, err);
}

/** The root: one, without error, its channel nil. */
TEST(background)
{
	gor_ctx *root = gor_ctx_background();

	REQUIRE(root != NULL && root == gor_ctx_background());
	REQUIRE(gor_ctx_done(root) == NULL);
	is(root, 0);
	gor_ctx_free(root);
	gor_ctx_free(NULL);
	gor_ctx_free(below_root());
	is(root, 0);
}

/** Cancelled once; what comes later changes nothing. */
TEST(cancel)
{
	gor_ctx *c = below_root();

	is(c, 0);
	gor_ctx_cancel(c);
	is(c, -ECANCELED);
	gor_ctx_cancel(c);
	is(c, -ECANCELED);
	gor_ctx_free(c);

	c = timed_below(gor_ctx_background(), GOR_MILLISECOND);
	is_done(c, -ETIMEDOUT);
	gor_ctx_cancel(c);
	is(c, -ETIMEDOUT);
	gor_ctx_free(c);

	c = timed_below(gor_ctx_background(), GOR_MILLISECOND);
	gor_ctx_cancel(c);
	int err = gor_ctx_err(c); // nearly always the cancel was first
	REQUIRE(err == -ECANCELED || err == -ETIMEDOUT);
	gor_sleep(5 * GOR_MILLISECOND);
	is(c, err);
	gor_ctx_free(c);
}

/** A timeout is not early; one of nothing, or less, is over at once. */
TEST(timeout)
{
	for (int64_t us = 1; us <= 10000; us *= 10) {
		int64_t before = gor_now();
		gor_ctx *c = timed_below(gor_ctx_background(), us * GOR_MICROSECOND);

		is_done(c, -ETIMEDOUT);
		REQUIRE(gor_now() >= before + us * GOR_MICROSECOND);
		gor_ctx_free(c);
	}
	for (int64_t dur = 0; dur >= -GOR_HOUR; dur = dur * 1000 - 1) {
		gor_ctx *c = timed_below(gor_ctx_background(), dur);

		is(c, -ETIMEDOUT);
		gor_ctx_free(c);
	}
	gor_ctx *c = timed_below(gor_ctx_background(), INT64_MAX);
	is(c, 0);
	gor_ctx_free(c);
}

struct crowd {
	gor_ctx *c;
	_Atomic int here, woken;
	gor_waitgroup wg;
};

static void wait_for_cancel(void *arg)
{
	struct crowd *c = arg;
	gor_timer never;

	gor_timer_start(&never, GOR_HOUR);
	if (atomic_fetch_add(&c->here, 1) % 2)
		REQUIRE_EQ(gor_recv(gor_ctx_done(c->c), NULL), 0);
	else
		REQUIRE_EQ(gor_select(gor_on_recv(never.c, NULL), gor_on_recv(gor_ctx_done(c->c), NULL)),
		           1);
	REQUIRE(gor_timer_stop(&never));
	REQUIRE_EQ(gor_ctx_err(c->c), -ECANCELED);
	atomic_fetch_add(&c->woken, 1);
	gor_wg_done(&c->wg);
}

/** Everybody who waits is woken by the cancel, nobody before. */
TEST(cancel_wakes_all)
{
	for (int round = 0; round < 20 / SLOW; round++) {
		struct crowd c = {.c = below_root()};

		gor_wg_add(&c.wg, 100);
		for (int i = 0; i < 100; i++)
			gor_go(wait_for_cancel, &c);
		while (atomic_load(&c.here) < 100)
			gor_yield();
		gor_yield();
		REQUIRE_EQ(atomic_load(&c.woken), 0);
		gor_ctx_cancel(c.c);
		gor_wg_wait(&c.wg);
		gor_ctx_free(c.c);
	}
}

/* ── trees ────────────────────────────────────────────────────────────────────────────────────────
 */

/** A cancel reaches what is below, and nothing else. */
TEST(subtree)
{
	gor_ctx *top = below_root(), *a = gor_ctx_with_cancel(top), *b = gor_ctx_with_cancel(top);
	gor_ctx *a1 = gor_ctx_with_cancel(a), *a2 = timed_below(a, GOR_HOUR);
	gor_ctx *a11 = gor_ctx_with_cancel(a1), *b1 = timed_below(b, GOR_HOUR);

	gor_ctx_cancel(a1);
	is(a1, -ECANCELED);
	is(a11, -ECANCELED);
	is(a2, 0);
	is(a, 0);
	gor_ctx_cancel(a);
	is(a, -ECANCELED);
	is(a2, -ECANCELED);
	is(b, 0);
	is(b1, 0);
	is(top, 0);
	gor_ctx_cancel(top);
	is(top, -ECANCELED);
	is(b, -ECANCELED);
	is(b1, -ECANCELED);
	gor_ctx *all[] = {b1, a11, top, a2, a, b, a1};
	for (size_t i = 0; i < sizeof all / sizeof *all; i++)
		gor_ctx_free(all[i]);
}

/** The time of a context ends those below it with the same error, not those above. */
TEST(timeout_of_a_tree)
{
	gor_ctx *top = timed_below(gor_ctx_background(), GOR_HOUR);
	gor_ctx *mid = timed_below(top, 2 * GOR_MILLISECOND), *plain = gor_ctx_with_cancel(mid);
	gor_ctx *longer = timed_below(mid, GOR_HOUR), *cancelled = gor_ctx_with_cancel(mid);

	gor_ctx_cancel(cancelled);
	is_done(longer, -ETIMEDOUT);
	is(mid, -ETIMEDOUT); // before what is below
	is_done(plain, -ETIMEDOUT);
	is(cancelled, -ECANCELED); // the first counts
	is(top, 0);
	gor_ctx_free(top);
	is(mid, -ETIMEDOUT);
	gor_ctx_free(longer);
	gor_ctx_free(mid);
	gor_ctx_free(plain);
	gor_ctx_free(cancelled);
}

/** What is made below a cancelled context is cancelled as that was. */
TEST(child_of_a_cancelled)
{
	gor_ctx *cancelled = below_root(), *late = timed_below(gor_ctx_background(), 1);
	gor_ctx *parents[] = {cancelled, late};
	int errs[] = {-ECANCELED, -ETIMEDOUT};

	gor_ctx_cancel(cancelled);
	is_done(late, -ETIMEDOUT);
	for (int i = 0; i < 2; i++) {
		gor_ctx *plain = gor_ctx_with_cancel(parents[i]);
		gor_ctx *timed = timed_below(plain, i ? GOR_HOUR : 0);

		is(plain, errs[i]);
		is(timed, errs[i]);
		gor_ctx_cancel(timed);
		is(timed, errs[i]);
		gor_ctx_free(plain);
		gor_ctx_free(parents[i]);
		gor_ctx_free(timed);
	}
}

/** free: cancels it and what is below, which stays valid. */
TEST(freed_parent)
{
	gor_ctx *top = below_root(), *mid = gor_ctx_with_cancel(top), *low = timed_below(mid, GOR_HOUR);

	gor_ctx_free(mid);
	is(top, 0);
	is(low, -ECANCELED);
	gor_ctx_free(top);
	gor_ctx *lower = gor_ctx_with_cancel(low);
	is(lower, -ECANCELED);
	gor_ctx_free(low);
	is(lower, -ECANCELED);
	gor_ctx_free(lower);
}

enum { NODES = 60 };

struct tree {
	gor_ctx *node[NODES]; // NULL: freed
	int parent[NODES];    // -1: the root
	bool cancelled[NODES];
	int count;
	uint64_t random;
};

static void tree_add(struct tree *t)
{
	int i = t->count, parent = (int)(check_random(&t->random) % (uint64_t)(i + 1)) - 1;

	if (parent >= 0 && !t->node[parent])
		parent = -1;
	gor_ctx *above = parent < 0 ? gor_ctx_background() : t->node[parent];
	t->node[i] = i % 2 ? gor_ctx_with_cancel(above) : timed_below(above, GOR_HOUR);
	REQUIRE(t->node[i] != NULL);
	t->parent[i] = parent;
	t->cancelled[i] = parent >= 0 && t->cancelled[parent];
	t->count++;
}

/* In the model: parents have smaller numbers than their children. */
static void tree_mark(struct tree *t, int at)
{
	t->cancelled[at] = true;
	for (int i = at + 1; i < t->count; i++)
		if (t->parent[i] >= 0 && t->cancelled[t->parent[i]])
			t->cancelled[i] = true;
}

static void tree_step(struct tree *t)
{
	uint64_t draw = check_random(&t->random);
	int at = t->count ? (int)(draw / 4 % (uint64_t)t->count) : 0;

	if (t->count == 0 || (draw % 4 < 2 && t->count < NODES)) {
		tree_add(t);
	} else if (t->node[at]) {
		tree_mark(t, at);
		if (draw % 8 < 7) {
			gor_ctx_free(t->node[at]);
			t->node[at] = NULL;
		} else {
			gor_ctx_cancel(t->node[at]);
		}
	}
	for (int i = 0; i < t->count; i++)
		if (t->node[i])
			is(t->node[i], t->cancelled[i] ? -ECANCELED : 0);
}

/** Random trees, cancelled and freed in random order, step by step as in a model. */
TEST(free_in_any_order)
{
	for (uint64_t seed = 1; seed <= 100 / SLOW; seed++) {
		struct tree t = {.random = seed * UINT64_C(0x9e3779b97f4a7c15)};

		for (int i = 0; i < 200; i++)
			tree_step(&t);
		for (int i = 0; i < t.count; i++)
			gor_ctx_free(t.node[i]);
	}
}

/* ── many at once ─────────────────────────────────────────────────────────────────────────────────
 */

enum { DEPTH = 6 };

struct chain {
	gor_ctx *c[DEPTH];
	int cut;
	gor_waitgroup watching, watched;
};

static void watch_leaf(void *arg)
{
	struct chain *ch = arg;

	gor_wg_done(&ch->watching);
	gor_recv(gor_ctx_done(ch->c[DEPTH - 1]), NULL);
	for (int i = DEPTH - 1; i >= 0; i--)
		is(ch->c[i], i >= ch->cut ? -ECANCELED : 0); // nothing is cancelled before its parent
	gor_wg_done(&ch->watched);
}

/* Looks at the error instead of waiting. */
static void poll_leaf(void *arg)
{
	struct chain *ch = arg;

	gor_wg_done(&ch->watching);
	while (gor_ctx_err(ch->c[DEPTH - 1]) == 0)
		gor_yield();
	for (int i = DEPTH - 1; i >= ch->cut; i--)
		is(ch->c[i], -ECANCELED); // the channel is closed when the error is there
	gor_wg_done(&ch->watched);
}

/** From the top down: who sees a context cancelled finds all above it cancelled, to the cut. */
TEST_PROCS(parents_first, 8)
{
	for (int round = 0; round < 300 / SLOW; round++) {
		struct chain ch = {.cut = round % DEPTH};

		for (int i = 0; i < DEPTH; i++)
			ch.c[i] = i ? gor_ctx_with_cancel(ch.c[i - 1]) : below_root();
		gor_wg_add(&ch.watching, 4);
		gor_wg_add(&ch.watched, 4);
		for (int i = 0; i < 4; i++)
			gor_go(i % 2 ? poll_leaf : watch_leaf, &ch);
		gor_wg_wait(&ch.watching);
		gor_ctx_cancel(ch.c[ch.cut]);
		gor_wg_wait(&ch.watched);
		for (int i = 0; i < DEPTH; i++)
			gor_ctx_free(ch.c[(i * 5 + round) % DEPTH]);
	}
}

struct grove {
	gor_ctx *top;
	_Atomic uint64_t seed;
	gor_waitgroup wg;
};

static gor_ctx *sprout(gor_ctx *parent, uint64_t draw)
{
	gor_ctx *c = draw % 2 ? gor_ctx_with_cancel(parent)
	                      : gor_ctx_with_timeout(parent, (int64_t)(draw / 2 % 50) * 1000);

	REQUIRE(c != NULL);
	return c;
}

/* Make, cancel and free below top, until top is cancelled; and a little longer. */
static void grow(void *arg)
{
	struct grove *g = arg;
	uint64_t random = atomic_fetch_add(&g->seed, 1) * UINT64_C(0x9e3779b97f4a7c15);

	for (int after = 0; after < 3; after += gor_ctx_err(g->top) != 0) {
		bool over = gor_ctx_err(g->top) != 0;
		gor_ctx *a = sprout(g->top, check_random(&random));
		gor_ctx *b = sprout(a, check_random(&random));
		uint64_t draw = check_random(&random);

		REQUIRE(!over || (gor_ctx_err(a) && gor_ctx_err(b)));
		if (draw % 4 == 0)
			gor_ctx_cancel(a);
		else if (draw % 4 == 1)
			gor_ctx_cancel(b);
		else if (draw % 4 == 2)
			gor_select(gor_on_recv(gor_ctx_done(b), NULL), gor_on_timeout(20 * GOR_MICROSECOND));
		REQUIRE(draw % 4 != 0 || gor_ctx_err(b)); // a cancel that has returned is complete
		gor_ctx_free(draw & 16 ? a : b);
		REQUIRE(!(draw & 16) || gor_ctx_err(b));
		gor_ctx_free(draw & 16 ? b : a);
	}
	gor_wg_done(&g->wg);
}

/** Cancels, timeouts, new children and frees all at once. */
TEST_PROCS(grove, 8)
{
	for (uint64_t round = 0; round < 100 / SLOW; round++) {
		struct grove g = {.top = below_root(), .seed = 1 + round * 8};

		gor_wg_add(&g.wg, 8);
		for (int i = 0; i < 8; i++)
			gor_go(grow, &g);
		gor_sleep((int64_t)(round % 10) * 100 * GOR_MICROSECOND);
		gor_ctx_cancel(g.top);
		gor_wg_wait(&g.wg);
		gor_ctx_free(g.top);
	}
}

static void cancel_at_time(void *arg)
{
	struct grove *g = arg;
	uint64_t random = atomic_fetch_add(&g->seed, 1) * UINT64_C(0x9e3779b97f4a7c15);

	for (int i = 0; i < 500 / SLOW; i++) {
		gor_ctx *c = timed_below(gor_ctx_background(), 20 * GOR_MICROSECOND);
		gor_ctx *below = gor_ctx_with_cancel(c);
		int64_t until = gor_now() + (int64_t)(check_random(&random) % 40) * GOR_MICROSECOND;

		while (gor_now() < until)
			gor_yield();
		gor_ctx_cancel(c);
		int err = gor_ctx_err(c);
		REQUIRE(err == -ECANCELED || err == -ETIMEDOUT);
		is(below, err);
		gor_ctx_free(c);
		is(below, err);
		gor_ctx_free(below);
	}
	gor_wg_done(&g->wg);
}

/** A cancel races with the time: one of them counts, for all below. */
TEST_PROCS(cancel_races_with_time, 8)
{
	struct grove g = {.seed = 1};

	gor_wg_add(&g.wg, 8);
	for (int i = 0; i < 8; i++)
		gor_go(cancel_at_time, &g);
	gor_wg_wait(&g.wg);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(root_stays),
		cmocka_unit_test(cancelled_timers_are_gone),
		cmocka_unit_test(background),
		cmocka_unit_test(cancel),
		cmocka_unit_test(timeout),
		cmocka_unit_test(cancel_wakes_all),
		cmocka_unit_test(subtree),
		cmocka_unit_test(timeout_of_a_tree),
		cmocka_unit_test(child_of_a_cancelled),
		cmocka_unit_test(freed_parent),
		cmocka_unit_test(free_in_any_order),
		cmocka_unit_test(parents_first),
		cmocka_unit_test(grove),
		cmocka_unit_test(cancel_races_with_time),
	};

	check_child_main(children, argc, argv);
	return CHECK_MAIN(tests, argc, argv);
}

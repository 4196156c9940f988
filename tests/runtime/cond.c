/* SPDX-License-Identifier: MIT */
/* cond.c: condition variables. */
#include "check.h"
#include <errno.h>
#include <stdatomic.h>
#include <string.h>

/* ── children ─────────────────────────────────────────────────────────────────────────────────────
 */

static int wait_unlocked(int argc, char **argv)
{
	gor_mutex mu = {0};
	gor_cond cond = {0};

	(void)argc;
	(void)argv;
	gor_cond_wait(&cond, &mu);
	return 0;
}

struct pair {
	gor_mutex mu;
	gor_cond cond;
};

static void wait_on_pair(void *arg)
{
	struct pair *p = arg;

	gor_cond_wait(&p->cond, &p->mu);
}

static int wait_on_foreign_mutex(int argc, char **argv)
{
	struct pair p = {0};

	(void)argc;
	(void)argv;
	gor_mutex_lock(&p.mu);
	gor_go(wait_on_pair, &p);
	gor_recv((ints)NULL, NULL);
	return 0;
}

static int wait_for_ever(int argc, char **argv)
{
	struct pair p = {0};

	(void)argc;
	(void)argv;
	gor_mutex_lock(&p.mu);
	gor_cond_signal(&p.cond); // nobody waits: it is gone
	gor_cond_broadcast(&p.cond);
	gor_cond_wait(&p.cond, &p.mu);
	return 0;
}

static const struct check_child children[] = {
	{"wait_unlocked", wait_unlocked},
	{"wait_on_foreign_mutex", wait_on_foreign_mutex},
	{"wait_for_ever", wait_for_ever},
	{NULL, NULL},
};

static const char *expect(const char *child, const char *first)
{
	static struct check_result r;
	size_t n = strlen(first);

	check_spawn(child, &r);
	if (r.status != 2 || strncmp(r.err, first, n) != 0 || r.err[n] != '\n')
		print_message("%s ended with %d and wrote\n%s\n", child, r.status, r.err);
	assert_int_equal(r.status, 2);
	assert_int_equal(strncmp(r.err, first, n), 0);
	assert_int_equal(r.err[n], '\n');
	return r.err;
}

/** Waiting unlocks the mutex: who does not hold it hears what he would for an unlock. */
static void wait_without_mutex(void **state)
{
	(void)state;
	expect("wait_unlocked", "fatal error: sync: unlock of unlocked mutex");
	expect("wait_on_foreign_mutex", "fatal error: sync: unlock of mutex held by goroutine 1");
}

/** A signal that finds nobody is not kept for later. */
static void signals_are_not_kept(void **state)
{
	const char *text;

	(void)state;
	text = expect("wait_for_ever", "fatal error: all goroutines are asleep - deadlock!");
	assert_true(check_has_line(text, "goroutine 1 [sync.Cond.Wait]:"));
}

/* ── who wakes ────────────────────────────────────────────────────────────────────────────────────
 */

enum { WAITERS = 50 };

struct room {
	gor_mutex mu;
	gor_cond come, woken;
	int waiting, order[WAITERS], count; // mu
	gor_waitgroup wg;
};

/* Its number is its place among those that wait, since it is drawn under the mutex. */
static void wait_in_room(void *arg)
{
	struct room *r = arg;

	gor_mutex_lock(&r->mu);
	int number = r->waiting++;
	gor_cond_wait(&r->come, &r->mu);
	REQUIRE_EQ(gor_mutex_trylock(&r->mu), -EBUSY); // we have it
	r->order[r->count++] = number;
	gor_cond_signal(&r->woken);
	gor_mutex_unlock(&r->mu);
	gor_wg_done(&r->wg);
}

/* Returns with the mutex held when all of them wait. */
static void fill_room(struct room *r)
{
	gor_wg_add(&r->wg, WAITERS);
	for (int i = 0; i < WAITERS; i++)
		gor_go(wait_in_room, r);
	gor_mutex_lock(&r->mu);
	while (r->waiting < WAITERS) {
		gor_mutex_unlock(&r->mu);
		gor_yield();
		gor_mutex_lock(&r->mu);
	}
}

static void until_count(struct room *r, int count)
{
	while (r->count < count)
		gor_cond_wait(&r->woken, &r->mu);
}

static void look_again(struct room *r, int count)
{
	gor_mutex_unlock(&r->mu);
	for (int i = 0; i < 20; i++)
		gor_yield();
	gor_mutex_lock(&r->mu);
	REQUIRE_EQ(r->count, count);
}

/** A signal wakes one, the one that waits longest, and it has the mutex. */
static void signals_one_by_one(void)
{
	struct room r = {0};

	fill_room(&r);
	for (int i = 1; i <= WAITERS; i++) {
		gor_cond_signal(&r.come);
		until_count(&r, i);
		look_again(&r, i);
		REQUIRE_EQ(r.order[i - 1], i - 1);
	}
	gor_mutex_unlock(&r.mu);
	gor_wg_wait(&r.wg);
}

TEST(signal_wakes_the_first)
{
	signals_one_by_one();
}

TEST_PROCS(signal_wakes_the_first_on_eight, 8)
{
	signals_one_by_one();
}

/** Several signals in a row wake as many. */
TEST(so_many_signals)
{
	struct room r = {0};

	fill_room(&r);
	for (int i = 0; i < 10; i++)
		gor_cond_signal(&r.come);
	until_count(&r, 10);
	look_again(&r, 10);
	for (int i = 0; i < 10; i++)
		REQUIRE(r.order[i] < 10); // whoever of them got the mutex first
	gor_cond_broadcast(&r.come);
	gor_mutex_unlock(&r.mu);
	gor_wg_wait(&r.wg);
}

/** A broadcast wakes all, also without the mutex. */
TEST(broadcast_wakes_all)
{
	for (int round = 0; round < 20; round++) {
		struct room r = {0};

		fill_room(&r);
		if (round % 2)
			gor_cond_broadcast(&r.come);
		gor_mutex_unlock(&r.mu);
		if (round % 2 == 0)
			gor_cond_broadcast(&r.come);
		gor_wg_wait(&r.wg);
		REQUIRE_EQ(r.count, WAITERS);
	}
}

struct again {
	struct pair p;
	int rounds, waiting, woken; // p.mu
	gor_waitgroup wg;
};

static void wait_again(void *arg)
{
	struct again *a = arg;

	gor_mutex_lock(&a->p.mu);
	while (a->rounds > 0) {
		a->waiting++;
		gor_cond_wait(&a->p.cond, &a->p.mu);
		a->woken++;
	}
	gor_mutex_unlock(&a->p.mu);
	gor_wg_done(&a->wg);
}

/** A broadcast wakes each waiter once, not those that wait again meanwhile. */
TEST_PROCS(broadcast_wakes_once, 8)
{
	enum { CROWD = 10 };
	struct again a = {.rounds = 500 / SLOW};

	gor_wg_add(&a.wg, CROWD);
	for (int i = 0; i < CROWD; i++)
		gor_go(wait_again, &a);
	gor_mutex_lock(&a.p.mu);
	while (a.rounds > 0) {
		while (a.waiting < CROWD) {
			gor_mutex_unlock(&a.p.mu);
			gor_yield();
			gor_mutex_lock(&a.p.mu);
		}
		REQUIRE(a.woken == 0 || a.woken == CROWD);
		a.waiting = a.woken = 0;
		a.rounds--;
		gor_cond_broadcast(&a.p.cond);
	}
	gor_mutex_unlock(&a.p.mu);
	gor_wg_wait(&a.wg);
	REQUIRE_EQ(a.woken, CROWD);
	REQUIRE_EQ(a.waiting, 0);
}

/* ── nothing gets lost ────────────────────────────────────────────────────────────────────────────
 */

enum { SLOTS = 4, PRODUCERS = 8, CONSUMERS = 8, ITEMS = 3000 / SLOW };

struct buffer {
	gor_mutex mu;
	gor_cond filled, emptied;
	int items[SLOTS], len, inside; // mu
	_Atomic long put, got;
	_Atomic int numbers;
	gor_waitgroup producers, consumers;
	bool over; // mu
};

/* Half of the signals are given with the mutex, half without. */
static void say(gor_cond *cond, gor_mutex *mu, bool held)
{
	if (held)
		gor_cond_signal(cond);
	gor_mutex_unlock(mu);
	if (!held)
		gor_cond_signal(cond);
}

static void produce(void *arg)
{
	struct buffer *b = arg;
	int number = atomic_fetch_add(&b->numbers, 1);

	for (int i = 0; i < ITEMS; i++) {
		gor_mutex_lock(&b->mu);
		while (b->len == SLOTS)
			gor_cond_wait(&b->emptied, &b->mu);
		REQUIRE_EQ(b->inside++, 0);
		b->items[b->len++] = number * ITEMS + i;
		atomic_fetch_add(&b->put, number * ITEMS + i);
		REQUIRE_EQ(--b->inside, 0);
		say(&b->filled, &b->mu, i % 2);
	}
	gor_wg_done(&b->producers);
}

static void consume(void *arg)
{
	struct buffer *b = arg;

	for (int i = 0;; i++) {
		gor_mutex_lock(&b->mu);
		while (b->len == 0 && !b->over)
			gor_cond_wait(&b->filled, &b->mu);
		if (b->len == 0)
			break;
		REQUIRE_EQ(b->inside++, 0);
		atomic_fetch_add(&b->got, b->items[--b->len]);
		REQUIRE_EQ(--b->inside, 0);
		say(&b->emptied, &b->mu, i % 2);
	}
	gor_mutex_unlock(&b->mu);
	gor_wg_done(&b->consumers);
}

/* A wake-up lost leaves everybody waiting: a deadlock. */
static void bounded_buffer(void)
{
	struct buffer b = {0};
	long all = (long)PRODUCERS * ITEMS;

	gor_wg_add(&b.producers, PRODUCERS);
	gor_wg_add(&b.consumers, CONSUMERS);
	for (int i = 0; i < CONSUMERS; i++)
		gor_go(consume, &b);
	for (int i = 0; i < PRODUCERS; i++)
		gor_go(produce, &b);
	gor_wg_wait(&b.producers);
	gor_mutex_lock(&b.mu);
	b.over = true;
	gor_mutex_unlock(&b.mu);
	gor_cond_broadcast(&b.filled);
	gor_wg_wait(&b.consumers);
	REQUIRE_EQ(b.put, all * (all - 1) / 2);
	REQUIRE_EQ(b.got, b.put);
}

TEST_PROCS(no_wakeup_is_lost_on_one, 1)
{
	bounded_buffer();
}

TEST_PROCS(no_wakeup_is_lost_on_two, 2)
{
	bounded_buffer();
}

TEST_PROCS(no_wakeup_is_lost_on_eight, 8)
{
	bounded_buffer();
}

struct token {
	struct pair p;
	int turn, turns; // p.mu
	_Atomic int numbers;
	gor_waitgroup wg;
};

enum { RING = 5 };

static void pass_token(void *arg)
{
	struct token *t = arg;
	int me = atomic_fetch_add(&t->numbers, 1);

	gor_mutex_lock(&t->p.mu);
	for (int i = 0; i < 1000 / SLOW; i++) {
		while (t->turn != me)
			gor_cond_wait(&t->p.cond, &t->p.mu);
		t->turn = (me + 1) % RING;
		t->turns++;
		gor_cond_broadcast(&t->p.cond);
	}
	gor_mutex_unlock(&t->p.mu);
	gor_wg_done(&t->wg);
}

/** Strict turns, by broadcasts to all of whom all but one wait again. */
TEST(token_goes_round)
{
	struct token t = {0};

	gor_wg_add(&t.wg, RING);
	for (int i = 0; i < RING; i++)
		gor_go(pass_token, &t);
	gor_wg_wait(&t.wg);
	REQUIRE_EQ(t.turns, RING * (1000 / SLOW));
}

struct rude {
	gor_mutex mu;
	gor_cond cond;
	gor_waitgroup wg;
	_Atomic bool stop;
};

static void wait_rudely(void *arg)
{
	struct rude *r = arg;

	while (!atomic_load(&r->stop)) {
		gor_mutex_lock(&r->mu);
		if (!atomic_load(&r->stop))
			gor_cond_wait(&r->cond, &r->mu);
		gor_mutex_unlock(&r->mu);
	}
	gor_wg_done(&r->wg);
}

static void call_rudely(void *arg)
{
	struct rude *r = arg;

	for (int i = 0; i < 10000 / SLOW; i++) {
		gor_cond_signal(&r->cond);
		gor_mutex_lock(&r->mu);
		gor_mutex_unlock(&r->mu);
	}
}

/**
 * Signals without the mutex, each followed by a lock: it may come between the two halves of a wait,
 * and of what is recorded there must be an order.
 */
TEST_PROCS(signals_without_the_mutex, 8)
{
	struct rude r = {0};
	gor_waitgroup callers = {0};

	gor_wg_add(&r.wg, 8);
	for (int i = 0; i < 8; i++)
		gor_go(wait_rudely, &r);
	for (int i = 0; i < 3; i++)
		gor_wg_go(&callers, call_rudely, &r);
	gor_wg_wait(&callers);
	gor_mutex_lock(&r.mu);
	atomic_store(&r.stop, true);
	gor_cond_broadcast(&r.cond);
	gor_mutex_unlock(&r.mu);
	gor_wg_wait(&r.wg);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(wait_without_mutex),
		cmocka_unit_test(signals_are_not_kept),
		cmocka_unit_test(signal_wakes_the_first),
		cmocka_unit_test(signal_wakes_the_first_on_eight),
		cmocka_unit_test(so_many_signals),
		cmocka_unit_test(broadcast_wakes_all),
		cmocka_unit_test(broadcast_wakes_once),
		cmocka_unit_test(no_wakeup_is_lost_on_one),
		cmocka_unit_test(no_wakeup_is_lost_on_two),
		cmocka_unit_test(no_wakeup_is_lost_on_eight),
		cmocka_unit_test(token_goes_round),
		cmocka_unit_test(signals_without_the_mutex),
	};

	check_child_main(children, argc, argv);
	return CHECK_MAIN(tests, argc, argv);
}

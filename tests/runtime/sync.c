/* SPDX-License-Identifier: MIT */
/* sync.c: mutex and wait group. */
#include "check.h"
#include <errno.h>
#include <stdatomic.h>
#include <string.h>

enum { WORKERS = 16, TURNS = 2000 / SLOW };

struct shared {
	gor_mutex mu;
	long count; // mu
	int inside; // mu
	bool yield;
	gor_waitgroup wg;
};

static void count_up(void *arg)
{
	struct shared *s = arg;

	for (int i = 0; i < TURNS; i++) {
		gor_mutex_lock(&s->mu);
		REQUIRE_EQ(s->inside++, 0);
		s->count++;
		if (s->yield && i % 16 == 0)
			gor_yield();
		REQUIRE_EQ(--s->inside, 0);
		gor_mutex_unlock(&s->mu);
	}
	gor_wg_done(&s->wg);
}

static void exclusion(bool yield)
{
	struct shared s = {.yield = yield};

	gor_wg_add(&s.wg, WORKERS);
	for (int i = 0; i < WORKERS; i++)
		gor_go(count_up, &s);
	gor_wg_wait(&s.wg);
	REQUIRE_EQ(s.count, (long)WORKERS * TURNS);
}

/** One at a time, on eight processors. */
TEST_PROCS(mutex_excludes, 8)
{
	exclusion(false);
}

/** One at a time, also when the holder is switched away. */
TEST_PROCS(mutex_excludes_across_switches, 8)
{
	exclusion(true);
}

struct probe {
	gor_mutex *mu;
	int got;
	gor_waitgroup wg;
};

static void probe_lock(void *arg)
{
	struct probe *p = arg;

	p->got = gor_mutex_trylock(p->mu);
	if (p->got == 0)
		gor_mutex_unlock(p->mu);
	gor_wg_done(&p->wg);
}

static int other_trylock(gor_mutex *mu)
{
	struct probe p = {.mu = mu};

	gor_wg_add(&p.wg, 1);
	gor_go(probe_lock, &p);
	gor_wg_wait(&p.wg);
	return p.got;
}

/** trylock: 0 when it is free, -EBUSY when anybody holds it, the caller too. */
TEST(trylock)
{
	gor_mutex mu = {0};

	REQUIRE_EQ(other_trylock(&mu), 0);
	REQUIRE_EQ(gor_mutex_trylock(&mu), 0);
	REQUIRE_EQ(gor_mutex_trylock(&mu), -EBUSY);
	REQUIRE_EQ(other_trylock(&mu), -EBUSY);
	gor_mutex_unlock(&mu);
	REQUIRE_EQ(other_trylock(&mu), 0);
}

enum { QUEUE = 8 };

struct queue {
	gor_mutex mu;
	int served[QUEUE], count; // mu
	_Atomic int arrived;
	gor_waitgroup wg;
};

static void take_turn(void *arg)
{
	struct queue *q = arg;
	int number = atomic_fetch_add(&q->arrived, 1);

	gor_mutex_lock(&q->mu);
	q->served[q->count++] = number;
	gor_mutex_unlock(&q->mu);
	gor_wg_done(&q->wg);
}

static bool served_in_order(void)
{
	struct queue q = {0};
	bool right = true;

	gor_wg_add(&q.wg, QUEUE);
	gor_mutex_lock(&q.mu);
	for (int i = 0; i < QUEUE; i++) {
		gor_go(take_turn, &q);
		while (atomic_load(&q.arrived) <= i)
			gor_yield();
	}
	gor_mutex_unlock(&q.mu);
	gor_wg_wait(&q.wg);
	REQUIRE_EQ(q.count, QUEUE);
	for (int i = 0; i < QUEUE; i++)
		right = right && q.served[i] == i;
	return right;
}

/**
 * Waiters get the lock first come, first served.
 *
 * That one has parked is known only by the order of one processor, which a handoff may upset once
 * in a while: most rounds have to be in order, not all.
 */
TEST_PROCS(mutex_first_come_first_served, 1)
{
	int good = 0;

	for (int i = 0; i < 20; i++)
		good += served_in_order();
	REQUIRE(good >= 15);
}

struct team {
	gor_waitgroup wg;
	_Atomic int done;
};

static void work(void *arg)
{
	struct team *t = arg;

	gor_yield();
	atomic_fetch_add(&t->done, 1);
}

static void work_and_say(void *arg)
{
	struct team *t = arg;

	work(t);
	gor_wg_done(&t->wg);
}

/** wait returns when all have finished, round after round with the same wait group. */
TEST(waitgroup_is_reusable)
{
	struct team t = {0};

	gor_wg_wait(&t.wg); // zero: at once
	for (int round = 1; round <= 100 / SLOW; round++) {
		gor_wg_add(&t.wg, 10);
		for (int i = 0; i < 10; i++)
			gor_go(work_and_say, &t);
		gor_wg_wait(&t.wg);
		REQUIRE_EQ(atomic_load(&t.done), 10 * round);
	}
	gor_wg_add(&t.wg, 5);
	gor_wg_add(&t.wg, -3);
	gor_wg_add(&t.wg, -2);
	gor_wg_wait(&t.wg);
}

static void leave_early(void *arg)
{
	work(arg);
	gor_exit();
}

/** gor_wg_go() counts up at once, and down when the function returns or the goroutine exits. */
TEST(waitgroup_go)
{
	struct team t = {0};

	for (int i = 0; i < 50; i++)
		REQUIRE(gor_wg_go(&t.wg, work, &t) != 0);
	gor_wg_wait(&t.wg);
	REQUIRE_EQ(atomic_load(&t.done), 50);
	for (int i = 0; i < 50; i++)
		gor_wg_go(&t.wg, leave_early, &t);
	gor_wg_wait(&t.wg);
	REQUIRE_EQ(atomic_load(&t.done), 100);
}

struct start {
	gor_waitgroup gun, finish;
	_Atomic bool fired;
};

static void wait_for_gun(void *arg)
{
	struct start *s = arg;

	gor_wg_wait(&s->gun);
	REQUIRE(atomic_load(&s->fired));
	gor_wg_done(&s->finish);
}

/** All waiters wake at zero, none before. */
TEST(waitgroup_wakes_all)
{
	struct start s = {0};

	gor_wg_add(&s.gun, 2);
	gor_wg_add(&s.finish, 100);
	for (int i = 0; i < 100; i++)
		gor_go(wait_for_gun, &s);
	gor_yield();
	gor_wg_done(&s.gun);
	gor_yield();
	atomic_store(&s.fired, true);
	gor_wg_done(&s.gun);
	gor_wg_wait(&s.finish);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(mutex_excludes),
		cmocka_unit_test(mutex_excludes_across_switches),
		cmocka_unit_test(trylock),
		cmocka_unit_test(mutex_first_come_first_served),
		cmocka_unit_test(waitgroup_is_reusable),
		cmocka_unit_test(waitgroup_go),
		cmocka_unit_test(waitgroup_wakes_all),
	};

	return CHECK_MAIN(tests, argc, argv);
}

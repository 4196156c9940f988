/* SPDX-License-Identifier: MIT */
/* sem.c: counting semaphores. */
#include "check.h"
#include <errno.h>
#include <stdatomic.h>
#include <string.h>

static int acquire_nothing_there(int argc, char **argv)
{
	gor_sem sem = {0};

	(void)argc;
	(void)argv;
	gor_sem_release(&sem, 2);
	gor_sem_acquire(&sem, 3);
	return 0;
}

static const struct check_child children[] = {
	{"acquire_nothing_there", acquire_nothing_there},
	{NULL, NULL},
};

/** Fewer permits than wanted, and nobody to release more: a deadlock. */
static void deadlock(void **state)
{
	static const char first[] = "fatal error: all goroutines are asleep - deadlock!\n";
	static struct check_result r;

	(void)state;
	check_spawn("acquire_nothing_there", &r);
	assert_int_equal(r.status, 2);
	assert_int_equal(strncmp(r.err, first, strlen(first)), 0);
	assert_true(check_has_prefix(r.err, "goroutine 1 ["));
}

/** try: takes what is there, all of what is asked for or nothing. */
TEST(try_acquire)
{
	gor_sem sem = {0};

	REQUIRE_EQ(gor_sem_try_acquire(&sem, 1), -EAGAIN);
	REQUIRE_EQ(gor_sem_try_acquire(&sem, 0), 0);
	gor_sem_release(&sem, 3);
	REQUIRE_EQ(gor_sem_try_acquire(&sem, 4), -EAGAIN);
	REQUIRE_EQ(gor_sem_try_acquire(&sem, 2), 0);
	REQUIRE_EQ(gor_sem_try_acquire(&sem, 2), -EAGAIN);
	REQUIRE_EQ(gor_sem_try_acquire(&sem, 1), 0);
	REQUIRE_EQ(gor_sem_try_acquire(&sem, 1), -EAGAIN);
	gor_sem_acquire(&sem, 0); // at once
	gor_sem_release(&sem, 0); // nothing
	REQUIRE_EQ(gor_sem_try_acquire(&sem, 1), -EAGAIN);
	gor_sem_release(&sem, UINT32_MAX);
	gor_sem_release(&sem, UINT32_MAX); // more than 32 bits hold
	gor_sem_acquire(&sem, UINT32_MAX);
	gor_sem_acquire(&sem, UINT32_MAX);
	REQUIRE_EQ(gor_sem_try_acquire(&sem, 1), -EAGAIN);
}

enum { PERMITS = 3, WORKERS = 16, TURNS = 1000 / SLOW };

struct gate {
	gor_sem sem;
	_Atomic int inside;
	_Atomic uint64_t seed;
	gor_waitgroup wg;
};

static void pass_gate(void *arg)
{
	struct gate *g = arg;
	uint64_t random = atomic_fetch_add(&g->seed, 1) * UINT64_C(0x9e3779b97f4a7c15);

	for (int i = 0; i < TURNS; i++) {
		uint64_t draw = check_random(&random);
		int n = (int)(1 + draw % PERMITS);

		if (draw / 8 % 2 == 0)
			gor_sem_acquire(&g->sem, (uint32_t)n);
		else if (gor_sem_try_acquire(&g->sem, (uint32_t)n) < 0)
			continue;
		REQUIRE(atomic_fetch_add(&g->inside, n) + n <= PERMITS);
		if (draw / 16 % 16 == 0)
			gor_yield();
		atomic_fetch_sub(&g->inside, n);
		gor_sem_release(&g->sem, (uint32_t)n);
	}
	gor_wg_done(&g->wg);
}

static void through_the_gate(void)
{
	struct gate g = {.seed = 1};

	gor_sem_release(&g.sem, PERMITS);
	gor_wg_add(&g.wg, WORKERS);
	for (int i = 0; i < WORKERS; i++)
		gor_go(pass_gate, &g);
	gor_wg_wait(&g.wg);
	REQUIRE_EQ(gor_sem_try_acquire(&g.sem, PERMITS), 0); // all are back, and no more
	REQUIRE_EQ(gor_sem_try_acquire(&g.sem, 1), -EAGAIN);
}

/** Never more permits out than there are, and none gets lost. */
TEST(permits_are_kept)
{
	through_the_gate();
}

TEST_PROCS(permits_are_kept_on_eight, 8)
{
	through_the_gate();
}

enum { LINE = 8 };

struct line {
	gor_sem sem;
	int order[LINE], wants[LINE];
	_Atomic int in, arrived;
	gor_waitgroup wg;
};

static void stand_in_line(void *arg)
{
	struct line *l = arg;
	int number = atomic_fetch_add(&l->arrived, 1);

	gor_sem_acquire(&l->sem, (uint32_t)l->wants[number]);
	l->order[atomic_fetch_add(&l->in, 1)] = number;
	gor_wg_done(&l->wg);
}

static void join_line(struct line *l, int want)
{
	int before = atomic_load(&l->arrived);

	l->wants[before] = want;
	gor_wg_add(&l->wg, 1);
	gor_go(stand_in_line, l);
	while (atomic_load(&l->arrived) == before)
		gor_yield();
}

/* Returns when somebody waits; there is a free permit. */
static void until_somebody_waits(gor_sem *sem)
{
	while (gor_sem_try_acquire(sem, 1) == 0) {
		gor_sem_release(sem, 1);
		gor_yield();
	}
}

/** A large request is not overtaken by small ones that could be met, nor by try. */
TEST(large_is_not_overtaken)
{
	for (int round = 0; round < 100 / SLOW; round++) {
		struct line l = {0};

		gor_sem_release(&l.sem, 4);
		join_line(&l, 5);
		until_somebody_waits(&l.sem);
		join_line(&l, 1);
		join_line(&l, 2);
		for (int i = 0; i < 20; i++)
			gor_yield();
		REQUIRE_EQ(atomic_load(&l.in), 0);
		REQUIRE_EQ(gor_sem_try_acquire(&l.sem, 0), -EAGAIN);
		gor_sem_release(&l.sem, 1); // now there are 5: it gets all of them
		while (atomic_load(&l.in) == 0)
			gor_yield();
		REQUIRE_EQ(l.order[0], 0);
		for (int i = 0; i < 20; i++)
			gor_yield();
		REQUIRE_EQ(atomic_load(&l.in), 1);
		gor_sem_release(&l.sem, 3);
		gor_wg_wait(&l.wg);
		REQUIRE_EQ(gor_sem_try_acquire(&l.sem, 1), -EAGAIN);
	}
}

/* If the first of them wants more than the one that should be first, it is given that. */
static bool served_in_order(void)
{
	struct line l = {0};
	bool right = true;
	uint32_t extra = 0;

	for (int i = 0; i < LINE; i++)
		join_line(&l, 1 + i % 3);
	for (int i = 0; i < LINE; i++) {
		for (int n = 0; n < l.wants[i]; n++)
			gor_sem_release(&l.sem, 1);
		for (int tries = 0; atomic_load(&l.in) <= i; tries++) {
			if (tries == 100000 / SLOW) {
				gor_sem_release(&l.sem, 1);
				extra++;
				tries = 0;
			}
			gor_yield();
		}
		right = right && l.order[i] == i;
	}
	gor_wg_wait(&l.wg);
	REQUIRE_EQ(gor_sem_try_acquire(&l.sem, extra), 0);
	REQUIRE_EQ(gor_sem_try_acquire(&l.sem, 1), -EAGAIN);
	return right;
}

/**
 * First come, first served, whatever each wants.
 *
 * That one has parked is known only by the order of one processor, which a handoff may upset once
 * in a while: most rounds have to be in order, not all.
 */
TEST_PROCS(first_come_first_served, 1)
{
	int good = 0;

	for (int i = 0; i < 20; i++)
		good += served_in_order();
	REQUIRE(good >= 15);
}

/** One release wakes as many as it is enough for. */
TEST(release_wakes_several)
{
	struct line l = {0};

	for (int i = 0; i < LINE; i++)
		join_line(&l, 2);
	gor_sem_release(&l.sem, 2 * 5 + 1);
	while (atomic_load(&l.in) < 5)
		gor_yield();
	for (int i = 0; i < 50; i++)
		gor_yield();
	REQUIRE_EQ(atomic_load(&l.in), 5);
	gor_sem_release(&l.sem, 2 * 3);
	gor_wg_wait(&l.wg);
	REQUIRE_EQ(gor_sem_try_acquire(&l.sem, 1), 0); // what was too many
	REQUIRE_EQ(gor_sem_try_acquire(&l.sem, 1), -EAGAIN);
}

struct relay {
	gor_sem there, back;
	long baton; // handed over with the permit
	int rounds;
};

static void hand_back(void *arg)
{
	struct relay *r = arg;

	for (int i = 0; i < r->rounds; i++) {
		gor_sem_acquire(&r->there, 1);
		REQUIRE_EQ(r->baton, 2 * i + 1);
		r->baton++;
		gor_sem_release(&r->back, 1); // not the one that acquired
	}
}

static void hand_over(void)
{
	struct relay r = {.rounds = 10000 / SLOW};

	gor_go(hand_back, &r);
	for (int i = 0; i < r.rounds; i++) {
		REQUIRE_EQ(r.baton, 2 * i);
		r.baton++;
		gor_sem_release(&r.there, 1);
		gor_sem_acquire(&r.back, 1);
	}
	REQUIRE_EQ(r.baton, 2 * r.rounds);
}

/** Nobody owns a permit: one goroutine releases what another acquires, and hands over data. */
TEST(release_by_another)
{
	hand_over();
}

TEST_PROCS(release_by_another_on_eight, 8)
{
	hand_over();
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(deadlock),
		cmocka_unit_test(try_acquire),
		cmocka_unit_test(permits_are_kept),
		cmocka_unit_test(permits_are_kept_on_eight),
		cmocka_unit_test(large_is_not_overtaken),
		cmocka_unit_test(first_come_first_served),
		cmocka_unit_test(release_wakes_several),
		cmocka_unit_test(release_by_another),
		cmocka_unit_test(release_by_another_on_eight),
	};

	check_child_main(children, argc, argv);
	return CHECK_MAIN(tests, argc, argv);
}

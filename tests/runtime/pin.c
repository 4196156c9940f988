/* SPDX-License-Identifier: MIT */
/* pin.c: a pinned goroutine stays on its thread, and its thread with it. */
#include "check.h"
#include <pthread.h>
#include <string.h>

struct pinned {
	gor_waitgroup *wg;
	pthread_t *mine; // the thread of each pinned goroutine, by number
	int number;
};

enum { PINNED = 4, ROUNDS = 2000 / SLOW };

static void stay(struct pinned *p)
{
	gor_pin();
	pthread_t mine = pthread_self();

	for (int i = 0; i < ROUNDS; i++) {
		if (i % 2)
			gor_yield();
		else
			gor_sleep(GOR_MICROSECOND);
		REQUIRE(pthread_equal(mine, pthread_self()));
	}
	p->mine[p->number] = mine;
	gor_wg_done(p->wg);
	gor_wg_wait(p->wg); // pinned still: no two share a thread
	for (int i = 0; i < PINNED; i++)
		REQUIRE(i == p->number || !pthread_equal(p->mine[i], mine));
	gor_unpin();
}

static void busy(gor_waitgroup **wg)
{
	for (int i = 0; i < 5 * ROUNDS; i++)
		gor_yield();
	gor_wg_done(*wg);
}

TEST(stays_on_its_thread)
{
	static gor_waitgroup wg; // not on this stack: to count goroutines orders nothing
	static pthread_t mine[PINNED];

	gor_wg_add(&wg, PINNED + 3);
	for (int i = 0; i < PINNED; i++)
		gor_go_copy(stay, ((struct pinned){&wg, mine, i}));
	for (int i = 0; i < 3; i++)
		gor_go_copy(busy, &wg);
	gor_wg_wait(&wg);
	while (gor_num_goroutine() > 1)
		gor_yield();
}

/** Pins nest; the end of a goroutine undoes them, and its thread runs others again. */
static void nested(ints *done)
{
	gor_pin();
	gor_pin();
	gor_unpin();
	pthread_t mine = pthread_self();
	gor_yield();
	REQUIRE(pthread_equal(mine, pthread_self()));
	gor_send(*done, 1);
}

TEST(nests_and_ends)
{
	ints done;

	gor_make(done, 0);
	for (int i = 0; i < 200 / SLOW; i++) {
		REQUIRE(gor_go_copy(nested, done) != 0);
		REQUIRE_EQ(gor_recv(done, NULL), 1);
	}
	while (gor_num_goroutine() > 1)
		gor_yield();
	gor_free(done);
}

static int stuck(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	gor_pin();
	gor_recv((ints)NULL, NULL);
	return 0;
}

static int unpin_free(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	gor_unpin();
	return 0;
}

static void complaints(void **state)
{
	static struct check_result r;

	(void)state;
	check_spawn("stuck", &r);
	assert_int_equal(r.status, 2);
	assert_non_null(strstr(r.err, "all goroutines are asleep - deadlock!"));
	check_spawn("unpin_free", &r);
	assert_int_equal(r.status, 2);
	assert_non_null(strstr(r.err, "panic: gor_unpin: not pinned"));
}

static const struct check_child children[] = {{"stuck", stuck},
                                              {"unpin_free", unpin_free},
                                              {NULL, NULL}};

int main(int argc, char **argv)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(stays_on_its_thread),
		cmocka_unit_test(nests_and_ends),
		cmocka_unit_test(complaints),
	};

	check_child_main(children, argc, argv);
	return CHECK_MAIN(tests, argc, argv);
}

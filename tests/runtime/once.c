/* SPDX-License-Identifier: MIT */
/* once.c: what is done once. */
#include "check.h"
#include <stdatomic.h>
#include <string.h>

/* The functions of a once have no argument: what they act on is here. */
static struct {
	gor_once once, inner;
	_Atomic int calls, inner_calls;
	int made; // written by the function, read by whoever returned from gor_once_do
	_Atomic bool hold;
} one;

/* ── children ─────────────────────────────────────────────────────────────────────────────────────
 */

static void do_it_again(void)
{
	gor_once_do(&one.once, do_it_again);
}

static int from_itself(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	gor_once_do(&one.once, do_it_again);
	return 0;
}

static void give_up(void)
{
	gor_panic("no");
}

static int panics(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	gor_once_do(&one.once, give_up);
	return 0;
}

static const struct check_child children[] = {
	{"from_itself", from_itself},
	{"panics", panics},
	{NULL, NULL},
};

/** Who waits for itself is in a deadlock, as in Go. */
static void recursion(void **state)
{
	static const char first[] = "fatal error: all goroutines are asleep - deadlock!\n";
	static struct check_result r;

	(void)state;
	check_spawn("from_itself", &r);
	assert_int_equal(r.status, 2);
	assert_int_equal(strncmp(r.err, first, strlen(first)), 0);
}

/** A panic in the function ends the program like any other. */
static void panic_inside(void **state)
{
	static struct check_result r;

	(void)state;
	check_spawn("panics", &r);
	assert_int_equal(r.status, 2);
	assert_int_equal(strncmp(r.err, "panic: no\n", 10), 0);
}

/* ── once ─────────────────────────────────────────────────────────────────────────────────────────
 */

static void make(void)
{
	atomic_fetch_add(&one.calls, 1);
	for (int i = 0; i < 5; i++)
		gor_yield(); // so that others come meanwhile
	one.made++;
}

struct crowd {
	gor_waitgroup gun, finish;
};

static void need_it(void *arg)
{
	struct crowd *c = arg;

	gor_wg_wait(&c->gun);
	gor_once_do(&one.once, make);
	REQUIRE_EQ(one.made, 1); // it has returned, whoever called it
	gor_once_do(&one.once, make);
	gor_wg_done(&c->finish);
}

static void many(void)
{
	enum { CROWD = 50 };

	for (int round = 0; round < 300 / SLOW; round++) {
		struct crowd c = {0};

		memset(&one, 0, sizeof one);
		gor_wg_add(&c.gun, 1);
		gor_wg_add(&c.finish, CROWD);
		for (int i = 0; i < CROWD; i++)
			gor_go(need_it, &c);
		gor_yield();
		gor_wg_done(&c.gun);
		gor_wg_wait(&c.finish);
		REQUIRE_EQ(atomic_load(&one.calls), 1);
	}
}

/** However many call, it is called once, and nobody returns before it has. */
TEST_PROCS(once_on_one, 1)
{
	many();
}

TEST_PROCS(once_on_two, 2)
{
	many();
}

TEST_PROCS(once_on_eight, 8)
{
	many();
}

static void make_slowly(void)
{
	atomic_fetch_add(&one.calls, 1);
	while (atomic_load(&one.hold))
		gor_yield();
	one.made++;
}

struct late {
	_Atomic int came, back;
	gor_waitgroup wg;
};

static void come_late(void *arg)
{
	struct late *l = arg;

	atomic_fetch_add(&l->came, 1);
	gor_once_do(&one.once, make_slowly);
	REQUIRE_EQ(one.made, 1);
	atomic_fetch_add(&l->back, 1);
	gor_wg_done(&l->wg);
}

/** While the function runs nobody returns, however long that takes. */
TEST(others_wait)
{
	struct late l = {0};

	memset(&one, 0, sizeof one);
	atomic_store(&one.hold, true);
	gor_wg_add(&l.wg, 20);
	for (int i = 0; i < 20; i++)
		gor_go(come_late, &l);
	while (atomic_load(&l.came) < 20)
		gor_yield();
	for (int i = 0; i < 200; i++)
		gor_yield();
	REQUIRE_EQ(atomic_load(&l.back), 0);
	atomic_store(&one.hold, false);
	gor_wg_wait(&l.wg);
	REQUIRE_EQ(atomic_load(&one.calls), 1);
}

static void count_inner(void)
{
	atomic_fetch_add(&one.inner_calls, 1);
}

static void count_both(void)
{
	atomic_fetch_add(&one.calls, 1);
	gor_once_do(&one.inner, count_inner);
}

/** The second call returns at once, also one with another function; one once may use another. */
TEST(second_call_does_nothing)
{
	memset(&one, 0, sizeof one);
	gor_once_do(&one.once, count_both);
	gor_once_do(&one.once, count_both);
	gor_once_do(&one.once, count_inner);
	gor_once_do(&one.inner, count_inner);
	REQUIRE_EQ(atomic_load(&one.calls), 1);
	REQUIRE_EQ(atomic_load(&one.inner_calls), 1);
}

static void leave(void)
{
	atomic_fetch_add(&one.calls, 1);
	while (atomic_load(&one.hold))
		gor_yield();
	gor_exit();
}

static void do_and_leave(void *arg)
{
	gor_once_do(&one.once, leave);
	atomic_fetch_add(&((struct late *)arg)->came, 1); // the one that left does not come here
}

/** A function that ends its goroutine is through too: the others go on, as in Go. */
TEST(exit_inside)
{
	struct late l = {0};

	memset(&one, 0, sizeof one);
	atomic_store(&one.hold, true);
	for (int i = 0; i < 10; i++)
		gor_wg_go(&l.wg, do_and_leave, &l);
	while (atomic_load(&one.calls) == 0)
		gor_yield();
	for (int i = 0; i < 50; i++)
		gor_yield();
	atomic_store(&one.hold, false);
	gor_wg_wait(&l.wg);
	gor_once_do(&one.once, leave);
	REQUIRE_EQ(atomic_load(&l.came), 9);
	REQUIRE_EQ(atomic_load(&one.calls), 1);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(recursion),
		cmocka_unit_test(panic_inside),
		cmocka_unit_test(once_on_one),
		cmocka_unit_test(once_on_two),
		cmocka_unit_test(once_on_eight),
		cmocka_unit_test(others_wait),
		cmocka_unit_test(second_call_does_nothing),
		cmocka_unit_test(exit_inside),
	};

	check_child_main(children, argc, argv);
	return CHECK_MAIN(tests, argc, argv);
}

/* SPDX-License-Identifier: MIT */
/* crowd.c: a close that ends more waits than a ring holds. */
#include "check.h"
#include <stdatomic.h>
#include <string.h>

#define CROWD 1500 // ThreadSanitizer has room for 8,000 goroutines

typedef struct {
	int64_t part[5];
} wide;
typedef gor_chan(wide) wides;

struct crowd {
	wides gate;
	ints other; // never ready
	gor_waitgroup arrived, gone;
	_Atomic int saw_close, by_select;
};

static void await_close(void *arg)
{
	struct crowd *c = arg;
	wide w;

	memset(&w, 7, sizeof w);
	gor_wg_done(&c->arrived);
	REQUIRE_EQ(gor_recv(c->gate, &w), 0);
	for (int i = 0; i < 5; i++)
		REQUIRE_EQ(w.part[i], 0);
	atomic_fetch_add(&c->saw_close, 1);
	gor_wg_done(&c->gone);
}

static void await_close_or_other(void *arg)
{
	struct crowd *c = arg;
	bool ok = true;

	gor_wg_done(&c->arrived);
	REQUIRE_EQ(gor_select(gor_on_recv(c->other, NULL), gor_on_recv_ok(c->gate, NULL, &ok)), 1);
	REQUIRE(!ok);
	atomic_fetch_add(&c->by_select, 1);
	gor_wg_done(&c->gone);
}

static void crowd_gather(struct crowd *c, int n, int selects)
{
	gor_make(c->gate, 0);
	gor_make(c->other, 0);
	gor_wg_add(&c->arrived, n);
	gor_wg_add(&c->gone, n);
	for (int i = 0; i < n; i++)
		gor_go(i < selects ? await_close_or_other : await_close, c);
	gor_wg_wait(&c->arrived);
	check_quiet();
}

/** All of them see the close and find zeros, though the channel is freed at once. */
TEST(freed_after_the_close)
{
	struct crowd c = {0};

	for (int round = 1; round <= 3; round++) {
		crowd_gather(&c, CROWD, 0);
		gor_close(c.gate);
		gor_free(c.gate);
		gor_wg_wait(&c.gone);
		REQUIRE_EQ(c.saw_close, round * CROWD);
		gor_free(c.other);
	}
}

/** Selects wait among them, which somebody else might end. */
TEST(selects_among_them)
{
	struct crowd c = {0};

	crowd_gather(&c, CROWD, CROWD / 10);
	gor_close(c.gate);
	gor_wg_wait(&c.gone);
	REQUIRE_EQ(c.saw_close, CROWD - CROWD / 10);
	REQUIRE_EQ(c.by_select, CROWD / 10);
	gor_free(c.gate);
	gor_free(c.other);
}

static void yield_on(void *arg)
{
	const _Atomic bool *stop = arg;

	while (!atomic_load(stop))
		gor_yield();
}

/** Several crowds wait for their turn, behind others that are runnable all the time. */
TEST(several)
{
	static struct crowd c[4];
	gor_waitgroup others = {0};
	_Atomic bool stop = false;

	for (int i = 0; i < 4; i++)
		crowd_gather(&c[i], CROWD, 0);
	for (int i = 0; i < 200; i++)
		gor_wg_go(&others, yield_on, &stop);
	for (int i = 0; i < 4; i++) {
		gor_close(c[i].gate);
		gor_yield();
	}
	for (int i = 0; i < 4; i++) {
		gor_wg_wait(&c[i].gone);
		REQUIRE_EQ(c[i].saw_close, CROWD);
		gor_free(c[i].gate);
		gor_free(c[i].other);
	}
	atomic_store(&stop, true);
	gor_wg_wait(&others);
}

static struct crowd left; // outlives the run that leaves it

static void leave_them(void)
{
	memset(&left, 0, sizeof left);
	crowd_gather(&left, CROWD, 0);
	gor_close(left.gate);
}

/** The run ends before their turn has come, and the next one begins with nothing of theirs. */
static void run_ends(void **state)
{
	(void)state;
	for (int procs = 1; procs <= 3; procs++) {
		check_run(leave_them, procs);
		gor_free(left.gate);
		gor_free(left.other);
	}
	check_run(freed_after_the_close_body, 2);
}

int main(int argc, char **argv)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(freed_after_the_close),
		cmocka_unit_test(selects_among_them),
		cmocka_unit_test(several),
		cmocka_unit_test(run_ends),
	};

	return CHECK_MAIN(tests, argc, argv);
}

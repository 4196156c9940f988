/* SPDX-License-Identifier: MIT */
/* time.c: sleeping, deadlines and their order. */
#include "check.h"
#include <errno.h>
#include <stdatomic.h>

/** A sleep lasts as long as asked, or longer. */
TEST(sleep_is_long_enough)
{
	for (int64_t us = 1; us <= 10000; us *= 10) {
		int64_t began = gor_now();

		gor_sleep(us * GOR_MICROSECOND);
		REQUIRE(gor_now() - began >= us * GOR_MICROSECOND);
	}
	gor_sleep(0);
	gor_sleep(-GOR_HOUR);
}

/** gor_deadline(): ahead of now by the duration, for ever if negative, never 0. */
TEST(deadlines)
{
	int64_t before = gor_now(), d = gor_deadline(GOR_SECOND), after = gor_now();

	REQUIRE(d >= before + GOR_SECOND && d <= after + GOR_SECOND);
	REQUIRE_EQ(gor_deadline(-1), GOR_FOREVER);
	REQUIRE_EQ(gor_deadline(INT64_MIN), GOR_FOREVER);
	REQUIRE(gor_deadline(0) > 0);
	REQUIRE(gor_deadline(INT64_MAX) == GOR_FOREVER || gor_deadline(INT64_MAX) > after);
}

enum { SLEEPERS = 20 };

struct sleeper {
	int64_t deadline;
	ints out;
	int number;
};

static void sleep_until(struct sleeper *s)
{
	REQUIRE_EQ(gor_recv_until((ints)NULL, NULL, s->deadline), -ETIMEDOUT);
	REQUIRE(gor_now() >= s->deadline);
	gor_send(s->out, s->number);
}

static bool woken_in_order(void)
{
	int64_t start = gor_deadline(10 * SLOW * GOR_MILLISECOND);
	bool right = true;
	ints out;

	gor_make(out, SLEEPERS);
	for (int i = 0; i < SLEEPERS; i++) {
		int k = i * 7 % SLEEPERS;

		gor_go_copy(sleep_until, ((struct sleeper){start + k * GOR_MICROSECOND, out, k}));
	}
	for (int i = 0; i < SLEEPERS; i++) {
		int got;

		gor_recv(out, &got);
		right = right && got == i;
	}
	gor_free(out);
	return right;
}

/**
 * On one processor sleepers wake by their deadlines, whatever the order in which they lay down.
 *
 * A machine that stops us for long may upset a round, hence: most of them.
 */
TEST_PROCS(woken_by_deadline, 1)
{
	int good = 0;

	for (int i = 0; i < 10; i++)
		good += woken_in_order();
	REQUIRE(good >= 6);
}

struct nap {
	int64_t dur;
	gor_waitgroup *wg;
};

static void nap(struct nap *n)
{
	int64_t began = gor_now();

	gor_sleep(n->dur);
	REQUIRE(gor_now() - began >= n->dur);
	gor_wg_done(n->wg);
}

/** Thousands of sleepers at once: all wake, none too early. */
TEST(many_sleepers)
{
	enum { NAPS = 5000 / SLOW };
	gor_waitgroup wg = {0};
	uint64_t random = 12345;

	gor_wg_add(&wg, NAPS);
	for (int i = 0; i < NAPS; i++) {
		int64_t dur = (int64_t)(check_random(&random) % 20) * GOR_MILLISECOND;

		gor_go_copy(nap, ((struct nap){dur, &wg}));
	}
	gor_wg_wait(&wg);
}

/** Timeouts are not early, and one that is not needed does not hold anybody up. */
TEST(timeouts)
{
	int64_t began = gor_now(), deadline = gor_deadline(10 * GOR_MILLISECOND);
	ints ch;

	gor_make(ch, 1);
	REQUIRE_EQ(gor_recv_until(ch, NULL, deadline), -ETIMEDOUT);
	REQUIRE(gor_now() >= deadline);
	gor_send(ch, 1);
	deadline = gor_deadline(10 * GOR_MILLISECOND);
	REQUIRE_EQ(gor_send_until(ch, 2, deadline), -ETIMEDOUT);
	REQUIRE(gor_now() >= deadline);
	REQUIRE_EQ(gor_recv_until(ch, NULL, gor_deadline(GOR_HOUR)), 1);
	REQUIRE(gor_now() - began < GOR_HOUR);
	gor_free(ch);
}

struct race {
	ints ch;
	_Atomic int sent, received;
	gor_waitgroup wg;
};

static void hurried_sender(void *arg)
{
	struct race *r = arg;

	for (int i = 0; i < 1000 / SLOW; i++)
		if (gor_send_until(r->ch, i, gor_deadline(i % 50 * GOR_MICROSECOND)) == 0)
			atomic_fetch_add(&r->sent, 1);
	gor_wg_done(&r->wg);
}

static void hurried_receiver(void *arg)
{
	struct race *r = arg;

	for (int i = 0; i < 1000 / SLOW; i++)
		if (gor_recv_until(r->ch, NULL, gor_deadline(i % 70 * GOR_MICROSECOND)) == 1)
			atomic_fetch_add(&r->received, 1);
	gor_wg_done(&r->wg);
}

/** A timeout that races with its counterpart: either both sides succeed or neither does. */
TEST(timeout_races)
{
	struct race r = {0};

	gor_make(r.ch, 0);
	gor_wg_add(&r.wg, 8);
	for (int i = 0; i < 4; i++) {
		gor_go(hurried_sender, &r);
		gor_go(hurried_receiver, &r);
	}
	gor_wg_wait(&r.wg);
	REQUIRE_EQ(atomic_load(&r.sent), atomic_load(&r.received));
	REQUIRE(atomic_load(&r.sent) > 0);
	gor_free(r.ch);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sleep_is_long_enough),
		cmocka_unit_test(deadlines),
		cmocka_unit_test(woken_by_deadline),
		cmocka_unit_test(many_sleepers),
		cmocka_unit_test(timeouts),
		cmocka_unit_test(timeout_races),
	};

	return CHECK_MAIN(tests, argc, argv);
}

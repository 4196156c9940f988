/* SPDX-License-Identifier: MIT */
/**
 * vtime.c: virtual time.  It stands while anything can run, and then jumps to the next timer.
 *
 * main() asks for it, unless GOR_DEBUG is set already: the suite is run with other policies too.
 */
#define _GNU_SOURCE
#include "check.h"
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* ── the clock ────────────────────────────────────────────────────────────────────────────────────
 */

/** An hour is an hour, to the nanosecond, and so are a year and a nanosecond. */
TEST(sleep_exact)
{
	static const int64_t durs[] = {GOR_HOUR, 1, 365 * 24 * GOR_HOUR, GOR_MILLISECOND + 1};

	for (size_t i = 0; i < sizeof durs / sizeof *durs; i++) {
		int64_t before = gor_now();

		gor_sleep(durs[i]);
		REQUIRE_EQ(gor_now() - before, durs[i]);
	}
}

static void sleep_for_an_hour(void)
{
	gor_sleep(GOR_HOUR);
}

/** What goroutines do takes no time, if it is not too much between two sleeps. */
TEST(work_is_free)
{
	for (int i = 0; i < 10; i++) {
		int64_t before = gor_now();

		for (int k = 0; k < 900; k++)
			gor_yield();
		REQUIRE_EQ(gor_now() - before, 0);
		gor_sleep(GOR_SECOND);
		REQUIRE_EQ(gor_now() - before, GOR_SECOND);
	}
}

/** The clock is one for the process: before, between and after runs, and on other threads. */
static void one_clock(void **state)
{
	int64_t before = gor_now();

	(void)state;
	check_run(sleep_for_an_hour, 0);
	assert_int_equal(gor_now() - before, GOR_HOUR);
	check_run(sleep_for_an_hour, 0);
	assert_int_equal(gor_now() - before, 2 * GOR_HOUR);
	assert_int_equal(gor_deadline(GOR_SECOND), gor_now() + GOR_SECOND);
}

static void sleep_and_note(int64_t *dur)
{
	int64_t before = gor_now();

	gor_sleep(*dur);
	REQUIRE_EQ(gor_now() - before, *dur);
}

/** Sleeps side by side take as long as the longest. */
TEST(sleeps_overlap)
{
	int64_t before = gor_now();

	for (int i = 1; i <= 100; i++)
		gor_go_copy(sleep_and_note, (i * GOR_SECOND));
	gor_sleep(101 * GOR_SECOND);
	REQUIRE_EQ(gor_num_goroutine(), 1);
	REQUIRE_EQ(gor_now() - before, 101 * GOR_SECOND);
}

/* ── what goes by it ──────────────────────────────────────────────────────────────────────────────
 */

/** A ticker ticks at each period, and each tick is its time. */
TEST(ticker)
{
	int64_t began = gor_now(), value;
	gor_ticker t;

	gor_ticker_start(&t, GOR_MINUTE);
	for (int i = 1; i <= 60; i++) {
		REQUIRE_EQ(gor_recv(t.c, &value), 1);
		REQUIRE_EQ(value - began, i * GOR_MINUTE);
	}
	gor_sleep(5 * GOR_MINUTE + GOR_SECOND); // those are dropped, but for the first
	REQUIRE_EQ(gor_try_recv(t.c, &value), 1);
	REQUIRE_EQ(value - began, 61 * GOR_MINUTE);
	gor_ticker_stop(&t);
	REQUIRE_EQ(gor_now() - began, 65 * GOR_MINUTE + GOR_SECOND);
}

/** Waits with a time limit end at it, exactly, or before it with what they waited for. */
TEST(timeouts)
{
	int64_t before = gor_now();
	ints ch;

	gor_make(ch, 0);
	REQUIRE_EQ(gor_recv_until(ch, NULL, gor_deadline(GOR_HOUR)), -ETIMEDOUT);
	REQUIRE_EQ(gor_now() - before, GOR_HOUR);
	REQUIRE_EQ(gor_send_until(ch, 1, gor_deadline(GOR_HOUR)), -ETIMEDOUT);
	REQUIRE_EQ(gor_now() - before, 2 * GOR_HOUR);
	REQUIRE_EQ(gor_select(gor_on_recv(ch, NULL), gor_on_timeout(GOR_HOUR)), 1);
	REQUIRE_EQ(gor_now() - before, 3 * GOR_HOUR);
	REQUIRE_EQ(gor_recv_until((ints)NULL, NULL, gor_deadline(GOR_HOUR)), -ETIMEDOUT);
	REQUIRE_EQ(gor_now() - before, 4 * GOR_HOUR);
	gor_close(ch);
	REQUIRE_EQ(gor_recv_until(ch, NULL, gor_deadline(GOR_HOUR)), 0);
	REQUIRE_EQ(gor_now() - before, 4 * GOR_HOUR);
	gor_free(ch);
}

/** A context ends at its deadline, or at its parent's; a cancelled one does not hold time up. */
TEST(contexts)
{
	int64_t before = gor_now();
	gor_ctx *ctx = gor_ctx_with_timeout(gor_ctx_background(), GOR_HOUR);
	gor_ctx *child = gor_ctx_with_timeout(ctx, 24 * GOR_HOUR);
	gor_ctx *other = gor_ctx_with_timeout(gor_ctx_background(), 2 * GOR_HOUR);

	gor_recv(gor_ctx_done(child), NULL);
	REQUIRE_EQ(gor_now() - before, GOR_HOUR);
	REQUIRE_EQ(gor_ctx_err(child), -ETIMEDOUT);
	gor_ctx_cancel(other);
	gor_recv(gor_ctx_done(other), NULL);
	REQUIRE_EQ(gor_ctx_err(other), -ECANCELED);
	REQUIRE_EQ(gor_now() - before, GOR_HOUR);
	gor_ctx_free(child);
	gor_ctx_free(ctx);
	gor_ctx_free(other);
}

struct line {
	ints out;
	int64_t dur;
	int number;
};

static void sleep_and_send(struct line *line)
{
	gor_sleep(line->dur);
	gor_send(line->out, line->number);
}

/** What is due earlier comes earlier, in whatever order it was armed, and at whatever distance. */
TEST(earlier_first)
{
	static const int64_t durs[] = {GOR_HOUR, GOR_MILLISECOND, GOR_MILLISECOND + 1, GOR_SECOND};
	static const int order[] = {1, 2, 3, 0};
	ints out;
	int got;

	gor_make(out, 4);
	for (int i = 0; i < 4; i++)
		gor_go_copy(sleep_and_send, ((struct line){out, durs[i], i}));
	for (int i = 0; i < 4; i++) {
		REQUIRE_EQ(gor_recv(out, &got), 1);
		REQUIRE_EQ(got, order[i]);
	}
	gor_free(out);
}

/* ── who polls ────────────────────────────────────────────────────────────────────────────────────
 */

/** The clock does not stand for ever under who looks at it, or tries, or yields. */
TEST(polls_end)
{
	int64_t before = gor_now(), until = gor_deadline(GOR_MILLISECOND);
	gor_timer t;

	while (gor_now() < until)
		;
	gor_timer_start(&t, GOR_MILLISECOND);
	while (gor_try_recv(t.c, NULL) == -EAGAIN)
		;
	until = gor_deadline(GOR_MILLISECOND);
	while (gor_now() < until)
		gor_yield();
	REQUIRE(gor_now() - before < GOR_SECOND); // it did not jump over something either
}

/* ── outside ──────────────────────────────────────────────────────────────────────────────────────
 */

/* Runs as a child with handoff=10ms. */
static void read_byte(void *arg)
{
	char byte;

	REQUIRE_EQ(read(*(int *)arg, &byte, 1), 1);
}

static int blocked_in_read(int argc, char **argv)
{
	int fd[2];
	gor_waitgroup wg = {0};

	(void)argc, (void)argv;
	REQUIRE_EQ(pipe(fd), 0);
	gor_wg_go(&wg, read_byte, &fd[0]);
	gor_sleep(50 * GOR_MILLISECOND); // passes as outside, since the reader may come back
	REQUIRE_EQ(write(fd[1], "", 1), 1);
	gor_wg_wait(&wg);
	gor_sleep(GOR_HOUR);
	return 0;
}

static void set_later(void *arg)
{
	gor_sleep(GOR_MILLISECOND);
	atomic_store((_Atomic bool *)arg, true);
}

/* Nothing can run but one that never calls the runtime, and waits for a sleeper. */
static int spin_for_sleeper(int argc, char **argv)
{
	static _Atomic bool flag;

	(void)argc, (void)argv;
	gor_go(set_later, (void *)&flag);
	while (gor_num_goroutine() == 2 && !atomic_load(&flag)) {
		gor_yield(); // it sleeps after this
		while (!atomic_load(&flag))
			;
	}
	return 0;
}

static int64_t real_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * GOR_SECOND + ts.tv_nsec;
}

/** A goroutine in a system call is waited for, and time passes meanwhile. */
static void system_call(void **state)
{
	static struct check_result r;
	int64_t before = real_ns();

	(void)state;
	setenv("GOR_DEBUG", "seed=1,vtime=1,handoff=10ms", 1);
	check_spawn("blocked_in_read", &r);
	if (r.status != 0)
		print_message("%s", r.err);
	assert_int_equal(r.status, 0);
	assert_true(real_ns() - before >= 40 * GOR_MILLISECOND);
}

/** A goroutine that spins does not hold up time for good. */
static void spinner(void **state)
{
	static struct check_result r;

	(void)state;
	setenv("GOR_DEBUG", "seed=1,vtime=1,handoff=10ms,policy=natural", 1);
	check_spawn("spin_for_sleeper", &r);
	assert_int_equal(r.status, 0);
}

static int dead_after_an_hour(int argc, char **argv)
{
	gor_timer t;

	(void)argc, (void)argv;
	gor_timer_start(&t, 2 * GOR_HOUR); // nobody waits for it
	gor_sleep(GOR_HOUR);
	gor_recv((ints)NULL, NULL);
	return 0;
}

/** All asleep and no timer left: that is a deadlock here too. */
static void deadlock(void **state)
{
	static struct check_result r;

	(void)state;
	check_spawn("dead_after_an_hour", &r);
	assert_int_equal(r.status, 2);
	assert_true(check_has_line(r.err, "fatal error: all goroutines are asleep - deadlock!"));
}

static const struct check_child children[] = {
	{"blocked_in_read", blocked_in_read},
	{"spin_for_sleeper", spin_for_sleeper},
	{"dead_after_an_hour", dead_after_an_hour},
	{NULL, NULL},
};

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sleep_exact), cmocka_unit_test(work_is_free),
		cmocka_unit_test(one_clock),   cmocka_unit_test(sleeps_overlap),
		cmocka_unit_test(ticker),      cmocka_unit_test(timeouts),
		cmocka_unit_test(contexts),    cmocka_unit_test(earlier_first),
		cmocka_unit_test(polls_end),   cmocka_unit_test(system_call),
		cmocka_unit_test(spinner),     cmocka_unit_test(deadlock),
	};

	setenv("GOR_DEBUG", "seed=1,vtime=1", 0);
	check_child_main(children, argc, argv);
	return CHECK_MAIN(tests, argc, argv);
}

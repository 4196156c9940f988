/* SPDX-License-Identifier: MIT */
/* timer.c: timers and tickers, as Go's since 1.23: nothing stale after a stop or a reset. */
#include "check.h"
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

/* ── children ─────────────────────────────────────────────────────────────────────────────────────
 */

static int no_period(int argc, char **argv)
{
	gor_ticker t;

	(void)argc;
	(void)argv;
	gor_ticker_start(&t, 0);
	return 0;
}

static int no_period_at_reset(int argc, char **argv)
{
	gor_ticker t;

	(void)argc;
	(void)argv;
	gor_ticker_start(&t, GOR_HOUR);
	gor_ticker_reset(&t, -1);
	return 0;
}

static int stop_never_started(int argc, char **argv)
{
	gor_timer t = {0};

	(void)argc;
	(void)argv;
	gor_timer_stop(&t);
	return 0;
}

static int reset_never_started(int argc, char **argv)
{
	gor_timer t = {0};

	(void)argc;
	(void)argv;
	gor_timer_reset(&t, GOR_HOUR);
	return 0;
}

static int reset_ticker_never_started(int argc, char **argv)
{
	gor_ticker t = {0};

	(void)argc;
	(void)argv;
	gor_ticker_stop(&t); // this alone is fine
	gor_ticker_reset(&t, GOR_HOUR);
	return 0;
}

enum { ARMED_MS = 100 };

static int blocked_beside_timer(int argc, char **argv)
{
	gor_timer t;

	(void)argc;
	(void)argv;
	gor_timer_start(&t, ARMED_MS * GOR_MILLISECOND);
	gor_recv((ints)NULL, NULL);
	return 0;
}

static int blocked_beside_stopped(int argc, char **argv)
{
	gor_timer timer;
	gor_ticker ticker;

	(void)argc;
	(void)argv;
	gor_timer_start(&timer, GOR_HOUR);
	gor_ticker_start(&ticker, GOR_MILLISECOND);
	gor_timer_stop(&timer);
	gor_ticker_stop(&ticker);
	gor_recv(ticker.c, NULL);
	return 0;
}

static const struct check_child children[] = {
	{"no_period", no_period},
	{"no_period_at_reset", no_period_at_reset},
	{"stop_never_started", stop_never_started},
	{"reset_never_started", reset_never_started},
	{"reset_ticker_never_started", reset_ticker_never_started},
	{"blocked_beside_timer", blocked_beside_timer},
	{"blocked_beside_stopped", blocked_beside_stopped},
	{NULL, NULL},
};

static void expect(const char *child, const char *first)
{
	static struct check_result r;
	size_t n = strlen(first);

	check_spawn(child, &r);
	if (r.status != 2 || strncmp(r.err, first, n) != 0 || r.err[n] != '\n')
		print_message("%s ended with %d and wrote\n%s\n", child, r.status, r.err);
	assert_int_equal(r.status, 2);
	assert_int_equal(strncmp(r.err, first, n), 0);
	assert_int_equal(r.err[n], '\n');
}

/** A ticker's period is positive. */
static void non_positive_period(void **state)
{
	(void)state;
	expect("no_period", "panic: non-positive interval for NewTicker");
	expect("no_period_at_reset", "panic: non-positive interval for Ticker.Reset");
}

/** What was never started cannot be stopped or reset. */
static void never_started(void **state)
{
	(void)state;
	expect("stop_never_started", "panic: time: Stop called on uninitialized Timer");
	expect("reset_never_started", "panic: time: Reset called on uninitialized Timer");
	expect("reset_ticker_never_started", "panic: time: Reset called on uninitialized Ticker");
}

/** While a timer is armed no deadlock is reported; after it, or when all are stopped, it is. */
static void armed_is_no_deadlock(void **state)
{
	static const char first[] = "fatal error: all goroutines are asleep - deadlock!";
	int64_t began = gor_now();

	(void)state;
	expect("blocked_beside_timer", first);
	assert_true(gor_now() - began >= ARMED_MS * GOR_MILLISECOND);
	expect("blocked_beside_stopped", first);
}

/* ── one timer ────────────────────────────────────────────────────────────────────────────────────
 */

static void until_fired(gor_timer *t)
{
	while (gor_len(t->c) == 0)
		gor_yield();
}

/** The value is the time, not before it is due and not after it is received; there is one. */
TEST(not_early)
{
	static const int64_t durs[] = {
		-GOR_HOUR, -1, 0, 1, GOR_MICROSECOND, 100 * GOR_MICROSECOND, 3 * GOR_MILLISECOND};

	for (size_t i = 0; i < sizeof durs / sizeof *durs; i++) {
		int64_t before = gor_now(), value = 0;
		gor_timer t;

		memset(&t, 0xa5, sizeof t); // it may hold anything
		REQUIRE_EQ(gor_timer_start(&t, durs[i]), 0);
		REQUIRE_EQ(gor_recv(t.c, &value), 1);
		REQUIRE(value >= before + (durs[i] > 0 ? durs[i] : 0));
		REQUIRE(value <= gor_now());
		REQUIRE_EQ(gor_try_recv(t.c, NULL), -EAGAIN);
		REQUIRE(!gor_timer_stop(&t));
	}
}

/** stop: true if there would have been a value, false if it was received or stopped before. */
TEST(stop)
{
	gor_timer t;

	gor_timer_start(&t, GOR_HOUR);
	REQUIRE(gor_timer_stop(&t));
	REQUIRE(!gor_timer_stop(&t));
	REQUIRE_EQ(gor_try_recv(t.c, NULL), -EAGAIN);

	gor_timer_start(&t, INT64_MAX);
	REQUIRE_EQ(gor_try_recv(t.c, NULL), -EAGAIN);
	REQUIRE(gor_timer_stop(&t));

	gor_timer_start(&t, 1);
	REQUIRE_EQ(gor_recv(t.c, NULL), 1);
	REQUIRE(!gor_timer_stop(&t));
	REQUIRE(!gor_timer_stop(&t));

	gor_timer_start(&t, 1);
	until_fired(&t);
	REQUIRE(gor_timer_stop(&t)); // fired, but nobody has seen it, and nobody will
	REQUIRE(!gor_timer_stop(&t));
	REQUIRE_EQ(gor_try_recv(t.c, NULL), -EAGAIN);
}

/** reset: answers as stop does; the value that comes is of the new time. */
TEST(reset)
{
	int64_t before, value;
	gor_timer t;

	gor_timer_start(&t, GOR_HOUR);
	before = gor_now();
	REQUIRE(gor_timer_reset(&t, GOR_MILLISECOND)); // earlier
	REQUIRE_EQ(gor_recv(t.c, &value), 1);
	REQUIRE(value >= before + GOR_MILLISECOND);

	before = gor_now();
	REQUIRE(!gor_timer_reset(&t, GOR_MILLISECOND));     // after it has fired
	REQUIRE(gor_timer_reset(&t, 20 * GOR_MILLISECOND)); // later
	REQUIRE_EQ(gor_recv(t.c, &value), 1);
	REQUIRE(value >= before + 20 * GOR_MILLISECOND);

	gor_timer_reset(&t, 0);
	until_fired(&t);
	before = gor_now();
	REQUIRE(gor_timer_reset(&t, 10 * GOR_MILLISECOND)); // what it sent before is gone
	REQUIRE_EQ(gor_recv(t.c, &value), 1);
	REQUIRE(value >= before + 10 * GOR_MILLISECOND);

	REQUIRE(!gor_timer_reset(&t, GOR_HOUR));
	REQUIRE(gor_timer_stop(&t));
	REQUIRE(!gor_timer_reset(&t, 1)); // after a stop
	REQUIRE_EQ(gor_recv(t.c, NULL), 1);
}

struct patient {
	gor_timer t;
	_Atomic int64_t value;
	_Atomic bool here;
	gor_waitgroup wg;
};

static void wait_for_timer(void *arg)
{
	struct patient *p = arg;
	int64_t value = 0;

	atomic_store(&p->here, true);
	REQUIRE_EQ(gor_recv(p->t.c, &value), 1);
	atomic_store(&p->value, value);
	gor_wg_done(&p->wg);
}

/** A receiver that waits is not woken by a stop, and gets what comes after a reset. */
TEST(reset_under_receiver)
{
	for (int round = 0; round < 50 / SLOW; round++) {
		struct patient p = {.wg = {0}};

		gor_timer_start(&p.t, GOR_HOUR);
		gor_wg_add(&p.wg, 1);
		gor_go(wait_for_timer, &p);
		while (!atomic_load(&p.here))
			gor_yield();
		for (int i = 0; i < 10; i++)
			gor_yield();
		if (round % 2)
			REQUIRE(gor_timer_stop(&p.t));
		for (int i = 0; i < 10; i++)
			gor_yield();
		REQUIRE_EQ(atomic_load(&p.value), 0);
		int64_t before = gor_now();
		REQUIRE_EQ(gor_timer_reset(&p.t, 100 * GOR_MICROSECOND), round % 2 == 0);
		gor_wg_wait(&p.wg);
		REQUIRE(atomic_load(&p.value) >= before + 100 * GOR_MICROSECOND);
	}
}

/** A timer's channel among the cases of a select. */
TEST(in_select)
{
	int64_t value = 0, before = gor_now();
	gor_timer soon, late;
	bool ok = false;
	ints ch;

	gor_make(ch, 1);
	gor_timer_start(&late, GOR_HOUR);
	gor_timer_start(&soon, 5 * GOR_MILLISECOND);
	REQUIRE_EQ(gor_select(gor_on_recv(late.c, NULL), gor_on_recv_ok(soon.c, &value, &ok),
	                      gor_on_recv(ch, NULL)),
	           1);
	REQUIRE(ok && value >= before + 5 * GOR_MILLISECOND);
	gor_send(ch, 1);
	REQUIRE_EQ(gor_select(gor_on_recv(late.c, NULL), gor_on_recv(ch, NULL)), 1);
	REQUIRE_EQ(gor_select(gor_on_recv(late.c, NULL), gor_on_default), 1);
	REQUIRE_EQ(gor_select(gor_on_recv(late.c, NULL), gor_on_timeout(GOR_MILLISECOND)), 1);
	REQUIRE(gor_timer_stop(&late));
	gor_free(ch);
}

/* ── tickers ──────────────────────────────────────────────────────────────────────────────────────
 */

/** Ticks come at their times, or after; none twice. */
TEST(ticks)
{
	int64_t start = gor_now(), period = 2 * GOR_MILLISECOND, last = 0;
	gor_ticker t;

	memset(&t, 0xa5, sizeof t);
	REQUIRE_EQ(gor_ticker_start(&t, period), 0);
	for (int i = 1; i <= 20; i++) {
		int64_t value;

		REQUIRE_EQ(gor_recv(t.c, &value), 1);
		REQUIRE(value >= start + i * period && value <= gor_now());
		REQUIRE(value > last);
		last = value;
	}
	gor_ticker_stop(&t);
	gor_ticker_stop(&t);
	REQUIRE_EQ(gor_recv_until(t.c, NULL, gor_deadline(5 * period)), -ETIMEDOUT);
}

/** Who comes late finds one tick, the first that he missed; the next one is of its own time. */
TEST(missed_ticks_are_dropped)
{
	int64_t start = gor_now(), period = 40 * GOR_MILLISECOND, first, next;
	gor_ticker t;

	gor_ticker_start(&t, period);
	gor_sleep(7 * period / 2);
	REQUIRE_EQ(gor_len(t.c), 1);
	REQUIRE_EQ(gor_recv(t.c, &first), 1);
	REQUIRE_EQ(gor_recv(t.c, &next), 1);
	REQUIRE(first >= start + period);
	REQUIRE(next >= start + 3 * period);
	REQUIRE(next - first >= period / 2);
	gor_ticker_stop(&t);
}

/* How many of 200 ticks came in the first half of a period, as counted from the start. */
static int ticks_in_time(int64_t period)
{
	int64_t start, value;
	gor_ticker t;
	int good = 0;

	start = gor_now();
	gor_ticker_start(&t, period);
	for (int i = 0; i < 200; i++) {
		gor_recv(t.c, &value);
		good += (value - start) % period < period / 2;
	}
	gor_ticker_stop(&t);
	return good;
}

/**
 * A tick that is late does not shift those after it.
 *
 * If each were counted from the one before, 200 of them would be spread all over the period, and
 * half would come in its first half.  A busy machine makes many late: one good run is enough.
 */
TEST(ticker_keeps_its_rhythm)
{
	int best = 0;

	for (int round = 0; round < 20 && best < 150; round++) {
		int good = ticks_in_time(GOR_MILLISECOND);

		best = good > best ? good : best;
	}
	REQUIRE(best >= 150);
}

/** reset: the old period is over, a tick of it that nobody took is gone. */
TEST(ticker_reset)
{
	int64_t before, value;
	gor_ticker t;

	gor_ticker_start(&t, GOR_MILLISECOND);
	while (gor_len(t.c) == 0)
		gor_yield();
	before = gor_now();
	gor_ticker_reset(&t, 20 * GOR_MILLISECOND);
	for (int i = 1; i <= 3; i++) {
		REQUIRE_EQ(gor_recv(t.c, &value), 1);
		REQUIRE(value >= before + 20 * i * GOR_MILLISECOND);
	}
	gor_ticker_reset(&t, GOR_HOUR);
	REQUIRE_EQ(gor_recv_until(t.c, NULL, gor_deadline(30 * GOR_MILLISECOND)), -ETIMEDOUT);
	gor_ticker_stop(&t);
	gor_ticker_reset(&t, GOR_MILLISECOND);
	REQUIRE_EQ(gor_recv(t.c, NULL), 1);
	gor_ticker_stop(&t);
}

/* ── races ────────────────────────────────────────────────────────────────────────────────────────
 */

struct racer {
	uint64_t random;
	int turns;
	gor_waitgroup *wg;
};

static void race_on(int racers, int turns, void (*run)(struct racer *))
{
	gor_waitgroup wg = {0};

	gor_wg_add(&wg, racers);
	for (int i = 0; i < racers; i++)
		gor_go_copy(run, ((struct racer){(uint64_t)(i + 1) * 0x9e3779b97f4a7c15, turns, &wg}));
	gor_wg_wait(&wg);
}

/* Pass time, in the runtime and outside. */
static void dawdle(struct racer *r, int us)
{
	int64_t until = gor_now() + (int64_t)(check_random(&r->random) % (uint64_t)us) * 1000;

	while (gor_now() < until)
		if (check_random(&r->random) % 4 == 0)
			gor_yield();
}

static void stop_or_receive(struct racer *r)
{
	for (int i = 0; i < r->turns; i++) {
		gor_timer *t = malloc(sizeof *t); // freed at once: whoever still touches it is caught
		int received = 0;

		REQUIRE(t != NULL);
		gor_timer_start(t, (int64_t)(check_random(&r->random) % 50) * GOR_MICROSECOND);
		for (int n = (int)(check_random(&r->random) % 3); n > 0; n--) {
			dawdle(r, 30);
			received += gor_try_recv(t->c, NULL) == 1;
		}
		REQUIRE_EQ(gor_timer_stop(t), !received); // one of both, never neither
		REQUIRE_EQ(gor_try_recv(t->c, NULL), -EAGAIN);
		if (i % 4 == 0)
			dawdle(r, 60);
		REQUIRE_EQ(gor_try_recv(t->c, NULL), -EAGAIN);
		free(t);
	}
	gor_wg_done(r->wg);
}

/** stop races with the firing: either the value was received, or stop says true. */
TEST_PROCS(stop_races_with_fire, 8)
{
	race_on(16, 1000 / SLOW, stop_or_receive);
}

static void stop_ticking(struct racer *r)
{
	for (int i = 0; i < r->turns; i++) {
		gor_ticker *t = malloc(sizeof *t);

		REQUIRE(t != NULL);
		gor_ticker_start(t, 1000 + (int64_t)(check_random(&r->random) % 50) * 100);
		dawdle(r, 50);
		gor_try_recv(t->c, NULL);
		if (i % 3 == 0) {
			gor_ticker_reset(t, 1000);
			dawdle(r, 20);
		}
		gor_ticker_stop(t);
		gor_yield();
		REQUIRE_EQ(gor_try_recv(t->c, NULL), -EAGAIN);
		free(t);
	}
	gor_wg_done(r->wg);
}

/** The same of a ticker, which is armed again and again: once stopped it is not. */
TEST_PROCS(ticker_stop_races_with_tick, 8)
{
	race_on(16, 2000 / SLOW, stop_ticking);
}

static void receive_and_forget(struct racer *r)
{
	for (int i = 0; i < r->turns; i++) {
		gor_timer *t = malloc(sizeof *t);

		REQUIRE(t != NULL);
		gor_timer_start(t, (int64_t)(check_random(&r->random) % 50) * GOR_MICROSECOND);
		if (i % 2) {
			REQUIRE_EQ(gor_recv(t->c, NULL), 1);
		} else {
			while (gor_try_recv(t->c, NULL) != 1)
				gor_yield();
		}
		free(t);
	}
	gor_wg_done(r->wg);
}

/** Whoever has the value may forget the timer at once. */
TEST_PROCS(received_is_over, 8)
{
	race_on(8, 1000 / SLOW, receive_and_forget);
}

static struct {
	gor_timer t;
	_Atomic int received;
} common;

static void fight(struct racer *r)
{
	for (int i = 0; i < r->turns; i++) {
		switch (check_random(&r->random) % 4) {
		case 0:
			gor_timer_stop(&common.t);
			break;
		case 1:
			atomic_fetch_add(&common.received, gor_try_recv(common.t.c, NULL) == 1);
			break;
		default:
			gor_timer_reset(&common.t, (int64_t)(check_random(&r->random) % 30) * GOR_MICROSECOND);
		}
		if (i % 8 == 0)
			dawdle(r, 10);
	}
	gor_wg_done(r->wg);
}

/** Many that stop and reset one timer: it stays one, and whole. */
TEST_PROCS(all_at_one_timer, 8)
{
	gor_timer_start(&common.t, 0);
	race_on(8, 20000 / SLOW, fight);
	gor_timer_stop(&common.t);
	REQUIRE_EQ(gor_recv_until(common.t.c, NULL, gor_deadline(5 * GOR_MILLISECOND)), -ETIMEDOUT);
	REQUIRE(!gor_timer_reset(&common.t, GOR_MILLISECOND));
	REQUIRE_EQ(gor_recv(common.t.c, NULL), 1);
	REQUIRE_EQ(gor_recv_until(common.t.c, NULL, gor_deadline(5 * GOR_MILLISECOND)), -ETIMEDOUT);
}

/* ── many timers ──────────────────────────────────────────────────────────────────────────────────
 */

enum { TIMERS = 1000 };

/* A set of timers, and beside it a heap of those that have yet to be received. */
struct timers {
	gor_timer t[TIMERS];
	int64_t due[TIMERS]; // not before this
	int heap[TIMERS];    // by due
	int place[TIMERS];   // in heap, -1: in none
	int count;
	bool started[TIMERS];
};

static void heap_put(struct timers *ts, int at, int number)
{
	ts->heap[at] = number;
	ts->place[number] = at;
}

static bool heap_before(const struct timers *ts, int a, int b)
{
	return ts->due[ts->heap[a]] < ts->due[ts->heap[b]];
}

static void heap_swap(struct timers *ts, int a, int b)
{
	int number = ts->heap[a];

	heap_put(ts, a, ts->heap[b]);
	heap_put(ts, b, number);
}

static void heap_fix(struct timers *ts, int at)
{
	for (; at > 0 && heap_before(ts, at, (at - 1) / 2); at = (at - 1) / 2)
		heap_swap(ts, at, (at - 1) / 2);
	for (;;) {
		int least = at;

		for (int k = 2 * at + 1; k <= 2 * at + 2 && k < ts->count; k++)
			if (heap_before(ts, k, least))
				least = k;
		if (least == at)
			return;
		heap_swap(ts, at, least);
		at = least;
	}
}

/* Returns: whether it was in. */
static bool heap_remove(struct timers *ts, int number)
{
	int at = ts->place[number];

	if (at < 0)
		return false;
	ts->place[number] = -1;
	if (at < --ts->count) {
		heap_put(ts, at, ts->heap[ts->count]);
		heap_fix(ts, at);
	}
	return true;
}

static void model_arm(struct timers *ts, int number, int64_t dur)
{
	bool armed = heap_remove(ts, number);

	ts->due[number] = gor_now() + dur;
	heap_put(ts, ts->count++, number);
	heap_fix(ts, ts->place[number]);
	if (ts->started[number])
		REQUIRE_EQ(gor_timer_reset(&ts->t[number], dur), armed);
	else
		REQUIRE_EQ(gor_timer_start(&ts->t[number], dur), 0);
	ts->started[number] = true;
}

/* The earliest has to come, if it is due soon; who is due later cannot be first by its own time. */
static void model_receive(struct timers *ts)
{
	int number = ts->heap[0];
	int64_t value;

	if (ts->count == 0 || ts->due[number] > gor_now() + GOR_SECOND)
		return;
	REQUIRE_EQ(gor_recv(ts->t[number].c, &value), 1);
	REQUIRE(value >= ts->due[number] && value <= gor_now());
	REQUIRE(heap_remove(ts, number));
}

/* Any of them: a value if it is due, perhaps; none before. */
static void model_look(struct timers *ts, int number)
{
	int64_t value;

	if (gor_try_recv(ts->t[number].c, &value) != 1)
		return;
	REQUIRE(value >= ts->due[number]);
	REQUIRE(heap_remove(ts, number)); // and it was to come
}

static void model_step(struct timers *ts, uint64_t *random)
{
	uint64_t draw = check_random(random);
	int number = (int)(draw / 16 % TIMERS);
	int64_t dur = (int64_t)(draw / 65536 % 3000) * GOR_MICROSECOND;

	if (!ts->started[number] || draw % 16 < 7)
		model_arm(ts, number, draw % 16 == 0 ? GOR_HOUR : dur);
	else if (draw % 16 < 10)
		REQUIRE_EQ(gor_timer_stop(&ts->t[number]), heap_remove(ts, number));
	else if (draw % 16 < 13)
		model_look(ts, number);
	else
		model_receive(ts);
}

static void keep_timers(struct racer *r)
{
	struct timers *ts = calloc(1, sizeof *ts);

	REQUIRE(ts != NULL);
	memset(ts->place, -1, sizeof ts->place);
	for (int i = 0; i < r->turns; i++)
		model_step(ts, &r->random);
	while (ts->count > 0 && ts->due[ts->heap[0]] < gor_now() + GOR_SECOND)
		model_receive(ts);
	for (int i = 0; i < TIMERS; i++)
		if (ts->started[i])
			REQUIRE_EQ(gor_timer_stop(&ts->t[i]), heap_remove(ts, i));
	REQUIRE_EQ(ts->count, 0);
	free(ts);
	gor_wg_done(r->wg);
}

/** Thousands of timers started, reset, stopped and received in random order answer as a model. */
TEST_PROCS(many_on_one, 1)
{
	race_on(4, 20000 / SLOW, keep_timers);
}

TEST_PROCS(many_on_two, 2)
{
	race_on(4, 20000 / SLOW, keep_timers);
}

TEST_PROCS(many_on_eight, 8)
{
	race_on(8, 20000 / SLOW, keep_timers);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(non_positive_period),
		cmocka_unit_test(never_started),
		cmocka_unit_test(armed_is_no_deadlock),
		cmocka_unit_test(not_early),
		cmocka_unit_test(stop),
		cmocka_unit_test(reset),
		cmocka_unit_test(reset_under_receiver),
		cmocka_unit_test(in_select),
		cmocka_unit_test(ticks),
		cmocka_unit_test(missed_ticks_are_dropped),
		cmocka_unit_test(ticker_keeps_its_rhythm),
		cmocka_unit_test(ticker_reset),
		cmocka_unit_test(stop_races_with_fire),
		cmocka_unit_test(ticker_stop_races_with_tick),
		cmocka_unit_test(received_is_over),
		cmocka_unit_test(all_at_one_timer),
		cmocka_unit_test(many_on_one),
		cmocka_unit_test(many_on_two),
		cmocka_unit_test(many_on_eight),
	};

	check_child_main(children, argc, argv);
	return CHECK_MAIN(tests, argc, argv);
}

/* SPDX-License-Identifier: MIT */
/**
 * order.c: whatever the clocks say, the order handed out could have happened.
 *
 * A model runs goroutines on threads at random and writes down what a runtime would have, with each
 * thread's clock off by its own error.  The events read back are replayed against the goroutines'
 * states.
 */
#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define THREADS 5
#define GOROUTINES 40
#define STEPS 4000
#define SKEW_NS 10000000

enum g_state { UNBORN, RUNNABLE, RUNNING, WAITING };

struct model {
	uint64_t seed;
	int64_t now;
	int64_t skew[THREADS + 1];
	int running[THREADS + 1]; // goroutine, 0 none
	enum g_state state[GOROUTINES + 1];
	int count[GOROUTINES + 1];
	int last_thread[GOROUTINES + 1]; // of the last start, wake, park or yield; 0 none
	char *text;
	size_t len;
};

static uint64_t roll(struct model *m, uint64_t n)
{
	return random_next(&m->seed) % n;
}

/** One line by a thread's clock. */
static void say(struct model *m, int thread, const char *what)
{
	m->now += (int64_t)roll(m, 5000);
	m->len += (size_t)sprintf(m->text + m->len, "%lld t%d %s\n",
	                          (long long)(m->now + m->skew[thread]), thread, what);
}

/** The count as a runtime writes it. */
static int seq(struct model *m, int thread, int g)
{
	int n = ++m->count[g];
	bool here = m->last_thread[g] == thread;

	m->last_thread[g] = thread;
	return here ? 0 : n;
}

static int pick(struct model *m, enum g_state state)
{
	int first = (int)roll(m, GOROUTINES);

	for (int i = 0; i < GOROUTINES; i++) {
		int g = (first + i) % GOROUTINES + 1;

		if (m->state[g] == state)
			return g;
	}
	return 0;
}

static void step_idle(struct model *m, int t)
{
	char line[128];
	int g = pick(m, roll(m, 8) ? RUNNABLE : WAITING);

	if (!g)
		return;
	if (m->state[g] == WAITING) { // a timer
		snprintf(line, sizeof(line), "GO_WAKE_BY g=%d seq=%d by=timer", g, seq(m, t, g));
		m->state[g] = RUNNABLE;
	} else {
		snprintf(line, sizeof(line), "GO_START g=%d seq=%d", g, seq(m, t, g));
		m->state[g] = RUNNING;
		m->running[t] = g;
	}
	say(m, t, line);
}

static void step_running(struct model *m, int t)
{
	char line[128] = "MARK text=x";
	int me = m->running[t];
	int g;

	switch (roll(m, 7)) {
	case 0:
		g = pick(m, UNBORN);
		if (g) {
			snprintf(line, sizeof(line), "GO_NEW g=%d", g);
			m->state[g] = RUNNABLE;
		}
		break;
	case 1:
		g = pick(m, WAITING);
		if (g) {
			snprintf(line, sizeof(line), "GO_WAKE g=%d seq=%d", g, seq(m, t, g));
			m->state[g] = RUNNABLE;
		}
		break;
	case 2:
		snprintf(line, sizeof(line), "GO_PARK reason='chan receive'");
		m->state[me] = WAITING;
		m->last_thread[me] = t;
		m->running[t] = 0;
		break;
	case 3:
		snprintf(line, sizeof(line), "GO_YIELD");
		m->state[me] = RUNNABLE;
		m->last_thread[me] = t;
		m->running[t] = 0;
		break;
	case 4:
		g = pick(m, RUNNABLE);
		if (g) {
			snprintf(line, sizeof(line), "GO_SWITCH reason=select g=%d seq=%d", g, seq(m, t, g));
			m->state[me] = WAITING;
			m->last_thread[me] = t;
			m->state[g] = RUNNING;
			m->running[t] = g;
		}
		break;
	default:
		break;
	}
	say(m, t, line);
}

static void model_run(struct model *m)
{
	m->text = malloc((size_t)STEPS * 160);
	m->state[1] = RUNNABLE;
	m->now = SKEW_NS;
	m->len = 0;
	say(m, 1, "GO_NEW g=1");
	for (int i = 0; i < STEPS; i++) {
		int t = (int)roll(m, THREADS) + 1;

		if (m->running[t])
			step_running(m, t);
		else
			step_idle(m, t);
	}
	for (int t = 1; t <= THREADS; t++)
		say(m, t, "THREAD_END");
	m->len += (size_t)sprintf(m->text + m->len, "end exit 0\n");
}

/** Replay: each event must be legal where it stands. */
static void replay(const struct events *e)
{
	enum g_state state[GOROUTINES + 1] = {UNBORN};
	uint64_t running[THREADS + 1] = {0};

	for (size_t i = 0; i < e->count; i++) {
		const struct gtrace_event *ev = &e->event[i];
		uint64_t g = ev->arg[0];
		uint64_t *ctx = &running[ev->thread];

		if (ev->g != *ctx)
			fail_msg("wrong context: %s", e->line[i]);
		switch (ev->id) {
		case GTRACE_GO_NEW:
			assert_int_equal(state[g], UNBORN);
			state[g] = RUNNABLE;
			break;
		case GTRACE_GO_START:
			if (state[g] != RUNNABLE)
				fail_msg("illegal: %s", e->line[i]);
			state[g] = RUNNING;
			*ctx = g;
			break;
		case GTRACE_GO_WAKE:
		case GTRACE_GO_WAKE_BY:
			if (state[g] != WAITING)
				fail_msg("illegal: %s", e->line[i]);
			state[g] = RUNNABLE;
			break;
		case GTRACE_GO_PARK:
		case GTRACE_GO_YIELD:
			assert_int_equal(state[*ctx], RUNNING);
			state[*ctx] = ev->id == GTRACE_GO_PARK ? WAITING : RUNNABLE;
			*ctx = 0;
			break;
		default:
			break;
		}
	}
}

static void run(uint64_t seed, int64_t skew, uint64_t *inversions)
{
	struct model m = {.seed = seed};
	const char *path = temp_path("order.gtrace");

	for (int t = 1; t <= THREADS; t++)
		m.skew[t] = skew ? (int64_t)roll(&m, (uint64_t)skew) - skew / 2 : 0;
	model_run(&m);
	assemble(path, m.text);
	struct events e = events_read(path);

	assert_int_equal(e.result, 0);
	assert_int_equal(e.info.broken, 0);
	replay(&e);
	*inversions += e.info.inversions;
	events_free(&e);
	free(m.text);
}

static void exact_clocks(void **state)
{
	uint64_t inversions = 0;

	(void)state;
	for (uint64_t seed = 1; seed <= 20; seed++)
		run(seed, 0, &inversions);
	assert_int_equal(inversions, 0);
}

static void skewed_clocks(void **state)
{
	uint64_t inversions = 0;

	(void)state;
	for (uint64_t seed = 1; seed <= 40; seed++)
		run(seed, SKEW_NS, &inversions);
	assert_true(inversions > 0);
}

/** Thread 2 is 10 ms ahead: what it wakes starts, by the clocks, before that. */
static void one_thread_ahead(void **state)
{
	const char *path = temp_path("ahead.gtrace");

	(void)state;
	assemble(path, "0        t1 GO_NEW g=1\n"
	               "10       t1 GO_START g=1 seq=1\n"
	               "20       t1 GO_NEW g=2\n"
	               "30       t1 GO_PARK reason='chan receive'\n"
	               "10000040 t2 GO_START g=2 seq=1\n"
	               "10000050 t2 g2 GO_WAKE g=1 seq=2\n"
	               "60       t1 GO_START g=1 seq=3\n"
	               "70       t1 GO_END\n"
	               "end exit 0\n");
	struct events e = events_read(path);

	assert_int_equal(e.info.inversions, 1);
	assert_int_equal(e.info.broken, 0);
	assert_string_equal(e.line[e.count - 3], "10000050 t2 g2 GO_WAKE g=1 seq=2");
	assert_string_equal(e.line[e.count - 2], "60 t1 GO_START g=1 seq=3");
	events_free(&e);
}

/** "park h, start g" needs a wake that is behind the wake of h: only in parts is there an order. */
static void compound_in_parts(void **state)
{
	const char *path = temp_path("parts.gtrace");

	(void)state;
	assemble(path, "0  t1 GO_NEW g=1\n"
	               "1  t1 GO_NEW g=2\n"
	               "2  t1 GO_NEW g=3\n"
	               "3  t1 GO_START g=2 seq=1\n"
	               "4  t1 GO_PARK reason=select\n"
	               "5  t1 GO_START g=1 seq=1\n"
	               "6  t2 GO_START g=3 seq=1\n"
	               "10 t2 GO_WAKE g=1 seq=2\n"
	               "11 t2 GO_WAKE g=2 seq=2\n"
	               "12 t1 GO_SWITCH reason=select g=2 seq=3\n"
	               "13 t1 THREAD_END\n"
	               "14 t2 THREAD_END\n"
	               "end exit 0\n");
	struct events e = events_read(path);

	assert_int_equal(e.info.broken, 0);
	assert_int_equal(e.info.inversions, 1);
	assert_int_equal(events_count(&e, GTRACE_GO_START), 4);
	events_free(&e);
}

/** No order fits: reading goes on, and says how often. */
static void no_order(void **state)
{
	const char *path = temp_path("broken.gtrace");

	(void)state;
	assemble(path, "0 t1 GO_NEW g=1\n"
	               "1 t1 GO_START g=1 seq=7\n"
	               "2 t1 GO_PARK reason=select\n"
	               "3 t2 GO_START g=9 seq=1\n"
	               "4 t2 GO_END\n"
	               "5 t1 THREAD_END\n"
	               "6 t2 THREAD_END\n"
	               "end exit 0\n");
	struct events e = events_read(path);

	assert_int_equal(e.result, 0);
	assert_int_equal(e.info.broken, 2);
	assert_int_equal(e.count, 9);
	events_free(&e);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(exact_clocks),     cmocka_unit_test(skewed_clocks),
		cmocka_unit_test(one_thread_ahead), cmocka_unit_test(compound_in_parts),
		cmocka_unit_test(no_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/** runs.c: intervals come out of load/runs.c in order, each key once, as they were put. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "load/runs.h"

enum { MANY = 600000, GOROUTINES = 1000, EACH = MANY / GOROUTINES };

static uint64_t draw(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed;
}

/** All but its key and kind follow from these: sizes of every kind, bounds among them. */
static struct interval make(uint64_t g, uint32_t n, uint8_t kind)
{
	uint64_t seed = g * EACH + n + 1;
	struct interval row = {.g = g, .n = n, .state = kind};

	row.from_ns = (int64_t)(draw(&seed) >> 1 >> draw(&seed) % 64);
	row.to_ns = draw(&seed) % 50 ? row.from_ns / 2 + INT64_MAX / 2 : -1;
	row.object = draw(&seed) >> draw(&seed) % 64;
	row.site = draw(&seed) >> draw(&seed) % 64;
	row.thread = draw(&seed) % 3;
	row.woken_by = draw(&seed) % 7 ? draw(&seed) >> 32 : UINT64_MAX;
	row.wake_object = draw(&seed) % 200;
	row.reason = (uint8_t)draw(&seed);
	row.flags = (uint8_t)draw(&seed);
	row.waker = (uint8_t)draw(&seed);
	return row;
}

static void same(const struct interval *a, const struct interval *b)
{
	assert_int_equal(a->g, b->g);
	assert_int_equal(a->n, b->n);
	assert_int_equal(a->from_ns, b->from_ns);
	assert_int_equal(a->to_ns, b->to_ns);
	assert_int_equal(a->object, b->object);
	assert_int_equal(a->site, b->site);
	assert_int_equal(a->thread, b->thread);
	assert_int_equal(a->woken_by, b->woken_by);
	assert_int_equal(a->wake_object, b->wake_object);
	assert_int_equal(a->state, b->state);
	assert_int_equal(a->reason, b->reason);
	assert_int_equal(a->flags, b->flags);
	assert_int_equal(a->waker, b->waker);
}

/** A goroutine of any size. */
static uint64_t goroutine(size_t i)
{
	return i < 900 ? i : i == 999 ? UINT64_MAX : (uint64_t)i << (i % 50);
}

static int by_number(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

/** Put `each` intervals of every goroutine, at random among them, and take them out. */
static void there_and_back(uint32_t each)
{
	static uint64_t g[GOROUTINES];
	static uint32_t next[GOROUTINES];
	struct runs r;
	uint64_t seed = 7;

	runs_init(&r);
	memset(next, 0, sizeof next);
	for (size_t i = 0; i < GOROUTINES; i++)
		g[i] = goroutine(i);
	for (size_t left = (size_t)GOROUTINES * each; left > 0;) {
		size_t i = draw(&seed) % GOROUTINES;
		if (next[i] == each)
			continue;
		struct interval row = make(g[i], next[i]++, 1);
		assert_int_equal(runs_put(&r, &row), 0);
		left--;
	}
	qsort(g, GOROUTINES, sizeof g[0], by_number);
	assert_int_equal(runs_begin(&r), 0);
	for (size_t i = 0; i < GOROUTINES; i++) {
		for (uint32_t n = 0; n < each; n++) {
			const struct interval *row = runs_next(&r);
			struct interval want = make(g[i], n, 1);
			assert_non_null(row);
			same(row, &want);
		}
	}
	assert_null(runs_next(&r));
	assert_null(runs_next(&r));
	assert_int_equal(r.err, 0);
	runs_release(&r);
}

/** One run, which stays in memory. */
static void few(void **state)
{
	(void)state;
	there_and_back(3);
}

/** Several, which are merged from a file. */
static void many(void **state)
{
	(void)state;
	there_and_back(EACH);
}

/** None at all. */
static void none(void **state)
{
	struct runs r;

	(void)state;
	runs_init(&r);
	assert_int_equal(runs_begin(&r), 0);
	assert_null(runs_next(&r));
	runs_release(&r);
}

/** A goroutine that is there again with its numbers from 0: what was put first stays. */
static void twice(uint32_t each)
{
	struct runs r;

	runs_init(&r);
	for (uint8_t kind = 1; kind <= 3; kind++) {
		for (uint64_t g = 1; g <= GOROUTINES; g++) {
			for (uint32_t n = 0; n < each + kind; n++) {
				struct interval row = make(g, n, kind);
				assert_int_equal(runs_put(&r, &row), 0);
			}
		}
	}
	assert_int_equal(runs_begin(&r), 0);
	for (uint64_t g = 1; g <= GOROUTINES; g++) {
		for (uint32_t n = 0; n < each + 3; n++) {
			struct interval want = make(g, n, n < each + 1 ? 1 : n < each + 2 ? 2 : 3);
			const struct interval *row = runs_next(&r);
			assert_non_null(row);
			same(row, &want);
		}
	}
	assert_null(runs_next(&r));
	runs_release(&r);
}

static void few_twice(void **state)
{
	(void)state;
	twice(5);
}

static void many_twice(void **state)
{
	(void)state;
	twice(EACH / 3);
}

/** No file can be made: an error, and nothing after it. */
static void no_file(void **state)
{
	struct runs r;
	int err = 0;

	(void)state;
	runs_init(&r);
	setenv("TMPDIR", "/nonexistent", 1);
	for (uint32_t n = 0; n < MANY && !err; n++) {
		struct interval row = make(1, n, 1);
		err = runs_put(&r, &row);
	}
	unsetenv("TMPDIR");
	assert_true(err < 0);
	assert_int_equal(runs_begin(&r), err);
	assert_null(runs_next(&r));
	runs_release(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(none),      cmocka_unit_test(few),        cmocka_unit_test(many),
		cmocka_unit_test(few_twice), cmocka_unit_test(many_twice), cmocka_unit_test(no_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

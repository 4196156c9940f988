/* SPDX-License-Identifier: MIT */
/** spread.c: quantiles err by a class at most, and the longest time not at all. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "plot/spread.h"

static void quantiles(void **state)
{
	(void)state;
	struct spread *s = calloc(1, sizeof *s);

	for (int64_t i = 1; i <= 100000; i++)
		spread_add(s, i * 10);
	double p50 = spread_at(s, 500), p99 = spread_at(s, 990);

	assert_true(p50 > 0.95 * 500000 && p50 < 1.05 * 500000);
	assert_true(p99 > 0.95 * 990000 && p99 < 1.05 * 990000);
	assert_true(spread_at(s, 1000) <= 1000000);
	assert_int_equal(s->max_ns, 1000000);
	assert_int_equal(s->total, 100000);
	free(s);
}

static void odd_times(void **state)
{
	(void)state;
	struct spread *s = calloc(1, sizeof *s);

	assert_true(spread_at(s, 500) == 0);
	spread_add(s, 0);
	spread_add(s, -7);
	assert_true(spread_at(s, 500) <= 1);
	spread_add(s, INT64_MAX);
	assert_true(spread_at(s, 1000) > 8e18);
	for (size_t i = 1; i < 500; i++) { // a class begins where it begins
		assert_int_equal(spread_class((int64_t)(spread_ns(8 * (i / 8)) + 0.5)), 8 * (i / 8));
		assert_true(spread_ns(i) > spread_ns(i - 1));
	}
	free(s);
}

/** Every class is within a rounding of where the logarithm says. */
static void classes(void **state)
{
	(void)state;
	for (int64_t ns = 1; ns < 100000; ns++)
		assert_int_equal(spread_class(ns), (size_t)(log2((double)ns) * SPREAD_OCTAVE));
	for (size_t i = 8 * SPREAD_OCTAVE; i < 48 * SPREAD_OCTAVE; i++) {
		int64_t begin = (int64_t)ceil(spread_ns(i));

		assert_int_equal(spread_class(begin), i);
		assert_int_equal(spread_class(begin - 1), i - 1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(quantiles),
		cmocka_unit_test(odd_times),
		cmocka_unit_test(classes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

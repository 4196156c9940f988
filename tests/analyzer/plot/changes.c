/* SPDX-License-Identifier: MIT */
/** changes.c: changes come out in order of time, all of them, also when they do not fit into
 * memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "plot/changes.h"

/** The same numbers every time. */
static uint64_t random_next(uint64_t *x)
{
	*x ^= *x << 13;
	*x ^= *x >> 7;
	*x ^= *x << 17;
	return *x;
}

static void in_order(int64_t count, int64_t span_ns)
{
	struct changes *c = changes_new();
	uint64_t x = 88172645463325252, sum = 0, weight = 0;

	for (int64_t i = 0; i < count; i++) {
		int64_t ns = (int64_t)(random_next(&x) % (uint64_t)span_ns);

		sum += (uint64_t)ns * (uint64_t)(i % 7 + 1);
		weight += (uint64_t)(i % 7 + 1);
		assert_int_equal(changes_add(c, ns, (uint32_t)(i % 7), -(int32_t)(i % 7)), 0);
	}
	for (int again = 0; again < 2; again++) {
		struct change change;
		uint64_t got_sum = 0, got_weight = 0;
		int64_t got = 0, last = 0;

		assert_int_equal(changes_sort(c), 0);
		for (; changes_next(c, &change) == 1; got++) {
			assert_true(change.ns >= last);
			last = change.ns;
			assert_int_equal(change.step, -(int32_t)change.what);
			got_sum += (uint64_t)change.ns * (change.what + 1);
			got_weight += change.what + 1;
		}
		assert_int_equal(got, count);
		assert_true(got_sum == sum && got_weight == weight);
	}
	changes_free(c);
}

static void few(void **state)
{
	(void)state;
	in_order(0, 1);
	in_order(1, 1);
	in_order(5000, 3);
	in_order(5000, INT64_MAX);
}

/** Two runs in the file and a part of a third. */
static void many(void **state)
{
	(void)state;
	in_order((INT64_C(2) << 21) + 12345, INT64_C(3600000000000));
}

/** A whole number of runs. */
static void even(void **state)
{
	(void)state;
	in_order(INT64_C(2) << 21, 1000000);
}

static void stretches(void **state)
{
	(void)state;
	struct changes *c = changes_new();
	struct change change;

	assert_int_equal(changes_add_stretch(c, 20, 30, 1), 0);
	assert_int_equal(changes_add_stretch(c, -5, -1, 2), 0);
	assert_int_equal(changes_sort(c), 0);
	assert_int_equal(changes_next(c, &change), 1);
	assert_true(change.ns == 0 && change.what == 2 && change.step == 1);
	assert_int_equal(changes_next(c, &change), 1);
	assert_true(change.ns == 20 && change.what == 1 && change.step == 1);
	assert_int_equal(changes_next(c, &change), 1);
	assert_true(change.ns == 30 && change.what == 1 && change.step == -1);
	assert_int_equal(changes_next(c, &change), 0);
	changes_free(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(few),
		cmocka_unit_test(many),
		cmocka_unit_test(even),
		cmocka_unit_test(stretches),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/** series.c: a reduced series has the picture of the full one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "plot/series.h"

enum { COLUMNS = 64 };

/** The lowest and highest count in each column, and the count after it. */
struct shape {
	int64_t low[COLUMNS], high[COLUMNS], last[COLUMNS];
	bool used[COLUMNS];
};

struct drawing {
	struct shape shape;
	int64_t end_ns;
	size_t columns;
	struct series_point at;
	size_t points;
};

static size_t column_of(int64_t ns, int64_t end_ns, size_t columns)
{
	size_t i = (size_t)((double)ns / (double)end_ns * (double)columns);

	return i < columns ? i : columns - 1;
}

static void shape_add(struct shape *s, size_t i, int64_t value)
{
	if (!s->used[i] || value < s->low[i])
		s->low[i] = value;
	if (!s->used[i] || value > s->high[i])
		s->high[i] = value;
	s->last[i] = value;
	s->used[i] = true;
}

static void drawing_point(void *arg, struct series_point p)
{
	struct drawing *d = arg;

	assert_true(p.ns >= d->at.ns);
	shape_add(&d->shape, column_of(p.ns, d->end_ns, d->columns), p.value);
	d->at = p;
	d->points++;
}

/** What full and drawn show in each column where anything happens has to agree. */
static void shapes_agree(const struct shape *full, const struct shape *drawn, size_t columns)
{
	for (size_t i = 0; i < columns; i++) {
		if (!full->used[i])
			continue;
		assert_true(drawn->used[i]);
		assert_int_equal(full->low[i], drawn->low[i]);
		assert_int_equal(full->high[i], drawn->high[i]);
		assert_int_equal(full->last[i], drawn->last[i]);
	}
}

/** Random counts; columns on the way are merged from COLUMNS down to 1. */
static void one_property(unsigned seed, size_t changes, int64_t end_ns)
{
	struct series *s = series_new(end_ns, COLUMNS);
	struct series_point *all = calloc(changes + 1, sizeof *all);
	int64_t value = 0;

	srand(seed);
	for (size_t i = 0; i < changes; i++) {
		int64_t step = (int64_t)((double)end_ns * 2 / (double)changes * rand() / RAND_MAX);
		int64_t ns = (i ? all[i - 1].ns : 0) + step;

		value += rand() % 7 - 3;
		value = value < 0 ? 0 : value;
		all[i] = (struct series_point){.ns = ns > end_ns ? end_ns : ns, .value = value};
		series_add(s, all[i].ns, value);
	}
	for (size_t columns = COLUMNS; columns; columns /= 2) {
		struct drawing d = {.end_ns = end_ns, .columns = columns};
		struct shape full = {0};
		int64_t before = 0;
		size_t first = 0;

		while (first < changes && !all[first].ns)
			before = all[first++].value;
		shape_add(&full, 0, before);
		for (size_t i = first; i < changes; i++) {
			size_t column = column_of(all[i].ns, end_ns, columns);

			if (all[i].value == before)
				continue;
			shape_add(&full, column, before);
			shape_add(&full, column, all[i].value);
			before = all[i].value;
		}
		series_draw(s, SERIES_LINE, drawing_point, &d);
		shapes_agree(&full, &d.shape, columns);
		assert_int_equal(d.points, series_drawn(s, SERIES_LINE));
		assert_true(d.points <= columns * 5 + 2);
		assert_int_equal(d.at.ns, end_ns);
		assert_int_equal(d.at.value, series_last(s));
		assert_int_equal(series_coarsen(s), columns > 1);
	}
	free(all);
	series_free(s);
}

static void same_picture(void **state)
{
	(void)state;
	for (unsigned seed = 1; seed <= 200; seed++) {
		one_property(seed, 1 + seed % 40, 1000000);
		one_property(seed, 5000, 1000000000);
		one_property(seed, 30, 17);
	}
}

/** A million changes cost no more memory or points than a few thousand do. */
static void a_million(void **state)
{
	(void)state;
	struct series *s = series_new(1000000, 1024);

	for (int64_t i = 0; i < 1000000; i++)
		series_add(s, i, i % 17);
	assert_true(series_drawn(s, SERIES_LINE) <= 1024 * 5 + 2);
	assert_int_equal(series_peak(s), 16);
	series_free(s);
}

struct points {
	struct series_point p[16];
	size_t n;
};

static void points_add(void *arg, struct series_point p)
{
	struct points *all = arg;

	assert_true(all->n < 16);
	all->p[all->n++] = p;
}

/** Few changes are drawn as steps: the old count up to the change, then the new. */
static void steps(void **state)
{
	(void)state;
	static const struct series_point want[] = {{0, 0},   {300, 0}, {300, 5},
	                                           {600, 5}, {600, 2}, {1000, 2}};
	struct series *s = series_new(1000, 16);
	struct points got = {.n = 0};

	series_add(s, 300, 5);
	series_add(s, 300, 5);
	series_add(s, 600, 2);
	series_draw(s, SERIES_LINE, points_add, &got);
	assert_int_equal(got.n, sizeof want / sizeof want[0]);
	for (size_t i = 0; i < got.n; i++) {
		assert_int_equal(got.p[i].ns, want[i].ns);
		assert_int_equal(got.p[i].value, want[i].value);
	}
	series_free(s);
}

/** What was there before is no step. */
static void begins_high(void **state)
{
	(void)state;
	static const struct series_point line[] = {{0, 4}, {600, 4}, {600, 5}, {1000, 5}};
	static const struct series_point top[] = {{0, 0},   {0, 4},    {500, 4},
	                                          {500, 5}, {1000, 5}, {1000, 0}};
	struct series *s = series_new(1000, 4);
	struct points got = {.n = 0};

	for (int64_t i = 1; i <= 4; i++)
		series_add(s, 0, i);
	assert_int_equal(series_at(s, 100), 4);
	series_add(s, 600, 5);
	series_draw(s, SERIES_LINE, points_add, &got);
	assert_int_equal(got.n, sizeof line / sizeof line[0]);
	assert_memory_equal(got.p, line, sizeof line);
	got.n = 0;
	series_draw(s, SERIES_TOP, points_add, &got);
	assert_int_equal(got.n, sizeof top / sizeof top[0]);
	assert_memory_equal(got.p, top, sizeof top);
	series_free(s);
}

/** An area is as high, all over a column, as the count was anywhere in it; and no higher. */
static void tops(void **state)
{
	(void)state;
	static const struct series_point want[] = {{0, 0},   {250, 0}, {250, 9},  {500, 9}, {500, 2},
	                                           {750, 2}, {750, 3}, {1000, 3}, {1000, 0}};
	struct series *s = series_new(1000, 4);
	struct points got = {.n = 0};

	series_add(s, 300, 5);
	series_add(s, 310, 9);
	series_add(s, 490, 2);
	series_add(s, 600, 1);
	series_add(s, 610, 2);
	series_add(s, 800, 3);
	series_add(s, 810, 0);
	series_draw(s, SERIES_TOP, points_add, &got);
	assert_int_equal(got.n, sizeof want / sizeof want[0]);
	assert_memory_equal(got.p, want, sizeof want);
	assert_int_equal(series_at(s, 0), 0);
	assert_int_equal(series_at(s, 300), 2);
	assert_int_equal(series_at(s, 700), 2);
	assert_int_equal(series_at(s, 1000), 0);
	series_free(s);
}

/** Times from before, or after the end, are moved in; they never run backwards. */
static void odd_times(void **state)
{
	(void)state;
	struct series *s = series_new(0, 8);
	struct drawing d = {.end_ns = 1, .columns = 8};

	series_add(s, -5, 1);
	series_add(s, INT64_MAX, 2);
	series_add(s, 0, 3);
	series_draw(s, SERIES_LINE, drawing_point, &d);
	assert_int_equal(d.at.value, 3);
	series_free(s);
}

/** A column ends where the first moment of the next one is. */
static void column_ends(void **state)
{
	static const int64_t ends[] = {1,        7, 679, 680, 681, 1000003, INT64_C(86400000000000),
	                               INT64_MAX};

	(void)state;
	for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
		struct series *s = series_new(ends[i], 680);
		size_t columns = 0;

		for (int64_t ns = 0; ns != INT64_MAX; columns++) {
			int64_t end = series_end(s, ns);

			assert_true(end > ns);
			assert_int_equal(series_end(s, end - 1), end);
			ns = end;
		}
		assert_true(columns <= 680 && (ends[i] < 680 || columns == 680));
		series_free(s);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(same_picture), cmocka_unit_test(a_million), cmocka_unit_test(steps),
		cmocka_unit_test(begins_high),  cmocka_unit_test(tops),      cmocka_unit_test(odd_times),
		cmocka_unit_test(column_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/**
 * changes.c: changes come out in order of time, those of one time as they were put in; also when
 * they do not fit into memory, or are a burst.  A full disk and no memory are errors.
 */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include <cmocka.h>

#include "plot/changes.h"

enum {
	SORTED = 1 << 18,   // more in a cell are spread
	FILED = 2048 * 511, // more go to the file
};

void *__real_malloc(size_t bytes);
void *__real_calloc(size_t n, size_t bytes);
void *__wrap_malloc(size_t bytes);
void *__wrap_calloc(size_t n, size_t bytes);

static size_t until_fail; // allocations; 0: none fails

static bool fails(void)
{
	return until_fail && --until_fail == 0;
}

void *__wrap_malloc(size_t bytes)
{
	return fails() ? NULL : __real_malloc(bytes);
}

void *__wrap_calloc(size_t n, size_t bytes)
{
	return fails() ? NULL : __real_calloc(n, bytes);
}

/** The same numbers every time. */
static uint64_t random_next(uint64_t *x)
{
	*x ^= *x << 13;
	*x ^= *x >> 7;
	*x ^= *x << 17;
	return *x;
}

/** What was put in, and its place among the others. */
struct known {
	struct change change;
	size_t n;
};

struct both {
	struct changes *changes;
	struct known *known;
	size_t count, size;
	uint64_t seed;
};

static void both_open(struct both *b)
{
	*b = (struct both){.changes = changes_new(), .seed = 88172645463325252};
	assert_non_null(b->changes);
}

static void both_put(struct both *b, int64_t ns)
{
	uint64_t any = random_next(&b->seed);
	struct change v = {ns, (uint32_t)(any % 120), any >> 20 & 1 ? 1 : -1};

	if (any >> 30 & 1) { // one that takes two words
		v.what = (uint32_t)(any >> 32);
		v.step = (int32_t)(any >> 8);
	}
	if (b->count == b->size) {
		b->size = b->size ? b->size * 2 : 64;
		b->known = realloc(b->known, b->size * sizeof *b->known);
	}
	b->known[b->count] = (struct known){v, b->count};
	b->count++;
	assert_int_equal(changes_add(b->changes, v.ns, v.what, v.step), 0);
}

static int known_compare(const void *x, const void *y)
{
	const struct known *a = x, *b = y;

	if (a->change.ns != b->change.ns)
		return a->change.ns < b->change.ns ? -1 : 1;
	return a->n < b->n ? -1 : 1;
}

/** They come out as a plain sort has them; and once more. */
static void both_close(struct both *b)
{
	if (b->count)
		qsort(b->known, b->count, sizeof *b->known, known_compare);
	for (int again = 0; again < 3; again++) {
		struct change got;

		assert_int_equal(changes_sort(b->changes), 0);
		for (size_t i = 0; i < b->count; i++) {
			const struct change *want = &b->known[i].change;

			if (again == 1 && i > b->count / 2)
				break; // begun anew in the middle
			assert_int_equal(changes_next(b->changes, &got), 1);
			if (got.ns != want->ns || got.what != want->what || got.step != want->step)
				fail_msg("number %zu of %zu is wrong", i, b->count);
		}
		if (again != 1) {
			assert_int_equal(changes_next(b->changes, &got), 0);
			assert_int_equal(changes_next(b->changes, &got), 0);
		}
	}
	changes_free(b->changes);
	free(b->known);
}

/** So many at any time in a span. */
static void both_spread(struct both *b, size_t count, int64_t from_ns, uint64_t span_ns)
{
	for (size_t i = 0; i < count; i++)
		both_put(b, from_ns + (int64_t)(random_next(&b->seed) % span_ns));
}

static void few(void **state)
{
	static const struct {
		size_t count;
		uint64_t span_ns;
	} rows[] = {{0, 1}, {1, 1}, {40, 1000}, {5000, 3}, {5000, 130}, {5000, INT64_MAX}};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct both b;

		both_open(&b);
		both_spread(&b, rows[i].count, 0, rows[i].span_ns);
		both_close(&b);
	}
}

/** Times of every size, and the ends of what a time can be. */
static void every_size(void **state)
{
	struct both b;

	(void)state;
	both_open(&b);
	for (int bit = 0; bit < 63; bit++) {
		both_put(&b, INT64_MAX - bit);
		for (int64_t k = -2; k <= 2; k++)
			both_put(&b, (INT64_C(1) << bit) + k < 0 ? 0 : (INT64_C(1) << bit) + k);
	}
	for (int i = 0; i < 50000; i++)
		both_put(&b, (int64_t)(random_next(&b.seed) >> 1 >> random_next(&b.seed) % 63));
	both_close(&b);
}

static void to_the_file(void **state)
{
	struct both b;

	(void)state;
	both_open(&b);
	both_spread(&b, FILED + FILED / 4, 0, UINT64_C(3600000000000));
	both_close(&b);
}

/** Bursts: of a millisecond in an hour, of a few moments in a year, of a single one. */
static void bursts(void **state)
{
	struct both b;

	(void)state;
	both_open(&b);
	both_spread(&b, 1000, 0, UINT64_C(3600000000000));
	both_spread(&b, SORTED + 20000, 1800000000000, 1000000);
	both_spread(&b, 1000, 0, UINT64_C(3600000000000));
	both_close(&b);
	both_open(&b);
	both_spread(&b, SORTED / 2, 31536000000000000, 3);
	both_spread(&b, 100, 0, 31536000000000000);
	both_spread(&b, SORTED / 2 + 1000, 31536000000000000, 3);
	both_close(&b);
	both_open(&b);
	both_spread(&b, 2 * SORTED, 77, 1);
	both_spread(&b, 10, 0, 1000);
	both_spread(&b, SORTED + 1, 123456789, 1);
	both_close(&b);
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

/** All in one moment, or nearly: changes of a number that is more than fits into memory. */
static int fill(struct changes *c, size_t count, int64_t span_ns)
{
	int err = c ? 0 : -ENOMEM;

	for (size_t i = 0; i < count && !err; i++)
		err = changes_add(c, 1000000 + (int64_t)i % span_ns, 1, 1);
	return err;
}

static int drain(struct changes *c)
{
	struct change change;
	int err = changes_sort(c);

	while (!err && (err = changes_next(c, &change)) == 1)
		err = 0;
	return err;
}

/** A limit on the size of files stands for the full disk. */
static void full_disk(void **state)
{
	struct rlimit before, limit;
	struct changes *c;

	(void)state;
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	limit = before;
	limit.rlim_cur = 25 << 12; // whole chunks
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
	c = changes_new();
	assert_int_equal(fill(c, 2 * FILED, 1000), -EFBIG);
	changes_free(c);
	c = changes_new();
	assert_int_equal(fill(c, FILED - 600, 1000), 0); // what is spread does not fit any more
	assert_int_equal(drain(c), -EFBIG);
	changes_free(c);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
}

/** One allocation after the other fails, until none does. */
static void no_memory(void **state)
{
	int err = -ENOMEM, failed = 0;

	(void)state;
	for (size_t n = 1; err; n += 1 + n / 8) {
		until_fail = n;
		struct changes *c = changes_new();

		err = fill(c, SORTED + 1000, 1000);
		if (!err)
			err = drain(c);
		until_fail = 0;
		changes_free(c);
		assert_true(err == 0 || err == -ENOMEM);
		failed += err != 0;
	}
	assert_true(failed > 20);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(few),       cmocka_unit_test(every_size), cmocka_unit_test(to_the_file),
		cmocka_unit_test(bursts),    cmocka_unit_test(stretches),  cmocka_unit_test(full_disk),
		cmocka_unit_test(no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

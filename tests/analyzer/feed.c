/* SPDX-License-Identifier: MIT */
/** feed.c: events that were read ahead are those that the reader hands out, whenever it ends. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <gtrace.h>

#include "load/feed.h"

enum { ROUNDS = 8000, EVENTS = 3 * ROUNDS, TEXT_MAX = 4096 };

static const char path[] = "feed.gtrace";

/* Texts of all lengths, and sites of two kinds. */
static int trace_make(void **state)
{
	static const int lengths[] = {0, 3, 40, 700, TEXT_MAX};
	struct gtrace_error err;
	char *text, *x = malloc(TEXT_MAX);
	size_t len;
	FILE *f = open_memstream(&text, &len);

	(void)state;
	memset(x, 'x', TEXT_MAX);
	fprintf(f, "header program=./feed pid=1 maxprocs=1 level=sync\n"
	           "100 t1 GO_NEW g=1 site=a.c:1:main:go:app\n200 t1 GO_START g=1\n");
	for (int i = 0; i < ROUNDS; i++) {
		fprintf(f, "%d t1 MARK category=c%d text='%.*s'\n", 1000 + i * 30, i % 7,
		        i % 100 ? i % 9 : lengths[i / 100 % 5], x);
		fprintf(f, "%d t1 ATTEMPTS site=a.c:%d:main:%s:c count=%d\n", 1010 + i * 30, i % 50 + 2,
		        i % 2 ? "'chan receive'" : "yield", i);
		fprintf(f, "%d t2 OBJ_NEW obj=%d type=chan site=b.c:%d:main:'chan make':c cap=0\n",
		        1020 + i * 30, i + 1, i % 50);
	}
	fclose(f);
	int code = gtrace_text_assemble(text, len, path, &err);

	if (code < 0)
		print_error("%s\n", err.text);
	free(text);
	free(x);
	return code;
}

static int trace_remove(void **state)
{
	(void)state;
	return unlink(path);
}

static struct gtrace_reader *reader_open(void)
{
	struct gtrace_reader *r;
	struct gtrace_error err;

	assert_int_equal(gtrace_reader_open(&r, path, &err), 0);
	return r;
}

static void same_event(const struct gtrace_event *a, const struct gtrace_event *b)
{
	assert_int_equal(a->id, b->id);
	assert_int_equal(a->nargs, b->nargs);
	assert_int_equal(a->thread, b->thread);
	assert_int_equal(a->g, b->g);
	assert_int_equal(a->time_ns, b->time_ns);
	assert_int_equal(a->offset, b->offset);
	assert_string_equal(a->desc->name, b->desc->name);
	for (unsigned i = 0; i < a->nargs; i++) {
		assert_int_equal(a->arg[i], b->arg[i]);
		if (strcmp(a->desc->kind[i], "bytes") == 0)
			assert_memory_equal(a->bytes[i], b->bytes[i], a->arg[i]);
	}
}

/* Take events, as many as there are, but tell it to stop after so many.  Returns: how many. */
static uint64_t take(struct feed *f, uint64_t stop_after)
{
	struct gtrace_reader *beside = reader_open();
	const struct feed_event *e;
	struct gtrace_error err;
	struct gtrace_event ev;
	uint64_t n = 0;
	int got;

	while ((got = feed_next(f, &e, &err)) > 0) {
		assert_int_equal(gtrace_reader_next(beside, &ev, &err), 1);
		same_event(&e->ev, &ev);
		if (ev.id == GTRACE_ATTEMPTS)
			assert_int_equal(e->site_op, gtrace_reader_site(beside, ev.arg[0])->op);
		if (++n == stop_after)
			feed_stop(f);
	}
	assert_int_equal(got, 0);
	gtrace_reader_close(beside);
	return n;
}

/* Returns: how it ended. */
static enum feed_end feed_all(uint64_t events_max, uint64_t stop_after, uint64_t *taken)
{
	struct gtrace_reader *r = reader_open();
	struct feed f;

	feed_open(&f, r, events_max);
	*taken = take(&f, stop_after);
	feed_close(&f);
	assert_int_equal(f.events, *taken);
	assert_int_equal(gtrace_reader_info(r)->events, *taken);
	gtrace_reader_close(r);
	return f.end;
}

static void test_all(void **state)
{
	uint64_t n;

	(void)state;
	assert_int_equal(feed_all(0, 0, &n), FEED_ALL);
	assert_true(n > EVENTS);
}

static void test_cut(void **state)
{
	static const uint64_t max[] = {1, 4095, 4096, 4097, 5000, EVENTS};

	(void)state;
	for (size_t i = 0; i < sizeof max / sizeof max[0]; i++) {
		uint64_t n;
		assert_int_equal(feed_all(max[i], 0, &n), FEED_CUT);
		assert_int_equal(n, max[i]);
	}
}

static void test_stop(void **state)
{
	static const uint64_t after[] = {1, 4096, 4097, 6000};

	(void)state;
	for (size_t i = 0; i < sizeof after / sizeof after[0]; i++) {
		uint64_t n;
		assert_int_equal(feed_all(0, after[i], &n), FEED_STOPPED);
		assert_in_range(n, after[i], EVENTS);
	}
}

/* Whoever fills batches has to notice that nobody takes them. */
static void test_close(void **state)
{
	static const uint64_t after[] = {0, 1, 4097, 4500};

	(void)state;
	for (size_t i = 0; i < sizeof after / sizeof after[0]; i++) {
		struct gtrace_reader *r = reader_open();
		const struct feed_event *e;
		struct gtrace_error err;
		struct feed f;

		feed_open(&f, r, 0);
		for (uint64_t n = 0; n < after[i]; n++)
			assert_int_equal(feed_next(&f, &e, &err), 1);
		feed_close(&f);
		gtrace_reader_close(r);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_stop),
		cmocka_unit_test(test_close),
	};

	return cmocka_run_group_tests(tests, trace_make, trace_remove);
}

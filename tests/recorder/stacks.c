/* SPDX-License-Identifier: MIT */
/** stacks.c: stacks by number: each event has its own, whatever the table of them forgot. */
#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STACKS 1500 // more than are remembered
#define EVENTS 60000

/** The program counters of one of the stacks; returns how many. */
static unsigned stack_make(uint64_t which, uint64_t *pcs)
{
	uint64_t seed = which + 1;
	unsigned n = 1 + (unsigned)(random_next(&seed) % 20);

	for (unsigned i = 0; i < n; i++)
		pcs[i] = 0x400000 + random_next(&seed) % (UINT64_C(1) << 40);
	return n;
}

static void stack_text(uint64_t which, char *text, size_t room)
{
	uint64_t pcs[32];
	unsigned n = stack_make(which, pcs);
	size_t at = 0;

	for (unsigned i = 0; i < n; i++)
		at += (size_t)snprintf(text + at, room - at, "%s0x%llx",
		                       i ? "," : "STACK pcs=", (unsigned long long)pcs[i]);
}

static void each_has_its_own(void **state)
{
	const char *path = temp_path("stacks.gtrace");
	struct gtrace_options opt = options_for(path);
	struct gtrace_rec *rec = record(&opt);
	struct gtrace_stream *s = gtrace_stream_new(rec, GTRACE_thread_kind_WORKER, 1);
	uint64_t seed = 7, pcs[32];
	char file[600];

	(void)state;
	snprintf(file, sizeof file, "%s", path);
	assert_int_equal(gtrace_rec_stack_frames(rec), opt.stack_frames);
	assert_int_equal(gtrace_stream_stack(s, pcs, 0), 0);
	for (uint64_t i = 0; i < EVENTS; i++) {
		uint64_t which = random_next(&seed) % STACKS;
		unsigned n = stack_make(which, pcs);
		uint64_t number = gtrace_stream_stack(s, pcs, n);
		assert_int_not_equal(number, 0);
		assert_int_equal(gtrace_stream_stack(s, pcs, n), number);
		GTRACE_EMIT(s, USE, which, GTRACE_op_NONE, 0);
		GTRACE_EMIT(s, STACK, number);
	}
	gtrace_stream_end(s);
	assert_int_equal(gtrace_rec_close(rec, GTRACE_END_EXIT, 0), 0);
	gtrace_rec_free(rec);

	struct events e = events_read(file);
	assert_int_equal(events_count(&e, GTRACE_STACK), EVENTS);
	for (size_t i = 1; i < e.count; i++) {
		char want[1024];
		if (e.event[i].id != GTRACE_STACK)
			continue;
		assert_int_equal(e.event[i - 1].id, GTRACE_USE);
		stack_text(e.event[i - 1].arg[0], want, sizeof want);
		assert_non_null(strstr(e.line[i], want));
	}
	events_free(&e);
}

/** Longer ones are cut, and an ended recording has none. */
static void limits(void **state)
{
	const char *path = temp_path("limits.gtrace");
	struct gtrace_options opt = options_for(path);
	struct gtrace_rec *rec = record(&opt);
	struct gtrace_stream *s = gtrace_stream_new(rec, GTRACE_thread_kind_WORKER, 1);
	uint64_t pcs[200];

	(void)state;
	for (int i = 0; i < 200; i++)
		pcs[i] = UINT64_MAX - (uint64_t)i * UINT64_C(0x123456789abcdef);
	uint64_t number = gtrace_stream_stack(s, pcs, 200);
	assert_int_equal(gtrace_stream_stack(s, pcs, 128), number);
	assert_int_not_equal(gtrace_stream_stack(s, pcs, 127), number);
	assert_int_equal(gtrace_rec_close(rec, GTRACE_END_EXIT, 0), 0);
	for (int i = 0; i < 2000; i++) // it finds out at the end of its batch
		number = gtrace_stream_stack(s, pcs + i % 100, 100);
	assert_int_equal(number, 0);
	gtrace_rec_free(rec);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_has_its_own),
		cmocka_unit_test(limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

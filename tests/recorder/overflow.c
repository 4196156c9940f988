/* SPDX-License-Identifier: MIT */
/** overflow.c: when the writer thread is behind, events wait, or whole batches go and are counted.
 */
#include "support.h"

#include <stdlib.h>
#include <string.h>

#define EVENTS 150000

/** Emit numbered events with noise, which compresses badly: the writer thread falls behind. */
static void emit_noise(struct gtrace_rec *rec)
{
	struct gtrace_stream *s = gtrace_stream_new(rec, GTRACE_thread_kind_WORKER, 1);
	uint64_t seed = 1;

	for (uint64_t i = 1; i <= EVENTS; i++)
		GTRACE_EMIT(s, BUSY, i, random_next(&seed), random_next(&seed), random_next(&seed), i);
	gtrace_stream_end(s);
}

static uint64_t end_number(const char *path, const char *key)
{
	struct gtrace_reader *r;
	struct gtrace_error err;

	assert_int_equal(gtrace_reader_open(&r, path, &err), 0);
	const char *line = strstr(gtrace_reader_info(r)->end_record, key);

	assert_non_null(line);
	uint64_t v = strtoull(strchr(line, '=') + 1, NULL, 10);

	gtrace_reader_close(r);
	return v;
}

static void blocks(void **state)
{
	const char *path = temp_path("block.gtrace");
	struct gtrace_options opt = options_for(path);

	(void)state;
	opt.zstd_level = 9;
	opt.buffer_bytes = 128 << 10;
	struct gtrace_rec *rec = record(&opt);

	emit_noise(rec);
	assert_int_equal(gtrace_rec_close(rec, GTRACE_END_EXIT, 0), 0);
	gtrace_rec_free(rec);
	struct events e = events_read(path);

	assert_int_equal(events_count(&e, GTRACE_BUSY), EVENTS);
	assert_int_equal(e.info.lost_batches, 0);
	assert_true(end_number(path, "stalls=") > 0);
	assert_true(end_number(path, "stall_ns=") > 0);
	events_free(&e);
}

static void drops(void **state)
{
	const char *path = temp_path("drop.gtrace");
	struct gtrace_options opt = options_for(path);
	uint64_t gap_batches = 0;
	uint64_t gap_events = 0;
	uint64_t last = 0;

	(void)state;
	opt.zstd_level = 9;
	opt.buffer_bytes = 128 << 10;
	opt.drop = true;
	struct gtrace_rec *rec = record(&opt);

	emit_noise(rec);
	assert_int_equal(gtrace_rec_close(rec, GTRACE_END_EXIT, 0), 0);
	gtrace_rec_free(rec);
	struct events e = events_read(path);

	for (size_t i = 0; i < e.count; i++) {
		const struct gtrace_event *ev = &e.event[i];

		if (ev->id == GTRACE_GAP) {
			gap_batches += ev->arg[1];
			gap_events += ev->arg[2];
			last += ev->arg[2]; // exactly that many numbers are missing here
		} else if (ev->id == GTRACE_BUSY) {
			// THREAD_START may be among the lost of the first gap.
			assert_in_range(ev->arg[0], last, last + 1);
			last = ev->arg[0];
		}
	}
	assert_true(gap_batches > 0);
	assert_int_equal(e.info.lost_batches, gap_batches);
	assert_int_equal(e.info.lost_events, gap_events);
	assert_int_equal(end_number(path, "lost_events="), gap_events);
	assert_int_equal(end_number(path, "lost_batches="), gap_batches);
	size_t ends = events_count(&e, GTRACE_THREAD_START) + events_count(&e, GTRACE_THREAD_END);

	assert_in_range(events_count(&e, GTRACE_BUSY) + ends + gap_events, EVENTS + 2, EVENTS + 2);
	events_free(&e);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(blocks), cmocka_unit_test(drops)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

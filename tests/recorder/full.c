/* SPDX-License-Identifier: MIT */
/**
 * full.c: no more room for the file: one line, the recording ends, the program goes on, the file is
 * good.
 *
 * A limit on the size of files stands for the full disk: a write fails in the middle, and SIGXFSZ,
 * whose default is to kill, must not reach the program.
 */
#include "support.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define EVENTS 400000

static atomic_int notes;
static char note[1024];

static void notify(const char *line)
{
	snprintf(note, sizeof(note), "%s", line);
	notes++;
}

static void limit(rlim_t bytes)
{
	struct rlimit rl;

	assert_int_equal(getrlimit(RLIMIT_FSIZE, &rl), 0);
	rl.rlim_cur = bytes;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &rl), 0);
}

static void file_limit(void **state)
{
	char path[512];
	char side[530];
	struct gtrace_options opt;
	struct gtrace_error err;
	struct gtrace_rec *rec;
	uint64_t seed = 3;

	(void)state;
	strcpy(path, temp_path("full.gtrace"));
	snprintf(side, sizeof(side), "%s.live", path);
	opt = options_for(path);
	limit(300 << 10);
	assert_int_equal(gtrace_rec_open(&rec, &opt, NULL, notify, &err), 0);
	struct gtrace_stream *s = gtrace_stream_new(rec, GTRACE_thread_kind_WORKER, 1);

	for (uint64_t i = 1; i <= EVENTS; i++)
		GTRACE_EMIT(s, BUSY, i, random_next(&seed), random_next(&seed), 0, 0);
	assert_null(gtrace_stream_new(rec, GTRACE_thread_kind_WORKER, 2));
	gtrace_stream_end(s);
	assert_int_equal(gtrace_rec_close(rec, GTRACE_END_EXIT, 0), -EFBIG);
	gtrace_rec_free(rec);
	limit(RLIM_INFINITY);
	assert_int_equal(notes, 1);
	assert_non_null(strstr(note, "full.gtrace': File too large; recording ends here"));
	assert_false(file_exists(side));
	struct events e = events_read(path);

	assert_int_equal(e.result, 0);
	assert_false(e.info.truncated);
	assert_true(e.count > 1000 && e.count < EVENTS);
	for (size_t i = 1; i < e.count; i++)
		assert_int_equal(e.event[i].arg[0], i);
	events_free(&e);
}

/** Not even room for the header, or for one slot. */
static void no_room_at_all(void **state)
{
	static const rlim_t limits[] = {0, 500, 4096, 20000};

	(void)state;
	for (size_t i = 0; i < sizeof(limits) / sizeof(*limits); i++) {
		const char *path = temp_path("none.gtrace");
		struct gtrace_options opt = options_for(path);
		struct gtrace_error err;
		struct gtrace_rec *rec;

		limit(limits[i]);
		int code = gtrace_rec_open(&rec, &opt, NULL, NULL, &err);

		if (!code) {
			assert_null(gtrace_stream_new(rec, GTRACE_thread_kind_WORKER, 1));
			gtrace_rec_close(rec, GTRACE_END_EXIT, 0);
			gtrace_rec_free(rec);
		} else {
			assert_int_equal(code, -EFBIG);
			assert_false(file_exists(path));
		}
		limit(RLIM_INFINITY);
		unlink(path);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(file_limit),
	                                   cmocka_unit_test(no_room_at_all)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/**
 * rotate.c: a recording in several files: each is a trace, and together they have everything once.
 *
 * Events are numbered in each stream, so what is missing or there twice shows.
 */
#include "rotated.h"
#include "schedule.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define THREADS 3

/* ── whole ── */

static void together_everything_once(void **state)
{
	char path[512];
	unsigned count;

	(void)state;
	strcpy(path, temp_path("all.gtrace"));
	struct gtrace_rec *rec = rotating_open(path, 1000);
	struct gtrace_stream *s = gtrace_stream_new(rec, GTRACE_thread_kind_WORKER, 1);
	struct gtrace_stream *quiet = gtrace_stream_new(rec, GTRACE_thread_kind_WORKER, 2);

	emit(quiet, 1, 1);
	emit(s, 1, MANY);
	emit(quiet, 2, 2);
	gtrace_stream_end(s);
	gtrace_stream_end(quiet);
	assert_int_equal(gtrace_rec_close(rec, GTRACE_END_EXIT, 7), 0);
	gtrace_rec_free(rec);
	struct numbers n = numbers_of(path, GTRACE_END_EXIT, &count);

	assert_int_equal(n.first[1], 1);
	assert_int_equal(n.last[1], MANY);
	assert_int_equal(n.first[2], 1);
	assert_int_equal(n.last[2], 2);
	assert_true(count >= FILES_MIN);
	assert_int_equal(notes, 0);
	strcat(path, ".live");
	assert_false(file_exists(path));
	strcpy(path + strlen(path) - 5, ".next");
	assert_false(file_exists(path));
}

/** What a file says of its batches is what it has. */
static void end_records(void **state)
{
	char path[512];

	(void)state;
	strcpy(path, temp_path("ends.gtrace"));
	struct gtrace_rec *rec = rotating_open(path, 1000);
	struct gtrace_stream *s = gtrace_stream_new(rec, GTRACE_thread_kind_WORKER, 1);

	emit(s, 1, MANY);
	gtrace_rec_close(rec, GTRACE_END_EXIT, 0);
	gtrace_rec_free(rec);
	struct files f = files_of(path);

	for (unsigned i = 0; i < f.count; i++) {
		char want[64];
		struct gtrace_reader *r;
		struct gtrace_error err;

		assert_int_equal(gtrace_reader_open(&r, f.path[i], &err), 0);
		const struct gtrace_info *info = gtrace_reader_info(r);

		snprintf(want, sizeof(want), "\nbatches=%llu\n", (unsigned long long)info->batches);
		assert_non_null(strstr(info->end_record, want));
		snprintf(want, sizeof(want), "\nraw_bytes=%llu\n", (unsigned long long)info->raw_bytes);
		assert_non_null(strstr(info->end_record, want));
		assert_true(i ? info->begin_ns > 0 : !info->begin_ns);
		gtrace_reader_close(r);
	}
}

static ino_t file_number(const char *path)
{
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	return st.st_ino;
}

/** Until another file has the name, and the first one is not there any more.  Returns the last
 * number. */
static uint64_t emit_until_one_is_gone(struct gtrace_stream *s, const char *path)
{
	ino_t first = file_number(path);
	uint64_t last = 0;
	char old[512];

	snprintf(old, sizeof(old), "%.*s.000001.gtrace", (int)(strlen(path) - strlen(".gtrace")), path);
	while (file_number(path) == first || file_exists(old)) {
		emit(s, last + 1, last + 1000);
		last += 1000;
	}
	return last;
}

static void keeps_so_many(void **state)
{
	(void)state;
	for (unsigned keep = 1; keep <= 3; keep++) {
		char path[512], name[32];
		unsigned count;

		snprintf(name, sizeof(name), "keep%u.gtrace", keep);
		strcpy(path, temp_path(name));
		struct gtrace_rec *rec = rotating_open(path, keep);
		struct gtrace_stream *s = gtrace_stream_new(rec, GTRACE_thread_kind_WORKER, 1);

		uint64_t last = emit_until_one_is_gone(s, path);

		gtrace_rec_close(rec, GTRACE_END_EXIT, 0);
		gtrace_rec_free(rec);
		struct numbers n = numbers_of(path, GTRACE_END_EXIT, &count);

		assert_int_equal(count, keep);
		assert_true(n.first[1] > 1);
		assert_int_equal(n.last[1], last);
	}
}

/** Another run's files are left alone. */
static void overwrites_nothing(void **state)
{
	char path[512], old[512];
	size_t len;

	(void)state;
	strcpy(path, temp_path("again.gtrace"));
	strcpy(old, temp_path("again.000001.gtrace"));
	file_write(old, "not mine", 8);
	struct gtrace_rec *rec = rotating_open(path, 1);
	struct gtrace_stream *s = gtrace_stream_new(rec, GTRACE_thread_kind_WORKER, 1);

	emit(s, 1, MANY);
	gtrace_rec_close(rec, GTRACE_END_EXIT, 0);
	gtrace_rec_free(rec);
	uint8_t *bytes = file_read(old, &len);

	assert_int_equal(len, 8);
	assert_memory_equal(bytes, "not mine", 8);
	free(bytes);
}

/** The program has gone to another directory meanwhile. */
static void elsewhere(void **state)
{
	char path[512], here[512];
	unsigned count;

	(void)state;
	strcpy(path, temp_path("else.gtrace"));
	assert_non_null(getcwd(here, sizeof(here)));
	*strrchr(path, '/') = '\0';
	assert_int_equal(chdir(path), 0);
	struct gtrace_rec *rec = rotating_open("else.gtrace", 1000);

	assert_int_equal(chdir("/"), 0);
	struct gtrace_stream *s = gtrace_stream_new(rec, GTRACE_thread_kind_WORKER, 1);

	emit(s, 1, MANY);
	gtrace_rec_close(rec, GTRACE_END_EXIT, 0);
	gtrace_rec_free(rec);
	assert_int_equal(chdir(here), 0);
	path[strlen(path)] = '/';
	assert_int_equal(numbers_of(path, GTRACE_END_EXIT, &count).last[1], MANY);
	assert_true(count >= FILES_MIN);
	strcat(path, ".live");
	assert_false(file_exists(path));
}

/* ── order ── */

static int count_lines(const char *path, unsigned id)
{
	struct events e = events_read(path);
	size_t n = events_count(&e, id);

	events_free(&e);
	return (int)n;
}

/** Goroutines on four threads, by the clock: every file is in order, its seams included. */
static void order(void **state)
{
	struct schedule_options opt = {.events = 6 * MANY,
	                               .streams = 4,
	                               .goroutines = 300,
	                               .short_lived = 3,
	                               .seed = 12,
	                               .rotate_bytes = GTRACE_ROTATE_BYTES_MIN};
	struct schedule_written written;
	char path[512];
	uint64_t events = 0, born = 0;

	(void)state;
	strcpy(path, temp_path("order.gtrace"));
	assert_int_equal(schedule_record(path, &opt, &written), 0);
	struct files f = files_of(path);

	assert_true(f.count >= FILES_MIN);
	for (unsigned i = 0; i < f.count; i++) {
		struct events e = events_read(f.path[i]);

		assert_int_equal(e.result, 0);
		assert_int_equal(e.info.lost_batches, 0);
		assert_true(e.info.broken <= (i ? 2 * opt.streams : 0)); // without a list of goroutines
		events += e.count;
		born += events_count(&e, GTRACE_GO_NEW);
		// Each batch says anew which thread it is.
		events -= events_count(&e, GTRACE_THREAD_START);
		events_free(&e);
	}
	assert_int_equal(events, written.events - opt.streams);
	assert_int_equal(born, written.goroutines);
}

/* ── lists of goroutines ── */

static int list_of(atomic_int *calls, const struct gtrace_keyframe *to, uint64_t n)
{
	++*calls;
	assert_true(to->bytes_max == GTRACE_ROTATE_BYTES_MIN / 4);
	GTRACE_EMIT_AT(to->stream, to->ticks, SNAP_BEGIN, to->why, n);
	for (uint64_t g = 1; g <= n; g++)
		GTRACE_EMIT_AT(to->stream, to->ticks, GO_STATUS, g, GTRACE_state_WAITING,
		               GTRACE_reason_CHAN_SEND, g, 0, 0, 0, 0);
	GTRACE_EMIT_AT(to->stream, to->ticks, SNAP_END);
	return 0;
}

static int list_of_three(void *arg, const struct gtrace_keyframe *to)
{
	return list_of(arg, to, 3);
}

/** Longer than a batch: the writer thread must not wait for itself. */
static int list_of_many(void *arg, const struct gtrace_keyframe *to)
{
	return list_of(arg, to, 60000);
}

static int list_too_long(void *arg, const struct gtrace_keyframe *to)
{
	(void)arg;
	(void)to;
	return -EFBIG;
}

static void lists_in(const char *name, int (*list)(void *, const struct gtrace_keyframe *),
                     unsigned rows)
{
	char path[512];
	atomic_int calls = 0;

	strcpy(path, temp_path(name));
	struct gtrace_rec *rec = rotating_open(path, 1000);
	struct gtrace_stream *s = gtrace_stream_new(rec, GTRACE_thread_kind_WORKER, 1);

	gtrace_rec_set_keyframe(rec, list, &calls);
	emit(s, 1, MANY);
	gtrace_rec_close(rec, GTRACE_END_EXIT, 0);
	gtrace_rec_free(rec);
	struct files f = files_of(path);

	assert_true(f.count >= FILES_MIN);
	assert_int_equal(calls, f.count - 1);
	for (unsigned i = 0; i < f.count; i++) {
		assert_int_equal(count_lines(f.path[i], GTRACE_SNAP_END), i > 0);
		assert_int_equal(count_lines(f.path[i], GTRACE_GO_STATUS), i ? rows : 0);
	}
}

static void lists(void **state)
{
	(void)state;
	lists_in("lists.gtrace", list_of_three, 3);
	lists_in("long.gtrace", list_of_many, 60000);
}

static void a_list_too_long(void **state)
{
	struct gtrace_rec *rec = rotating_open(temp_path("toolong.gtrace"), 2);
	struct gtrace_stream *s = gtrace_stream_new(rec, GTRACE_thread_kind_WORKER, 1);

	(void)state;
	gtrace_rec_set_keyframe(rec, list_too_long, NULL);
	emit(s, 1, MANY);
	gtrace_rec_close(rec, GTRACE_END_EXIT, 0);
	gtrace_rec_free(rec);
	assert_int_equal(notes, 1);
	assert_non_null(strstr(note, "longer than a quarter of the file"));
}

/* ── while others write ── */

struct emitter {
	struct gtrace_rec *rec;
	uint64_t number; // of its stream
};

static void *emitter_main(void *arg)
{
	struct emitter *me = arg;
	struct gtrace_stream *s = gtrace_stream_new(me->rec, GTRACE_thread_kind_WORKER, 1);

	me->number = s->number;
	emit(s, 1, MANY);
	gtrace_stream_end(s);
	return NULL;
}

static void at_full_speed(void **state)
{
	char path[512];
	struct emitter e[THREADS];
	pthread_t id[THREADS];
	unsigned count;

	(void)state;
	strcpy(path, temp_path("speed.gtrace"));
	struct gtrace_rec *rec = rotating_open(path, 1000);

	for (int t = 0; t < THREADS; t++) {
		e[t] = (struct emitter){.rec = rec};
		assert_int_equal(pthread_create(&id[t], NULL, emitter_main, &e[t]), 0);
	}
	for (int t = 0; t < THREADS; t++)
		pthread_join(id[t], NULL);
	gtrace_rec_close(rec, GTRACE_END_EXIT, 0);
	gtrace_rec_free(rec);
	struct numbers n = numbers_of(path, GTRACE_END_EXIT, &count);

	for (int t = 0; t < THREADS; t++)
		assert_int_equal(n.last[e[t].number], MANY);
	assert_true(count >= FILES_MIN);
}

/** With overflow=drop batches may be missing, and each that is, is said to be. */
static void dropping(void **state)
{
	char path[512];
	struct gtrace_options opt = rotating(strcpy(path, temp_path("drop.gtrace")), 1000);
	struct emitter e[THREADS];
	pthread_t id[THREADS];
	uint64_t seen = 0, lost = 0, last[STREAMS] = {0};

	(void)state;
	opt.drop = true;
	opt.buffer_bytes = 128 << 10;
	struct gtrace_rec *rec = record(&opt);

	for (int t = 0; t < THREADS; t++) {
		e[t] = (struct emitter){.rec = rec};
		assert_int_equal(pthread_create(&id[t], NULL, emitter_main, &e[t]), 0);
	}
	for (int t = 0; t < THREADS; t++)
		pthread_join(id[t], NULL);
	gtrace_rec_close(rec, GTRACE_END_EXIT, 0);
	gtrace_rec_free(rec);
	struct files f = files_of(path);

	for (unsigned i = 0; i < f.count; i++) {
		struct events read = events_read(f.path[i]);

		assert_int_equal(read.result, 0);
		for (size_t k = 0; k < read.count; k++) {
			const struct gtrace_event *ev = &read.event[k];

			if (ev->id != GTRACE_BUSY)
				continue;
			assert_true(ev->arg[0] > last[ev->thread]);
			last[ev->thread] = ev->arg[0];
			seen++;
		}
		lost += read.info.lost_events;
		events_free(&read);
	}
	assert_true(seen + lost >= (uint64_t)THREADS * MANY);
	assert_true(seen <= (uint64_t)THREADS * MANY);
}

/* ── trouble ── */

/** The new file cannot be made: it goes on in the old one. */
static void no_new_file(void **state)
{
	char path[512], next[512];
	(void)state;
	strcpy(path, temp_path("nonew.gtrace"));
	strcpy(next, temp_path("nonew.gtrace.next"));
	assert_int_equal(mkdir(next, 0777), 0);
	struct gtrace_rec *rec = rotating_open(path, 1000);
	struct gtrace_stream *s = gtrace_stream_new(rec, GTRACE_thread_kind_WORKER, 1);

	emit(s, 1, MANY);
	while (!notes) // the writer thread has not come to it yet
		sched_yield();
	assert_int_equal(files_of(path).count, 1);
	assert_int_equal(rmdir(next), 0);
	assert_int_equal(notes, 1);
	assert_non_null(strstr(note, "nonew.gtrace.next': Is a directory; the recording goes on"));
	emit(s, MANY + 1, 2 * MANY);
	gtrace_rec_close(rec, GTRACE_END_EXIT, 0);
	gtrace_rec_free(rec);
	struct files f = files_of(path);
	struct numbers n = {0};

	for (unsigned i = 0; i < f.count; i++) {
		struct events e = numbers_add(&n, f.path[i]);

		events_free(&e);
	}
	assert_true(f.count > 1);
	assert_int_equal(n.first[1], 1);
	assert_int_equal(n.last[1], 2 * MANY);
}

static void warn(void *arg, const char *line)
{
	++*(int *)arg;
	assert_non_null(strstr(line, "GTRACE: "));
}

static void settings(void **state)
{
	struct gtrace_options opt;
	int warnings = 0;

	(void)state;
	gtrace_options_init(&opt);
	assert_int_equal(gtrace_options_parse(&opt, "x,rotate=64M", warn, &warnings), 0);
	assert_true(opt.rotate_bytes == 64 << 20 && opt.keep == 8 && !warnings);
	gtrace_options_parse(&opt, "x,rotate=1K,keep=0", warn, &warnings);
	assert_true(opt.rotate_bytes == GTRACE_ROTATE_BYTES_MIN && opt.keep == 1 && warnings == 2);
	gtrace_options_parse(&opt, "x,keep=10001", warn, &warnings);
	assert_true(opt.keep == GTRACE_KEEP_MAX && warnings == 3);
	gtrace_options_parse(&opt, "x,rotate=1M,ring=1M", warn, &warnings);
	assert_true(!opt.rotate_bytes && opt.ring_bytes && warnings == 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(together_everything_once),
		cmocka_unit_test(end_records),
		cmocka_unit_test(keeps_so_many),
		cmocka_unit_test(overwrites_nothing),
		cmocka_unit_test(elsewhere),
		cmocka_unit_test(order),
		cmocka_unit_test(lists),
		cmocka_unit_test(a_list_too_long),
		cmocka_unit_test(at_full_speed),
		cmocka_unit_test(dropping),
		cmocka_unit_test(no_new_file),
		cmocka_unit_test(settings),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/** lifecycle.c: recordings open, close, end by a signal, and leave a forked child alone. */
#include "support.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static struct gtrace_rec *rec;

static void emit_marks(struct gtrace_stream *s, uint64_t from, uint64_t count)
{
	for (uint64_t i = from; i < from + count; i++)
		GTRACE_EMIT(s, USE, i, GTRACE_op_NONE, 0);
}

/** The file is one valid zstd stream, the sidecar is gone, the names are not overwritten. */
static void clean_close(void **state)
{
	const char *path = temp_path("clean.gtrace");
	struct gtrace_options opt = options_for(path);
	char command[1024];

	(void)state;
	for (int i = 0; i < 3; i++) {
		char want[600];
		char side[620];

		snprintf(want, sizeof(want), i ? "%s.%d" : "%s", path, i);
		snprintf(side, sizeof(side), "%s.live", want);
		rec = record(&opt);
		assert_string_equal(gtrace_rec_path(rec), want);
		assert_int_equal(gtrace_rec_level(rec), GTRACE_LEVEL_SYNC);
		assert_true(file_exists(side));
		struct gtrace_stream *s = gtrace_stream_new(rec, GTRACE_thread_kind_WORKER, 1);

		emit_marks(s, 1, 50000);
		assert_int_equal(gtrace_rec_close(rec, GTRACE_END_PANIC, 2), 0);
		assert_int_equal(gtrace_rec_close(rec, GTRACE_END_EXIT, 0), 0); // the first one counts
		emit_marks(s, 1, 50000);                                        // dropped
		gtrace_stream_end(s);
		assert_null(gtrace_stream_new(rec, GTRACE_thread_kind_WORKER, 1));
		gtrace_rec_free(rec);
		assert_false(file_exists(side));
		struct events e = events_read(want);

		assert_int_equal(events_count(&e, GTRACE_USE), 50000);
		assert_int_equal(e.info.end, GTRACE_END_PANIC);
		assert_int_equal(e.info.end_code, 2);
		assert_false(e.info.sidecar);
		events_free(&e);
	}
	const char *zstd = getenv("ZSTD_PROGRAM");

	if (!zstd || *zstd != '/')
		return; // found no zstd to ask
	char copy[600];
	size_t len;
	uint8_t *bytes = file_read(path, &len);

	snprintf(copy, sizeof(copy), "%s.zst", path);
	file_write(copy, bytes, len);
	free(bytes);
	snprintf(command, sizeof(command), "%s -q -t '%s'", zstd, copy);
	assert_int_equal(system(command), 0);
}

static void no_place(void **state)
{
	struct gtrace_options opt = options_for("/nonexistent/a.gtrace");
	struct gtrace_error err;

	(void)state;
	rec = (void *)1;
	assert_int_equal(gtrace_rec_open(&rec, &opt, NULL, NULL, &err), -ENOENT);
	assert_null(rec);
	assert_string_equal(err.text,
	                    "cannot create '/nonexistent/a.gtrace': No such file or directory");
	assert_int_equal(err.code, -ENOENT);
}

static void names(void **state)
{
	struct gtrace_options opt = options_for(temp_path("%e-%p-%%-%t.gtrace"));
	char pid[32];

	(void)state;
	rec = record(&opt);
	snprintf(pid, sizeof(pid), "-%d-%%-2", (int)getpid());
	assert_non_null(strstr(gtrace_rec_path(rec), pid));
	assert_non_null(strstr(gtrace_rec_path(rec), "lifecycle-"));
	gtrace_rec_close(rec, GTRACE_END_EXIT, 0);
	gtrace_rec_free(rec);
}

/* ── closing while others write ── */

#define WRITERS 3

static atomic_bool stop;
static _Atomic uint64_t written[WRITERS + 1];

static void *writer(void *arg)
{
	struct gtrace_stream *s = gtrace_stream_new(rec, GTRACE_thread_kind_WORKER, 1);

	(void)arg;
	for (uint64_t i = 1; s && !atomic_load(&stop); i++) {
		GTRACE_EMIT(s, USE, i, GTRACE_op_NONE, 0);
		atomic_store_explicit(&written[s->number], i, memory_order_release);
	}
	gtrace_stream_end(s);
	return NULL;
}

static void close_while_writing(void **state)
{
	(void)state;
	for (int round = 0; round < 10; round++) {
		char name[32];

		snprintf(name, sizeof(name), "busy%d.gtrace", round);
		const char *path = temp_path(name);
		struct gtrace_options opt = options_for(path);
		pthread_t id[WRITERS];
		uint64_t before[WRITERS + 1];
		uint64_t last[WRITERS + 1] = {0};

		atomic_store(&stop, false);
		memset(written, 0, sizeof(written));
		rec = record(&opt);
		for (int i = 0; i < WRITERS; i++)
			pthread_create(&id[i], NULL, writer, NULL);
		for (int i = 1; i <= WRITERS; i++) {
			while (atomic_load(&written[i]) < (uint64_t)round * 3000 + 10)
				sched_yield();
		}
		for (int i = 1; i <= WRITERS; i++)
			before[i] = atomic_load_explicit(&written[i], memory_order_acquire);
		assert_int_equal(gtrace_rec_close(rec, GTRACE_END_EXIT, 0), 0);
		atomic_store(&stop, true);
		for (int i = 0; i < WRITERS; i++)
			pthread_join(id[i], NULL);
		gtrace_rec_free(rec);
		struct events e = events_read(path);

		for (size_t i = 0; i < e.count; i++) {
			if (e.event[i].id != GTRACE_USE)
				continue;
			assert_int_equal(e.event[i].arg[0], last[e.event[i].thread] + 1);
			last[e.event[i].thread]++;
		}
		for (int i = 1; i <= WRITERS; i++)
			assert_true(last[i] >= before[i]);
		assert_int_equal(e.info.lost_batches, 0);
		events_free(&e);
	}
}

/** Threads that come and go: their streams' memory is used again, their numbers are not. */
static void many_threads(void **state)
{
	const char *path = temp_path("many.gtrace");
	struct gtrace_options opt = options_for(path);

	(void)state;
	rec = record(&opt);
	for (uint64_t i = 1; i <= 200; i++) {
		struct gtrace_stream *s = gtrace_stream_new(rec, GTRACE_thread_kind_WORKER, i);

		assert_int_equal(s->number, i);
		emit_marks(s, 0, i % 7 ? 10 : 20000);
		gtrace_stream_end(s);
	}
	gtrace_rec_close(rec, GTRACE_END_STOPPED, 0);
	gtrace_rec_free(rec);
	struct events e = events_read(path);

	assert_int_equal(e.info.threads, 200);
	assert_int_equal(events_count(&e, GTRACE_THREAD_END), 200);
	assert_int_equal(e.info.end, GTRACE_END_STOPPED);
	assert_int_equal(e.info.broken, 0);
	events_free(&e);
}

/* ── sites ── */

/** Sites far from the library, more than are remembered. */
static void far_sites(void **state)
{
	enum { N = 1000 };
	const char *path = temp_path("far.gtrace");
	struct gtrace_options opt = options_for(path);
	struct gtrace_site *site = calloc(N, sizeof(*site));
	char(*words)[16] = calloc(N, sizeof(*words));
	struct gtrace_reader *r;
	struct gtrace_error err;
	struct gtrace_event ev;
	uint64_t numbers = 0;

	(void)state;
	rec = record(&opt);
	struct gtrace_stream *s = gtrace_stream_new(rec, GTRACE_thread_kind_WORKER, 1);

	for (unsigned i = 0; i < 5 * N; i++) {
		unsigned n = i % N;

		snprintf(words[n], sizeof(words[n]), "f%u", n);
		site[n] = (struct gtrace_site){"x.c", words[n], "", n, 0};
		uint64_t number = gtrace_site_number(s, &site[n]);

		GTRACE_EMIT(s, USE, n, GTRACE_op_NONE, number);
	}
	gtrace_rec_close(rec, GTRACE_END_EXIT, 0);
	gtrace_rec_free(rec);
	assert_int_equal(gtrace_reader_open(&r, path, &err), 0);
	while (gtrace_reader_next(r, &ev, &err) == 1) {
		if (ev.id != GTRACE_USE)
			continue;
		assert_int_equal(gtrace_reader_site(r, ev.arg[2])->line, ev.arg[0]);
		if (ev.arg[2] > numbers)
			numbers = ev.arg[2];
	}
	assert_int_equal(numbers, N);
	gtrace_reader_close(r);
	free(site);
	free(words);
}

/* ── ends ── */

static void on_signal(int signo)
{
	gtrace_rec_signal(rec, signo);
}

/** Ends the child of a test by SIGTERM, once work() has begun to emit. */
static void signal_child(const char *path, void (*work)(struct gtrace_stream *s))
{
	struct gtrace_options opt = options_for(path);
	struct gtrace_error err;

	opt.buffer_bytes = 1; // the least
	if (gtrace_rec_open(&rec, &opt, NULL, NULL, &err))
		_exit(1);
	signal(SIGTERM, on_signal);
	work(gtrace_stream_new(rec, GTRACE_thread_kind_WORKER, 1));
	raise(SIGTERM);
	for (;;)
		pause();
}

static struct events signalled(const char *name, void (*work)(struct gtrace_stream *s))
{
	char path[512], side[530];
	int status;

	strcpy(path, temp_path(name));
	snprintf(side, sizeof(side), "%s.live", path);
	pid_t pid = fork();

	if (!pid)
		signal_child(path, work);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGTERM);
	assert_false(file_exists(side));
	struct events e = events_read(path);

	assert_int_equal(e.info.end, GTRACE_END_SIGNAL);
	assert_int_equal(e.info.end_code, SIGTERM);
	return e;
}

static void emit_many(struct gtrace_stream *s)
{
	emit_marks(s, 1, 30000);
}

static void ends_by_signal(void **state)
{
	struct events e = signalled("signal.gtrace", emit_many);

	(void)state;
	assert_int_equal(events_count(&e, GTRACE_USE), 30000);
	events_free(&e);
}

/** What comes after the last list's time, while that is made. */
static int list_and_go_on(void *s, const struct gtrace_keyframe *to)
{
	GTRACE_EMIT_AT(to->stream, to->ticks, SNAP_BEGIN, to->why, 0);
	emit_marks(s, 1, 1);
	GTRACE_EMIT_AT(to->stream, to->ticks, SNAP_END);
	return 0;
}

static void emit_beside_a_list(struct gtrace_stream *s)
{
	gtrace_rec_set_keyframe(rec, list_and_go_on, s);
}

static void ends_behind_the_list(void **state)
{
	struct events e = signalled("list.gtrace", emit_beside_a_list);

	(void)state;
	assert_int_equal(events_count(&e, GTRACE_SNAP_END), 1);
	assert_int_equal(events_count(&e, GTRACE_USE), 1);
	events_free(&e);
}

static _Atomic bool emitted;

static void *emit_all(void *arg)
{
	emit_marks(arg, 1, 200000);
	atomic_store(&emitted, true);
	return NULL;
}

/** A list that is not done before others have filled more than the buffer holds. */
static int list_and_wait(void *arg, const struct gtrace_keyframe *to)
{
	(void)arg;
	GTRACE_EMIT_AT(to->stream, to->ticks, SNAP_BEGIN, to->why, 0);
	while (!atomic_load(&emitted))
		gtrace_keyframe_drain(to);
	GTRACE_EMIT_AT(to->stream, to->ticks, SNAP_END);
	return 0;
}

/** Nobody waits for a list that takes long. */
static void a_long_list(void **state)
{
	const char *path = temp_path("long_list.gtrace");
	struct gtrace_options opt = options_for(path);
	pthread_t thread;

	(void)state;
	opt.buffer_bytes = 256 << 10;
	rec = record(&opt);
	struct gtrace_stream *s = gtrace_stream_new(rec, GTRACE_thread_kind_WORKER, 1);

	gtrace_rec_set_keyframe(rec, list_and_wait, NULL);
	assert_int_equal(pthread_create(&thread, NULL, emit_all, s), 0);
	assert_int_equal(gtrace_rec_begin(rec), 0); // blocks until there is a list
	pthread_join(thread, NULL);
	gtrace_rec_set_keyframe(rec, NULL, NULL);
	assert_int_equal(gtrace_rec_close(rec, GTRACE_END_EXIT, 0), 0);
	gtrace_rec_free(rec);
	struct events e = events_read(path);

	assert_int_equal(e.result, 0);
	assert_int_equal(events_count(&e, GTRACE_SNAP_END), 1);
	assert_int_equal(e.info.lost_batches, 0);
	events_free(&e);
}

static void *emit_without_end(void *arg)
{
	struct gtrace_stream *s = gtrace_stream_new(rec, GTRACE_thread_kind_WORKER, 1);

	while (s) // or it has ended before this one began
		emit_marks(s, 1, 1000);
	return arg;
}

static void emit_by_all(struct gtrace_stream *s)
{
	pthread_t thread;

	emit_many(s);
	for (int i = 0; i < 8; i++)
		pthread_create(&thread, NULL, emit_without_end, NULL);
}

/** The writer thread has always something left to write. */
static void ends_while_all_emit(void **state)
{
	struct events e = signalled("all.gtrace", emit_by_all);

	(void)state;
	assert_true(events_count(&e, GTRACE_USE) >= 30000);
	events_free(&e);
}

static void forked_child_is_silent(void **state)
{
	const char *path = temp_path("fork.gtrace");
	struct gtrace_options opt = options_for(path);
	int status;

	(void)state;
	rec = record(&opt);
	struct gtrace_stream *s = gtrace_stream_new(rec, GTRACE_thread_kind_WORKER, 1);

	emit_marks(s, 1, 1000);
	pid_t pid = fork();

	if (!pid) {
		emit_marks(s, 1000000, 100000);
		if (gtrace_stream_new(rec, GTRACE_thread_kind_WORKER, 2))
			_exit(1);
		gtrace_stream_end(s);
		_exit(gtrace_rec_close(rec, GTRACE_END_EXIT, 9) ? 2 : 7);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 7);
	emit_marks(s, 1001, 1000);
	assert_int_equal(gtrace_rec_close(rec, GTRACE_END_EXIT, 0), 0);
	gtrace_rec_free(rec);
	struct events e = events_read(path);

	assert_int_equal(e.count, 2001);
	for (size_t i = 1; i < e.count; i++)
		assert_int_equal(e.event[i].arg[0], i);
	assert_int_equal(e.info.end, GTRACE_END_EXIT);
	assert_int_equal(e.info.end_code, 0);
	events_free(&e);
}

/** A program that is started without its three streams, and makes itself some later. */
static void without_streams(void **state)
{
	const char *path = temp_path("closed.gtrace");
	struct gtrace_options opt = options_for(path);
	struct gtrace_error err;
	int status;
	pid_t pid = fork();

	(void)state;
	if (!pid) {
		for (int fd = 0; fd < 3; fd++)
			close(fd);
		if (gtrace_rec_open(&rec, &opt, NULL, NULL, &err))
			_exit(1);
		int null = open("/dev/null", O_RDWR);

		for (int fd = 0; fd < 3; fd++)
			dup2(null, fd);
		struct gtrace_stream *s = gtrace_stream_new(rec, GTRACE_thread_kind_WORKER, 1);

		emit_marks(s, 1, 100000);
		_exit(gtrace_rec_close(rec, GTRACE_END_EXIT, 9) ? 2 : null);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	struct events e = events_read(path);

	assert_int_equal(e.count, 100001);
	assert_int_equal(e.info.end, GTRACE_END_EXIT);
	events_free(&e);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(clean_close),
		cmocka_unit_test(no_place),
		cmocka_unit_test(names),
		cmocka_unit_test(close_while_writing),
		cmocka_unit_test(many_threads),
		cmocka_unit_test(far_sites),
		cmocka_unit_test(ends_by_signal),
		cmocka_unit_test(ends_behind_the_list),
		cmocka_unit_test(a_long_list),
		cmocka_unit_test(ends_while_all_emit),
		cmocka_unit_test(forked_child_is_silent),
		cmocka_unit_test(without_streams),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/** fork.c: a forked child records to a file of its own, and leaves the parent's alone. */
#define _GNU_SOURCE
#include "support.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define CHILD_EVENTS 5000
#define CHILD_FIRST 1000000000

static struct gtrace_rec *rec;

static void emit(struct gtrace_stream *s, uint64_t from, uint64_t count)
{
	uint64_t seed = from;

	for (uint64_t i = from; i < from + count; i++)
		GTRACE_EMIT(s, BUSY, i, random_next(&seed), random_next(&seed), 0, 0);
}

/** Each stream's numbers follow each other from `first`; returns how many there are. */
static uint64_t numbers(const char *path, uint64_t first, enum gtrace_end end)
{
	struct events e = events_read(path);
	uint64_t next[64];
	uint64_t count = 0;

	if (e.result)
		fail_msg("%s: %s", path, e.error.text);
	for (size_t i = 0; i < 64; i++)
		next[i] = first;
	for (size_t i = 0; i < e.count; i++) {
		if (e.event[i].id != GTRACE_BUSY)
			continue;
		assert_in_range(e.event[i].thread, 1, 63);
		assert_int_equal(e.event[i].arg[0], next[e.event[i].thread]);
		next[e.event[i].thread]++;
		count++;
	}
	assert_int_equal(e.info.end, end);
	assert_int_equal(e.info.lost_batches, 0);
	assert_int_equal(e.info.broken, 0);
	assert_int_equal(e.info.sidecar, end == GTRACE_END_CUT);
	events_free(&e);
	return count;
}

/** The child: nothing of the parent's works, and its own recording does. */
static void child(struct gtrace_stream *inherited, const struct gtrace_options *opt, bool closes)
{
	struct gtrace_error err;
	struct gtrace_rec *own;
	char want[5000];

	emit(inherited, 7, 50000); // nowhere
	if (gtrace_stream_new(rec, GTRACE_thread_kind_WORKER, 9) ||
	    gtrace_rec_close(rec, GTRACE_END_EXIT, 9))
		_exit(20);
	gtrace_stream_end(inherited);
	gtrace_rec_free(rec);
	if (gtrace_rec_open(&own, opt, NULL, NULL, &err))
		_exit(21);
	snprintf(want, sizeof(want), "%s.%d", opt->path, (int)getpid());
	if (strcmp(gtrace_rec_path(own), want))
		_exit(22);
	struct gtrace_stream *s = gtrace_stream_new(own, GTRACE_thread_kind_WORKER, 1);

	emit(s, CHILD_FIRST, CHILD_EVENTS);
	if (!closes)
		_exit(0);
	if (gtrace_rec_close(own, GTRACE_END_EXIT, 0))
		_exit(23);
	gtrace_rec_free(own);
	_exit(0);
}

static void reap(pid_t pid)
{
	int status;

	if (waitpid(pid, &status, 0) != pid || status)
		fail_msg("the child's status is %#x", (unsigned)status); // of a child, too
}

static void check_child(const struct gtrace_options *opt, pid_t pid, bool closes)
{
	char path[5000];

	snprintf(path, sizeof(path), "%s.%d", opt->path, (int)pid);
	assert_int_equal(numbers(path, CHILD_FIRST, closes ? GTRACE_END_EXIT : GTRACE_END_CUT),
	                 CHILD_EVENTS);
	unlink(path);
	strcat(path, ".live");
	unlink(path);
}

static void own_file(void **state)
{
	struct gtrace_options opt = options_for(temp_path("own.gtrace"));

	(void)state;
	rec = record(&opt);
	struct gtrace_stream *s = gtrace_stream_new(rec, GTRACE_thread_kind_WORKER, 1);

	emit(s, 1, 1000);
	pid_t pid = fork();

	if (!pid)
		child(s, &opt, true);
	emit(s, 1001, 60000);
	reap(pid);
	assert_int_equal(gtrace_rec_close(rec, GTRACE_END_EXIT, 0), 0);
	gtrace_rec_free(rec);
	check_child(&opt, pid, true);
	assert_int_equal(numbers(opt.path, 1, GTRACE_END_EXIT), 61000);
}

static struct gtrace_rec *open_as(const struct gtrace_options *opt, const char *want)
{
	struct gtrace_rec *own;
	struct gtrace_error err;

	if (gtrace_rec_open(&own, opt, NULL, NULL, &err))
		_exit(30);
	if (strcmp(gtrace_rec_path(own), want))
		_exit(31);
	return own;
}

/** A path that has the pid in it already; and one of the child's child that has not. */
static void grandchild(void **state)
{
	struct gtrace_options opt = options_for(temp_path("grand.%p.gtrace"));
	char base[5000];
	char want[5100];

	(void)state;
	snprintf(base, sizeof(base), "%.*s", (int)(strchr(opt.path, '%') - opt.path), opt.path);
	rec = record(&opt);
	pid_t pid = fork();

	if (!pid) {
		snprintf(want, sizeof(want), "%s%d.gtrace", base, (int)getpid());
		struct gtrace_rec *own = open_as(&opt, want);

		pid = fork();
		if (!pid) {
			snprintf(opt.path, sizeof(opt.path), "%.1000sagain", base);
			snprintf(want, sizeof(want), "%sagain.%d", base, (int)getpid());
			own = open_as(&opt, want);
		} else {
			reap(pid);
		}
		_exit(gtrace_rec_close(own, GTRACE_END_EXIT, 0));
	}
	reap(pid);
	assert_int_equal(gtrace_rec_close(rec, GTRACE_END_EXIT, 0), 0);
	gtrace_rec_free(rec);
}

/* ── while it begins ── */

static struct gtrace_options begins_as;

static void begin(void)
{
	if (!rec)
		rec = record(&begins_as);
}

/** The first recording of a process begins after fork() has begun, and before there is a child. */
static void while_it_begins(void **state)
{
	(void)state;
	begins_as = options_for(temp_path("begins.gtrace"));
	rec = NULL;
	assert_int_equal(pthread_atfork(begin, NULL, NULL), 0);
	pid_t pid = fork();

	if (!pid) {
		alarm(20);
		if (gtrace_stream_new(rec, GTRACE_thread_kind_WORKER, 9) ||
		    gtrace_rec_close(rec, GTRACE_END_EXIT, 9))
			_exit(40);
		gtrace_rec_free(rec);
		_exit(0);
	}
	reap(pid);
	struct gtrace_stream *s = gtrace_stream_new(rec, GTRACE_thread_kind_WORKER, 1);

	emit(s, 1, 1000);
	assert_int_equal(gtrace_rec_close(rec, GTRACE_END_EXIT, 0), 0);
	gtrace_rec_free(rec);
	assert_int_equal(numbers(begins_as.path, 1, GTRACE_END_EXIT), 1000);
}

/* ── while others write ── */

#define WRITERS 3
#define FORKS 50

static atomic_bool stop;
static _Atomic uint64_t emitted;

static void *writer(void *arg)
{
	struct gtrace_stream *s = gtrace_stream_new(rec, GTRACE_thread_kind_WORKER, 1);
	uint64_t n = 0;

	for (; !atomic_load(&stop); n += 100)
		emit(s, n + 1, 100);
	gtrace_stream_end(s);
	atomic_fetch_add(&emitted, n);
	return arg;
}

/**
 * The buffers are small and the compression slow, so that threads stall, and the recording's lock
 * and the writer thread are busy all the time.
 */
static void while_others_write(void **state)
{
	struct gtrace_options opt = options_for(temp_path("busy.gtrace"));
	pthread_t id[WRITERS];
	pid_t pids[FORKS];

	(void)state;
	opt.buffer_bytes = 128 << 10;
	rec = record(&opt);
	struct gtrace_stream *s = gtrace_stream_new(rec, GTRACE_thread_kind_WORKER, 1);

	for (int i = 0; i < WRITERS; i++)
		assert_int_equal(pthread_create(&id[i], NULL, writer, NULL), 0);
	for (int i = 0; i < FORKS; i++) {
		emit(s, (uint64_t)i * 1000 + 1, 1000);
		pids[i] = fork();
		assert_true(pids[i] >= 0);
		if (!pids[i])
			child(s, &opt, i % 2);
		reap(pids[i]);
	}
	atomic_store(&stop, true);
	for (int i = 0; i < WRITERS; i++)
		pthread_join(id[i], NULL);
	assert_int_equal(gtrace_rec_close(rec, GTRACE_END_EXIT, 0), 0);
	gtrace_rec_free(rec);
	for (int i = 0; i < FORKS; i++)
		check_child(&opt, pids[i], i % 2);
	assert_int_equal(numbers(opt.path, 1, GTRACE_END_EXIT), emitted + FORKS * 1000);
}

/* ── while files change ── */

/** Is there a descriptor, by which a child would hold the parent's files? */
static bool holds(const char *dir)
{
	char link[64], target[600];

	for (int fd = 3; fd < 100; fd++) {
		snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
		ssize_t n = readlink(link, target, sizeof(target) - 1);

		if (n > 0 && !strncmp(target, dir, strlen(dir)))
			return true;
	}
	return false;
}

static void *dumper(void *arg)
{
	struct gtrace_rec *ring = arg;

	while (!atomic_load(&stop))
		gtrace_rec_dump(ring, GTRACE_END_DUMP, "test", NULL, 0);
	return NULL;
}

/** The next file of a recording that rotates, and the file of a dump, are not the child's either.
 */
static void while_files_change(void **state)
{
	struct gtrace_options opt = options_for(temp_path("change.gtrace"));
	struct gtrace_options ring_opt = options_for(temp_path("ring.gtrace"));
	char dir[5000];
	pthread_t id[2];

	(void)state;
	assert_non_null(realpath(temp_path("."), dir));
	opt.rotate_bytes = GTRACE_ROTATE_BYTES_MIN;
	opt.keep = 2;
	ring_opt.ring_bytes = 512 << 10;
	rec = record(&opt);
	struct gtrace_rec *ring = record(&ring_opt);

	atomic_store(&stop, false);
	assert_int_equal(pthread_create(&id[0], NULL, writer, NULL), 0);
	assert_int_equal(pthread_create(&id[1], NULL, dumper, ring), 0);
	for (int i = 0; i < FORKS; i++) {
		pid_t pid = fork();

		assert_true(pid >= 0);
		if (!pid)
			_exit(holds(dir));
		reap(pid);
	}
	atomic_store(&stop, true);
	for (int i = 0; i < 2; i++)
		pthread_join(id[i], NULL);
	assert_int_equal(gtrace_rec_close(rec, GTRACE_END_EXIT, 0), 0);
	assert_int_equal(gtrace_rec_close(ring, GTRACE_END_EXIT, 0), 0);
	gtrace_rec_free(rec);
	gtrace_rec_free(ring);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(while_it_begins), // before any other
		cmocka_unit_test(own_file),           cmocka_unit_test(grandchild),
		cmocka_unit_test(while_others_write), cmocka_unit_test(while_files_change),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

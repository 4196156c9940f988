/* SPDX-License-Identifier: MIT */
/**
 * io_faults.c: every call that the writer makes for its files fails in turn.
 *
 * The linker sends the recorder's calls here.  For each function and each way to fail, the first
 * call fails, then the second, and so on until a run passes in which none did; once that call
 * alone, once all from it on.  The program goes on; either the recording does not open, says why
 * and leaves no file, or what is on file is what was emitted, from the start, in order, and one
 * line says where it ends.
 */
#define _GNU_SOURCE
#include "support.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define EVENTS 12000 // some eight batches
#define STREAMS 2

/* ── the shim ─────────────────────────────────────────────────────────────────────────────────────
 */

enum call { OPEN, WRITE, FALLOCATE, MMAP, TRUNCATE, THREAD, CALL_COUNT };
static const char *const call_names[] = {"open", "write",     "posix_fallocate",
                                         "mmap", "ftruncate", "pthread_create"};

#define SHORT (-1) // of write: half of it
#define TORN (-2)  // of write: half of it, and then ENOSPC for good

static struct {
	enum call call;
	unsigned first; // the first-th fails, from 1; 0: none
	bool lasting;   // and all after it
	int how;        // an errno, or SHORT or TORN
	_Atomic unsigned calls, failed;
	_Atomic bool on;
} plan;

/** Does this call fail?  *nth: how many have failed before it. */
static bool fails(enum call call, unsigned *nth)
{
	if (!atomic_load(&plan.on) || call != plan.call)
		return false;
	unsigned n = atomic_fetch_add(&plan.calls, 1) + 1;

	if (!plan.first || n < plan.first || (n > plan.first && !plan.lasting))
		return false;
	*nth = atomic_fetch_add(&plan.failed, 1);
	return true;
}

int __real_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, unsigned mode);
ssize_t __real_write(int fd, const void *p, size_t len);
ssize_t __wrap_write(int fd, const void *p, size_t len);
int __real_posix_fallocate(int fd, off_t offset, off_t len);
int __wrap_posix_fallocate(int fd, off_t offset, off_t len);
void *__real_mmap(void *at, size_t len, int prot, int flags, int fd, off_t offset);
void *__wrap_mmap(void *at, size_t len, int prot, int flags, int fd, off_t offset);
int __real_ftruncate(int fd, off_t len);
int __wrap_ftruncate(int fd, off_t len);
int __real_pthread_create(pthread_t *id, const pthread_attr_t *attr, void *(*fn)(void *),
                          void *arg);
int __wrap_pthread_create(pthread_t *id, const pthread_attr_t *attr, void *(*fn)(void *),
                          void *arg);

int __wrap_open(const char *path, int flags, unsigned mode)
{
	unsigned nth;

	if (!fails(OPEN, &nth))
		return __real_open(path, flags, mode);
	errno = plan.how;
	return -1;
}

ssize_t __wrap_write(int fd, const void *p, size_t len)
{
	unsigned nth;

	if (!fails(WRITE, &nth))
		return __real_write(fd, p, len);
	if (plan.how == SHORT || (plan.how == TORN && nth == 0))
		return __real_write(fd, p, len / 2 + len % 2);
	errno = plan.how == TORN ? ENOSPC : plan.how;
	return -1;
}

int __wrap_posix_fallocate(int fd, off_t offset, off_t len)
{
	unsigned nth;

	return fails(FALLOCATE, &nth) ? plan.how : __real_posix_fallocate(fd, offset, len);
}

void *__wrap_mmap(void *at, size_t len, int prot, int flags, int fd, off_t offset)
{
	unsigned nth;

	if (fd < 0 || !fails(MMAP, &nth))
		return __real_mmap(at, len, prot, flags, fd, offset);
	errno = plan.how;
	return MAP_FAILED;
}

/* With a torn write: the device takes no truncation either. */
int __wrap_ftruncate(int fd, off_t len)
{
	unsigned nth;

	if (!fails(TRUNCATE, &nth) && (plan.how != TORN || !atomic_load(&plan.failed)))
		return __real_ftruncate(fd, len);
	errno = EIO;
	return -1;
}

int __wrap_pthread_create(pthread_t *id, const pthread_attr_t *attr, void *(*fn)(void *), void *arg)
{
	unsigned nth;

	return fails(THREAD, &nth) ? plan.how : __real_pthread_create(id, attr, fn, arg);
}

/* ── a run ────────────────────────────────────────────────────────────────────────────────────────
 */

static char path[512];
static char side[530];
static _Atomic unsigned notes;
static char note[1024];

static void notify(const char *line)
{
	snprintf(note, sizeof(note), "%s", line);
	notes++;
}

/** Returns what the recording came to: 0, or why it did not open or go on; *opened. */
static int run(bool drop, bool *opened)
{
	struct gtrace_options opt = options_for(path);
	struct gtrace_stream *s[STREAMS] = {NULL};
	struct gtrace_error err = {0};
	struct gtrace_rec *rec;
	uint64_t seed = 1;

	opt.drop = drop;
	opt.buffer_bytes = 128 << 10;
	notes = 0;
	plan.calls = plan.failed = 0;
	plan.on = true;
	int code = gtrace_rec_open(&rec, &opt, NULL, notify, &err);

	*opened = !code;
	if (!code) {
		for (int i = 0; i < STREAMS; i++)
			s[i] = gtrace_stream_new(rec, GTRACE_thread_kind_WORKER, 1);
		for (uint64_t n = 1; n <= EVENTS; n++) {
			if (s[n % STREAMS])
				GTRACE_EMIT(s[n % STREAMS], BUSY, n, random_next(&seed), random_next(&seed),
				            random_next(&seed), 0);
		}
		gtrace_stream_end(s[0]);
		code = gtrace_rec_close(rec, GTRACE_END_EXIT, 0);
		gtrace_rec_free(rec);
		assert_true(code || (s[0] && s[1])); // no thread is left out in silence
	} else {
		assert_non_null(strstr(err.text, strerror(-code)));
		assert_int_equal(err.code, code);
	}
	plan.on = false;
	return code;
}

/** Numbers that follow each other, but at gaps; returns how many were read and are known lost. */
static uint64_t check_file(bool drop, bool whole)
{
	struct events e = events_read(path);
	uint64_t last[STREAMS + 1] = {0};
	bool gap[STREAMS + 1] = {false};
	uint64_t count = 0;

	if (e.result)
		fail_msg("%s", e.error.text);
	for (size_t i = 0; i < e.count; i++) {
		const struct gtrace_event *ev = &e.event[i];

		assert_in_range(ev->thread, 1, STREAMS);
		if (ev->id == GTRACE_GAP) {
			assert_true(drop || plan.how == TORN);
			gap[ev->arg[0]] = true;
			count += ev->arg[2];
		}
		if (ev->id != GTRACE_BUSY)
			continue;
		uint64_t next = last[ev->thread] ? last[ev->thread] + STREAMS : 0;

		if (!gap[ev->thread] && next)
			assert_int_equal(ev->arg[0], next);
		assert_true(ev->arg[0] > last[ev->thread] && ev->arg[0] <= EVENTS);
		last[ev->thread] = ev->arg[0];
		gap[ev->thread] = false;
		count++;
	}
	if (!drop && plan.how != TORN)
		assert_int_equal(e.info.lost_batches, 0);
	if (whole)
		assert_int_equal(e.info.end, GTRACE_END_EXIT);
	assert_true(!e.info.truncated || plan.how == TORN);
	events_free(&e);
	return count;
}

static void remove_files(void)
{
	unlink(path);
	unlink(side);
}

/** One run with this call failing.  Returns whether it came to that. */
static bool attempt(bool drop)
{
	bool opened;

	remove_files();
	int code = run(drop, &opened);
	bool failed = plan.failed > 0;

	if (!opened) {
		assert_true(failed);
		assert_false(file_exists(path));
		assert_false(file_exists(side));
		assert_int_equal(notes, 0);
		return true;
	}
	uint64_t count = check_file(drop, !code);

	assert_false(file_exists(side));
	assert_int_equal(notes, code != 0);
	if (code)
		assert_non_null(strstr(note, "recording ends here"));
	if (!failed)
		assert_int_equal(code, 0);
	// An error that a second try mends, or that a slower way stands in for, costs nothing.
	if (!failed || (plan.call == WRITE && (plan.how == SHORT || plan.how == EINTR)))
		assert_in_range(count, EVENTS, EVENTS + 2 * STREAMS);
	return failed;
}

static void each_call(enum call call, int how, bool lasting, bool drop)
{
	unsigned first = 1;

	plan.call = call;
	plan.how = how;
	plan.lasting = lasting;
	for (plan.first = first; attempt(drop); plan.first = ++first)
		assert_true(first < 1000);
	assert_true(first > 1); // it is called at all
	print_message("%s fails with %d, %s: %u calls\n", call_names[call], how,
	              lasting ? "for good" : "once", first - 1);
}

static void all_ways(enum call call, const int *how)
{
	strcpy(path, temp_path("faults.gtrace"));
	snprintf(side, sizeof(side), "%s.live", path);
	for (; *how; how++) {
		for (int i = 0; i < 4; i++) {
			if (*how != EINTR || !(i & 1)) // for good it would be no EINTR
				each_call(call, *how, i & 1, i & 2);
		}
	}
	remove_files();
}

static void open_fails(void **state)
{
	(void)state;
	all_ways(OPEN, (const int[]){ENOSPC, EIO, EMFILE, 0});
}

static void write_fails(void **state)
{
	(void)state;
	all_ways(WRITE, (const int[]){ENOSPC, EIO, EINTR, SHORT, 0});
}

/** What is half written stays in the file: no truncation either. */
static void torn_writes(void **state)
{
	(void)state;
	strcpy(path, temp_path("torn.gtrace"));
	snprintf(side, sizeof(side), "%s.live", path);
	each_call(WRITE, TORN, true, false);
}

static void allocation_fails(void **state)
{
	(void)state;
	all_ways(FALLOCATE, (const int[]){ENOSPC, EIO, EINTR, 0});
}

static void mapping_fails(void **state)
{
	(void)state;
	all_ways(MMAP, (const int[]){ENOMEM, 0});
}

static void thread_fails(void **state)
{
	(void)state;
	all_ways(THREAD, (const int[]){EAGAIN, 0});
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(open_fails),    cmocka_unit_test(write_fails),
		cmocka_unit_test(torn_writes),   cmocka_unit_test(allocation_fails),
		cmocka_unit_test(mapping_fails), cmocka_unit_test(thread_fails),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

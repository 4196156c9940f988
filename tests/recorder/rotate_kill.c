/* SPDX-License-Identifier: MIT */
/** rotate_kill.c: SIGKILL while files change, and calls that fail then. */
#include "rotated.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* ── calls that fail, or are the last ones ── */

static atomic_int calls_left; // when it comes to 0, SIGKILL; below that, never
static bool kill_behind;      // the call, not before it
static atomic_int fail_link, fail_rename;

ssize_t __wrap_write(int fd, const void *p, size_t len);
int __wrap_link(const char *from, const char *to);
int __wrap_rename(const char *from, const char *to);
int __wrap_unlink(const char *path);
ssize_t __real_write(int fd, const void *p, size_t len);
int __real_link(const char *from, const char *to);
int __real_rename(const char *from, const char *to);
int __real_unlink(const char *path);

static void called(bool behind)
{
	if (behind == kill_behind && calls_left > 0 && --calls_left == 0)
		raise(SIGKILL);
}

ssize_t __wrap_write(int fd, const void *p, size_t len)
{
	called(false);
	ssize_t n = __real_write(fd, p, len);

	called(true);
	return n;
}

int __wrap_link(const char *from, const char *to)
{
	if (fail_link) {
		errno = fail_link;
		return -1;
	}
	called(false);
	int n = __real_link(from, to);

	called(true);
	return n;
}

int __wrap_rename(const char *from, const char *to)
{
	if (fail_rename) {
		errno = fail_rename;
		return -1;
	}
	called(false);
	int n = __real_rename(from, to);

	called(true);
	return n;
}

int __wrap_unlink(const char *path)
{
	called(false);
	int n = __real_unlink(path);

	called(true);
	return n;
}

/* ── ends ── */

/** Smaller than PIPE_BUF: whole or not at all. */
struct said {
	uint64_t thread;
	uint64_t number;
};

static struct gtrace_rec *child_rec;
static int pipe_out;

static void *child_thread(void *arg)
{
	struct gtrace_stream *s = gtrace_stream_new(child_rec, GTRACE_thread_kind_WORKER, 1);

	(void)arg;
	for (uint64_t i = 1;; i += 256) {
		struct said said = {s->number, i + 255};

		emit(s, i, i + 255);
		if (write(pipe_out, &said, sizeof(said)) != sizeof(said))
			_exit(1);
	}
	return NULL;
}

static void child(const char *path)
{
	struct gtrace_options opt = rotating(path, 1000);
	struct gtrace_error err;
	pthread_t id;

	if (gtrace_rec_open(&child_rec, &opt, NULL, NULL, &err))
		_exit(1);
	pthread_create(&id, NULL, child_thread, NULL);
	child_thread(NULL);
}

/** What was said is in one of the files, or in the sidecar of the newest. */
static void expect_all_said(const char *path, const uint64_t last_said[STREAMS])
{
	struct files f = files_of(path);
	struct numbers n = {0};
	struct stat newest, before;

	// Killed between the two changes of names, the last number is the newest file's, too.
	if (f.count > 1 && !stat(f.path[f.count - 1], &newest) && !stat(f.path[f.count - 2], &before) &&
	    newest.st_ino == before.st_ino) {
		memcpy(f.path[f.count - 2], f.path[f.count - 1], sizeof(f.path[0]));
		f.count--;
	}
	for (unsigned i = 0; i < f.count; i++) {
		struct events e = numbers_add(&n, f.path[i]);

		if (i + 1 < f.count)
			assert_int_equal(e.info.end, GTRACE_END_ROTATED);
		else // or killed behind the last write
			assert_true(e.info.end == GTRACE_END_CUT || e.info.end == GTRACE_END_EXIT);
		events_free(&e);
	}
	for (int t = 1; t < STREAMS; t++) {
		assert_true(n.last[t] >= last_said[t]);
		assert_true(n.first[t] <= 1);
	}
}

static void killed_after(unsigned round, uint64_t events)
{
	char path[512], name[32];
	int fds[2];
	struct said said;
	uint64_t last_said[STREAMS] = {0};

	snprintf(name, sizeof(name), "k%u.gtrace", round);
	strcpy(path, temp_path(name));
	assert_int_equal(pipe(fds), 0);
	pid_t pid = fork();

	if (!pid) {
		pipe_out = fds[1];
		child(path);
	}
	close(fds[1]);
	while (read(fds[0], &said, sizeof(said)) == sizeof(said)) {
		last_said[said.thread] = said.number;
		if (said.number >= events)
			kill(pid, SIGKILL);
	}
	waitpid(pid, NULL, 0);
	close(fds[0]);
	expect_all_said(path, last_said);
}

static void kills(void **state)
{
	const char *rounds = getenv("KILLS");
	uint64_t seed = (uint64_t)time(NULL);

	(void)state;
	for (unsigned i = 0; i < (rounds ? (unsigned)atoi(rounds) : 10); i++)
		killed_after(i, 1 + random_next(&seed) % (i % 5 ? MANY : 200));
}

/** SIGKILL before or after each call that changes a file, in turn. */
static void kills_at_each_call(void **state)
{
	uint64_t *said = mmap(NULL, STREAMS * sizeof(*said), PROT_READ | PROT_WRITE,
	                      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int status = 0;

	(void)state;
	for (int n = 1; n == 1 || !WIFEXITED(status); n++) {
		char path[512], name[32];

		snprintf(name, sizeof(name), "call%d.gtrace", n);
		strcpy(path, temp_path(name));
		memset(said, 0, STREAMS * sizeof(*said));
		pid_t pid = fork();

		if (!pid) {
			calls_left = (n + 1) / 2;
			kill_behind = n % 2;
			struct gtrace_rec *rec = rotating_open(path, 1000);
			struct gtrace_stream *s = gtrace_stream_new(rec, GTRACE_thread_kind_WORKER, 1);

			for (; said[1] < MANY / 2; said[1] += 100)
				emit(s, said[1] + 1, said[1] + 100);
			gtrace_rec_close(rec, GTRACE_END_EXIT, 0);
			_exit(0);
		}
		waitpid(pid, &status, 0);
		if (n > 2) // or there is no header
			expect_all_said(path, said);
	}
	munmap(said, STREAMS * sizeof(*said));
}

/* ── trouble ── */

/** A file system without links. */
static void no_links(void **state)
{
	char path[512];
	unsigned count;

	(void)state;
	strcpy(path, temp_path("nolinks.gtrace"));
	fail_link = EPERM;
	struct gtrace_rec *rec = rotating_open(path, 1000);
	struct gtrace_stream *s = gtrace_stream_new(rec, GTRACE_thread_kind_WORKER, 1);

	emit(s, 1, MANY);
	gtrace_rec_close(rec, GTRACE_END_EXIT, 0);
	gtrace_rec_free(rec);
	fail_link = 0;
	struct numbers n = numbers_of(path, GTRACE_END_EXIT, &count);

	assert_true(count >= FILES_MIN);
	assert_int_equal(n.first[1], 1);
	assert_int_equal(n.last[1], MANY);
}

/** The recording is over, the program is not, and what was written can be read. */
static void no_name(void **state)
{
	char path[512];

	(void)state;
	strcpy(path, temp_path("noname.gtrace"));
	fail_rename = EIO;
	struct gtrace_rec *rec = rotating_open(path, 1000);
	struct gtrace_stream *s = gtrace_stream_new(rec, GTRACE_thread_kind_WORKER, 1);

	emit(s, 1, MANY);
	assert_int_equal(gtrace_rec_close(rec, GTRACE_END_EXIT, 0), -EIO);
	gtrace_rec_free(rec);
	fail_rename = 0;
	assert_int_equal(notes, 1);
	assert_non_null(strstr(note, "noname.gtrace': Input/output error"));
	struct events e = events_read(path);

	assert_int_equal(e.result, 0);
	assert_true(events_count(&e, GTRACE_BUSY) > 1000);
	events_free(&e);
}

/** The new file cannot be made: it goes on in the old one. */
int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(kills),
		cmocka_unit_test(kills_at_each_call),
		cmocka_unit_test(no_links),
		cmocka_unit_test(no_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

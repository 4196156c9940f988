/* SPDX-License-Identifier: MIT */
/** crash.c: gtrace_rec_fault() completes the file, or gives up in time and leaves the sidecar. */
#define _GNU_SOURCE
#include "support.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define SECOND INT64_C(1000000000)

static struct gtrace_rec *rec;
static struct gtrace_stream *stream;
static int said[2]; // the writer thread has said that it fails

static void open_in_child(const char *path, void (*notify)(const char *))
{
	struct gtrace_options opt = options_for(path);
	struct gtrace_error err;

	if (gtrace_rec_open(&rec, &opt, NULL, notify, &err))
		_exit(10);
	stream = gtrace_stream_new(rec, GTRACE_thread_kind_WORKER, 1);
}

static void emit(uint64_t from, uint64_t to)
{
	uint64_t seed = from;

	for (uint64_t i = from; i <= to; i++)
		GTRACE_EMIT(stream, BUSY, i, random_next(&seed), random_next(&seed), 0, 0);
}

static int status_of(pid_t pid)
{
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static void check_numbers(const struct events *e, uint64_t last)
{
	uint64_t n = 0;

	for (size_t i = 0; i < e->count; i++) {
		if (e->event[i].id == GTRACE_BUSY)
			assert_int_equal(e->event[i].arg[0], ++n);
	}
	assert_true(n >= last);
}

/** The handler of a real fault, in the middle of other threads' faults. */
static void on_segv(int signo)
{
	if (!gtrace_rec_fault(rec, signo, 20 * SECOND))
		_exit(11);
	signal(signo, SIG_DFL);
	raise(signo);
}

static void *also_faults(void *arg)
{
	raise(SIGSEGV);
	return arg;
}

static void completes(void **state)
{
	char path[512];

	(void)state;
	strcpy(path, temp_path("fault.gtrace"));
	pid_t pid = fork();

	if (!pid) {
		pthread_t id;

		open_in_child(path, NULL);
		emit(1, 20000);
		signal(SIGSEGV, on_segv);
		pthread_create(&id, NULL, also_faults, NULL);
		raise(SIGSEGV);
		pthread_join(id, NULL);
		_exit(12);
	}
	int status = status_of(pid);

	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGSEGV);
	struct events e = events_read(path);

	assert_int_equal(e.info.end, GTRACE_END_SIGNAL);
	assert_int_equal(e.info.end_code, SIGSEGV);
	assert_false(e.info.sidecar);
	check_numbers(&e, 20000);
	events_free(&e);
}

/** The writer thread is stuck, as it would be if the faulting thread held what it needs. */
static void stuck(const char *line)
{
	(void)line;
	if (write(said[1], "x", 1) == 1)
		for (;;)
			pause();
}

static void gives_up(void **state)
{
	char path[512];
	char side[530];

	(void)state;
	strcpy(path, temp_path("stuck.gtrace"));
	snprintf(side, sizeof(side), "%s.live", path);
	assert_int_equal(pipe(said), 0);
	pid_t pid = fork();

	if (!pid) {
		struct rlimit rl = {8 << 10, RLIM_INFINITY}; // the file may not grow beyond this
		struct timespec from, to;
		char byte;

		open_in_child(path, stuck);
		emit(1, 1000);
		setrlimit(RLIMIT_FSIZE, &rl);
		emit(1001, 4000); // more than a batch
		if (read(said[0], &byte, 1) != 1)
			_exit(13);
		clock_gettime(CLOCK_MONOTONIC, &from);
		if (gtrace_rec_fault(rec, SIGABRT, SECOND / 10))
			_exit(14);
		clock_gettime(CLOCK_MONOTONIC, &to);
		_exit((to.tv_sec - from.tv_sec) * SECOND + to.tv_nsec - from.tv_nsec < SECOND / 10 ? 15
		                                                                                   : 3);
	}
	int status = status_of(pid);

	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 3);
	assert_true(file_exists(side));
	struct events e = events_read(path);

	assert_int_equal(e.result, 0);
	assert_int_equal(e.info.end, GTRACE_END_SIGNAL);
	assert_int_equal(e.info.end_code, SIGABRT);
	assert_true(e.info.sidecar);
	assert_int_equal(e.info.lost_batches, 0);
	check_numbers(&e, 1000);
	events_free(&e);
}

/** In a forked child nothing is asked of a thread that is not there. */
static void in_a_child(void **state)
{
	struct gtrace_options opt = options_for(temp_path("child.gtrace"));

	(void)state;
	rec = record(&opt);
	pid_t pid = fork();

	if (!pid)
		_exit(gtrace_rec_fault(rec, SIGSEGV, 100 * SECOND));
	assert_int_equal(status_of(pid), 0);
	assert_int_equal(gtrace_rec_close(rec, GTRACE_END_EXIT, 0), 0);
	assert_true(gtrace_rec_fault(rec, SIGSEGV, 0)); // it is complete already
	gtrace_rec_free(rec);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(completes),
		cmocka_unit_test(gives_up),
		cmocka_unit_test(in_a_child),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

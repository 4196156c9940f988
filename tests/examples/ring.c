/* SPDX-License-Identifier: MIT */
/*
 * ring.c: the flight recorder as a user has it: every way to a dump, and what is found in one of
 * goroutines that parked long before it begins.  Likewise in the files of a recording that rotates.
 */
#include "drive.h"
#include "report.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>
#include <gtrace.h>

#define RING "out=x.gtrace,ring=512K"
#define DUMP "x.0001.gtrace"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SEARCHED false // memory is not searched: a sanitizer keeps copies of everything
#else
#define SEARCHED true
#endif

static void start(struct drive *d, const char *what, const char *end)
{
	drive_start(d, "TESTS_BUILD", "old_trouble", (const char *const[2]){what, end}, RING);
}

static void expect_line(struct drive *d, const char *want)
{
	char line[200];

	assert_true(drive_line(d, line, sizeof line) > 0);
	assert_string_equal(line, want);
}

/** A file that another process is about to complete: until it has an end record. */
static void wait_for_dump(const char *path)
{
	time_t give_up = time(NULL) + 60;
	struct gtrace_reader *r;
	struct gtrace_error err;

	for (;;) {
		bool done = false;

		if (gtrace_reader_open(&r, path, &err) == 0) {
			done = gtrace_reader_info(r)->end != GTRACE_END_CUT;
			gtrace_reader_close(r);
		}
		if (done)
			return;
		if (time(NULL) > give_up)
			fail_msg("no dump '%s' after a minute", path);
		nanosleep(&(struct timespec){0, 10000000}, NULL);
	}
}

/** The number of the newest file but the one being written: x.000003.gtrace is 3.  0: there is
 * none. */
static int files_number(void)
{
	int number = 0;
	glob_t g;

	if (!glob("x.[0-9]*.gtrace", 0, NULL, &g)) {
		number = atoi(g.gl_pathv[g.gl_pathc - 1] + 2);
		globfree(&g);
	}
	return number;
}

static void wait_for_files(int number)
{
	time_t give_up = time(NULL) + 60;

	while (files_number() < number) {
		if (time(NULL) > give_up)
			fail_msg("no file %d after a minute", number);
		nanosleep(&(struct timespec){0, 10000000}, NULL);
	}
}

static void wait_until_gone(const char *path)
{
	time_t give_up = time(NULL) + 60;

	while (access(path, F_OK) == 0) {
		if (time(NULL) > give_up)
			fail_msg("'%s' is there after a minute", path);
		nanosleep(&(struct timespec){0, 1000000}, NULL);
	}
}

/** It is a dump that begins in the middle, whole, and ends like that; "" for no reason. */
static void expect_dump(const char *path, enum gtrace_end end, const char *reason)
{
	struct gtrace_reader *r;
	struct gtrace_error err;
	struct gtrace_event ev;
	unsigned lists = 0;

	assert_int_equal(gtrace_reader_open(&r, path, &err), 0);
	while (gtrace_reader_next(r, &ev, &err) == 1)
		lists += ev.id == GTRACE_SNAP_END;
	const struct gtrace_info *info = gtrace_reader_info(r);

	assert_int_equal(info->end, end);
	assert_int_equal(info->lost_batches, 0);
	assert_int_equal(info->lost_events, 0);
	assert_int_equal(info->broken, 0);
	assert_true(info->begin_ns > 0);
	assert_true(info->raw_bytes >= 256 << 10);
	assert_true(lists >= 1);
	assert_non_null(strstr(info->end_record, reason));
	gtrace_reader_close(r);
}

/** One finding of that kind with so many goroutines, or none. */
static void expect_finding(const char *path, const char *kind, int count)
{
	char query[200];

	assert_int_equal(drive_analyze(path, "out"), count ? 1 : 0);
	struct report *r = report_open("out/report.json");

	assert_int_equal(report_int(r, "SELECT count(*) FROM finding"
	                               " WHERE json_extract(f, '$.severity') <> 'info'"),
	                 count ? 1 : 0);
	if (count) {
		snprintf(query, sizeof query,
		         "SELECT json_extract(f, '$.count') FROM finding WHERE kind = '%s'", kind);
		assert_int_equal(report_int(r, query), count);
		snprintf(query, sizeof query,
		         "SELECT json_extract(f, '$.born_at.file') FROM finding WHERE kind = '%s'", kind);
		assert_non_null(strstr(report_text(r, query), "old_trouble.c"));
		snprintf(query, sizeof query,
		         "SELECT json_extract(f, '$.since_ns') FROM finding WHERE kind = '%s'", kind);
		assert_int_equal(report_int(r, query), 0); // since before the trace
	}
	report_close(r);
}

/** Its stdout, without the newline. */
static int ask_for_dump(pid_t pid, char *line, size_t room)
{
	int out[2], status;
	char number[32];

	snprintf(number, sizeof number, "%d", (int)pid);
	assert_int_equal(pipe(out), 0);
	pid_t child = fork();

	if (child == 0) {
		const char *gtrace = getenv("GTRACE_PROGRAM");
		dup2(out[1], STDOUT_FILENO);
		execl(gtrace, gtrace, "record", number, "--dump", NULL);
		_exit(127);
	}
	close(out[1]);
	ssize_t n = read(out[0], line, room - 1);

	line[n > 0 ? n : 0] = '\0';
	line[strcspn(line, "\n")] = '\0';
	close(out[0]);
	assert_int_equal(waitpid(child, &status, 0), child);
	return WEXITSTATUS(status);
}

/* ── what is found ── */

static void found(const char *what, const char *kind, int count)
{
	struct drive d;

	start(&d, what, "dump");
	expect_line(&d, "dumped");
	expect_line(&d, "ready");
	assert_int_equal(drive_wait(&d), 0);
	expect_dump(DUMP, GTRACE_END_DUMP, "reason=the test wants one\n");
	expect_finding(DUMP, kind, count);
}

static void locks(void **state)
{
	(void)state;
	found("locks", "lock-deadlock", 2);
}

static void locks_fixed(void **state)
{
	(void)state;
	found("locks-fixed", "", 0);
}

static void leak(void **state)
{
	(void)state;
	found("leak", "leak", SEARCHED ? 1 : 0);
}

/** SIGKILL leaves no search of memory: who used the channel before is not known, and nothing is
 * said. */
static void leak_unsearched(void **state)
{
	struct drive d;

	(void)state;
	start(&d, "leak", "wait");
	expect_line(&d, "ready");
	kill(d.pid, SIGKILL);
	assert_int_equal(drive_wait(&d), 128 + SIGKILL);
	expect_dump("x.gtrace", GTRACE_END_CUT, "");
	expect_finding("x.gtrace.live", "", 0);
}

static void leak_fixed(void **state)
{
	(void)state;
	found("leak-fixed", "", 0);
}

static void selects(void **state)
{
	(void)state;
	found("select", "leak", SEARCHED ? 1 : 0);
}

static void selects_fixed(void **state)
{
	(void)state;
	found("select-fixed", "", 0);
}

/** All are parked, and the timer that will wake one was armed before the trace begins. */
static void alarm_clock(void **state)
{
	char line[4096];
	struct drive d;

	(void)state;
	start(&d, "select-fixed", "alarm");
	expect_line(&d, "ready");
	assert_int_equal(ask_for_dump(d.pid, line, sizeof line), 0);
	kill(d.pid, SIGKILL);
	assert_int_equal(drive_wait(&d), 128 + SIGKILL);
	expect_finding(line, "", 0);
	expect_finding("x.gtrace", "", 0);
}

/* ── nobody is accused while all go on ── */

/** A pipeline in full swing, whose goroutines wait for each other and move all the time: memory is
 * searched meanwhile. */
static void a_busy_pipeline(void **state)
{
	char line[4096];
	struct drive d;

	(void)state;
	drive_start(&d, "EXAMPLES_BUILD", "sieve", (const char *const[2]){"100000000", NULL}, RING);
	for (int dumps = 0; dumps < 4;) {
		if (ask_for_dump(d.pid, line, sizeof line) != 0)
			continue; // it has only just begun
		expect_finding(line, "", 0);
		dumps++;
	}
	kill(d.pid, SIGTERM);
	assert_int_equal(drive_wait(&d), 128 + SIGTERM);
	expect_finding("x.gtrace", "", 0);
}

static void a_busy_pipeline_recorded(void **state)
{
	struct drive d;

	(void)state;
	drive_start(&d, "EXAMPLES_BUILD", "sieve", (const char *const[2]){"100000000", NULL},
	            "out=x.gtrace,rotate=256K,keep=2");
	wait_for_files(3);
	kill(d.pid, SIGTERM);
	assert_int_equal(drive_wait(&d), 128 + SIGTERM);
	expect_finding("x.gtrace", "", 0);
}

/* ── files that rotate ── */

/** The newest file, and with before also the one before it. */
static void rotated(const char *what, int signo, bool before, const char *kind, int count)
{
	struct drive d;
	char path[32];

	drive_start(&d, "TESTS_BUILD", "old_trouble", (const char *const[2]){what, "wait"},
	            "out=x.gtrace,rotate=256K,keep=3");
	expect_line(&d, "ready");
	wait_for_files(3);
	wait_until_gone("x.000001.gtrace"); // after the newest has its name
	kill(d.pid, signo);
	assert_int_equal(drive_wait(&d), 128 + signo);
	expect_finding("x.gtrace", kind, count);
	snprintf(path, sizeof path, "x.%06d.gtrace", files_number());
	if (before)
		expect_finding(path, kind, count);
}

static void rotated_locks(void **state)
{
	(void)state;
	rotated("locks", SIGKILL, true, "lock-deadlock", 2);
	assert_int_equal(access("x.000001.gtrace", F_OK), -1);
}

static void rotated_locks_fixed(void **state)
{
	(void)state;
	rotated("locks-fixed", SIGKILL, true, "", 0);
}

static void rotated_leak(void **state)
{
	(void)state;
	rotated("leak", SIGTERM, false, "leak", SEARCHED ? 1 : 0);
}

static void rotated_leak_fixed(void **state)
{
	(void)state;
	rotated("leak-fixed", SIGTERM, true, "", 0);
}

/* ── ways to a dump ── */

static void by_process_number(void **state)
{
	char first[4096], second[4096], here[4096];
	struct drive d;

	(void)state;
	start(&d, "locks", "wait");
	expect_line(&d, "ready");
	assert_int_equal(ask_for_dump(d.pid, first, sizeof first), 0);
	assert_int_equal(ask_for_dump(d.pid, second, sizeof second), 0);
	assert_non_null(getcwd(here, sizeof here));
	assert_memory_equal(first, here, strlen(here)); // absolute
	assert_string_equal(first + strlen(here), "/x.0001.gtrace");
	assert_string_equal(second + strlen(here), "/x.0002.gtrace");
	kill(d.pid, SIGKILL);
	assert_int_equal(drive_wait(&d), 128 + SIGKILL);
	expect_dump(first, GTRACE_END_DUMP, "reason=asked for by another process\n");
	expect_dump(second, GTRACE_END_DUMP, "reason=asked for by another process\n");
	expect_finding(second, "lock-deadlock", 2);
	// What SIGKILL left: no last list, but one in the ring.
	expect_dump("x.gtrace", GTRACE_END_CUT, "");
	expect_finding("x.gtrace", "lock-deadlock", 2);
}

static void nobody_to_ask(void **state)
{
	char line[4096];
	pid_t child = fork();

	(void)state;
	if (child == 0)
		_exit(0);
	waitpid(child, NULL, 0);
	assert_int_equal(ask_for_dump(child, line, sizeof line), 3); // no such process
	assert_int_equal(ask_for_dump(getpid(), line, sizeof line), 3);
	assert_string_equal(line, "");
}

static void by_signal(void **state)
{
	struct drive d;

	(void)state;
	setenv("GOR_DEBUG", "dumpsig=USR2", 1);
	start(&d, "locks", "wait");
	unsetenv("GOR_DEBUG");
	expect_line(&d, "ready");
	kill(d.pid, SIGUSR2);
	wait_for_dump(DUMP);
	kill(d.pid, SIGTERM); // it has gone on
	assert_int_equal(drive_wait(&d), 128 + SIGTERM);
	expect_dump(DUMP, GTRACE_END_DUMP, "reason=a signal\n");
	expect_finding(DUMP, "lock-deadlock", 2);
	expect_dump("x.gtrace", GTRACE_END_SIGNAL, "");
	expect_finding("x.gtrace", "lock-deadlock", 2);
	assert_int_equal(access("x.gtrace.live", F_OK), -1);
}

static void by_panic(void **state)
{
	struct drive d;

	(void)state;
	start(&d, "locks", "panic");
	assert_int_equal(drive_wait(&d), 2);
	expect_dump("x.gtrace", GTRACE_END_PANIC, "");
	expect_finding("x.gtrace", "lock-deadlock", 2);
}

static void by_crash(void **state)
{
	struct drive d;

	(void)state;
	if (!SEARCHED)
		skip(); // the signal is the sanitizer's
	start(&d, "locks", "crash");
	assert_int_equal(drive_wait(&d), 128 + SIGSEGV);
	expect_dump("x.gtrace", GTRACE_END_SIGNAL, "");
	expect_finding("x.gtrace", "lock-deadlock", 2);
}

static void by_deadlock(void **state)
{
	struct drive d;

	(void)state;
	setenv("GOR_DEBUG", "deadlock=report", 1);
	start(&d, "locks", "report");
	unsetenv("GOR_DEBUG");
	expect_line(&d, "ready");
	wait_for_dump(DUMP);
	kill(d.pid, SIGKILL);
	drive_wait(&d);
	expect_dump(DUMP, GTRACE_END_DEADLOCK, "all goroutines are asleep");
	assert_int_equal(drive_analyze(DUMP, "out"), 1);
	struct report *r = report_open("out/report.json");

	report_int(r, "SELECT 1 FROM finding WHERE kind = 'lock-deadlock'");
	report_int(r, "SELECT 1 FROM finding WHERE kind = 'global-deadlock'"
	              " AND json_extract(f, '$.count') = 3");
	report_close(r);
}

/** How many stacks were written of goroutines that a deadlock holds. */
static int deadlock_stacks(const char *path)
{
	struct gtrace_reader *r;
	struct gtrace_error err;
	struct gtrace_event ev;
	bool behind = false;
	int stacks = 0;

	assert_int_equal(gtrace_reader_open(&r, path, &err), 0);
	while (gtrace_reader_next(r, &ev, &err) == 1) {
		behind |= ev.id == GTRACE_DEADLOCK;
		stacks += behind && ev.id == GTRACE_STACK;
	}
	gtrace_reader_close(r);
	return stacks;
}

static void by_fatal_deadlock(void **state)
{
	struct drive d;

	(void)state;
	start(&d, "locks", "report");
	expect_line(&d, "ready");
	assert_int_equal(drive_wait(&d), 2);
	expect_dump("x.gtrace", GTRACE_END_DEADLOCK, "");
	assert_int_equal(deadlock_stacks("x.gtrace"), 3);
}

static void by_busy_goroutine(void **state)
{
	struct drive d;

	(void)state;
	setenv("GOR_DEBUG", "busy=300ms", 1);
	start(&d, "locks-fixed", "busy");
	unsetenv("GOR_DEBUG");
	expect_line(&d, "ready");
	wait_for_dump(DUMP);
	kill(d.pid, SIGKILL);
	drive_wait(&d);
	expect_dump(DUMP, GTRACE_END_DUMP, "reason=a goroutine computes for long\n");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, drive_set_up, drive_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(locks),
		TEST(locks_fixed),
		TEST(leak),
		TEST(leak_fixed),
		TEST(leak_unsearched),
		TEST(selects),
		TEST(selects_fixed),
		TEST(alarm_clock),
		TEST(a_busy_pipeline),
		TEST(a_busy_pipeline_recorded),
		TEST(rotated_locks),
		TEST(rotated_locks_fixed),
		TEST(rotated_leak),
		TEST(rotated_leak_fixed),
		TEST(by_signal),
		TEST(by_process_number),
		TEST(nobody_to_ask),
		TEST(by_panic),
		TEST(by_crash),
		TEST(by_deadlock),
		TEST(by_fatal_deadlock),
		TEST(by_busy_goroutine),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

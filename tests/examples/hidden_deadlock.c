/* SPDX-License-Identifier: MIT */
/* hidden_deadlock.c: the deadlock behind a busy goroutine is found, although SIGKILL ended the run.
 */
#include "drive.h"
#include "report.h"
#include <gtrace.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>

#ifdef __SANITIZE_THREAD__
#define SAMPLED false // ThreadSanitizer holds back the signal that samples a busy goroutine
#else
#define SAMPLED true
#endif

/* Whether the trace says by now that a goroutine has used more than a second of CPU without a word.
 */
static bool has_long_spin(const char *trace)
{
	struct gtrace_error err;
	struct gtrace_reader *r;
	struct gtrace_event ev;
	bool found = false;

	if (gtrace_reader_open(&r, trace, &err) < 0)
		return false;
	while (!found && gtrace_reader_next(r, &ev, &err) == 1)
		found = ev.id == GTRACE_BUSY && ev.arg[3] > 1000000000u;
	gtrace_reader_close(r);
	return found;
}

/* Polls, since no event of the program can tell that time has passed in it. */
static void wait_for_long_spin(const char *trace)
{
	time_t give_up = time(NULL) + 60;

	while (!has_long_spin(trace)) {
		if (time(NULL) > give_up)
			fail_msg("no sign of a busy goroutine after a minute");
		nanosleep(&(struct timespec){0, 50000000}, NULL);
	}
}

static void record(const char *trace)
{
	char line[200];
	struct drive d;

	drive_start(&d, "EXAMPLES_BUILD", "hidden_deadlock", NULL, trace);
	assert_true(drive_line(&d, line, sizeof line) > 0);
	assert_string_equal(line, "waiting for done");
	wait_for_long_spin(trace);
	kill(d.pid, SIGKILL);
	assert_int_equal(drive_wait(&d), 128 + SIGKILL);
}

static void finds_deadlock_and_spinner(void **state)
{
	struct report *r;
	int64_t line;

	(void)state;
	record("hidden.gtrace");
	assert_int_equal(drive_analyze("hidden.gtrace", "out"), 1);
	r = report_open("out/report.json");
	assert_string_equal(report_text(r, "SELECT json_extract(j, '$.trace.end') FROM doc"), "cut");
	assert_int_equal(report_int(r, "SELECT json_extract(j, '$.trace.lost_events') FROM doc"), 0);
	assert_int_equal(report_int(r, "SELECT count(*) FROM finding"), 2);

	assert_string_equal(report_text(r, "SELECT json_extract(f, '$.goroutines') FROM finding"
	                                   " WHERE kind = 'hidden-deadlock'"),
	                    "[1]");
	line = report_int(r, "SELECT json_extract(f, '$.blocked_at.line') FROM finding"
	                     " WHERE kind = 'hidden-deadlock'");
	assert_int_equal(line, drive_source_line("hidden_deadlock.c", "gor_recv(done"));
	assert_string_equal(report_text(r, "SELECT json_extract(f, '$.objects[0].name') FROM finding"
	                                   " WHERE kind = 'hidden-deadlock'"),
	                    "done");
	report_int(r, "SELECT 1 FROM finding WHERE kind = 'hidden-deadlock'"
	              " AND json_extract(f, '$.why') LIKE '%goroutine 2%'"); // who hides it

	assert_string_equal(
		report_text(r, "SELECT json_extract(f, '$.goroutines') FROM finding WHERE kind = 'spin'"),
		"[2]");
	line =
		report_int(r,
	               "SELECT json_extract(f, '$.blocked_at.line') FROM finding WHERE kind = 'spin'");
	if (SAMPLED)
		assert_in_range(line, drive_source_line("hidden_deadlock.c", "static void spin"),
		                drive_source_line("hidden_deadlock.c", "static int app") - 1);
	line =
		report_int(r, "SELECT json_extract(f, '$.born_at.line') FROM finding WHERE kind = 'spin'");
	assert_int_equal(line, drive_source_line("hidden_deadlock.c", "gor_go(spin"));
	report_close(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(finds_deadlock_and_spinner, drive_set_up, drive_tear_down)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

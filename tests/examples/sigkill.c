/* SPDX-License-Identifier: MIT */
/**
 * sigkill.c: kill -9 at random moments, KILLS or some of them, loses nothing.
 *
 * The program prints a number only after gor_trace_log() for it has returned.  So each number that
 * came out of it, to the last byte in the pipe, must be in the trace.
 */
#include "drive.h"
#include <gtrace.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#ifdef __SANITIZE_THREAD__
#define KILLS_USUAL 5 // each run takes seconds
#else
#define KILLS_USUAL 20
#endif

enum { LINES_MAX = 250 };

/* Run, kill after `lines` lines and `more_ns`; returns the last number printed. */
static int run_and_kill(const char *trace, int lines, long more_ns)
{
	char line[100];
	int last = 0;
	struct drive d;

	drive_start(&d, "TESTS_BUILD", "counting_sieve", NULL, trace);
	while (last < lines && drive_line(&d, line, sizeof line) > 0)
		last = atoi(line);
	nanosleep(&(struct timespec){0, more_ns}, NULL); // a moment between two lines
	kill(d.pid, SIGKILL);
	while (drive_line(&d, line, sizeof line) > 0) {
		assert_int_equal(atoi(line), last + 1);
		last++;
	}
	assert_int_equal(drive_wait(&d), 128 + SIGKILL);
	return last;
}

static void read_marks(const char *trace, bool *seen, int room)
{
	const struct gtrace_info *info;
	struct gtrace_error err;
	struct gtrace_reader *r;
	struct gtrace_event ev;
	int got;

	if (gtrace_reader_open(&r, trace, &err) < 0)
		fail_msg("%s", err.text);
	while ((got = gtrace_reader_next(r, &ev, &err)) == 1) {
		char text[32];

		if (ev.id != GTRACE_MARK)
			continue;
		snprintf(text, sizeof text, "%.*s", (int)ev.arg[1], ev.bytes[1]);
		if (atoi(text) < room)
			seen[atoi(text)] = true;
	}
	if (got < 0)
		fail_msg("%s", err.text);
	info = gtrace_reader_info(r);
	assert_int_equal(info->end, GTRACE_END_CUT);
	assert_true(info->sidecar);
	assert_int_equal(info->broken, 0);
	assert_int_equal(info->lost_batches, 0);
	assert_int_equal(info->lost_events, 0);
	gtrace_reader_close(r);
}

static void loses_nothing(void **state)
{
	static bool seen[10000];
	const char *asked = getenv("KILLS");
	int kills = asked ? atoi(asked) : KILLS_USUAL;
	unsigned seed = (unsigned)time(NULL);
	int total = 0;

	(void)state;
	print_message("seed %u\n", seed);
	for (int i = 0; i < kills; i++) {
		char trace[40];
		int last;

		snprintf(trace, sizeof trace, "kill%d.gtrace", i);
		last = run_and_kill(trace, 1 + (int)(rand_r(&seed) % LINES_MAX), rand_r(&seed) % 3000000);
		memset(seen, 0, sizeof seen);
		read_marks(trace, seen, 10000);
		for (int n = 1; n <= last; n++)
			if (!seen[n])
				fail_msg("%s: %d was printed and is not in the trace, of %d", trace, n, last);
		total += last;
	}
	print_message("%d marks in %d runs\n", total, kills);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(loses_nothing, drive_set_up, drive_tear_down)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

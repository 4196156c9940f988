/* SPDX-License-Identifier: MIT */
/* leak.c: the leak example is found, with everything one needs to mend it. */
#include "drive.h"
#include "report.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

static void check_leak(const char *n)
{
	const char *const args[2] = {n, NULL};
	int replicas = n ? atoi(n) : 5;
	char line[200], want[200];
	struct drive d;
	struct report *r;

	drive_start(&d, "EXAMPLES_BUILD", "leak", args, "leak.gtrace");
	assert_true(drive_line(&d, line, sizeof line) > 0);
	assert_true(drive_line(&d, line, sizeof line) > 0);
	snprintf(want, sizeof want, "%d goroutines are alive, 1 is needed", replicas);
	assert_string_equal(line, want);
	assert_int_equal(drive_wait(&d), 0);

	assert_int_equal(drive_analyze("leak.gtrace", "out"), 1);
	r = report_open("out/report.json");
	assert_int_equal(report_int(r, "SELECT count(*) FROM finding"), 1);
	assert_string_equal(report_text(r, "SELECT kind FROM finding"), "leak");
	assert_int_equal(report_int(r, "SELECT json_extract(f, '$.count') FROM finding"), replicas - 1);
	assert_int_equal(report_int(r, "SELECT json_extract(f, '$.blocked_at.line') FROM finding"),
	                 drive_source_line("leak.c", "gor_send(r->answers"));
	assert_string_equal(report_text(r, "SELECT json_extract(f, '$.blocked_at.func') FROM finding"),
	                    "ask");
	assert_int_equal(report_int(r, "SELECT json_extract(f, '$.born_at.line') FROM finding"),
	                 drive_source_line("leak.c", "gor_go_copy(ask"));
	assert_string_equal(report_text(r, "SELECT json_extract(f, '$.objects[0].name') FROM finding"),
	                    "answers");
	assert_int_equal(report_int(r, "SELECT json_extract(j, '$.goroutines.started') FROM doc"),
	                 replicas + 1);
	assert_int_equal(report_int(r, "SELECT json_extract(j, '$.goroutines.ended') FROM doc"), 2);
	report_close(r);
}

static void five_replicas(void **state)
{
	(void)state;
	check_leak(NULL);
}

static void forty_replicas(void **state)
{
	(void)state;
	check_leak("40");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(five_replicas, drive_set_up, drive_tear_down),
		cmocka_unit_test_setup_teardown(forty_replicas, drive_set_up, drive_tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

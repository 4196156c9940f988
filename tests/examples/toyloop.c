/* SPDX-License-Identifier: MIT */
/* toyloop.c: a runtime that is not ours, recorded by gtrace.h: the leak in it is found. */
#include "drive.h"
#include "report.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

static void forgotten(void **state)
{
	char line[200];
	struct drive d;
	struct report *r;

	(void)state;
	drive_start(&d, "EXAMPLES_BUILD", "toyloop", NULL, "toyloop.gtrace");
	assert_true(drive_line(&d, line, sizeof line) > 0);
	assert_string_equal(line, "task 2 has its answer");
	assert_true(drive_line(&d, line, sizeof line) > 0);
	assert_string_equal(line, "task 4 has its answer");
	assert_int_equal(drive_line(&d, line, sizeof line), -1);
	assert_int_equal(drive_wait(&d), 0);

	assert_int_equal(drive_analyze("toyloop.gtrace", "out"), 1);
	r = report_open("out/report.json");
	assert_int_equal(report_int(r, "SELECT count(*) FROM finding"), 1);
	assert_string_equal(report_text(r, "SELECT kind FROM finding"), "leak");
	assert_int_equal(report_int(r, "SELECT json_extract(f, '$.goroutines[0]') FROM finding"), 3);
	assert_int_equal(report_int(r, "SELECT json_extract(f, '$.count') FROM finding"), 1);
	assert_int_equal(report_int(r, "SELECT json_extract(f, '$.blocked_at.line') FROM finding"),
	                 drive_source_line("toyloop.c", "GO_PARK"));
	assert_int_equal(report_int(r, "SELECT json_extract(f, '$.born_at.line') FROM finding"),
	                 drive_source_line("toyloop.c", "spawn(ask"));
	assert_string_equal(report_text(r, "SELECT json_extract(f, '$.objects[0].name') FROM finding"),
	                    "reply");
	assert_int_equal(report_int(r, "SELECT json_extract(j, '$.goroutines.started') FROM doc"), 7);
	assert_int_equal(report_int(r, "SELECT json_extract(j, '$.goroutines.ended') FROM doc"), 6);
	assert_string_equal(report_text(r, "SELECT json_extract(j, '$.trace.end') FROM doc"), "exit");
	report_close(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(forgotten, drive_set_up, drive_tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* clean.c: the examples without a fault do their work, and nothing is found in their traces. */
#include "drive.h"
#include "report.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <cmocka.h>

/* Run and analyze; the last line printed has to be this one. */
static void check(const char *name, const char *arg, const char *last)
{
	const char *const args[2] = {arg, NULL};
	char line[200], kept[200] = "";
	struct report *r;
	struct drive d;

	drive_start(&d, "EXAMPLES_BUILD", name, args, "run.gtrace");
	while (drive_line(&d, line, sizeof line) >= 0)
		memcpy(kept, line, sizeof kept);
	assert_string_equal(kept, last);
	assert_int_equal(drive_wait(&d), 0);

	assert_int_equal(drive_analyze("run.gtrace", "out"), 0);
	r = report_open("out/report.json");
	// A goroutine that is on its last steps while main returns is a fact, and no fault.
	assert_int_equal(report_int(r, "SELECT count(*) FROM finding WHERE kind <> 'alive-at-exit'"
	                               " OR json_extract(f, '$.certainty') <> 'fact'"),
	                 0);
	assert_string_equal(report_text(r, "SELECT json_extract(j, '$.trace.end') FROM doc"), "exit");
	assert_int_equal(report_int(r, "SELECT json_extract(j, '$.trace.lost_events') FROM doc"), 0);
	report_close(r);
}

static void broadcast(void **state)
{
	(void)state;
	check("broadcast", NULL, "all 3 workers have stopped");
}

static void sieve(void **state)
{
	(void)state;
	check("sieve", "500", "95 primes up to 500");
}

static void write_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

/** Files in several depths, an empty one, and a word that ends with its file. */
static void wordcount(void **state)
{
	const char *const args[2] = {"tree", NULL};
	static const char *const want[] = {"4 files, 3 lines, 9 words", "       5 go", "       2 the",
	                                   "       1 channel", "       1 gopher"};
	char line[200];
	struct drive d;

	(void)state;
	assert_int_equal(mkdir("tree", 0700) | mkdir("tree/a", 0700) | mkdir("tree/a/b", 0700), 0);
	write_file("tree/one", "go go, Go!\nthe gopher\n");
	write_file("tree/a/two", "THE channel 123\n");
	write_file("tree/a/b/three", "go-go");
	write_file("tree/a/b/empty", "");
	drive_start(&d, "EXAMPLES_BUILD", "wordcount", args, NULL);
	for (int i = 0; i < 3; i++) {
		assert_true(drive_line(&d, line, sizeof line) > 0);
		assert_string_equal(line, want[i]);
	}
	for (int i = 3; i < 5; i++) {
		assert_true(drive_line(&d, line, sizeof line) > 0);
		assert_true(strcmp(line, want[3]) == 0 || strcmp(line, want[4]) == 0); // a tie
	}
	assert_int_equal(drive_line(&d, line, sizeof line), -1);
	assert_int_equal(drive_wait(&d), 0);

	assert_int_equal(remove("tree/one") | remove("tree/a/two"), 0);
	check("wordcount", "tree", "       2 go");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(broadcast, drive_set_up, drive_tear_down),
		cmocka_unit_test_setup_teardown(sieve, drive_set_up, drive_tear_down),
		cmocka_unit_test_setup_teardown(wordcount, drive_set_up, drive_tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

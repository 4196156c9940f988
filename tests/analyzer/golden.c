/* SPDX-License-Identifier: MIT */
/**
 * golden.c: a text trace, its findings and its report.
 *
 * usage: golden TRACES NAME
 *
 * TRACES/NAME.txt is assembled and analyzed.  Its lines "# expect KIND CERTAINTY SEVERITY COUNT
 * FILE:LINE" are the findings, in order; TRACES/NAME.out is the text report from the number of
 * problems on.  With GTRACE_UPDATE=1 in the environment .out is written anew, and the difference is
 * there to be reviewed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "analysis.h"
#include "report/report.h"

static const char *traces, *name;

static void path_of(char *path, size_t cap, const char *ending)
{
	snprintf(path, cap, "%s/%s%s", traces, name, ending);
}

/* The findings as lines of "# expect". */
static char *found(sqlite3 *db)
{
	sqlite3_stmt *st;
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	assert_int_equal(
		sqlite3_prepare_v2(
			db,
			"SELECT '# expect ' || kind || ' ' || certainty || ' ' || severity || ' ' ||"
			" count || ' ' ||"
			"       coalesce(blocked_file, '-') || ':' || coalesce(blocked_line, 0)"
			" FROM finding ORDER BY id",
			-1, &st, NULL),
		SQLITE_OK);
	while (sqlite3_step(st) == SQLITE_ROW)
		fprintf(f, "%s\n", (const char *)sqlite3_column_text(st, 0));
	sqlite3_finalize(st);
	fclose(f);
	return text;
}

static char *expected(const char *trace)
{
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	for (const char *p = trace; p && *p; p = strchr(p, '\n')) {
		p += *p == '\n';
		if (strncmp(p, "# expect ", 9) == 0)
			fprintf(f, "%.*s\n", (int)strcspn(p, "\n"), p);
	}
	fclose(f);
	return text;
}

static char *report(sqlite3 *db)
{
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	assert_int_equal(report_text(db, f, false), SQLITE_OK);
	fclose(f);
	char *body = strstr(text, "\n\n");

	assert_non_null(body);
	memmove(text, body + 2, strlen(body + 2) + 1);
	return text;
}

static void test_findings(void **state)
{
	char path[4096];

	(void)state;
	path_of(path, sizeof path, ".txt");
	char *trace = analysis_file(path);
	sqlite3 *db = analysis_of_text(trace, strlen(trace));
	char *want = expected(trace), *got = found(db);

	assert_string_equal(got, want);
	free(want);
	free(got);
	free(trace);
	sqlite3_close(db);
}

static void test_report(void **state)
{
	char path[4096];

	(void)state;
	path_of(path, sizeof path, ".txt");
	char *trace = analysis_file(path);
	sqlite3 *db = analysis_of_text(trace, strlen(trace));
	char *got = report(db);

	path_of(path, sizeof path, ".out");
	if (getenv("GTRACE_UPDATE")) {
		FILE *f = fopen(path, "w");
		assert_non_null(f);
		fputs(got, f);
		fclose(f);
	}
	char *want = analysis_file(path);

	assert_string_equal(got, want);
	for (const char *p = got; *p; p++) // nothing that a terminal would obey
		assert_true((unsigned char)*p >= 0x20 || *p == '\n');
	free(want);
	free(got);
	free(trace);
	sqlite3_close(db);
}

/* What is called proven after `cut` bytes of a trace must never run again. */
static void check_prefix(const char *trace, size_t cut)
{
	sqlite3_stmt *st;
	sqlite3 *db = analysis_of_text(trace, cut);

	assert_int_equal(
		sqlite3_prepare_v2(
			db,
			"SELECT m.g FROM finding_goroutine m JOIN finding f USING (trace_id, kind, part)"
			" WHERE f.certainty = 'proven' AND f.kind <> 'global-deadlock'",
			-1, &st, NULL),
		SQLITE_OK);
	while (sqlite3_step(st) == SQLITE_ROW) {
		char start[64], wake[64];
		snprintf(start, sizeof start, "GO_START g=%d\n", sqlite3_column_int(st, 0));
		snprintf(wake, sizeof wake, "GO_WAKE g=%d ", sqlite3_column_int(st, 0));
		assert_null(strstr(trace + cut, start));
		assert_null(strstr(trace + cut, wake));
	}
	sqlite3_finalize(st);
	sqlite3_close(db);
}

/* After every line; of a long trace, after some 64. */
static void test_no_prefix_is_wrong(void **state)
{
	char path[4096];
	size_t lines = 0, line = 0;

	(void)state;
	path_of(path, sizeof path, ".txt");
	char *trace = analysis_file(path);

	for (const char *p = trace; *p; p++)
		lines += *p == '\n';
	for (const char *end = strchr(trace, '\n'); end; end = strchr(end + 1, '\n')) {
		if (end[1] && line++ % (lines / 64 + 1) == 0)
			check_prefix(trace, (size_t)(end + 1 - trace));
	}
	free(trace);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_findings),
		cmocka_unit_test(test_report),
		cmocka_unit_test(test_no_prefix_is_wrong),
	};

	if (argc != 3)
		return 2;
	traces = argv[1];
	name = argv[2];
	return cmocka_run_group_tests_name(name, tests, NULL, NULL);
}

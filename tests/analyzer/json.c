/* SPDX-License-Identifier: MIT */
/** json.c: report.json has the keys it promises, whatever was found. */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "analysis.h"
#include "report/report.h"

static const char *traces;

static char *json_of(const char *name)
{
	char path[4096], *json = NULL;
	size_t len;
	FILE *f = open_memstream(&json, &len);

	snprintf(path, sizeof path, "%s/%s", traces, name);
	char *text = analysis_file(path);
	sqlite3 *db = analysis_of_text(text, strlen(text));

	assert_int_equal(report_json(db, f), SQLITE_OK);
	fclose(f);
	sqlite3_close(db);
	free(text);
	return json;
}

/* A value of a JSON text, by SQLite's path; the caller frees it. */
static char *json_get(const char *json, const char *path)
{
	sqlite3_stmt *st;
	sqlite3 *db;

	assert_int_equal(sqlite3_open(":memory:", &db), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(db, "SELECT coalesce(?1 -> ?2, 'missing')", -1, &st, NULL),
	                 SQLITE_OK);
	sqlite3_bind_text(st, 1, json, -1, SQLITE_STATIC);
	sqlite3_bind_text(st, 2, path, -1, SQLITE_STATIC);
	if (sqlite3_step(st) != SQLITE_ROW)
		fail_msg("not JSON: %s", json);
	char *value = strdup((const char *)sqlite3_column_text(st, 0));

	sqlite3_finalize(st);
	sqlite3_close(db);
	return value;
}

static void check(const char *json, const char *path, const char *want)
{
	char *got = json_get(json, path);

	if (strcmp(got, want) != 0)
		fail_msg("%s is %s, not %s", path, got, want);
	free(got);
}

static void test_leak(void **state)
{
	static const char *const facts[][2] = {
		{"$.schema", "1"},
		{"$.trace.program", "\"./leak\""},
		{"$.trace.pid", "42"},
		{"$.trace.end", "\"exit\""},
		{"$.trace.seed", "null"},
		{"$.trace.replay", "null"},
		{"$.trace.lost_events", "0"},
		{"$.goroutines.started", "4"},
		{"$.goroutines.ended", "2"},
		{"$.goroutines.alive_at_end", "2"},
		{"$.goroutines.peak", "4"},
		{"$.findings[0].id", "1"},
		{"$.findings[0].kind", "\"leak\""},
		{"$.findings[0].certainty", "\"probable\""},
		{"$.findings[0].severity", "\"error\""},
		{"$.findings[0].count", "2"},
		{"$.findings[0].goroutines", "[3,4]"},
		{"$.findings[0].blocked_at",
	     "{\"file\":\"leak.c\",\"line\":5,\"func\":\"worker\",\"text\":\"chan send \\\"c\\\"\"}"},
		{"$.findings[0].born_at", "{\"file\":\"leak.c\",\"line\":12,\"func\":\"app\"}"},
		{"$.findings[0].objects",
	     "[{\"id\":1,\"type\":\"chan\",\"name\":\"c\",\"made_at\":{\"file\":\"leak.c\",\"line\":10,"
	     "\"func\":\"app\"},\"holder\":null}]"},
		{"$.findings[0].since_ns", "10000"},
		{"$.findings[0].touches_gap", "false"},
		{"$.findings[1]", "missing"},
	};
	char *json = json_of("leak_first_answer.txt");

	(void)state;
	for (size_t i = 0; i < sizeof facts / sizeof facts[0]; i++)
		check(json, facts[i][0], facts[i][1]);
	free(json);
}

static void test_locks(void **state)
{
	char *json = json_of("lock_abba.txt");

	(void)state;
	check(json, "$.trace.end", "\"signal:9\"");
	check(json, "$.findings[0].waits_for",
	      "[{\"goroutine\":2,\"object\":2,\"held_by\":3},"
	      "{\"goroutine\":3,\"object\":1,\"held_by\":2}]");
	check(json, "$.findings[0].objects[0].holder", "2");
	check(json, "$.findings[0].objects[1].name", "\"index\"");
	free(json);
}

/** A seed is 64 bits, and with its policy repeats the run. */
static void test_seed(void **state)
{
	char *json = json_of("global_seeded.txt");

	(void)state;
	check(json, "$.trace.seed", "-1");
	check(json, "$.trace.replay", "\"seed=18446744073709551615,policy=pct:3,vtime=1\"");
	free(json);
}

static void test_every_trace_has_every_key(void **state)
{
	static const char *const keys[] = {
		"id",      "kind",      "certainty",   "severity",    "title",      "why",
		"hint",    "count",     "goroutines",  "since_ns",    "blocked_at", "born_at",
		"objects", "waits_for", "touches_gap", "fingerprint",
	};
	DIR *dir = opendir(traces);

	(void)state;
	assert_non_null(dir);
	for (struct dirent *d; (d = readdir(dir));) {
		size_t len = strlen(d->d_name);
		if (len < 4 || strcmp(d->d_name + len - 4, ".txt") != 0)
			continue;
		char *json = json_of(d->d_name);
		for (int i = 0; i < 8; i++) {
			char path[64];
			snprintf(path, sizeof path, "$.findings[%d]", i);
			char *finding = json_get(json, path);
			for (size_t k = 0; strcmp(finding, "missing") != 0 && k < sizeof keys / sizeof *keys;
			     k++) {
				snprintf(path, sizeof path, "$.%s", keys[k]);
				char *value = json_get(finding, path);
				assert_string_not_equal(value, "missing");
				free(value);
			}
			free(finding);
		}
		free(json);
	}
	closedir(dir);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_leak),
		cmocka_unit_test(test_locks),
		cmocka_unit_test(test_seed),
		cmocka_unit_test(test_every_trace_has_every_key),
	};

	if (argc != 2)
		return 2;
	traces = argv[1];
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/*
 * busy.c: of a server under load, its three bugs are found and nothing else; without them, nothing.
 *
 *     busy bugs|fixed PROCESSORS
 */
#include "drive.h"
#include "report.h"
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define SOURCE "../../tests/examples/busy_server.c" // seen from the examples

#ifdef __SANITIZE_THREAD__
#define SAMPLED 0 // ThreadSanitizer holds back the signal that samples a busy goroutine
#else
#define SAMPLED 1
#endif

/*
 * Under a sanitizer memory is not searched; then who received once, and lives, might again, and of
 * a long run it is only said that there are ever more who wait.  And beside other tests so slow a
 * server keeps some of its goroutines waiting for a processor, which is a fact, and no bug of it.
 */
#if defined __SANITIZE_THREAD__ || defined __SANITIZE_ADDRESS__
#define SEARCHED 0
#define PROBLEM "json_extract(f, '$.severity') <> 'info' AND kind NOT IN ('leak-growth', 'starved')"
#else
#define SEARCHED 1
#define PROBLEM "json_extract(f, '$.severity') <> 'info'"
#endif

static const char *twin;

/* Its end is what it is told to do: return from main, or wait for SIGTERM. */
static void record(const char *end)
{
	const char *const args[2] = {twin, end};
	char line[200];
	struct drive d;

	drive_start(&d, "TESTS_BUILD", "busy_server", args, "busy.gtrace");
	assert_true(drive_line(&d, line, sizeof line) > 0);
	assert_non_null(strstr(line, " 0 wrong, "));
	assert_true(strtol(line, NULL, 10) > 0);
	assert_true(drive_line(&d, line, sizeof line) > 0);
	assert_string_equal(line, "ready");
	if (strcmp(end, "wait") == 0) {
		kill(d.pid, SIGTERM);
		assert_int_equal(drive_wait(&d), 128 + SIGTERM);
	} else {
		assert_int_equal(drive_wait(&d), 0);
	}
}

static int64_t place(struct report *r, const char *which, const char *kind)
{
	char query[200];

	snprintf(query, sizeof query,
	         "SELECT json_extract(f, '$.%s.line') FROM finding WHERE kind = '%s'", which, kind);
	return report_int(r, query);
}

static void check_leak(struct report *r)
{
	assert_int_equal(place(r, "blocked_at", "leak"),
	                 drive_source_line(SOURCE, "gor_send(c->answer"));
	assert_int_equal(place(r, "born_at", "leak"), drive_source_line(SOURCE, "gor_go_copy(compute"));
}

/* The dump of the page has the one that spins where it was seen, and who called that. */
static void check_page(void)
{
	static char page[4 << 20];
	FILE *f = fopen("out/report.html", "r");

	assert_non_null(f);
	page[fread(page, 1, sizeof page - 1, f)] = 0;
	fclose(f);
	const char *at = strstr(page, "[running]:\nfind_slot(...)\n\t");
	assert_non_null(at);
	assert_memory_equal(strstr(strchr(at, '\t'), "\n"), "\nkeep_sessions(...)\n\t", 21);
}

static void check_places(struct report *r)
{
	int64_t lock = place(r, "blocked_at", "lock-deadlock");

	assert_true(lock == drive_source_line(SOURCE, "gor_mutex_lock(&books.totals)") ||
	            lock == drive_source_line(SOURCE, "gor_mutex_lock(second)"));
	report_int(r, "SELECT 1 FROM finding WHERE kind = 'lock-deadlock'"
	              " AND json_extract(f, '$.certainty') = 'proven'"
	              " AND json_extract(f, '$.count') = 2"
	              " AND json_extract(f, '$.why') LIKE '%audit()%rotate()%'");
	assert_int_equal(place(r, "born_at", "spin"),
	                 drive_source_line(SOURCE, "gor_go(keep_sessions"));
	if (SAMPLED)
		assert_in_range(place(r, "blocked_at", "spin"),
		                drive_source_line(SOURCE, "static int find_slot"),
		                drive_source_line(SOURCE, "static void keep_sessions"));
	if (SAMPLED)
		check_page();
}

static void check(const char *end)
{
	int bugs = strcmp(twin, "bugs") == 0, leak = SEARCHED || strcmp(end, "return") == 0;
	struct report *r;

	record(end);
	assert_int_equal(drive_analyze("busy.gtrace", "out"), bugs);
	r = report_open("out/report.json");
	assert_int_equal(report_int(r, "SELECT json_extract(j, '$.trace.lost_events') FROM doc"), 0);
	assert_string_equal(report_text(r, "SELECT coalesce(group_concat(kind, ' '), '') FROM"
	                                   " (SELECT kind FROM finding"
	                                   "  WHERE " PROBLEM " ORDER BY 1)"),
	                    !bugs  ? ""
	                    : leak ? "leak lock-deadlock spin"
	                           : "lock-deadlock spin");
	if (bugs)
		check_places(r);
	if (bugs && leak)
		check_leak(r);
	report_close(r);
}

static void main_returns(void **state)
{
	(void)state;
	check("return");
}

static void terminated(void **state)
{
	(void)state;
	check("wait");
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(main_returns, drive_set_up, drive_tear_down),
		cmocka_unit_test_setup_teardown(terminated, drive_set_up, drive_tear_down),
	};

	if (argc != 3)
		return 2;
	twin = argv[1];
	setenv("GOR_MAXPROCS", argv[2], 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

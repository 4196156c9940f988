/* SPDX-License-Identifier: MIT */
/** draw.c: whole plots of small, large, empty and hostile traces. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "plot/gnuplot.h"
#include "plot/plot.h"
#include "scene.h"

enum { SVG_BYTES_MAX = 300000 };

static void site(struct scene *s, int number, const char *file, const char *func, const char *text)
{
	char sql[200];

	snprintf(sql, sizeof sql, "INSERT INTO site VALUES(1, %d, ?1, %d, ?2, 'go', ?3)", number,
	         number * 10);
	scene_sql(s, sql, file, func, text);
}

/** Every plot was drawn, is an SVG, and not too large; gives back that of one name. */
static char *drawn(struct scene *s, const char *name)
{
	char file[64], *wanted = NULL;

	assert_int_equal(plot_all(s->db, s->dir), 0);
	for (size_t i = 0; plot_name(i); i++) {
		size_t size = 0;

		snprintf(file, sizeof file, "%s.svg", plot_name(i));
		char *svg = scene_read(s, file, &size);

		assert_non_null(svg);
		assert_true(size < SVG_BYTES_MAX);
		assert_non_null(strstr(svg, "</svg>"));
		if (strcmp(plot_name(i), name) == 0)
			wanted = svg;
		else
			free(svg);
	}
	assert_non_null(wanted);
	return wanted;
}

/** Six goroutines that never end, and a finding that says so. */
static void leak_scene(struct scene *s)
{
	scene_open(s, 5000000, "./leak");
	site(s, 1, "src/leak.c", "app", "worker");
	scene_goroutine(s, 1, 1, 0, 4900000);
	for (int g = 2; g < 8; g++) {
		char sql[200];

		scene_goroutine(s, g, 1, g * 1000, -1);
		snprintf(sql, sizeof sql, "INSERT INTO finding_goroutine VALUES(1, 'leak', 1, %d)", g);
		scene_sql(s, sql);
	}
	scene_sql(s, "INSERT INTO finding(trace_id, kind, part, id, certainty, severity, title, "
	             "why, count, since_ns, touches_gap) "
	             "VALUES(1, 'leak', 1, 1, 'probable', 'error', 't', 'w', 6, 2000, 0)");
}

static void leak(void **state)
{
	(void)state;
	struct scene s;

	leak_scene(&s);
	char *svg = drawn(&s, "goroutines");

	assert_non_null(strstr(svg, "6 stuck for good"));
	assert_non_null(strstr(svg, "#1 leak"));
	assert_non_null(strstr(svg, "running"));
	assert_null(strstr(svg, "events of the trace are lost"));
	free(svg);
	svg = drawn(&s, "sites");
	assert_non_null(strstr(svg, "app leak.c:10 (worker), 6 at the end"));
	free(svg);
	scene_close(&s);
}

static void lost_stretch(void **state)
{
	(void)state;
	struct scene s;

	leak_scene(&s);
	scene_sql(&s, "INSERT INTO gap VALUES(1, 0, 1, 1000000, 2000000, 1, 0)");
	scene_sql(&s, "INSERT INTO gap VALUES(1, 1, 2, 4900000, 9000000, 1, 0)");
	char *svg = drawn(&s, "goroutines");

	assert_non_null(strstr(svg, "events of the trace are lost"));
	free(svg);
	char *gp = scene_read(&s, "goroutines.gp", NULL);

	assert_non_null(strstr(gp, "gaps = 2\n"));
	assert_non_null(strstr(gp, "gap_from[2] = 4.9; gap_to[2] = 5\n"));
	free(gp);
	scene_close(&s);
}

/** The script and the data that stand beside a drawing make it again, byte for byte. */
static void redrawn(void **state)
{
	(void)state;
	struct scene s;
	char why[320];

	leak_scene(&s);
	char *first = drawn(&s, "goroutines");
	struct gnuplot_job job = {
		.dir = s.dir, .script = "goroutines.gp", .out_fd = 1, .limit_ns = 20000000000};
	char path[512];

	snprintf(path, sizeof path, "%s/goroutines.svg", s.dir);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(gnuplot_run(&job, why, sizeof why), 0);
	char *second = scene_read(&s, "goroutines.svg", NULL);

	assert_string_equal(first, second);
	free(first);
	free(second);
	scene_close(&s);
}

static void empty(void **state)
{
	(void)state;
	struct scene s;

	scene_open(&s, 0, "./x");
	char *svg = drawn(&s, "sites");

	assert_non_null(strstr(svg, "no goroutine was recorded"));
	free(svg);
	scene_close(&s);
}

static void one_goroutine(void **state)
{
	(void)state;
	struct scene s;

	scene_open(&s, 3000, "./x");
	scene_goroutine(&s, 1, 0, 0, 2900);
	char *svg = drawn(&s, "goroutines");

	assert_non_null(strstr(svg, "time since the start [ns]"));
	free(svg);
	scene_close(&s);
}

/** However many findings there are, what is written above them does not overlap, nor leave the
 * plot. */
static void crowded(void **state)
{
	(void)state;
	struct scene s;
	double edge = 0;
	int notes = 0;

	leak_scene(&s);
	scene_sql(&s, "INSERT INTO finding(trace_id, kind, part, id, certainty, severity, title, why, "
	              "count, since_ns, touches_gap) "
	              "WITH RECURSIVE k(i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM k WHERE i < 200) "
	              "SELECT 1, 'lock-deadlock', i, i, 'proven', 'error', 't', 'w', 1, "
	              "i * i * 7919 % 5000001, 0 FROM k");
	free(drawn(&s, "goroutines"));
	char *gp = scene_read(&s, "goroutines.gp", NULL);

	for (char *p = strstr(gp, "note_at["); p; p = strstr(p + 1, "note_at[")) {
		double at;
		char text[128];

		if (sscanf(p, "note_at[%*d] = %lf; note[%*d] = '%127[^']'", &at, text) != 2)
			continue; // not an assignment
		assert_true(at >= edge);
		edge = at + 5.0 * (double)strlen(text) / 110; // x_end is 5 ms
		assert_true(edge <= 5.0);
		notes++;
	}
	assert_true(notes >= 2 && notes <= 16);
	assert_true(scene_count(gp, "\nmark_at[") <= 64);
	free(gp);
	scene_close(&s);
}

/** A goroutine that goes from one state to another in an instant is counted once in it, and never
 * gone. */
static void handover(void **state)
{
	(void)state;
	struct scene s;

	scene_open(&s, 1000, "./x");
	scene_sql(&s, "INSERT INTO interval(trace_id, g, n, from_ns, to_ns, state) "
	              "WITH RECURSIVE k(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM k WHERE i < 99) "
	              "SELECT 1, 1, i, i * 10, i * 10 + 10, 1 + i % 2 FROM k");
	free(drawn(&s, "goroutines"));
	char *gp = scene_read(&s, "goroutines.gp", NULL);
	char *tsv = scene_read(&s, "goroutines.tsv", NULL);

	assert_non_null(strstr(gp, "\npeak = 1\n"));
	assert_non_null(strstr(tsv, "# 1: running\n0\t0\n0\t1\n1000\t1\n1000\t0\n"));
	free(gp);
	free(tsv);
	scene_close(&s);
}

static void hostile(void **state)
{
	(void)state;
	struct scene s;

	scene_open(&s, 1000000, scene_hostile);
	for (int i = 1; i <= 12; i++) {
		site(&s, i, scene_hostile, scene_hostile, scene_hostile);
		scene_goroutine(&s, i, i, i * 100, 500000);
	}
	assert_int_equal(chdir(s.dir), 0);
	for (size_t i = 0; plot_name(i); i++) {
		char *svg = drawn(&s, plot_name(i));

		assert_null(strstr(svg, "<script"));
		assert_int_equal(scene_count(svg, "</svg>"), 1);
		assert_non_null(strstr(svg, "touch PWNED"));
		free(svg);
	}
	assert_false(scene_has(&s, "PWNED"));
	scene_close(&s);
}

/** A small site with a finding beside a huge one gets the axis on which it can be seen. */
static void log_axis(void **state)
{
	(void)state;
	struct scene s;

	leak_scene(&s);
	site(&s, 2, "big.c", "flood", "w");
	scene_sql(&s, "BEGIN");
	for (int g = 100; g < 2500; g++)
		scene_goroutine(&s, g, 2, 1000000 + g, 3000000 + g);
	scene_sql(&s, "COMMIT");
	char *svg = drawn(&s, "sites");

	assert_non_null(strstr(svg, "(logarithmic)"));
	free(svg);
	scene_close(&s);
}

/** 300,000 changes of every kind: the drawing stays small. */
static void large(void **state)
{
	(void)state;
	struct scene s;

	scene_open(&s, 1000000000, "./big");
	scene_sql(&s,
	          "INSERT INTO interval(trace_id, g, n, from_ns, to_ns, state, reason) "
	          "WITH RECURSIVE k(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM k WHERE i < 150000) "
	          "SELECT 1, i, 0, i * 6500, i * 6500 + (i * 7919) % 500000 + 1, "
	          "1 + i % 3, CASE WHEN i % 3 = 2 THEN 1 + i / 3 % 16 END FROM k");
	char *svg = drawn(&s, "goroutines");

	assert_non_null(strstr(svg, "lock, group"));
	free(svg);
	scene_close(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(leak),     cmocka_unit_test(lost_stretch),  cmocka_unit_test(redrawn),
		cmocka_unit_test(empty),    cmocka_unit_test(one_goroutine), cmocka_unit_test(hostile),
		cmocka_unit_test(log_axis), cmocka_unit_test(handover),      cmocka_unit_test(crowded),
		cmocka_unit_test(large),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

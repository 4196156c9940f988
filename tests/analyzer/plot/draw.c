/* SPDX-License-Identifier: MIT */
/** draw.c: whole plots of small, large, empty and hostile traces. */
#include <fcntl.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "plot/gnuplot.h"
#include "plot/part.h"
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

/** Every plot that has something to show was drawn, is an SVG, and not too large; gives back that
 * of one name. */
static char *drawn(struct scene *s, const char *name)
{
	char file[64], *wanted = NULL;

	scene_sums(s);
	assert_int_equal(plot_all(s->db, s->dir), 0);
	for (size_t i = 0; plot_name(i); i++) {
		size_t size = 0;

		snprintf(file, sizeof file, "%s.svg", plot_name(i));
		char *svg = scene_read(s, file, &size);

		if (!svg) { // nothing to show: there is no script either
			snprintf(file, sizeof file, "%s.gp", plot_name(i));
			assert_false(scene_has(s, file));
			continue;
		}
		if (size >= SVG_BYTES_MAX)
			fail_msg("%s has %zu bytes", file, size);
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
	assert_int_equal(plot_all(s.db, s.dir), 0);
	for (size_t i = 0; plot_name(i); i++) {
		struct plot_options opt = {.tell = true};
		char file[64];

		assert_int_equal(plot_draw(s.db, s.dir, plot_name(i), &opt), PLOT_NOTHING);
		snprintf(file, sizeof file, "%s.tsv", plot_name(i));
		assert_false(scene_has(&s, file));
	}
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

/** Where the text of that drawing that contains the words begins, in pixels from the left; -1: it
 * is not there. */
static double text_left(const char *svg, const char *words)
{
	static const char before[] = "translate(";
	const char *at = strstr(svg, words), *from = NULL;

	for (const char *p = svg; at && (p = strstr(p, before)) && p < at; p++)
		from = p + sizeof before - 1;
	return from ? strtod(from, NULL) : -1;
}

/** The key of a plot that is lower than its key has one column all the same. */
static void long_key(void **state)
{
	(void)state;
	struct scene s;

	scene_open(&s, 8000000, "./names");
	for (int g = 1; g <= 8; g++) {
		site(&s, g, "src/a_file_of_a_long_name.c", "spawns_one_after_the_other", "works");
		scene_goroutine(&s, g, g, (g - 1) * 1000000, g * 1000000);
	}
	scene_sql(&s, "INSERT INTO thread(trace_id, thread, kind, start_ns) VALUES(1, 1, 'worker', 0)");
	scene_sql(&s, "UPDATE interval SET thread = 1");
	char *svg = drawn(&s, "threads");
	double left = text_left(svg, "spawns_one_after_the_other a_file_of_a_long_name.c:10 (works)");

	assert_true(left > 0);
	for (int n = 20; n <= 60; n += 10) {
		char words[100];

		snprintf(words, sizeof words, "spawns_one_after_the_other a_file_of_a_long_name.c:%d (", n);
		assert_true(text_left(svg, words) == left);
	}
	assert_true(text_left(svg, "other goroutines") == left);
	free(svg);
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

/** Something for every plot, with one name wherever a name can be: threads that run, calls,
 * handoffs, waits for channels and locks. */
static void full_scene(struct scene *s, const char *name)
{
	scene_open(s, 1000000, name);
	for (int i = 1; i <= 12; i++) {
		char sql[200];

		site(s, i, name, name, name);
		scene_goroutine(s, i, i, i * 100, 500000 + i * 1000);
		snprintf(sql, sizeof sql,
		         "INSERT INTO object(trace_id, object, type, made_site, made_ns) "
		         "VALUES(1, %d, 'chan', %d, 0)",
		         i, i);
		scene_sql(s, sql);
	}
	for (int i = 1; i <= 3; i++) {
		char sql[200];

		snprintf(sql, sizeof sql,
		         "INSERT INTO thread(trace_id, thread, kind, start_ns) "
		         "VALUES(1, %d, ?1, 0)",
		         i);
		scene_sql(s, sql, name);
		snprintf(sql, sizeof sql,
		         "INSERT INTO handoff(trace_id, n, ts_ns, from_thread, to_thread, why) "
		         "VALUES(1, %d, %d, %d, %d, ?1)",
		         i, i * 50000, i, i % 3 + 1);
		scene_sql(s, sql, name);
		snprintf(sql, sizeof sql, "INSERT INTO word VALUES('reason', %d, ?1)", i);
		scene_sql(s, sql, name);
	}
	scene_sql(s, "UPDATE interval SET thread = 1 + g % 3");
	scene_sql(s,
	          "INSERT INTO interval(trace_id, g, n, from_ns, to_ns, state, reason, object, site) "
	          "WITH RECURSIVE k(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM k WHERE i < 12) "
	          "SELECT 1, i, 1, 600000, 700000 + i, 1, NULL, NULL, NULL FROM k "
	          "UNION ALL SELECT 1, i, 2, 700000, NULL, 3, 1 + i % 3, i, i FROM k");
	scene_sums(s);
	scene_sql(s,
	          "INSERT INTO finding(trace_id, kind, part, id, certainty, severity, title, "
	          "why, count, since_ns, touches_gap) "
	          "VALUES(1, ?1, 1, 1, 'probable', 'error', ?1, ?1, 6, 2000, 0)",
	          name);
}

/** What a drawing on a terminal of letters writes. */
static char *letters(struct scene *s, const char *name)
{
	struct plot_options opt = {.term = "dumb", .undrawn = true};
	char script[64], path[512], why[320] = "";

	scene_sums(s);
	assert_int_equal(plot_draw(s->db, s->dir, name, &opt), 0);
	snprintf(script, sizeof script, "%s.gp", name);
	snprintf(path, sizeof path, "%s/letters", s->dir);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	struct gnuplot_job job = {
		.dir = s->dir, .script = script, .out_fd = fd, .limit_ns = 20000000000};

	if (gnuplot_run(&job, why, sizeof why) != 0)
		fail_msg("%s: %s", name, why);
	close(fd);
	return scene_read(s, "letters", NULL);
}

static void hostile(void **state)
{
	(void)state;
	struct scene s;

	full_scene(&s, scene_hostile);
	assert_int_equal(chdir(s.dir), 0);
	for (size_t i = 0; plot_name(i); i++) {
		char *svg = drawn(&s, plot_name(i));

		assert_null(strstr(svg, "<script"));
		assert_int_equal(scene_count(svg, "</svg>"), 1);
		assert_non_null(strstr(svg, "touch PWNED"));
		free(svg);
		char *text = letters(&s, plot_name(i));

		assert_null(strchr(text, '\x1b'));
		assert_non_null(strstr(text, "touch"));
		free(text);
	}
	assert_false(scene_has(&s, "PWNED"));
	scene_close(&s);
}

/** Each plot has all terminals, and says nothing on gnuplot's standard error. */
static void terminals(void **state)
{
	(void)state;
	struct scene s;

	full_scene(&s, "worker");
	for (size_t i = 0; plot_name(i); i++) {
		struct plot_options opt = {.term = "png"};
		char file[64];

		assert_int_equal(plot_draw(s.db, s.dir, plot_name(i), &opt), 0);
		snprintf(file, sizeof file, "%s.png", plot_name(i));
		assert_true(scene_has(&s, file));
		free(letters(&s, plot_name(i)));
	}
	scene_close(&s);
}

/** Handoffs are arrows between the lanes of the threads, with their reason. */
static void handoffs(void **state)
{
	(void)state;
	struct scene s;

	full_scene(&s, "syscall");
	char *svg = drawn(&s, "threads");
	char *gp = scene_read(&s, "threads.gp", NULL);

	assert_non_null(strstr(svg, "syscall 2"));
	assert_non_null(strstr(gp, "\nlanes = 3\n"));
	assert_non_null(strstr(gp, "\narrows = 3\n"));
	assert_non_null(strstr(gp, "arrow_from[3] = 3\narrow_to[3] = 1\narrow_why[3] = 'syscall'\n"));
	free(svg);
	free(gp);
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

/** 300,000 changes of every kind, on forty threads and ten channels, from twelve places: the
 * drawings stay small. */
static void large(void **state)
{
	(void)state;
	struct scene s;

	scene_open(&s, 1000000000, "./big");
	for (int i = 1; i <= 12; i++)
		site(&s, i, "big.c", "spawn", "work");
	scene_sql(
		&s,
		"INSERT INTO interval(trace_id, g, n, from_ns, to_ns, state, reason, thread, object, site) "
		"WITH RECURSIVE k(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM k WHERE i < 150000) "
		"SELECT 1, i, 0, i * 6500, i * 6500 + (i * 7919) % 500000 + 1, "
		"1 + i % 3, CASE WHEN i % 3 = 2 THEN 1 + i / 3 % 16 END, i / 3 % 40, "
		"CASE WHEN i % 3 = 2 THEN i / 48 % 10 END, i % 500 FROM k");
	scene_sql(&s, "INSERT INTO goroutine(trace_id, g, born_site, born_ns, ended_ns, intervals) "
	              "SELECT 1, g, 1 + g / 3 % 12, from_ns, to_ns, 1 FROM interval");
	scene_sql(&s, "INSERT INTO object(trace_id, object, type, made_ns) "
	              "SELECT DISTINCT 1, object, 'chan', 0 FROM interval WHERE object IS NOT NULL");
	scene_sql(&s, "INSERT INTO handoff(trace_id, n, ts_ns, from_thread, to_thread, why) "
	              "SELECT 1, g, from_ns, g % 40, g * 7 % 40, 'busy' FROM interval WHERE g < 20000");
	scene_sql(&s, "INSERT INTO gap SELECT 1, g, 1, from_ns, from_ns + 9, 1, 1 FROM interval "
	              "WHERE g % 100 = 0");
	char *svg = drawn(&s, "goroutines");

	assert_non_null(strstr(svg, "lock, group"));
	free(svg);
	for (size_t i = 0; plot_name(i); i++) {
		char file[64];

		snprintf(file, sizeof file, "%s.svg", plot_name(i));
		assert_true(scene_has(&s, file));
	}
	scene_close(&s);
}

/** A part knows who was there before it, and counts of a wait what lies in it. */
static void part(void **state)
{
	(void)state;
	struct scene s;
	struct plot_options opt = {.begin_ns = 2000000, .part = true};
	int64_t until_ns = 4000000, late_ns = 0;

	scene_open(&s, 10000000, "./prog");
	scene_sql(&s, "INSERT INTO site(trace_id, site, file, line, func, op, text) "
	              "VALUES(1, 1, 'a.c', 7, 'f', 'go', 'g')");
	scene_goroutine(&s, 1, 0, 0, -1);
	scene_goroutine(&s, 2, 1, 1000000, 3000000);
	scene_goroutine(&s, 3, 1, 5000000, 6000000);
	scene_sums(&s);
	assert_int_equal(part_open(s.db, opt.begin_ns, &until_ns), 0);
	assert_int_equal(until_ns, 4000000);
	assert_int_equal(plot_draw(s.db, s.dir, "sites", &opt), 0);
	char *tsv = scene_read(&s, "sites.tsv", NULL);

	// Of the place that spawns: one until 1 ms after the part's beginning, and none from then on.
	assert_non_null(strstr(tsv, "f a.c:7 (g)\n0\t1\n"));
	assert_non_null(strstr(tsv, "\n1000000\t1\n1000000\t0\n"));
	free(tsv);
	char *gp = scene_read(&s, "sites.gp", NULL);

	assert_non_null(strstr(gp, "program = 'prog, 2 to 4 ms'\n"));
	assert_non_null(strstr(gp, "x_begin = 2\nx_end = 4\n"));
	free(gp);
	assert_int_equal(plot_draw(s.db, s.dir, "blocking", &opt), 0);
	gp = scene_read(&s, "blocking.gp", NULL);
	assert_non_null(strstr(gp, "2 ms, 1 wait")); // of 10
	free(gp);
	assert_int_equal(part_open(s.db, 10000000, &late_ns), -EINVAL);
	scene_close(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(leak),     cmocka_unit_test(lost_stretch),  cmocka_unit_test(redrawn),
		cmocka_unit_test(empty),    cmocka_unit_test(one_goroutine), cmocka_unit_test(hostile),
		cmocka_unit_test(log_axis), cmocka_unit_test(handover),      cmocka_unit_test(crowded),
		cmocka_unit_test(large),    cmocka_unit_test(terminals),     cmocka_unit_test(handoffs),
		cmocka_unit_test(part),     cmocka_unit_test(long_key),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

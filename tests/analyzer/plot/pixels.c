/* SPDX-License-Identifier: MIT */
/**
 * pixels.c: a reduced plot is, pixel by pixel, the plot of all changes.
 *
 * The same script draws both; what stands beside it as NAME.tsv is either what the program wrote,
 * or all changes, written here without the program's help.  Then one more change is put in that
 * must be seen, and the pictures have to differ.
 */
#include <math.h>
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

enum {
	END_NS = 100000000,
	COLUMNS = 680,
	DASHES = 85,
	STRETCHES = 6000, // of each line: many changes in each column
	CHANGES = 2 * STRETCHES + 2,
	LINES_MAX = 4,
};

struct change {
	int64_t ns;
	int step;
};

/** A line of the picture: its count is the sum of the steps so far. */
struct line {
	struct change change[CHANGES];
	size_t count;
};

struct picture {
	struct scene scene;
	const char *name;
	struct line *line;
	size_t lines;
	uint64_t random;
};

static int64_t random_below(struct picture *p, int64_t n)
{
	p->random ^= p->random << 13;
	p->random ^= p->random >> 7;
	p->random ^= p->random << 17;
	return (int64_t)(p->random % (uint64_t)n);
}

static void picture_open(struct picture *p, const char *name, size_t lines)
{
	*p = (struct picture){.name = name, .lines = lines, .random = 88172645463325252};
	p->line = calloc(lines, sizeof *p->line);
	scene_open(&p->scene, END_NS, "./pixels");
	scene_sql(&p->scene, "BEGIN");
}

static void picture_close(struct picture *p)
{
	free(p->line);
	scene_close(&p->scene);
}

static void line_add(struct line *l, int64_t from, int64_t to)
{
	assert_true(l->count + 2 <= CHANGES);
	l->change[l->count++] = (struct change){from, 1};
	if (to >= 0)
		l->change[l->count++] = (struct change){to, -1};
}

/** A stretch of time: mostly short, at times long; quiet in the middle third. */
static void stretch(struct picture *p, int64_t *from, int64_t *to)
{
	*from = random_below(p, END_NS / 3);
	if (random_below(p, 2))
		*from += END_NS / 3 * 2;
	*to = *from + 1 + random_below(p, random_below(p, 50) ? 200000 : END_NS / 4);
	if (*to > END_NS)
		*to = END_NS;
}

static int change_compare(const void *a, const void *b)
{
	const struct change *x = a, *y = b;

	return (x->ns > y->ns) - (x->ns < y->ns);
}

static int64_t edge(size_t column, size_t columns)
{
	return (int64_t)ceil((double)column * END_NS / (double)columns);
}

static size_t column_of(int64_t ns)
{
	return ns < END_NS ? (size_t)((double)ns * COLUMNS / END_NS) : COLUMNS - 1;
}

static FILE *data_open(const struct picture *p)
{
	char path[512];

	snprintf(path, sizeof path, "%s/%s.tsv", p->scene.dir, p->name);
	FILE *out = fopen(path, "w");

	assert_non_null(out);
	return out;
}

static void row(FILE *out, int64_t ns, int64_t count)
{
	fprintf(out, "%lld\t%lld\n", (long long)ns, (long long)count);
}

/** All changes as the outline of an area: it rises where the column of the change begins, and falls
 * where it ends. */
static void write_area(FILE *out, struct line *l)
{
	int64_t count = 0;

	qsort(l->change, l->count, sizeof l->change[0], change_compare);
	row(out, 0, 0);
	for (size_t i = 0; i < l->count;) {
		int64_t ns = l->change[i].ns, before = count;

		for (; i < l->count && l->change[i].ns == ns; i++)
			count += l->change[i].step;
		int64_t x = edge(column_of(ns) + (count < before), COLUMNS);

		row(out, x, before);
		row(out, x, count);
	}
	row(out, END_NS, count);
	row(out, END_NS, 0);
	fputs("\n\n", out);
}

/** All changes as a line, and where its dashes may begin and end. */
static void write_line(FILE *out, struct line *l)
{
	int64_t count = 0;
	size_t dash = 1;

	qsort(l->change, l->count, sizeof l->change[0], change_compare);
	row(out, 0, 0);
	for (size_t i = 0; i < l->count;) {
		int64_t ns = l->change[i].ns, before = count;

		for (; dash < DASHES && edge(dash, DASHES) <= ns; dash++) {
			row(out, edge(dash, DASHES) - 1, before);
			row(out, edge(dash, DASHES), before);
		}
		for (; i < l->count && l->change[i].ns == ns; i++)
			count += l->change[i].step;
		row(out, ns, before);
		row(out, ns, count);
	}
	for (; dash < DASHES; dash++) {
		row(out, edge(dash, DASHES) - 1, count);
		row(out, edge(dash, DASHES), count);
	}
	if (l->change[l->count - 1].ns < END_NS) // twice the same at the end is drawn as more than once
		row(out, END_NS, count);
	fputs("\n\n", out);
}

static void write_all(struct picture *p, void (*write)(FILE *out, struct line *l))
{
	FILE *out = data_open(p);

	for (size_t i = 0; i < p->lines; i++)
		write(out, &p->line[i]);
	fclose(out);
}

/** The picture that the script draws of the data beside it. */
static char *drawing(struct picture *p, size_t *size)
{
	char script[64], png[64], why[320] = "";
	struct gnuplot_job job = {
		.dir = p->scene.dir, .script = script, .out_fd = 1, .limit_ns = 60000000000};

	snprintf(script, sizeof script, "%s.gp", p->name);
	snprintf(png, sizeof png, "%s.png", p->name);
	if (gnuplot_run(&job, why, sizeof why) != 0)
		fail_msg("%s: %s", p->name, why);
	char *bytes = scene_read(&p->scene, png, size);

	assert_non_null(bytes);
	return bytes;
}

static void reduce(struct picture *p)
{
	struct plot_options opt = {.term = "png", .undrawn = true};

	scene_sql(&p->scene, "COMMIT");
	scene_sums(&p->scene);
	assert_int_equal(plot_draw(p->scene.db, p->scene.dir, p->name, &opt), 0);
}

/** PNG files of one encoder are the same if and only if their pixels are. */
static bool same(char *a, size_t a_size, char *b, size_t b_size)
{
	return a_size == b_size && memcmp(a, b, a_size) == 0;
}

/** Draw the reduced data, all of it, and all of it with one change more. */
static void compare(struct picture *p, void (*write)(FILE *out, struct line *l))
{
	size_t size[3];
	char *png[3];

	reduce(p);
	char file[64];

	snprintf(file, sizeof file, "%s.tsv", p->name);
	char *data = scene_read(&p->scene, file, &size[0]);

	free(data);
	png[0] = drawing(p, &size[0]);
	write_all(p, write);
	png[1] = drawing(p, &size[1]);
	line_add(&p->line[p->lines - 1], END_NS / 2, END_NS / 2 + 1); // in the quiet third
	write_all(p, write);
	png[2] = drawing(p, &size[2]);
	assert_true(same(png[0], size[0], png[1], size[1]));
	assert_false(same(png[1], size[1], png[2], size[2]));
	for (size_t i = 0; i < 3; i++)
		free(png[i]);
}

static void interval(struct picture *p, int g, int64_t from, int64_t to, const char *rest)
{
	char sql[300];

	snprintf(sql, sizeof sql,
	         "INSERT INTO interval(trace_id, g, n, from_ns, to_ns, state, reason, object, thread) "
	         "VALUES(1, %d, 0, %lld, %lld, %s)",
	         g, (long long)from, (long long)to, rest);
	scene_sql(&p->scene, sql);
}

/** Areas on one another: running on top, runnable, waits for channels. */
static void goroutines(void **state)
{
	(void)state;
	static const char *const states[] = {"2, NULL, NULL, 1", "1, NULL, NULL, NULL",
	                                     "3, 1, NULL, NULL"};
	struct picture p;
	int g = 1;

	picture_open(&p, "goroutines", 3);
	for (int band = 2; band >= 0; band--)
		for (int i = 0; i < STRETCHES / 3; i++) {
			int64_t from, to;

			stretch(&p, &from, &to);
			interval(&p, g++, from, to, states[band]);
			for (int line = 0; line <= band; line++) // drawn from the top: the sum of those below
				line_add(&p.line[line], from, to);
		}
	compare(&p, write_area);
	picture_close(&p);
}

/** Lines with dashes; the one with most goroutines first. */
static void sites(void **state)
{
	(void)state;
	struct picture p;
	int g = 1;

	picture_open(&p, "sites", 3);
	for (int line = 0; line < 3; line++) {
		char sql[200];

		snprintf(sql, sizeof sql, "INSERT INTO site VALUES(1, %d, 'a.c', %d, 'f', 'go', 'x')",
		         line + 1, line);
		scene_sql(&p.scene, sql);
		for (int i = 0; i < STRETCHES / (1 + 2 * line); i++) {
			int64_t from, to;

			stretch(&p, &from, &to);
			scene_goroutine(&p.scene, g++, line + 1, from, to);
			line_add(&p.line[line], from, to);
		}
	}
	compare(&p, write_line);
	picture_close(&p);
}

/** Two areas a channel, from its lane's middle up and down. */
static void channels(void **state)
{
	(void)state;
	struct picture p;
	int g = 1;

	picture_open(&p, "channels", 4);
	for (int line = 0; line < 4; line++) {
		char rest[64];

		snprintf(rest, sizeof rest, "3, %d, %d, NULL", line % 2 ? 1 : 2, line / 2 + 1);
		for (int i = 0; i < STRETCHES / (1 + line / 2); i++) {
			int64_t from, to;

			stretch(&p, &from, &to);
			interval(&p, g++, from, to, rest);
			line_add(&p.line[line], from, to);
		}
	}
	scene_sql(&p.scene,
	          "INSERT INTO object(trace_id, object, type, made_ns) VALUES(1, 1, 'chan', 0)");
	scene_sql(&p.scene,
	          "INSERT INTO object(trace_id, object, type, made_ns) VALUES(1, 2, 'chan', 0)");
	compare(&p, write_area);
	picture_close(&p);
}

enum { RUNS = 400, THREADS = 3, PLACES = 3 };

struct run {
	int64_t from, to;
	int thread, place;
};

static int run_compare(const void *a, const void *b)
{
	const struct run *x = a, *y = b;

	return (x->from > y->from) - (x->from < y->from);
}

/** The script with a block for each run, in order of time, behind one for each row of the key. */
static void threads_script(struct picture *p, const struct run *run, size_t blocks)
{
	char *gp = scene_read(&p->scene, "threads.gp", NULL), path[512];
	char *frame = strstr(gp, "# The frame of every plot");

	assert_non_null(frame);
	snprintf(path, sizeof path, "%s/threads.gp", p->scene.dir);
	FILE *out = fopen(path, "w");

	fprintf(out, "%.*s", (int)(frame - gp), gp);
	fprintf(out, "array all_kind[%zu]; array all[%zu]\n", blocks + RUNS, blocks + RUNS);
	fprintf(out, "do for [i = 1:%zu] { all_kind[i] = run_kind[i]; all[i] = run[i] }\n", blocks);
	for (size_t i = 0; i < RUNS; i++)
		fprintf(out, "all[%zu] = ''; all_kind[%zu] = %d\n", blocks + i + 1, blocks + i + 1,
		        run[i].place);
	fprintf(out, "runs = %zu\n", blocks + RUNS);
	for (char *at = frame, *next; *at; at = next) { // the drawing reads the longer arrays
		next = strstr(at, "run_kind[");
		char *title = strstr(at, "title run[");

		if (title && (!next || title < next)) {
			fprintf(out, "%.*stitle all[", (int)(title - at), at);
			next = title + strlen("title run[");
		} else if (next) {
			fprintf(out, "%.*sall_kind[", (int)(next - at), at);
			next += strlen("run_kind[");
		} else {
			fputs(at, out);
			next = at + strlen(at);
		}
	}
	fclose(out);
	free(gp);
}

static void threads_data(struct picture *p, const struct run *run, size_t blocks)
{
	FILE *out = data_open(p);

	for (size_t i = 0; i < blocks; i++)
		fputs("NaN\tNaN\tNaN\n\n\n", out);
	for (size_t i = 0; i < RUNS; i++) {
		long long from = edge(column_of(run[i].from), COLUMNS);
		long long to = edge(column_of(run[i].to) + 1, COLUMNS);
		int lane = run[i].thread;

		fprintf(out, "%lld\t%d\t0\n%lld\t%d\t1\n%lld\t%d\t1\n%lld\t%d\t0\n\n\n", from, lane, from,
		        lane, to, lane, to, lane);
	}
	fclose(out);
}

/** Runs painted one after the other are what the columns show, each of which keeps one. */
static void threads(void **state)
{
	(void)state;
	struct picture p;
	struct run run[RUNS];
	size_t size[3];
	char *png[3];

	picture_open(&p, "threads", 1);
	for (int i = 1; i <= PLACES; i++) {
		char sql[200];

		snprintf(sql, sizeof sql, "INSERT INTO site VALUES(1, %d, 'a.c', %d, 'f', 'go', 'x')", i,
		         i);
		scene_sql(&p.scene, sql);
	}
	for (int i = 0; i < RUNS; i++) {
		run[i].thread = 1 + i % THREADS;
		run[i].place = 1 + (int)random_below(&p, PLACES);
		run[i].from = random_below(&p, END_NS / 3);
		run[i].to = run[i].from + random_below(&p, 400000) / run[i].place;
	}
	qsort(run, RUNS, sizeof run[0], run_compare);
	for (int i = 0; i < RUNS; i++) {
		char rest[64];

		snprintf(rest, sizeof rest, "2, NULL, NULL, %d", run[i].thread);
		interval(&p, i + 1, run[i].from, run[i].to, rest);
		snprintf(rest, sizeof rest, "INSERT INTO goroutine VALUES(1, %d, NULL, NULL, %d", i + 1,
		         run[i].place);
		char sql[200];

		snprintf(sql, sizeof sql, "%s, 0, NULL, NULL, 1, NULL, 0, 0, 0)", rest);
		scene_sql(&p.scene, sql);
	}
	reduce(&p);
	// Colours go by how long a place ran: let the longest be the first.
	int64_t ran[PLACES + 1] = {0};

	for (int i = 0; i < RUNS; i++)
		ran[run[i].place] += run[i].to - run[i].from;
	assert_true(ran[1] > ran[2] && ran[2] > ran[3]);
	png[0] = drawing(&p, &size[0]);
	threads_script(&p, run, PLACES);
	threads_data(&p, run, PLACES);
	png[1] = drawing(&p, &size[1]);
	run[0].from = run[0].to = END_NS / 2;
	threads_data(&p, run, PLACES);
	png[2] = drawing(&p, &size[2]);
	assert_true(same(png[0], size[0], png[1], size[1]));
	assert_false(same(png[1], size[1], png[2], size[2]));
	for (size_t i = 0; i < 3; i++)
		free(png[i]);
	picture_close(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(goroutines),
		cmocka_unit_test(sites),
		cmocka_unit_test(channels),
		cmocka_unit_test(threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

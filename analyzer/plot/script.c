/* SPDX-License-Identifier: MIT */
/**
 * script.c: a figure as NAME.tsv and NAME.gp.
 *
 * NAME.gp is made of three parts: what is particular to this trace, as plain assignments written
 * here; plots/frame.gp, which all plots share; plots/NAME.gp, which draws.  All text in it is in
 * single quotes, and hostile until gnuplot_quote() has written it.
 */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "assets.h"
#include "plot/figure.h"
#include "plot/gnuplot.h"
#include "plot/outfile.h"
#include "talk.h"

enum {
	SCRIPT_POINTS_MAX = 16000, // 15 bytes of SVG each
	SCRIPT_TITLE_CHARS = 80,
	SCRIPT_LABEL_CHARS = 100,
	SCRIPT_TICS = 6,
	SCRIPT_WIDTH = 960,
	SCRIPT_HEIGHT = 400,
	SCRIPT_LABEL_HEIGHT = 19,
};

/** A unit of time, good for runs shorter than `below_ns`. */
static const struct script_unit {
	const char *name;
	double ns;
	double below_ns;
} script_units[] = {
	{"ns", 1, 1e4},     {"us", 1e3, 2e6},        {"ms", 1e6, 2e9},
	{"s", 1e9, 7200e9}, {"min", 60e9, 1.728e14}, {"h", 3600e9, INFINITY},
};

static const struct script_unit *script_unit(int64_t end_ns)
{
	const struct script_unit *u = script_units;

	while ((double)end_ns >= u->below_ns)
		u++;
	return u;
}

/** A round number of goroutines between two tics. */
static int64_t script_step(int64_t peak)
{
	static const int round[] = {1, 2, 5};

	for (int64_t ten = 1;; ten *= 10)
		for (size_t i = 0; i < 3; i++)
			if (peak <= round[i] * ten * SCRIPT_TICS || ten > INT64_MAX / 1000)
				return round[i] * ten;
}

static int64_t script_peak(const struct figure *f)
{
	int64_t peak = 1;

	for (size_t i = 0; i < f->lines; i++)
		if (series_peak(f->line[i].series) > peak)
			peak = series_peak(f->line[i].series);
	return peak;
}

static void script_point(void *arg, struct series_point p)
{
	fprintf(arg, "%" PRId64 "\t%" PRId64 "\n", p.ns, p.value);
}

/** Text as a comment: what would break the line becomes a question mark. */
static void script_comment(FILE *out, const char *text)
{
	while (*text) {
		size_t n = gnuplot_char(text);

		if (n)
			fwrite(text, 1, n, out);
		else
			putc('?', out);
		text += n ? n : 1;
	}
	putc('\n', out);
}

static int script_tsv(const struct figure *f, const char *dir)
{
	struct outfile out;
	char name[64];

	snprintf(name, sizeof name, "%s.tsv", f->name);
	int err = outfile_open(&out, dir, name);

	if (err < 0)
		return err;
	fputs("# time_ns\tcount\n", out.file);
	for (size_t i = 0; i < f->lines; i++) {
		fprintf(out.file, "# %zu: ", i + 1);
		script_comment(out.file, f->line[i].label);
		series_draw(f->line[i].series, script_point, out.file);
		fputs("\n\n", out.file);
	}
	return outfile_close(&out, 0);
}

static int script_env(const char *name, int fallback, int low, int high)
{
	const char *text = getenv(name);
	int n = text ? atoi(text) : 0;

	if (n <= 0)
		n = fallback;
	return n < low ? low : n > high ? high : n;
}

static void script_terminal(FILE *out, const struct figure *f, const struct plot_options *opt)
{
	const char *term = opt->term ? opt->term : "svg";
	int height = SCRIPT_HEIGHT + SCRIPT_LABEL_HEIGHT * (int)f->lines;

	if (strcmp(term, "dumb") == 0) {
		fprintf(out, "set terminal dumb size %d,%d noenhanced\n",
		        script_env("COLUMNS", 80, 40, 400), script_env("LINES", 24, 16, 60) - 1);
	} else if (strcmp(term, "png") == 0) {
		fprintf(out, "set terminal pngcairo size %d,%d noenhanced font 'sans-serif,10'\n",
		        SCRIPT_WIDTH, height);
		fprintf(out, "set output '%s.png'\n", f->name);
	} else {
		fprintf(out,
		        "set terminal svg size %d,%d noenhanced font 'sans-serif,13' "
		        "name '%s' background '#ffffff'\n",
		        SCRIPT_WIDTH, height, f->name);
		fprintf(out, "set output '%s.svg'\n", f->name);
	}
	fprintf(out, "term = '%s'\n", term);
}

/** gnuplot has no empty arrays: one that stands for it has an element nobody looks at. */
static void script_array(FILE *out, const char *name, size_t count)
{
	fprintf(out, "array %s[%zu]\n", name, count ? count : 1);
}

static void script_lines(FILE *out, const struct figure *f)
{
	fprintf(out, "lines = %zu\n", f->lines);
	script_array(out, "label", f->lines);
	script_array(out, "kind", f->lines);
	script_array(out, "last", f->lines);
	for (size_t i = 0; i < f->lines; i++) {
		fprintf(out, "kind[%zu] = %d; last[%zu] = %" PRId64 "; label[%zu] = ", i + 1,
		        f->line[i].kind, i + 1, series_last(f->line[i].series), i + 1);
		gnuplot_quote(out, f->line[i].label, SCRIPT_LABEL_CHARS);
		putc('\n', out);
	}
}

static void script_stretches(FILE *out, const struct figure *f, double unit_ns)
{
	fprintf(out, "gaps = %zu\n", f->gaps);
	script_array(out, "gap_from", f->gaps);
	script_array(out, "gap_to", f->gaps);
	for (size_t i = 0; i < f->gaps; i++)
		fprintf(out, "gap_from[%zu] = %.9g; gap_to[%zu] = %.9g\n", i + 1,
		        (double)f->gap[i].from_ns / unit_ns, i + 1, (double)f->gap[i].to_ns / unit_ns);
	fprintf(out, "marks = %zu\n", f->marks);
	script_array(out, "mark_at", f->marks);
	for (size_t i = 0; i < f->marks; i++)
		fprintf(out, "mark_at[%zu] = %.9g\n", i + 1, (double)f->mark[i] / unit_ns);
	fprintf(out, "notes = %zu\n", f->notes);
	script_array(out, "note_at", f->notes);
	script_array(out, "note", f->notes);
	for (size_t i = 0; i < f->notes; i++) {
		fprintf(out, "note_at[%zu] = %.9g; note[%zu] = ", i + 1, (double)f->note[i].ns / unit_ns,
		        i + 1);
		gnuplot_quote(out, f->note[i].text, SCRIPT_TITLE_CHARS);
		putc('\n', out);
	}
}

static void script_head(FILE *out, const struct figure *f, const struct plot_options *opt)
{
	const struct script_unit *unit = script_unit(f->end_ns);
	int64_t peak = script_peak(f);
	int64_t step = script_step(peak);

	fprintf(out,
	        "# Draws %s.tsv, which stands beside this file:  gnuplot %s.gp\n"
	        "# Each block of it is a line: time in nanoseconds, count; a change is two rows.\n\n",
	        f->name, f->name);
	script_terminal(out, f, opt);
	fprintf(out, "data = '%s.tsv'\nprogram = ", f->name);
	gnuplot_quote(out, f->title, SCRIPT_TITLE_CHARS);
	fprintf(out, "\nunit = '%s'\nunit_ns = %.0f\nx_end = %.9g\n", unit->name, unit->ns,
	        (double)f->end_ns / unit->ns);
	fprintf(out, "peak = %" PRId64 "\ny_step = %" PRId64 "\nlog_y = %d\n", peak, step, f->log);
	script_lines(out, f);
	script_stretches(out, f, unit->ns);
	putc('\n', out);
}

static int script_part(FILE *out, const char *name)
{
	char path[80];

	snprintf(path, sizeof path, "plots/%s.gp", name);
	const struct asset *a = asset_find(path);

	if (!a) {
		talk("cannot find the built-in plot '%s'", name);
		return -ENOENT;
	}
	fwrite(a->data, 1, a->size, out);
	return 0;
}

static int script_gp(const struct figure *f, const char *dir, const struct plot_options *opt)
{
	struct outfile out;
	char name[64];

	snprintf(name, sizeof name, "%s.gp", f->name);
	int err = outfile_open(&out, dir, name);

	if (err < 0)
		return err;
	script_head(out.file, f, opt);
	err = script_part(out.file, "frame");
	if (!err)
		err = script_part(out.file, f->name);
	return outfile_close(&out, err);
}

int figure_write(struct figure *f, const char *dir, const struct plot_options *opt)
{
	for (;;) {
		size_t points = 0;
		bool coarser = false;

		for (size_t i = 0; i < f->lines; i++)
			points += series_drawn(f->line[i].series);
		if (points <= SCRIPT_POINTS_MAX)
			break;
		for (size_t i = 0; i < f->lines; i++)
			coarser |= series_coarsen(f->line[i].series);
		if (!coarser)
			break;
	}
	int err = script_tsv(f, dir);

	return err ? err : script_gp(f, dir, opt);
}

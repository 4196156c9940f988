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
#include <stdbool.h>
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
	SCRIPT_TIP_CHARS = 31,
	SCRIPT_TICS = 6,
	SCRIPT_WIDTH = 980,
	SCRIPT_LEFT = 96,   // of the plot, whose columns are pixels
	SCRIPT_TOP = 47,    // above the plot,
	SCRIPT_BOTTOM = 60, // and below it, besides the key
	SCRIPT_ROWS = 306,
	SCRIPT_LABEL_HEIGHT = 20,
	SCRIPT_ROW_HEIGHT = 15, // of letters
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

/** A time of the figure on its axis. */
static double script_time(const struct figure *f, int64_t ns, double unit_ns)
{
	return (double)(f->begin_ns + ns) / unit_ns;
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

static int script_rows(const struct figure *f)
{
	return f->rows ? f->rows : SCRIPT_ROWS;
}

static size_t script_columns(const struct figure *f)
{
	return f->lines ? series_columns(f->line[0].series) : FIGURE_COLUMNS;
}

/** Where the axis of counts ends. */
static double script_top(const struct figure *f)
{
	double peak = (double)script_peak(f);

	return f->log ? peak * 2 : peak < 6 ? peak + 0.4 : peak * 1.06;
}

/** How high a count is, as a part of the axis. */
static double script_height(const struct figure *f, double count)
{
	double low = 0.5, top = script_top(f);

	if (!f->log)
		return count / top;
	return log((count < 1 ? low : count) / low) / log(top / low);
}

/** The line whose tip comes next, from the top; `lines` if that was the last. */
static size_t script_next(const struct figure *f, const bool *done)
{
	size_t best = f->lines;

	for (size_t i = 0; i < f->lines; i++)
		if (!done[i] && *f->line[i].tip && (best == f->lines || f->line[i].at > f->line[best].at))
			best = i;
	return best;
}

/** Put the tips where their lines end; those that would overlap move down, and up again at the
 * bottom. */
static void script_tips(struct figure *f)
{
	const double apart = 17.0 / script_rows(f);
	bool done[FIGURE_LINES_MAX] = {false};
	size_t order[FIGURE_LINES_MAX], tips = 0;

	for (size_t i = 0; i < f->lines; i++) {
		double end = (double)series_last(f->line[i].series);
		double below = 0; // an area's tip stands in its middle

		if (f->way == SERIES_TOP && i + 1 < f->lines)
			below = (double)series_last(f->line[i + 1].series);
		f->line[i].at = script_height(f, f->way == SERIES_TOP ? (end + below) / 2 : end);
	}
	for (size_t i = script_next(f, done); i < f->lines; i = script_next(f, done)) {
		done[i] = true;
		if (tips && f->line[i].at > f->line[order[tips - 1]].at - apart)
			f->line[i].at = f->line[order[tips - 1]].at - apart;
		order[tips++] = i;
	}
	double floor = 0;

	for (size_t i = tips; i-- > 0 && f->line[order[i]].at < floor; floor += apart)
		f->line[order[i]].at = floor;
}

static void script_point(void *arg, struct series_point p)
{
	fprintf(arg, "%" PRId64 "\t%" PRId64 "\n", p.ns, p.value);
}

static int script_tsv(const struct figure *f, const char *dir)
{
	struct outfile out;
	char name[64];

	snprintf(name, sizeof name, "%s.tsv", f->name);
	int err = outfile_open(&out, dir, name);

	if (err < 0)
		return err;
	if (f->lines)
		fputs("# time_ns\tcount\n", out.file);
	for (size_t i = 0; i < f->lines; i++) {
		fprintf(out.file, "# %zu: ", i + 1);
		gnuplot_comment(out.file, f->line[i].label);
		series_draw(f->line[i].series, f->way, script_point, out.file);
		fputs("\n\n", out.file);
	}
	fwrite(f->data.text, 1, f->data.size, out.file);
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
	int height = SCRIPT_TOP + script_rows(f) + SCRIPT_BOTTOM +
	             SCRIPT_LABEL_HEIGHT * ((int)f->lines + f->keys);

	if (strcmp(term, "dumb") == 0) {
		int rows = height / SCRIPT_ROW_HEIGHT, screen = script_env("LINES", 24, 16, 60);

		fprintf(out, "set terminal dumb size %d,%d noenhanced\n",
		        script_env("COLUMNS", 80, 40, 400), rows > screen - 1 ? rows : screen - 1);
	} else if (strcmp(term, "png") == 0) {
		fprintf(out, "set terminal pngcairo size %d,%d noenhanced butt font 'sans-serif,10'\n",
		        SCRIPT_WIDTH, height);
		fprintf(out, "set output '%s.png'\n", f->name);
	} else {
		fprintf(out,
		        "set terminal svg size %d,%d noenhanced butt font 'sans-serif,12' "
		        "name '%s' background '#ffffff'\n",
		        SCRIPT_WIDTH, height, f->name);
		fprintf(out, "set output '%s.svg'\n", f->name);
	}
	fprintf(out, "term = '%s'\nleft = %d.0\nwidth = %d.0\ntop = %d.0\nrows = %d.0\nheight = %d.0\n",
	        term, SCRIPT_LEFT, SCRIPT_WIDTH, SCRIPT_TOP, script_rows(f), height);
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
	script_array(out, "tip", f->lines);
	script_array(out, "tip_at", f->lines);
	for (size_t i = 0; i < f->lines; i++) {
		fprintf(out, "kind[%zu] = %d; last[%zu] = %" PRId64 "; label[%zu] = ", i + 1,
		        f->line[i].kind, i + 1, series_last(f->line[i].series), i + 1);
		gnuplot_quote(out, f->line[i].label, SCRIPT_LABEL_CHARS);
		fprintf(out, "\ntip_at[%zu] = %.4f; tip[%zu] = ", i + 1, f->line[i].at, i + 1);
		gnuplot_quote(out, f->line[i].tip, SCRIPT_TIP_CHARS);
		putc('\n', out);
	}
}

static void script_stretches(FILE *out, const struct figure *f, double unit_ns)
{
	fprintf(out, "gaps = %zu\n", f->gaps);
	script_array(out, "gap_from", f->gaps);
	script_array(out, "gap_to", f->gaps);
	for (size_t i = 0; i < f->gaps; i++)
		fprintf(out, "gap_from[%zu] = %.15g; gap_to[%zu] = %.15g\n", i + 1,
		        script_time(f, f->gap[i].from_ns, unit_ns), i + 1,
		        script_time(f, f->gap[i].to_ns, unit_ns));
	fprintf(out, "marks = %zu\n", f->marks);
	script_array(out, "mark_at", f->marks);
	for (size_t i = 0; i < f->marks; i++)
		fprintf(out, "mark_at[%zu] = %.15g\n", i + 1, script_time(f, f->mark[i], unit_ns));
	fprintf(out, "notes = %zu\n", f->notes);
	script_array(out, "note_at", f->notes);
	script_array(out, "note", f->notes);
	for (size_t i = 0; i < f->notes; i++) {
		fprintf(out, "note_at[%zu] = %.15g; note[%zu] = ", i + 1,
		        script_time(f, f->note[i].ns, unit_ns), i + 1);
		gnuplot_quote(out, f->note[i].text, SCRIPT_TITLE_CHARS);
		putc('\n', out);
	}
}

/** The program and, if only a part is drawn, which. */
static void script_title(FILE *out, const struct figure *f, const struct script_unit *unit)
{
	char title[sizeof f->title + 80];

	if (f->part)
		snprintf(title, sizeof title, "%.40s, %.12g to %.12g %s", f->title,
		         script_time(f, 0, unit->ns), script_time(f, f->end_ns, unit->ns), unit->name);
	else
		snprintf(title, sizeof title, "%s", f->title);
	gnuplot_quote(out, title, SCRIPT_TITLE_CHARS);
}

static void script_head(FILE *out, const struct figure *f, const struct plot_options *opt)
{
	const struct script_unit *unit = script_unit(f->begin_ns + f->end_ns);
	int64_t peak = script_peak(f);
	int64_t step = script_step(peak);

	fprintf(out,
	        "# Draws %s.tsv, which stands beside this file:  gnuplot %s.gp\n"
	        "# Times are nanoseconds since %s; the plot is %zu columns of pixels wide.\n\n",
	        f->name, f->name, f->begin_ns ? "begin_ns" : "the start", script_columns(f));
	script_terminal(out, f, opt);
	fprintf(out, "data = '%s.tsv'\nprogram = ", f->name);
	script_title(out, f, unit);
	fprintf(out, "\nunit = '%s'\nunit_ns = %.0f\nx_begin = %.15g\nx_end = %.15g\n", unit->name,
	        unit->ns, script_time(f, 0, unit->ns), script_time(f, f->end_ns, unit->ns));
	fprintf(out,
	        "begin_ns = %" PRId64 ".0\nend_ns = %" PRId64 ".0\ncolumns = %zu.0\ndashes = %d.0\n",
	        f->begin_ns, f->end_ns, script_columns(f), SERIES_DASHES);
	fprintf(out, "peak = %" PRId64 "\ny_step = %" PRId64 "\ny_top = %.9g\nlog_y = %d\n", peak, step,
	        script_top(f), f->log);
	script_lines(out, f);
	script_stretches(out, f, unit->ns);
	fwrite(f->vars.text, 1, f->vars.size, out);
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
			points += series_drawn(f->line[i].series, f->way);
		if (points <= SCRIPT_POINTS_MAX)
			break;
		for (size_t i = 0; i < f->lines; i++)
			coarser |= series_coarsen(f->line[i].series);
		if (!coarser)
			break;
	}
	script_tips(f);
	if (fflush(f->data.file) || fflush(f->vars.file))
		return -ENOMEM;
	int err = script_tsv(f, dir);

	return err ? err : script_gp(f, dir, opt);
}

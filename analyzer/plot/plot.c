/* SPDX-License-Identifier: MIT */
/**
 * plot.c: the list of plots, and drawing some: one pass over the database for all of them; then of
 * each the data and the script are written, and gnuplot runs on them while the next one's are.
 */
#include "plot/plot.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "plot/figures.h"
#include "plot/gnuplot.h"
#include "plot/pass.h"
#include "talk.h"

static const int64_t plot_limit_ns = INT64_C(20000000000);

/** What fills the figure of each name, and what it wants to have read. */
static const struct plot {
	const char *name;
	int (*fill)(struct figure *f, sqlite3 *db, void *read);
	const struct pass_reader *reader;
} plots[PLOT_MAX] = {
	{"goroutines", figure_goroutines, &bands_reader},
	{"sites", figure_sites, &sites_reader},
	{"threads", figure_threads, &lanes_reader},
	{"heat", figure_heat, &lanes_reader},
	{"latency", figure_latency, &latency_reader},
	{"blocking", figure_blocking, NULL},
	{"channels", figure_channels, &channels_reader},
	{"lifetimes", figure_lifetimes, &lifetimes_reader},
};

enum { PLOT_AT_ONCE = 2 }; // of gnuplot

/** Plots in the making. */
struct drawing {
	const char *dir;
	const struct plot_options *opt;
	int *got;
	bool missing; // there is no gnuplot
	size_t count; // that run: these
	size_t plot[PLOT_AT_ONCE];
	struct gnuplot gnuplot[PLOT_AT_ONCE];
};

const char *plot_name(size_t i)
{
	return i < PLOT_MAX ? plots[i].name : NULL;
}

/** Files of an earlier time, which had something to show. */
static void plot_remove(const char *dir, const char *name)
{
	static const char *const endings[] = {"svg", "png", "gp", "tsv"};
	char path[4096];

	for (size_t i = 0; i < sizeof endings / sizeof endings[0]; i++) {
		snprintf(path, sizeof path, "%s/%s.%s", dir, name, endings[i]);
		unlink(path);
	}
}

/** Write NAME.gp and NAME.tsv. */
static int plot_write(sqlite3 *db, const struct drawing *d, const struct plot *p, void *read)
{
	const struct plot_options *opt = d->opt;
	struct figure f;
	int err = figure_init(&f, db, p->name);

	if (!err) {
		f.log = opt->log;
		f.begin_ns = opt->begin_ns;
		f.part = opt->part;
		err = p->fill(&f, db, read);
	}
	if (!err && f.nothing) {
		plot_remove(d->dir, p->name);
		if (opt->tell)
			talk("nothing to draw in '%s': %s", p->name, f.nothing);
		err = PLOT_NOTHING;
	} else if (!err) {
		err = figure_write(&f, d->dir, opt);
	}
	figure_release(&f);
	return err;
}

static bool drawing_to_file(const struct drawing *d)
{
	return !d->opt->term || strcmp(d->opt->term, "dumb") != 0;
}

static void drawing_path(const struct drawing *d, size_t i, char path[4096])
{
	const char *term = d->opt->term ? d->opt->term : "svg";

	snprintf(path, 4096, "%s/%s.%s", d->dir, plots[i].name, term);
}

/** It is drawn; or not, and then no old or half drawing stays. */
static void drawing_done(struct drawing *d, size_t i, int err, const char *why)
{
	char path[4096];

	drawing_path(d, i, path);
	if (!err && drawing_to_file(d) && access(path, R_OK) < 0) {
		err = -EIO;
		why = "gnuplot left no file";
	}
	d->got[i] = !err ? 0 : err == -ENOENT ? PLOT_NO_GNUPLOT : PLOT_FAILED;
	if (!err)
		return;
	if (drawing_to_file(d))
		unlink(path);
	talk_warn("no plot '%s': %s", plots[i].name, why);
}

/** Wait for the one that was started first. */
static void drawing_wait(struct drawing *d)
{
	char why[320];
	int err = gnuplot_end(&d->gnuplot[0], why, sizeof why);

	drawing_done(d, d->plot[0], err, why);
	d->count--;
	memmove(d->plot, d->plot + 1, d->count * sizeof d->plot[0]);
	memmove(d->gnuplot, d->gnuplot + 1, d->count * sizeof d->gnuplot[0]);
}

/** Run gnuplot on what was written. */
static void drawing_start(struct drawing *d, size_t i)
{
	char script[64], path[4096], why[320];
	struct gnuplot_job job = {
		.dir = d->dir,
		.script = script,
		.out_fd = STDOUT_FILENO,
		.limit_ns = d->opt->limit_ns ? d->opt->limit_ns : plot_limit_ns,
	};

	while (d->count == (drawing_to_file(d) ? PLOT_AT_ONCE : 1)) // letters are not to mix
		drawing_wait(d);
	snprintf(script, sizeof script, "%s.gp", plots[i].name);
	drawing_path(d, i, path);
	if (drawing_to_file(d))
		unlink(path);
	if (d->missing) { // to say so once is enough
		d->got[i] = PLOT_NO_GNUPLOT;
		return;
	}
	fflush(stdout);
	int err = gnuplot_start(&d->gnuplot[d->count], &job, why, sizeof why);

	d->missing = err == -ENOENT;
	if (err)
		drawing_done(d, i, err, why);
	else
		d->plot[d->count++] = i;
}

static int plot_each(sqlite3 *db, struct drawing *d, unsigned which)
{
	struct pass pass = {0};
	int err;

	for (size_t i = 0; i < PLOT_MAX; i++) {
		d->got[i] = PLOT_NOTHING;
		if (which & 1U << i && plots[i].reader)
			pass_add(&pass, plots[i].reader);
	}
	err = pass_run(&pass, db, d->opt);
	for (size_t i = 0; i < PLOT_MAX && !err; i++) {
		if (!(which & 1U << i))
			continue;
		int got = plot_write(db, d, &plots[i], pass_of(&pass, plots[i].reader));

		d->got[i] = got;
		err = got < 0 ? got : 0;
		if (!got && !d->opt->undrawn)
			drawing_start(d, i);
	}
	pass_release(&pass);
	return err;
}

int plot_some(sqlite3 *db, const char *dir, unsigned which, const struct plot_options *opt,
              int got[PLOT_MAX])
{
	struct drawing d = {.dir = dir, .opt = opt, .got = got};
	int err = plot_each(db, &d, which), worst = 0;

	while (d.count)
		drawing_wait(&d);
	if (err == -ENOMEM)
		talk("out of memory");
	for (size_t i = 0; i < PLOT_MAX; i++)
		if (got[i] != PLOT_NOTHING && got[i] > worst)
			worst = got[i];
	return err ? err : worst;
}

int plot_draw(sqlite3 *db, const char *dir, const char *name, const struct plot_options *opt)
{
	int got[PLOT_MAX];

	for (size_t i = 0; i < PLOT_MAX; i++) {
		if (strcmp(plots[i].name, name) != 0)
			continue;
		int err = plot_some(db, dir, 1U << i, opt, got);

		return err ? err : got[i];
	}
	return -ENOENT;
}

int plot_all(sqlite3 *db, const char *dir)
{
	struct plot_options opt = {0};
	int got[PLOT_MAX];

	return plot_some(db, dir, ~0U, &opt, got);
}

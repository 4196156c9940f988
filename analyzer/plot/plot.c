/* SPDX-License-Identifier: MIT */
/** plot.c: the list of plots, and drawing one: data and script written, then gnuplot run on them.
 */
#include "plot/plot.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "plot/figures.h"
#include "plot/gnuplot.h"
#include "talk.h"

static const int64_t plot_limit_ns = INT64_C(20000000000);

/** What fills the figure of each name. */
static const struct plot {
	const char *name;
	int (*fill)(struct figure *f, sqlite3 *db);
} plots[] = {
	{"goroutines", figure_goroutines}, {"sites", figure_sites},
	{"threads", figure_threads},       {"heat", figure_heat},
	{"latency", figure_latency},       {"blocking", figure_blocking},
	{"channels", figure_channels},     {"lifetimes", figure_lifetimes},
};

enum { PLOTS = sizeof plots / sizeof plots[0] };

const char *plot_name(size_t i)
{
	return i < PLOTS ? plots[i].name : NULL;
}

static const struct plot *plot_find(const char *name)
{
	for (size_t i = 0; i < PLOTS; i++)
		if (strcmp(plots[i].name, name) == 0)
			return &plots[i];
	return NULL;
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
static int plot_write(sqlite3 *db, const char *dir, const struct plot *p,
                      const struct plot_options *opt)
{
	struct figure f;
	int err = figure_init(&f, db, p->name);

	if (!err) {
		f.log = opt->log;
		f.begin_ns = opt->begin_ns;
		f.part = opt->part;
		err = p->fill(&f, db);
	}
	if (!err && f.nothing) {
		plot_remove(dir, p->name);
		if (opt->tell)
			talk("nothing to draw in '%s': %s", p->name, f.nothing);
		err = PLOT_NOTHING;
	} else if (!err) {
		err = figure_write(&f, dir, opt);
	}
	if (err == -ENOMEM)
		talk("out of memory");
	figure_release(&f);
	return err;
}

/** Run gnuplot; where it fails, no old or half drawing stays. */
static int plot_run(const char *dir, const char *name, const struct plot_options *opt)
{
	const char *term = opt->term ? opt->term : "svg";
	bool file = strcmp(term, "dumb") != 0;
	char script[64], drawing[4096], why[320];
	struct gnuplot_job job = {
		.dir = dir,
		.script = script,
		.out_fd = STDOUT_FILENO,
		.limit_ns = opt->limit_ns ? opt->limit_ns : plot_limit_ns,
	};

	snprintf(script, sizeof script, "%s.gp", name);
	snprintf(drawing, sizeof drawing, "%s/%s.%s", dir, name, term);
	if (file)
		unlink(drawing);
	fflush(stdout);
	int err = gnuplot_run(&job, why, sizeof why);

	if (!err && file && access(drawing, R_OK) < 0) {
		err = -EIO;
		snprintf(why, sizeof why, "gnuplot left no file");
	}
	if (!err)
		return 0;
	if (file)
		unlink(drawing);
	talk_warn("no plot '%s': %s", name, why);
	return err == -ENOENT ? PLOT_NO_GNUPLOT : PLOT_FAILED;
}

int plot_draw(sqlite3 *db, const char *dir, const char *name, const struct plot_options *opt)
{
	const struct plot *p = plot_find(name);
	int err = p ? plot_write(db, dir, p, opt) : -ENOENT;

	return err || opt->undrawn ? err : plot_run(dir, p->name, opt);
}

int plot_all(sqlite3 *db, const char *dir)
{
	struct plot_options opt = {0};
	int worst = 0;

	for (size_t i = 0; i < PLOTS; i++) {
		int err = plot_draw(db, dir, plots[i].name, &opt);

		if (err < 0)
			return err;
		if (err != PLOT_NOTHING && err > worst)
			worst = err;
		opt.undrawn = worst == PLOT_NO_GNUPLOT; // to say so once is enough
	}
	return worst;
}

/* SPDX-License-Identifier: MIT */
/** plot.h: the plots of a report, drawn by gnuplot. */
#ifndef GTRACE_PLOT_H
#define GTRACE_PLOT_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** How to draw.  All zero is the report's way. */
struct plot_options {
	const char *term; // "svg", "png" or "dumb" (letters, on stdout); NULL: svg
	bool log;         // counts on a logarithmic axis, where a plot has lines
	int64_t begin_ns; // of the part that part_open() left to see
	bool part;        // there is one
	int64_t limit_ns; // kill gnuplot after that long; 0: 20 s
	bool undrawn;     // write NAME.gp and NAME.tsv, and leave it at that
	bool tell;        // say why a plot has nothing to show
};

enum { PLOT_MAX = 8 }; // how many there are

enum {
	PLOT_FAILED = 1,     // gnuplot did not draw it, which was said
	PLOT_NO_GNUPLOT = 2, // likewise, since it is not installed
	PLOT_NOTHING = 3,    // the trace has nothing that it could show; no file is left
};

/** The name of plot number i, from 0; NULL behind the last one. */
const char *plot_name(size_t i);

/**
 * Draw every plot of the trace in db that has something to show: NAME.svg, NAME.gp and NAME.tsv
 * into dir, which exists.
 *
 * A missing, hung or failing gnuplot is a talk_warn(); the .gp and .tsv files are left all the
 * same.
 *
 * Blocks:  for gnuplot, bounded by a time limit.
 * Returns: 0; PLOT_FAILED or PLOT_NO_GNUPLOT; or a negative errno if a file could not be written
 *          (said as well).
 */
int plot_all(sqlite3 *db, const char *dir);

/**
 * Draw some of them: bit i of `which` is number i.
 *
 * got[i] becomes what plot_draw() would return for it, and PLOT_NOTHING for the others.
 * Blocks and returns as plot_all().
 */
int plot_some(sqlite3 *db, const char *dir, unsigned which, const struct plot_options *opt,
              int got[PLOT_MAX]);

/**
 * Draw the plot of one name.
 *
 * Blocks and returns as plot_all(), or PLOT_NOTHING.  The name is one of plot_name()'s.
 */
int plot_draw(sqlite3 *db, const char *dir, const char *name, const struct plot_options *opt);

#endif

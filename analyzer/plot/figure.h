/* SPDX-License-Identifier: MIT */
/** figure.h: what a plot shows, and how it becomes files. */
#ifndef PLOT_FIGURE_H
#define PLOT_FIGURE_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "plot/plot.h"
#include "plot/series.h"

enum {
	FIGURE_LINES_MAX = 12,
	FIGURE_BANDS_MAX = 64,
	FIGURE_MARKS_MAX = 64,
	FIGURE_NOTES_MAX = 16,
	FIGURE_COLUMNS = 680, // of the drawing's pixels; fewer, if it gets too large
};

/** A lost stretch. */
struct figure_gap {
	int64_t from_ns, to_ns;
};

/** What is written above the lines of findings; numbers too near for labels of their own share one.
 */
struct figure_note {
	int64_t ns; // its left edge
	char text[64];
	unsigned count; // findings in it
};

struct figure_line {
	struct series *series;
	int kind;        // picks its colour in the plot's template, from 1
	char label[200]; // may hold anything
	char tip[64];    // what stands at its right end; may hold anything
	double at;       // how high, as a part of the axis
};

/** Text that grows. */
struct figure_text {
	FILE *file;
	char *text;
	size_t size;
};

struct figure {
	const char *name; // of the plot
	char title[200];  // may hold anything
	int64_t begin_ns; // of the part of the run that is drawn; all other times are since then
	bool part;        // the title says which
	int64_t end_ns;
	const char *nothing; // why there is nothing to draw; NULL: there is
	bool log;            // counts on a logarithmic axis
	enum series_way way;
	int rows;                                  // of pixels between its axes; 0: as usual
	int keys;                                  // rows of the key besides those of the lines
	struct figure_text data;                   // blocks of NAME.tsv behind those of the lines
	struct figure_text vars;                   // assignments at the head of NAME.gp
	struct figure_line line[FIGURE_LINES_MAX]; // in the order of drawing
	size_t lines;
	struct figure_gap gap[FIGURE_BANDS_MAX];
	size_t gaps;
	int64_t mark[FIGURE_MARKS_MAX]; // where findings begin
	size_t marks;
	struct figure_note note[FIGURE_NOTES_MAX];
	size_t notes;
};

/** The run, or the part of it that is drawn. */
struct figure_run {
	char title[200]; // may hold anything
	int64_t end_ns;  // 1 at least
	int64_t trace;   // its trace_id
};

/** Returns: 0, or a negative errno after talk(). */
int figure_run(struct figure_run *run, sqlite3 *db);

/**
 * Begin a figure: what all plots share, which is the length of the run, lost stretches and
 * findings.
 *
 * Returns: 0, or a negative errno after talk().  figure_release() it in any case.
 */
int figure_init(struct figure *f, sqlite3 *db, const char *name);

/** A further line; it owns its series.  Returns: 0 or -ENOMEM, or -ENOSPC. */
int figure_add(struct figure *f, int kind, const char *label);

/** "func file:line (text)" */
size_t figure_site(char *label, size_t size, const char *func, const char *file, int line,
                   const char *text);

/** 1.25 ms, with three digits. */
size_t figure_time(char *text, size_t size, double ns);

/** 1.25M, with three digits. */
size_t figure_count(char *text, size_t size, double n);

/** Assign an array of that many texts or numbers in NAME.gp, and an element of it, from 1. */
void figure_array(struct figure *f, const char *array, size_t count);
void figure_put_text(struct figure *f, const char *array, size_t i, const char *text);
void figure_put(struct figure *f, const char *array, size_t i, double number);

/** A line of NAME.tsv that says what the block below is; text may hold anything. */
void figure_block(struct figure *f, const char *text);

/**
 * Write NAME.tsv and NAME.gp into dir.  Makes lines coarser until the drawing is small enough.
 *
 * Returns: 0, or a negative errno after talk().
 */
int figure_write(struct figure *f, const char *dir, const struct plot_options *opt);

void figure_release(struct figure *f);

#endif

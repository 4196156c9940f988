/* SPDX-License-Identifier: MIT */
/** lanes.h: what each thread ran, by columns of the picture. */
#ifndef PLOT_LANES_H
#define PLOT_LANES_H

#include "plot/figure.h"

enum {
	LANES_SHOWN = 16,
	LANES_MAX = 4096, // threads with greater numbers are left out
};

struct lane_cell {
	int64_t from_ns; // of the run that began last, of those that touch the column
	int64_t busy_ns; // running goroutines, without those in calls outside
	int32_t place;   // of that run: an index into lanes.place, from 1; 0: there is none
	bool call;       // it is outside
};

struct lane {
	int64_t thread;
	int64_t busy_ns;
	struct lane_cell cell[FIGURE_COLUMNS];
};

/** A place that spawns. */
struct lane_place {
	int64_t site;
	int64_t busy_ns;
	char label[100];
};

struct lanes {
	int64_t end_ns;
	struct lane *of[LANES_MAX]; // by number of the thread
	struct lane *shown[LANES_SHOWN];
	size_t count; // shown
	size_t more;  // threads that ran goroutines as well
	struct lane_place *place;
	size_t places;
	struct lane_place *spawned; // the place of the goroutine at hand
};

/**
 * Show the busiest threads, in the order of their numbers: give the figure the names of their
 * lanes, and its height.
 */
int lanes_name(struct lanes *l, struct figure *f, sqlite3 *db);

/** The lane of a thread, from 1; 0: not shown. */
size_t lanes_find(const struct lanes *l, int64_t thread);

/** A stretch of columns from..to of a lane as rows of data: time, lane, and whether the outline is
 * up.  All stretches of a lane and a colour are one outline, which an empty line ends: a path of
 * its own for each would take four times the bytes. */
void lanes_stretch(const struct lanes *l, struct figure *f, size_t lane, size_t from, size_t to);

#endif

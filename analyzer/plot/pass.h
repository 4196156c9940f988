/* SPDX-License-Identifier: MIT */
/** pass.h: what the plots read of all goroutines and intervals, in one pass. */
#ifndef PLOT_PASS_H
#define PLOT_PASS_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>

#include "interval/pack.h"
#include "plot/plot.h"

/** A goroutine of the part of the run that is drawn; times are since its beginning. */
struct pass_life {
	int64_t g;
	int64_t site; // that spawned it; 0: unknown, -1: it is main
	int64_t born_ns;
	int64_t ended_ns; // less than 0: alive at the end
	bool older;       // born before the trace
};

/**
 * Who reads: threads and heat share one.
 *
 * All functions return 0 or a negative errno, which is said unless it is -ENOMEM.
 */
struct pass_reader {
	int (*open)(void **out, sqlite3 *db, int64_t end_ns);

	/** Goroutines come in the order of their numbers.  NULL: they are not wanted. */
	int (*life)(void *arg, const struct pass_life *life);

	/**
	 * The intervals of a goroutine come in their order, behind itself; life is NULL if no such
	 * goroutine is known.  Those that go on behind the end of the part are open.  NULL: they are
	 * not wanted.
	 */
	int (*interval)(void *arg, const struct interval *row, const struct pass_life *life);

	void (*close)(void *arg); // also what was half opened
};

enum { PASS_READERS_MAX = 8 };

struct pass {
	const struct pass_reader *reader[PASS_READERS_MAX];
	void *arg[PASS_READERS_MAX];
	size_t readers;
};

/** Have this one read as well. */
void pass_add(struct pass *p, const struct pass_reader *reader);

/**
 * Let all of them read, what is within the part if opt says so.
 *
 * Returns: 0, or a negative errno, which is said unless it is -ENOMEM.  pass_release() in any case.
 */
int pass_run(struct pass *p, sqlite3 *db, const struct plot_options *opt);

/** What a reader has opened. */
void *pass_of(const struct pass *p, const struct pass_reader *reader);

void pass_release(struct pass *p);

#endif

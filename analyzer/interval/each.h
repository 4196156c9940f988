/* SPDX-License-Identifier: MIT */
/** each.h: all intervals in turn, without SQL between them. */
#ifndef INTERVAL_EACH_H
#define INTERVAL_EACH_H

#include <sqlite3.h>

#include "interval/pack.h"

/**
 * Call row for the intervals of a goroutine, or of all if g is 0, in the order of the key, until it
 * returns an error; whether they are packed or not.  A tenth of the time a query takes.
 *
 * trace is the trace_id.  Returns: that error, or an SQLite code; SQLITE_CORRUPT if a block is
 * damaged.
 */
int interval_each(sqlite3 *db, int64_t trace, uint64_t g,
                  int (*row)(void *arg, const struct interval *row), void *arg);

#endif

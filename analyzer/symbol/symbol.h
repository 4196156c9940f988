/* SPDX-License-Identifier: MIT */
/** symbol.h: program counters of a trace -> functions and lines. */
#ifndef GTRACE_SYMBOL_H
#define GTRACE_SYMBOL_H

#include <sqlite3.h>

/**
 * Fill in file, line and func in the table busy, by the files the table module names, if they are
 * still what they were (the build id says).  What cannot be found stays NULL.
 *
 * Returns: an SQLite code.
 */
int symbol_fill(sqlite3 *db);

#endif

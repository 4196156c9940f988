/* SPDX-License-Identifier: MIT */
/** export.h: what a database holds, in the formats of other programs. */
#ifndef EXPORT_H
#define EXPORT_H

#include <sqlite3.h>
#include <stdio.h>

/**
 * A profile for `go tool pprof`, compressed.  profile: "goroutine", "block" or "delay".
 *
 * Returns: an SQLite code; SQLITE_FULL: it could not be written.
 */
int export_pprof(sqlite3 *db, FILE *out, const char *profile);

/** The same stacks a line each, for flame graphs: "outer;...;call;[what it does] NUMBER".  Returns:
 * an SQLite code.
 */
int export_folded(sqlite3 *db, FILE *out, const char *profile);

/** TrackEvents for Perfetto's trace processor.  Returns: an SQLite code. */
int export_perfetto(sqlite3 *db, FILE *out);

/** Who waits for whom, for Graphviz.  Returns: an SQLite code. */
int export_dot(sqlite3 *db, FILE *out);

/** Every table as dir/TABLE.csv, with scripts that load them.  Returns: an SQLite code; SQLITE_FULL
 * after talk(): a file could not be written. */
int export_csv(sqlite3 *db, const char *dir);

#endif

/* SPDX-License-Identifier: MIT */
/** query.h: run a query that is an embedded file. */
#ifndef PLOT_QUERY_H
#define PLOT_QUERY_H

#include <sqlite3.h>

/**
 * Prepare the query of an asset, such as "sql/plot/gaps.sql".
 *
 * Returns: the statement, which the caller finalizes; NULL after talk().
 */
sqlite3_stmt *query_open(sqlite3 *db, const char *asset);

/** The next row.  Returns: 1 a row; 0 no more; a negative errno after talk(). */
int query_step(sqlite3_stmt *stmt);

/**
 * Call row for each row of the statement "-- @name" of an asset, until it returns a negative errno.
 *
 * Returns: 0; that; or a negative errno after talk().
 */
int query_each(sqlite3 *db, const char *asset, const char *name,
               int (*row)(void *arg, sqlite3_stmt *stmt), void *arg);

/** A text column; "" for NULL. */
const char *query_text(sqlite3_stmt *stmt, int column);

#endif

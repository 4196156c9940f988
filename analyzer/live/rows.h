/* SPDX-License-Identifier: MIT */
/** rows.h: what an agent's JSON says, by the statements of live.sql. */
#ifndef LIVE_ROWS_H
#define LIVE_ROWS_H

#include <sqlite3.h>

#include "live/live.h"

/** Call row for each row of a statement.  Returns: how many; less than 0: it is not that JSON. */
int live_rows(const char *json, const char *name, void (*row)(void *arg, sqlite3_stmt *st),
              void *arg);

int live_stats_read(const char *json, struct live_stats *s);

/** Warn if it was built with another version of the library. */
void live_version_check(const struct live_stats *s);

#endif

/* SPDX-License-Identifier: MIT */
/** suppose.h: who would be dead if others went on as they do, into the table dead_if. */
#ifndef GTRACE_SUPPOSE_H
#define GTRACE_SUPPOSE_H

#include <sqlite3.h>

/** Fill it anew; after dead_find().  Returns: an SQLite code. */
int suppose_find(sqlite3 *db);

#endif

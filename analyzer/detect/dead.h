/* SPDX-License-Identifier: MIT */
/** dead.h: the dead set, into the table dead. */
#ifndef GTRACE_DEAD_H
#define GTRACE_DEAD_H

#include <sqlite3.h>

#include "detect/graph.h"

/** Fill the table dead anew.  Returns: an SQLite code. */
int dead_find(sqlite3 *db);

/** Who in the graph is dead: sets dead.  Returns: an SQLite code. */
int dead_mark(struct graph *gr, sqlite3 *db);

/** ring.c: cycles of locks among the dead: sets ring and behind.  Returns: SQLITE_OK or
 * SQLITE_NOMEM. */
int ring_find(struct graph *gr);

/** loop.c: other cycles of waits: sets loop; after ring_find().  Returns: an SQLite code. */
int loop_find(struct graph *gr, sqlite3 *db);

#endif

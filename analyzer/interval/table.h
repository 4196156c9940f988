/* SPDX-License-Identifier: MIT */
/** table.h: the intervals in interval_block as a virtual table. */
#ifndef INTERVAL_TABLE_H
#define INTERVAL_TABLE_H

#include <sqlite3.h>

/** Teach a connection what CREATE VIRTUAL TABLE interval USING gtrace_interval means.  Returns: an
 * SQLite code. */
int interval_register(sqlite3 *db);

#endif

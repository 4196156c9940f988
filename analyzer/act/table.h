/* SPDX-License-Identifier: MIT */
/** table.h: the acts in use_block and hold_block as virtual tables. */
#ifndef ACT_TABLE_H
#define ACT_TABLE_H

#include <sqlite3.h>

/** Teach a connection what CREATE VIRTUAL TABLE use USING gtrace_use means, and hold USING
 * gtrace_hold.  Returns: an SQLite code. */
int act_register(sqlite3 *db);

#endif

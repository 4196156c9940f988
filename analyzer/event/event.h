/* SPDX-License-Identifier: MIT */
/** event.h: the events of a trace as a virtual table. */
#ifndef EVENT_H
#define EVENT_H

#include <sqlite3.h>

/**
 * Make `name` a table of the events in the trace `path`, which is copied; name('other.gtrace') are
 * those of another one.  With path NULL there is only that, and CREATE VIRTUAL TABLE.
 *
 * Returns: an SQLite code.
 */
int event_register(sqlite3 *db, const char *name, const char *path);

#endif

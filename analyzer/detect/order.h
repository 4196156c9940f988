/* SPDX-License-Identifier: MIT */
/** order.h: locks whose order could have met in a deadlock, into the table lock_circle. */
#ifndef GTRACE_ORDER_H
#define GTRACE_ORDER_H

#include <sqlite3.h>

/** Fill it anew.  Returns: an SQLite code. */
int order_find(sqlite3 *db);

#endif

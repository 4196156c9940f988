/* SPDX-License-Identifier: MIT */
/** feed.h: intervals in memory as a virtual table. */
#ifndef GTRACE_FEED_H
#define GTRACE_FEED_H

#include "load/rows.h"

/** Make rows->intervals the table interval_feed of rows->db.  Returns: an SQLite code. */
int feed_register(struct rows *r);

/** Take it away again. */
int feed_unregister(struct rows *r);

#endif

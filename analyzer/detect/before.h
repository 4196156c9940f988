/* SPDX-License-Identifier: MIT */
/** before.h: what happened before what, whatever the locks did. */
#ifndef GTRACE_BEFORE_H
#define GTRACE_BEFORE_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>

struct before;

/** Returns: an SQLite code; *out is NULL unless SQLITE_OK. */
int before_open(struct before **out, sqlite3 *db);

/**
 * May what goroutine a did at a_ns have had to happen before what b did at b_ns?  Errs to true: who
 * used an object to give something counts as having given before whoever took by it later.
 */
bool before_may(struct before *b, uint64_t from, int64_t from_ns, uint64_t to, int64_t to_ns);

void before_close(struct before *b);

#endif

/* SPDX-License-Identifier: MIT */
/** baseline.h: findings that are known: a file of fingerprints, or a report.json. */
#ifndef TRIAGE_BASELINE_H
#define TRIAGE_BASELINE_H

#include <sqlite3.h>
#include <stddef.h>

struct baseline {
	char (*prints)[17];
	size_t count, cap;
};

/** Returns: 0; after talk() an exit code of cmd.h. */
int baseline_read(struct baseline *b, const char *path);

/** Mark the findings that are in it.  Returns: an SQLite code. */
int baseline_apply(const struct baseline *b, sqlite3 *db);

/** Write the fingerprints of the findings that are reported, notes apart.  Returns: 0; -1 after
 * talk(). */
int baseline_write(sqlite3 *db, const char *path);

void baseline_release(struct baseline *b);

#endif

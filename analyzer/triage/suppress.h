/* SPDX-License-Identifier: MIT */
/** suppress.h: findings that are not to be reported, by patterns. */
#ifndef TRIAGE_SUPPRESS_H
#define TRIAGE_SUPPRESS_H

#include <sqlite3.h>
#include <stddef.h>

/** kind:glob or kind:field:glob.  The texts lie in the file's text. */
struct suppression {
	const char *kind, *field, *glob; // field "" stands for all
	int line;
};

struct suppressions {
	const char *path;
	char *text;
	struct suppression *list;
	size_t count, cap;
};

/** Returns: 0; after talk() an exit code of cmd.h. */
int suppress_read(struct suppressions *s, const char *path);

/** Mark the findings they match; warn of those that match none.  Returns: an SQLite code. */
int suppress_apply(const struct suppressions *s, sqlite3 *db);

void suppress_release(struct suppressions *s);

#endif

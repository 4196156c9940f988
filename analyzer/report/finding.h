/* SPDX-License-Identifier: MIT */
/** finding.h: the findings one by one, and the kinds, for the reports that machines read. */
#ifndef REPORT_FINDING_H
#define REPORT_FINDING_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>

enum { FINDING_PATH_BYTES = 4096 };

/** No text is NULL. */
struct finding_place {
	const char *file; // below the current folder: relative to it
	int64_t line;
	const char *func;
	const char *text;
};

struct finding {
	int64_t id, count;
	const char *kind, *certainty, *severity, *title, *why, *hint;
	int64_t since_ns; // less than 0: unknown
	struct finding_place at, born;
	const char *objects, *goroutines; // in words
	const char *fingerprint;
	bool counts; // for the exit status
	bool known;  // the baseline has it
};

struct findings {
	sqlite3_stmt *st;
	char cwd[FINDING_PATH_BYTES];
};

/** Begin; findings_close() ends it even after an error.  Returns: an SQLite code. */
int findings_open(struct findings *all, sqlite3 *db);

/** The next one; its texts live until the next call.  Returns: SQLITE_ROW, SQLITE_DONE, or an
 * error. */
int findings_next(struct findings *all, struct finding *f);

void findings_close(struct findings *all);

/** Where to show a finding: where it is blocked, else where it was born. */
const struct finding_place *finding_where(const struct finding *f);

/** "error" if it counts, "note" if it is one or is known, else "warning". */
const char *finding_level(const struct finding *f);

/** The current folder; "" if it has no name. */
void finding_cwd(char cwd[FINDING_PATH_BYTES]);

/** A file's name without `cwd` before it, and without "./". */
const char *finding_relative(const char *cwd, const char *file);

/** The kinds of the built-in detectors as a JSON list, for ?1 of the queries; the caller frees it.
 */
char *finding_kinds(void);

#endif

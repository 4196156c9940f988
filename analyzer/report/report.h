/* SPDX-License-Identifier: MIT */
/** report.h: the findings of a database as text and as JSON. */
#ifndef GTRACE_REPORT_H
#define GTRACE_REPORT_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stdio.h>

/** For people: 80 columns.  Returns: an SQLite code. */
int report_text(sqlite3 *db, FILE *out, bool colour);

/** The document of docs/verdicts.md, on one line.  Returns: an SQLite code. */
int report_json(sqlite3 *db, FILE *out);

/** The statements' number for a word of --fail-on: what a finding has to be to count. */
int report_level(const char *fail_on);

/** Findings that count for the exit code, for --fail-on proven, probable, suspect or never. */
int report_fails(sqlite3 *db, const char *fail_on);

#endif

/* SPDX-License-Identifier: MIT */
/** diff.h: two traces side by side, as text and as JSON. */
#ifndef REPORT_DIFF_H
#define REPORT_DIFF_H

#include <sqlite3.h>
#include <stdio.h>

/** `both` has the tables of sql/diff/tables.sql.  Returns: an SQLite code. */
int diff_text(sqlite3 *both, FILE *out);
int diff_json(sqlite3 *both, FILE *out);

#endif

/* SPDX-License-Identifier: MIT */
/** report.h: the findings of a database, in every format. */
#ifndef GTRACE_REPORT_H
#define GTRACE_REPORT_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stdio.h>

/** For people: 80 columns.  Returns: an SQLite code. */
int report_text(sqlite3 *db, FILE *out, bool colour);

/** The document of docs/verdicts.md, on one line.  Returns: an SQLite code. */
int report_json(sqlite3 *db, FILE *out);

/** SARIF 2.1.0, on one line.  Returns: an SQLite code. */
int report_sarif(sqlite3 *db, FILE *out);

/** JUnit's XML.  Returns: an SQLite code. */
int report_junit(sqlite3 *db, FILE *out);

/** Workflow commands of GitHub, one a line.  Returns: an SQLite code. */
int report_github(sqlite3 *db, FILE *out);

/** Markdown, as GitHub and GitLab read it.  Returns: an SQLite code. */
int report_markdown(sqlite3 *db, FILE *out);

/** How many findings count for the exit code.  Returns: an SQLite code; *fails is 0 then. */
int report_fails(sqlite3 *db, int *fails);

#endif

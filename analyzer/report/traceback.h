/* SPDX-License-Identifier: MIT */
/** traceback.h: goroutines in the form of Go's tracebacks (debug=2). */
#ifndef REPORT_TRACEBACK_H
#define REPORT_TRACEBACK_H

#include <sqlite3.h>
#include <stdio.h>

struct traceback {
	FILE *out;
	sqlite3_stmt *frames;
};

/** Begin; traceback_close() it in any case.  Returns: an SQLite code. */
int traceback_open(struct traceback *t, sqlite3 *db, FILE *out);

/**
 * A row of show/at.sql or html/dump.sql, with the callers where the trace has a stack; controls in
 * its texts are shown as \xNN.  Returns: an SQLite code.
 */
int traceback_goroutine(struct traceback *t, sqlite3_stmt *st);

void traceback_close(struct traceback *t);

#endif

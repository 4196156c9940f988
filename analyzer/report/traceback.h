/* SPDX-License-Identifier: MIT */
/** traceback.h: a goroutine in the form of Go's tracebacks (debug=2). */
#ifndef REPORT_TRACEBACK_H
#define REPORT_TRACEBACK_H

#include <sqlite3.h>
#include <stdio.h>

/** A row of show/at.sql or html/dump.sql; controls in its texts are shown as \xNN. */
void traceback_goroutine(FILE *out, sqlite3_stmt *st);

#endif

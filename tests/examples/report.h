/* SPDX-License-Identifier: MIT */
/* report.h: questions to a report.json, asked in SQL. */
#ifndef REPORT_H
#define REPORT_H

#include <stdint.h>

struct report;

/** Read a report.json; fails the test if it is none. */
struct report *report_open(const char *path);

/**
 * The one value of an SQL expression; fails the test if it is NULL.
 *
 * The view `finding` has a row for each finding, with the columns f (it, as JSON) and kind; the
 * view `doc` has one row with the column j, the whole document.  The text lives until the next
 * call.
 */
const char *report_text(struct report *r, const char *query);
int64_t report_int(struct report *r, const char *query);

void report_close(struct report *r);

#endif

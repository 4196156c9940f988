/* SPDX-License-Identifier: MIT */
/** html.h: report.html, one file that needs nothing else. */
#ifndef GTRACE_REPORT_HTML_H
#define GTRACE_REPORT_HTML_H

#include <sqlite3.h>
#include <stdio.h>

/**
 * Write dir/report.html from the findings in db, dir/report.json's text and the drawings in
 * dir/plots.
 *
 * drawn, if not NULL, is called when only the drawings are missing: until it returns they may be in
 * the making.  What is not 0 is returned.
 *
 * Returns: 0, or a negative errno (already said by talk()).
 */
int report_html(sqlite3 *db, const char *dir, int (*drawn)(void *arg), void *arg);

#endif

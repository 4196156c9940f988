/* SPDX-License-Identifier: MIT */
/** html_parts.h: the parts of the page, one for each {{name}} in page.html. */
#ifndef REPORT_HTML_PARTS_H
#define REPORT_HTML_PARTS_H

#include <sqlite3.h>
#include <stdint.h>
#include <stdio.h>

struct html_page {
	FILE *out;
	sqlite3 *db;
	const char *dir;         // of the report
	int64_t channels, locks; // how many there are: html_listed()
};

/** Fill the temporary table listed with the channels and the locks that are shown, at most
 * HTML_LISTED_MAX of each.  Returns: 0, or a negative errno after talk(). */
enum { HTML_LISTED_MAX = 100 };
int html_listed(struct html_page *p);

/** db_number(), db_each(), or db_each() of a statement that gives no rows.  Returns: 0, or a
 * negative errno after talk(). */
int html_number(struct html_page *p, const char *asset, const char *name, int64_t *number);
int html_each(struct html_page *p, const char *asset, const char *name,
              int (*row)(void *arg, sqlite3_stmt *st), void *arg);
int html_do(struct html_page *p, const char *asset, const char *name);

/** "and 12 more channels", if there are any. */
void html_more(struct html_page *p, int64_t more, const char *what);

/** Write one part.  Returns: 0, or a negative errno after talk(). */
int html_part_head(struct html_page *p);
int html_part_title(struct html_page *p);
int html_part_verdict(struct html_page *p);
int html_part_findings(struct html_page *p);
int html_part_plots(struct html_page *p);
int html_part_sites(struct html_page *p);
int html_part_graphs(struct html_page *p);
int html_part_channels(struct html_page *p);
int html_part_locks(struct html_page *p);
int html_part_lanes(struct html_page *p);
int html_part_dump(struct html_page *p);
int html_part_facts(struct html_page *p);
int html_part_json(struct html_page *p);

#endif

/* SPDX-License-Identifier: MIT */
/** html_parts.h: the parts of the page, one for each {{name}} in page.html. */
#ifndef REPORT_HTML_PARTS_H
#define REPORT_HTML_PARTS_H

#include <sqlite3.h>
#include <stdio.h>

struct html_page {
	FILE *out;
	sqlite3 *db;
	const char *dir; // of the report
};

/** Write one part.  Returns: 0, or a negative errno after talk(). */
int html_part_title(struct html_page *p);
int html_part_verdict(struct html_page *p);
int html_part_findings(struct html_page *p);
int html_part_plots(struct html_page *p);
int html_part_sites(struct html_page *p);
int html_part_facts(struct html_page *p);
int html_part_json(struct html_page *p);

#endif

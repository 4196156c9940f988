/* SPDX-License-Identifier: MIT */
/** html.c: report.html: the template report/page.html with its {{parts}} filled in. */
#include "report/html.h"

#include <errno.h>
#include <string.h>

#include "assets.h"
#include "db.h"
#include "plot/outfile.h"
#include "report/html_parts.h"
#include "talk.h"

static const struct html_part {
	const char *name;
	int (*write)(struct html_page *p);
} html_parts[] = {
	{"title", html_part_title},     {"head", html_part_head},
	{"verdict", html_part_verdict}, {"findings", html_part_findings},
	{"plots", html_part_plots},     {"sites", html_part_sites},
	{"graphs", html_part_graphs},   {"channels", html_part_channels},
	{"locks", html_part_locks},     {"lanes", html_part_lanes},
	{"dump", html_part_dump},       {"facts", html_part_facts},
	{"json", html_part_json},
};

static int html_part(struct html_page *p, const char *name, size_t len)
{
	for (size_t i = 0; i < sizeof html_parts / sizeof html_parts[0]; i++)
		if (strlen(html_parts[i].name) == len && memcmp(html_parts[i].name, name, len) == 0)
			return html_parts[i].write(p);
	talk("the template of the report has an unknown part '%.*s'", (int)len, name);
	return -EINVAL;
}

static int html_fill(struct html_page *p, const char *text)
{
	int err = 0;

	while (!err) {
		const char *open = strstr(text, "{{");
		const char *close = open ? strstr(open, "}}") : NULL;

		if (!close) {
			fputs(text, p->out);
			break;
		}
		fwrite(text, 1, (size_t)(open - text), p->out);
		err = html_part(p, open + 2, (size_t)(close - open - 2));
		text = close + 2;
	}
	return err;
}

int report_html(sqlite3 *db, const char *dir)
{
	const struct asset *page = asset_find("report/page.html");
	struct outfile out;

	if (!page) {
		talk("cannot find the built-in template of the report");
		return -ENOENT;
	}
	int err = outfile_open(&out, dir, "report.html");

	if (err < 0)
		return err;
	struct html_page p = {.out = out.file, .db = db, .dir = dir};

	if (db_run_asset(db, "sql/html/tables.sql") != SQLITE_OK) {
		talk("cannot write the database: %s", sqlite3_errmsg(db));
		return outfile_close(&out, -EIO);
	}
	return outfile_close(&out, html_fill(&p, page->data));
}

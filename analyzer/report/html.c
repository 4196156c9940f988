/* SPDX-License-Identifier: MIT */
/** html.c: report.html: the template report/page.html with its {{parts}} filled in. */
#include "report/html.h"

#include <errno.h>
#include <stdlib.h>
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

enum { HTML_PARTS = sizeof html_parts / sizeof html_parts[0] };

/** A part that is made; NULL: it is written when it is its turn. */
struct html_text {
	char *text;
	size_t len;
};

static int html_make(struct html_page *p, const struct html_part *part, struct html_text *made)
{
	p->out = open_memstream(&made->text, &made->len);
	if (!p->out) {
		talk("out of memory");
		return -ENOMEM;
	}
	int err = part->write(p);

	if (fclose(p->out) && !err) {
		talk("out of memory");
		err = -ENOMEM;
	}
	return err;
}

/** Everything but what shows the files of plots. */
static int html_make_all(struct html_page *p, struct html_text made[HTML_PARTS])
{
	int err = 0;

	for (size_t i = 0; i < HTML_PARTS && !err; i++)
		if (html_parts[i].write != html_part_plots)
			err = html_make(p, &html_parts[i], &made[i]);
	return err;
}

static int html_part(struct html_page *p, const struct html_text *made, const char *name,
                     size_t len)
{
	for (size_t i = 0; i < HTML_PARTS; i++) {
		if (strlen(html_parts[i].name) != len || memcmp(html_parts[i].name, name, len) != 0)
			continue;
		if (!made[i].text)
			return html_parts[i].write(p);
		fwrite(made[i].text, 1, made[i].len, p->out);
		return 0;
	}
	talk("the template of the report has an unknown part '%.*s'", (int)len, name);
	return -EINVAL;
}

static int html_fill(struct html_page *p, const struct html_text *made, const char *text)
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
		err = html_part(p, made, open + 2, (size_t)(close - open - 2));
		text = close + 2;
	}
	return err;
}

static int html_write(struct html_page *p, const struct html_text *made)
{
	const struct asset *page = asset_find("report/page.html");
	struct outfile out;

	if (!page) {
		talk("cannot find the built-in template of the report");
		return -ENOENT;
	}
	int err = outfile_open(&out, p->dir, "report.html");

	if (err < 0)
		return err;
	p->out = out.file;
	return outfile_close(&out, html_fill(p, made, page->data));
}

int report_html(sqlite3 *db, const char *dir, int (*drawn)(void *arg), void *arg)
{
	struct html_page p = {.db = db, .dir = dir};
	struct html_text made[HTML_PARTS] = {0};
	int err = 0;

	if (db_run_asset(db, "sql/html/tables.sql") != SQLITE_OK) {
		talk("cannot write the database: %s", sqlite3_errmsg(db));
		err = -EIO;
	}
	if (!err)
		err = html_make_all(&p, made);
	if (!err && drawn)
		err = drawn(arg);
	if (!err)
		err = html_write(&p, made);
	for (size_t i = 0; i < HTML_PARTS; i++)
		free(made[i].text);
	return err;
}

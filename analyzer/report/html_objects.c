/* SPDX-License-Identifier: MIT */
/** html_objects.c: the tables of channels and of locks, the worst hundred of each. */
#include <inttypes.h>

#include "db.h"
#include "report/html_parts.h"
#include "report/html_write.h"

static const char listed_asset[] = "sql/html/listed.sql";

static int64_t column_time(sqlite3_stmt *st, int i)
{
	return sqlite3_column_type(st, i) == SQLITE_NULL ? -1 : sqlite3_column_int64(st, i);
}

/** A cell with the name and, after it, the place from column `made` on. */
static void object_cell(FILE *out, sqlite3_stmt *st, const char *name, int made)
{
	struct html_place place = {
		.func = db_column(st, made),
		.file = db_column(st, made + 1),
		.line = sqlite3_column_int64(st, made + 2),
		.text = "",
	};

	fprintf(out, "<tr><td data-sort=\"%" PRId64 "\"><code>", (int64_t)sqlite3_column_int64(st, 0));
	html_clip(out, name, HTML_PLACE_CHARS);
	fprintf(out, "</code> #%" PRId64 "</td><td>", (int64_t)sqlite3_column_int64(st, 0));
	html_place(out, &place);
	fputs("</td>", out);
}

static int channel_row(void *arg, sqlite3_stmt *st)
{
	FILE *out = arg;

	object_cell(out, st, db_column(st, 1), 2);
	for (int i = 5; i <= 10; i++) // capacity, sent, received, queue, senders, receivers
		html_cell_count(out, sqlite3_column_int64(st, i));
	html_cell_time(out, column_time(st, 11));
	fprintf(out, "<td data-sort=\"%" PRId64 "\">", column_time(st, 12));
	if (column_time(st, 12) >= 0) {
		html_time(out, column_time(st, 12));
		if (sqlite3_column_int64(st, 13))
			fprintf(out, " by g%" PRId64, (int64_t)sqlite3_column_int64(st, 13));
		fputs(", woke ", out);
		html_count(out, sqlite3_column_int64(st, 14));
	}
	fputs("</td>", out);
	html_cell_finding(out, st, 15, 16);
	fputs("</tr>\n", out);
	return SQLITE_OK;
}

static int lock_row(void *arg, sqlite3_stmt *st)
{
	FILE *out = arg;

	object_cell(out, st, db_column(st, 2), 3);
	fprintf(out, "<td>%s</td>", db_column(st, 1));
	html_cell_count(out, sqlite3_column_int64(st, 6));
	html_cell_time(out, column_time(st, 7));
	html_cell_time(out, column_time(st, 8));
	html_cell_count(out, sqlite3_column_int64(st, 9));
	html_cell_time(out, column_time(st, 10));
	html_cell_count(out, sqlite3_column_int64(st, 11));
	html_cell_count(out, sqlite3_column_int64(st, 12));
	fputs("<td class=\"words\">", out);
	html_clip(out, db_column(st, 13), 2 * HTML_PLACE_CHARS);
	fputs("</td>", out);
	html_cell_finding(out, st, 14, 15);
	fputs("</tr>\n", out);
	return SQLITE_OK;
}

int html_part_channels(struct html_page *p)
{
	int err = html_listed(p); // for both parts

	if (err || !p->channels) {
		fputs("<p class=\"empty\">There were none.</p>\n", p->out);
		return err;
	}
	fputs("<table class=\"sortable\">\n<thead><tr><th scope=\"col\">channel</th><th "
	      "scope=\"col\">made at</th>",
	      p->out);
	html_heads(p->out,
	           (const char *const[]){"capacity", "sends", "receives", "longest queue",
	                                 "senders blocked", "receivers blocked", "longest wait", NULL});
	fputs("<th scope=\"col\">closed</th><th scope=\"col\">finding</th></tr></thead>\n<tbody>\n",
	      p->out);
	err = html_each(p, listed_asset, "channels", channel_row, p->out);
	fputs("</tbody>\n</table>\n", p->out);
	fputs(
		"<p class=\"key\">Sends and receives are those that the trace has, those that still wait "
		"among them; at the level sync, repeats are left out.  Queues and waits are those for one "
		"channel alone, without select.</p>\n",
		p->out);
	html_more(p, p->channels - HTML_LISTED_MAX, "channels");
	return err;
}

int html_part_locks(struct html_page *p)
{
	if (!p->locks) {
		fputs("<p class=\"empty\">There were none.</p>\n", p->out);
		return 0;
	}
	fputs(
		"<table class=\"sortable\">\n<thead><tr><th scope=\"col\">lock</th><th scope=\"col\">made "
		"at</th><th scope=\"col\">kind</th>",
		p->out);
	html_heads(p->out, (const char *const[]){"taken", "longest hold", "held in all", "waits",
	                                         "longest wait", "longest queue", "waiters now", NULL});
	fputs("<th scope=\"col\">last holders, latest first</th><th "
	      "scope=\"col\">finding</th></tr></thead>\n<tbody>\n",
	      p->out);
	int err = html_each(p, listed_asset, "locks", lock_row, p->out);

	fputs("</tbody>\n</table>\n", p->out);
	html_more(p, p->locks - HTML_LISTED_MAX, "locks");
	return err;
}

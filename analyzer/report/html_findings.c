/* SPDX-License-Identifier: MIT */
/** html_findings.c: the verdict, one section for each finding, and their graphs of waits. */
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "db.h"
#include "plot/query.h"
#include "report/html_graph.h"
#include "report/html_parts.h"
#include "report/html_write.h"

enum {
	HTML_FINDINGS_MAX = 200,
	HTML_FINDING_CHARS = 2000,
	HTML_GOROUTINES_MAX = 12, // of a finding, before its list is to be opened
};

enum { // columns of findings.sql
	F_KIND,
	F_PART,
	F_ID,
	F_CERTAINTY,
	F_SEVERITY,
	F_TITLE,
	F_WHY,
	F_HINT,
	F_COUNT,
	F_SINCE,
	F_BLOCKED,
	F_BORN = F_BLOCKED + 4,
	F_GAP = F_BORN + 4,
};

/** Facts that are no problem, such as an idle pool, are told after those that are. */
static bool finding_is_note(sqlite3_stmt *f)
{
	return strcmp(query_text(f, F_SEVERITY), "info") == 0;
}

int html_part_verdict(struct html_page *p)
{
	sqlite3_stmt *f = query_open(p->db, "sql/html/findings.sql");
	int problems = 0, err = f ? 1 : -EIO;

	while (err == 1) {
		err = query_step(f);
		if (err == 1 && !finding_is_note(f))
			problems++;
	}
	sqlite3_finalize(f);
	if (problems)
		fprintf(p->out, "<p class=\"verdict bad\">%d problem%s</p>\n", problems,
		        problems == 1 ? "" : "s");
	else
		fputs("<p class=\"verdict good\">no problems</p>\n", p->out);
	return err;
}

static void row_begin(FILE *out, const char *name)
{
	fprintf(out, "<dt>%s</dt><dd>", name);
}

static void row_text(FILE *out, const char *name, const char *text)
{
	if (!*text)
		return;
	row_begin(out, name);
	html_clip(out, text, HTML_FINDING_CHARS);
	fputs("</dd>\n", out);
}

static void row_place(FILE *out, const char *name, sqlite3_stmt *f, int column)
{
	struct html_place place = {
		.file = query_text(f, column),
		.line = sqlite3_column_int64(f, column + 1),
		.func = query_text(f, column + 2),
		.text = query_text(f, column + 3),
	};

	if (!*place.file && !*place.func && !*place.text)
		return;
	row_begin(out, name);
	html_place(out, &place);
	fputs("</dd>\n", out);
}

/** A query about one finding; NULL after talk(). */
static sqlite3_stmt *finding_query(struct html_page *p, sqlite3_stmt *f, const char *asset)
{
	sqlite3_stmt *stmt = query_open(p->db, asset);

	if (stmt) {
		sqlite3_bind_value(stmt, 1, sqlite3_column_value(f, F_KIND));
		sqlite3_bind_value(stmt, 2, sqlite3_column_value(f, F_PART));
	}
	return stmt;
}

static int row_goroutines(struct html_page *p, sqlite3_stmt *f)
{
	sqlite3_stmt *g = finding_query(p, f, "sql/html/goroutines.sql");
	int64_t shown = 0, count = sqlite3_column_int64(f, F_COUNT);
	int err = g ? 1 : -EIO;

	while (err == 1) {
		err = query_step(g);
		if (err != 1)
			break;
		if (!shown)
			fprintf(p->out, "<dt>goroutines</dt><dd id=\"goroutines-%lld\">",
			        sqlite3_column_int64(f, F_ID));
		if (shown == HTML_GOROUTINES_MAX) {
			fputs(" <details><summary>and ", p->out);
			html_count(p->out, count - shown);
			fputs(" more</summary>", p->out);
		} else if (shown) {
			fputs(", ", p->out);
		}
		fprintf(p->out, "%lld", sqlite3_column_int64(g, 0));
		shown++;
		if (*query_text(g, 1)) {
			fputs(" (", p->out);
			html_clip(p->out, query_text(g, 1), HTML_PLACE_CHARS);
			putc(')', p->out);
		}
	}
	if (shown && count > shown) {
		fputs(" and ", p->out);
		html_count(p->out, count - shown);
		fputs(" more", p->out);
	}
	if (shown)
		fputs(shown > HTML_GOROUTINES_MAX ? "</details></dd>\n" : "</dd>\n", p->out);
	sqlite3_finalize(g);
	return err;
}

static int row_objects(struct html_page *p, sqlite3_stmt *f)
{
	sqlite3_stmt *o = finding_query(p, f, "sql/html/objects.sql");
	int err = o ? 1 : -EIO;

	while (err == 1) {
		err = query_step(o);
		if (err != 1)
			break;
		struct html_place made = {
			.file = query_text(o, 3),
			.line = sqlite3_column_int64(o, 4),
			.func = query_text(o, 5),
			.text = "",
		};

		row_begin(p->out, *query_text(o, 1) ? "object" : "object (unknown)");
		html_text(p->out, query_text(o, 1));
		fputs(" <code>", p->out);
		html_clip(p->out, query_text(o, 2), HTML_PLACE_CHARS);
		fputs("</code>", p->out);
		if (*made.file || *made.func) {
			fputs(" made at ", p->out);
			html_place(p->out, &made);
		}
		if (sqlite3_column_type(o, 6) != SQLITE_NULL)
			fprintf(p->out, ", held by goroutine %lld", sqlite3_column_int64(o, 6));
		if (sqlite3_column_int64(o, 7) > 1) {
			fputs(", and ", p->out);
			html_count(p->out, sqlite3_column_int64(o, 7) - 1);
			fputs(" more like it", p->out);
		}
		fputs("</dd>\n", p->out);
	}
	sqlite3_finalize(o);
	return err;
}

static int html_finding(struct html_page *p, sqlite3_stmt *f)
{
	FILE *out = p->out;

	fprintf(out, "<section class=\"finding %s\" id=\"", finding_is_note(f) ? "note" : "problem");
	html_text(out, query_text(f, F_KIND));
	fprintf(out, "-%lld\">\n<h3><span class=\"kind\">#%lld ", sqlite3_column_int64(f, F_ID),
	        sqlite3_column_int64(f, F_ID));
	html_text(out, query_text(f, F_KIND));
	fputs("</span> ", out);
	html_clip(out, query_text(f, F_TITLE), HTML_FINDING_CHARS);
	fputs(" <span class=\"certainty\">", out);
	html_text(out, query_text(f, F_CERTAINTY));
	fputs("</span></h3>\n<dl>\n", out);
	row_place(out, "at", f, F_BLOCKED);
	row_place(out, "born at", f, F_BORN);
	row_text(out, "why", query_text(f, F_WHY));
	row_text(out, "hint", query_text(f, F_HINT));
	if (sqlite3_column_type(f, F_SINCE) != SQLITE_NULL) {
		row_begin(out, "since");
		html_time(out, sqlite3_column_int64(f, F_SINCE));
		fputs("</dd>\n", out);
	}
	int err = row_objects(p, f);

	if (!err)
		err = row_goroutines(p, f);
	if (sqlite3_column_int(f, F_GAP))
		row_text(out, "note", "the trace has lost events that could matter here");
	fputs("</dl>\n</section>\n", out);
	return err;
}

int html_part_findings(struct html_page *p)
{
	int64_t count = 0;
	int err = 0;

	for (int notes = 0; notes <= 1 && !err; notes++) {
		sqlite3_stmt *f = query_open(p->db, "sql/html/findings.sql");

		err = f ? 1 : -EIO;
		while (err == 1) {
			err = query_step(f);
			if (err == 1 && finding_is_note(f) == notes && count++ < HTML_FINDINGS_MAX) {
				err = html_finding(p, f);
				err = err ? err : 1;
			}
		}
		sqlite3_finalize(f);
	}
	if (!err && !count)
		fputs("<p class=\"empty\">There are none.</p>\n", p->out);
	html_more(p, count - HTML_FINDINGS_MAX, "findings");
	return err;
}

/** The drawings of one kind: what they are made from. */
struct graph_kind {
	struct html_page *p;
	const char *asset;
};

static int graph_figure(void *arg, sqlite3_stmt *st)
{
	const struct graph_kind *kind = arg;
	FILE *out = kind->p->out;
	int64_t id = sqlite3_column_int64(st, 0), left_out = 0;

	fputs("<figure class=\"waits\" tabindex=\"0\">\n", out);
	int err = html_graph(&(struct html_graph){kind->p->db, kind->asset, id}, out, &left_out);

	fputs("<figcaption><a href=\"#", out);
	html_text(out, db_column(st, 1));
	fprintf(out, "-%lld\">#%lld ", (long long)id, (long long)id);
	html_text(out, db_column(st, 1));
	fputs("</a> ", out);
	html_clip(out, db_column(st, 2), HTML_PLACE_CHARS);
	fputs("</figcaption>\n</figure>\n", out);
	html_more(kind->p, left_out, "goroutines");
	return err;
}

static int graph_figures(struct html_page *p, const char *asset, const char *key)
{
	struct graph_kind kind = {p, asset};
	int64_t count = 0;
	int err = html_number(p, asset, "count", &count);

	if (err || !count)
		return err;
	fprintf(p->out, "<p class=\"key\">%s</p>\n", key);
	return html_each(p, asset, "findings", graph_figure, &kind);
}

int html_part_graphs(struct html_page *p)
{
	static const char waits[] = "sql/html/graph.sql", order[] = "sql/html/lock_order.sql";
	int64_t count = 0, order_count = 0;
	int err = html_do(p, waits, "objects");

	if (!err)
		err = html_do(p, waits, "wanted");
	if (!err)
		err = html_do(p, waits, "nodes");
	if (!err)
		err = html_number(p, waits, "count", &count);
	if (!err)
		err = html_number(p, order, "count", &order_count);
	if (!err && !count && !order_count)
		fputs("<p>No finding has goroutines that wait for each other, or could.</p>\n", p->out);
	if (!err)
		err =
			graph_figures(p, waits,
		                  "Boxes are goroutines, rounded ones what they wait for. A solid arrow: "
		                  "waits for; dashed: is held by, since where; dotted: could be ended by.");
	if (!err)
		err =
			graph_figures(p, order,
		                  "Orders of locks that nobody got stuck in, in this run. A dashed arrow "
		                  "leads from a lock to a goroutine that had it, and since where; a solid "
		                  "one to what that took then, and where.");
	return err;
}

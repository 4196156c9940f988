/* SPDX-License-Identifier: MIT */
/** markdown.c: a summary for a job or a comment: a table, and a block to unfold for each finding.
 */
#include <inttypes.h>
#include <string.h>

#include "db.h"
#include "report/finding.h"
#include "report/report.h"

/* Whatever could mean something in Markdown or HTML is an entity; a line's end is a space. */
static void markdown_text(FILE *out, const char *text)
{
	for (const unsigned char *p = (const unsigned char *)text; *p; p++) {
		bool link = (p[0] == ':' && p[1] == '/') || strncasecmp((const char *)p, "www.", 4) == 0;
		if (strchr("&<>\"'|`*_[]\\#~@$", *p) || link)
			fprintf(out, "&#%d;", *p);
		else if (*p == '\n' || *p == '\t')
			fputc(' ', out);
		else if (*p < 0x20 || *p == 0x7f)
			fprintf(out, "&#92;x%02x", *p);
		else if (p[0] == 0xc2 && p[1] < 0xa0)
			fprintf(out, "&#92;x%02x", *++p);
		else
			fputc(*p, out);
	}
}

static void markdown_place(FILE *out, const struct finding_place *p)
{
	markdown_text(out, p->file);
	fprintf(out, ":%" PRId64, p->line);
	if (*p->func) {
		fputc(' ', out);
		markdown_text(out, p->func);
		fputs("()", out);
	}
}

static void markdown_row(FILE *out, const struct finding *f)
{
	const struct finding_place *at = finding_where(f);

	fprintf(out, "| %" PRId64 " | ", f->id);
	markdown_text(out, f->kind);
	fputs(" | ", out);
	markdown_text(out, f->certainty);
	fputs(f->counts ? " | yes | " : f->known ? " | known | " : " | no | ", out);
	if (*at->file)
		markdown_place(out, at);
	fputs(" | ", out);
	markdown_text(out, f->title);
	fputs(" |\n", out);
}

static void markdown_item(FILE *out, const char *name, const char *text)
{
	if (!*text)
		return;
	fprintf(out, "- **%s** ", name);
	markdown_text(out, text);
	fputc('\n', out);
}

static void markdown_item_place(FILE *out, const char *name, const struct finding_place *p)
{
	if (!*p->file)
		return;
	fprintf(out, "- **%s** ", name);
	markdown_place(out, p);
	fputc(' ', out);
	markdown_text(out, p->text);
	fputc('\n', out);
}

static void markdown_details(FILE *out, const struct finding *f)
{
	fprintf(out, "\n<details><summary>%" PRId64 " ", f->id);
	markdown_text(out, f->kind);
	fputs(": ", out);
	markdown_text(out, f->title);
	fputs("</summary>\n\n", out);
	markdown_item(out, "certainty", f->certainty);
	markdown_item_place(out, "at", &f->at);
	markdown_item_place(out, "born at", &f->born);
	markdown_item(out, "object", f->objects);
	markdown_item(out, "why", f->why);
	markdown_item(out, "hint", f->hint);
	markdown_item(out, "goroutines", f->goroutines);
	markdown_item(out, "fingerprint", f->fingerprint);
	fputs("\n</details>\n", out);
}

static int markdown_trace(void *arg, sqlite3_stmt *st)
{
	FILE *out = arg;

	markdown_text(out, db_column(st, 0));
	fputs(", a run of ", out);
	markdown_text(out, db_column(st, 1));
	fprintf(out, ": %.3f s, %lld goroutines, %lld at most at once\n",
	        (double)sqlite3_column_int64(st, 2) / 1e9, sqlite3_column_int64(st, 4),
	        sqlite3_column_int64(st, 6));
	return SQLITE_OK;
}

/* The headline: how many count, and the trace. */
static int markdown_head(sqlite3 *db, FILE *out)
{
	int n, err = report_fails(db, &n);

	if (err != SQLITE_OK)
		return err;
	if (n)
		fprintf(out, "### gtrace: %d problem%s\n\n", n, n == 1 ? "" : "s");
	else
		fputs("### gtrace: no problems\n\n", out);
	return db_each(db, "sql/report/shown.sql", "trace", markdown_trace, out);
}

static int markdown_each(sqlite3 *db, FILE *out, void (*write)(FILE *, const struct finding *),
                         const char *before)
{
	struct findings all;
	struct finding f;
	int err = findings_open(&all, db);

	while (err == SQLITE_OK && (err = findings_next(&all, &f)) == SQLITE_ROW) {
		fputs(before, out);
		before = "";
		write(out, &f);
		err = SQLITE_OK;
	}
	findings_close(&all);
	return err == SQLITE_DONE ? SQLITE_OK : err;
}

int report_markdown(sqlite3 *db, FILE *out)
{
	int err = markdown_head(db, out);

	if (err == SQLITE_OK)
		err = markdown_each(db, out, markdown_row,
		                    "\n| # | kind | certainty | counts | where | what |\n"
		                    "|--:|---|---|---|---|---|\n");
	if (err == SQLITE_OK)
		err = markdown_each(db, out, markdown_details, "");
	return err;
}

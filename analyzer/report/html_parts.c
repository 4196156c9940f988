/* SPDX-License-Identifier: MIT */
/** html_parts.c: the plots, the tables and the embedded JSON of the page. */
#include "report/html_parts.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>

#include "plot/plot.h"
#include "plot/query.h"
#include "report/html_write.h"
#include "talk.h"

enum { HTML_SITES_MAX = 200 };

int html_part_title(struct html_page *p)
{
	sqlite3_stmt *run = query_open(p->db, "sql/plot/run.sql");
	int err = run ? query_step(run) : -EIO;

	if (err == 1) {
		html_text(p->out, query_text(run, 0));
		err = 0;
	}
	sqlite3_finalize(run);
	return err;
}

/** Open dir/name; NULL if it is not there. */
static FILE *html_open(struct html_page *p, const char *name)
{
	char path[PATH_MAX];

	snprintf(path, sizeof path, "%s/%s", p->dir, name);
	return fopen(path, "re");
}

/** The drawing from its <svg> on: what stands before belongs to a file of its own. */
static bool html_svg(struct html_page *p, const char *plot)
{
	char name[64], line[4096];
	bool begun = false;

	snprintf(name, sizeof name, "plots/%s.svg", plot);
	FILE *svg = html_open(p, name);

	if (!svg)
		return false;
	while (fgets(line, sizeof line, svg)) {
		begun = begun || strncmp(line, "<svg", 4) == 0;
		if (begun)
			fputs(line, p->out);
	}
	fclose(svg);
	return begun;
}

/** Is there something to draw?  Then at least the script was written. */
static bool html_plot(struct html_page *p, const char *plot)
{
	char name[64];

	snprintf(name, sizeof name, "plots/%s.gp", plot);
	FILE *gp = html_open(p, name);

	if (gp)
		fclose(gp);
	return gp != NULL;
}

int html_part_plots(struct html_page *p)
{
	for (size_t i = 0; plot_name(i); i++) {
		if (!html_plot(p, plot_name(i)))
			continue; // nothing to show, or not wanted
		fprintf(p->out, "<figure id=\"plot-%s\">\n", plot_name(i));
		if (!html_svg(p, plot_name(i)))
			fprintf(p->out,
			        "<p>The plot was not drawn; <code>gnuplot %s.gp</code> in the folder "
			        "<code>plots</code> makes it.</p>\n",
			        plot_name(i));
		fputs("</figure>\n", p->out);
	}
	return 0;
}

static void html_cell(FILE *out, int64_t n, bool flagged)
{
	fputs(flagged ? "<td class=\"number flagged\">" : "<td class=\"number\">", out);
	html_count(out, n);
	fputs("</td>", out);
}

static void html_site(FILE *out, sqlite3_stmt *s)
{
	struct html_place place = {
		.func = query_text(s, 5),
		.file = query_text(s, 6),
		.line = sqlite3_column_int64(s, 7),
		.text = query_text(s, 8),
	};
	bool found = sqlite3_column_type(s, 9) != SQLITE_NULL;

	fputs("<tr><td>", out);
	html_place(out, &place);
	fputs("</td>", out);
	html_cell(out, sqlite3_column_int64(s, 1), false);
	html_cell(out, sqlite3_column_int64(s, 2), false);
	html_cell(out, sqlite3_column_int64(s, 3), found);
	html_cell(out, sqlite3_column_int64(s, 4), false);
	fputs("<td>", out);
	if (found)
		fprintf(out, "#%lld", (long long)sqlite3_column_int64(s, 9));
	fputs("</td></tr>\n", out);
}

int html_part_sites(struct html_page *p)
{
	sqlite3_stmt *s = query_open(p->db, "sql/plot/spawn_sites.sql");
	int64_t rows = 0;
	int err = s ? 1 : -EIO;

	while (err == 1) {
		err = query_step(s);
		if (err == 1 && rows++ < HTML_SITES_MAX)
			html_site(p->out, s);
	}
	sqlite3_finalize(s);
	if (rows > HTML_SITES_MAX) {
		fputs("<tr><td colspan=\"6\">and ", p->out);
		html_count(p->out, rows - HTML_SITES_MAX);
		fputs(" more</td></tr>\n", p->out);
	}
	return err;
}

static void html_fact(FILE *out, sqlite3_stmt *s)
{
	const char *kind = query_text(s, 1);

	fputs("<tr><th scope=\"row\">", out);
	html_text(out, query_text(s, 0));
	fputs("</th><td>", out);
	if (strcmp(kind, "time") == 0)
		html_time(out, sqlite3_column_int64(s, 2));
	else if (strcmp(kind, "bytes") == 0)
		html_bytes(out, sqlite3_column_int64(s, 2));
	else if (strcmp(kind, "count") == 0)
		html_count(out, sqlite3_column_int64(s, 2));
	else
		html_text(out, query_text(s, 2));
	fputs("</td></tr>\n", out);
}

int html_part_facts(struct html_page *p)
{
	sqlite3_stmt *s = query_open(p->db, "sql/html/facts.sql");
	int err = s ? 1 : -EIO;

	while (err == 1) {
		err = query_step(s);
		if (err == 1)
			html_fact(p->out, s);
	}
	sqlite3_finalize(s);
	return err;
}

/**
 * report.json as it is, but for `<`, which JSON has only in strings: there it may be written as
 * \u003c, so that nothing in it can end the script element or begin a comment.
 */
int html_part_json(struct html_page *p)
{
	FILE *json = html_open(p, "report.json");

	if (!json) {
		fputs("null", p->out);
		return 0;
	}
	for (int c = getc(json); c != EOF; c = getc(json)) {
		if (c == '<')
			fputs("\\u003c", p->out);
		else
			putc(c, p->out);
	}
	int err = ferror(json) ? -EIO : 0;

	if (err)
		talk("cannot read '%s/report.json'", p->dir);
	fclose(json);
	return err;
}

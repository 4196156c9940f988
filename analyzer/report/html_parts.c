/* SPDX-License-Identifier: MIT */
/** html_parts.c: the plots, the goroutines at the end, the facts and the embedded JSON of the page.
 */
#include "report/html_parts.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <gtrace.h>

#include "db.h"
#include "plot/plot.h"
#include "plot/query.h"
#include "report/html_write.h"
#include "report/traceback.h"
#include "talk.h"

/** What of other files goes into the page, so that it stays below 2 MB. */
enum { HTML_PLOTS_BYTES = 1000000, HTML_JSON_BYTES = 300000, HTML_HEAD_CHARS = 500 };

static int html_queried(struct html_page *p, const char *asset, const char *name, int code)
{
	if (code == SQLITE_OK)
		return 0;
	talk("cannot query the database: %s (%s, %s)", sqlite3_errmsg(p->db), asset, name);
	return -EIO;
}

int html_number(struct html_page *p, const char *asset, const char *name, int64_t *number)
{
	return html_queried(p, asset, name, db_number(p->db, asset, name, number));
}

int html_each(struct html_page *p, const char *asset, const char *name,
              int (*row)(void *arg, sqlite3_stmt *st), void *arg)
{
	return html_queried(p, asset, name, db_each(p->db, asset, name, row, arg));
}

static int html_no_row(void *arg, sqlite3_stmt *st)
{
	(void)arg;
	(void)st;
	return SQLITE_OK;
}

int html_do(struct html_page *p, const char *asset, const char *name)
{
	return html_each(p, asset, name, html_no_row, NULL);
}

void html_more(struct html_page *p, int64_t more, const char *what)
{
	if (more <= 0)
		return;
	fputs("<p class=\"more\">and ", p->out);
	html_count(p->out, more);
	fprintf(p->out, " more %s, not shown here</p>\n", what);
}

int html_part_title(struct html_page *p)
{
	sqlite3_stmt *run = query_open(p->db, "sql/plot/run.sql");
	int err = run ? 1 : -EIO;

	while (err == 1 && (err = query_step(run)) == 1)
		html_text(p->out, query_text(run, 0));
	sqlite3_finalize(run);
	return err;
}

int html_part_head(struct html_page *p)
{
	sqlite3_stmt *s = query_open(p->db, "sql/html/head.sql");
	int err = s ? 1 : -EIO;

	if (s)
		sqlite3_bind_text(s, 1, GTRACE_VERSION, -1, SQLITE_STATIC);
	while (err == 1) {
		err = query_step(s);
		if (err != 1)
			break;
		fprintf(p->out, "<dt>%s</dt><dd>", query_text(s, 0));
		html_clip(p->out, query_text(s, 1), HTML_HEAD_CHARS);
		fputs("</dd>\n", p->out);
	}
	sqlite3_finalize(s);
	return err;
}

/** Open dir/name; NULL if it is not there. */
static FILE *html_open(struct html_page *p, const char *name)
{
	char path[PATH_MAX];

	snprintf(path, sizeof path, "%s/%s", p->dir, name);
	return fopen(path, "re");
}

/** The drawing from its <svg> on: what stands before belongs to a file of its own.  It takes its
 * bytes from *room; if that is not enough, it is left out. */
static bool html_svg(struct html_page *p, const char *plot, size_t *room)
{
	char name[64], line[4096];
	bool begun = false;
	struct stat st;

	snprintf(name, sizeof name, "plots/%s.svg", plot);
	FILE *svg = html_open(p, name);

	if (!svg)
		return false;
	if (fstat(fileno(svg), &st) == 0 && st.st_size <= (off_t)*room) {
		*room -= (size_t)st.st_size;
		while (fgets(line, sizeof line, svg)) {
			begun = begun || strncmp(line, "<svg", 4) == 0;
			if (begun)
				fputs(line, p->out);
		}
	} else {
		fprintf(p->out, "<p>The drawing is large: <a href=\"%s\">%s</a></p>\n", name, name);
		begun = true;
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
	size_t room = HTML_PLOTS_BYTES;

	for (size_t i = 0; plot_name(i); i++) {
		if (!html_plot(p, plot_name(i)))
			continue; // nothing to show, or not wanted
		fprintf(p->out,
		        "<figure id=\"plot-%s\" tabindex=\"0\">\n"
		        "<p class=\"zoom\"><a id=\"at-%s\" href=\"#plot-%s\" aria-label=\"enlarge the plot "
		        "%s\">enlarge</a><a class=\"close\" href=\"#at-%s\">close</a></p>\n",
		        plot_name(i), plot_name(i), plot_name(i), plot_name(i), plot_name(i));
		if (!html_svg(p, plot_name(i), &room))
			fprintf(p->out,
			        "<p>The plot was not drawn; <code>gnuplot %s.gp</code> in the folder "
			        "<code>plots</code> makes it.</p>\n",
			        plot_name(i));
		fputs("</figure>\n", p->out);
	}
	return 0;
}

static int dump_row(void *arg, sqlite3_stmt *st)
{
	return traceback_goroutine(arg, st);
}

/* Plain text: its controls are shown there.  To be freed.  Returns: 0, or a negative errno after
 * talk(). */
static int dump_text(struct html_page *p, char **text)
{
	size_t size;
	FILE *plain = open_memstream(text, &size);
	struct traceback t;
	int err = plain ? 0 : -ENOMEM;

	if (!err && traceback_open(&t, p->db, plain) != SQLITE_OK)
		err = -EIO;
	if (err)
		talk("cannot list the goroutines: %s",
		     err == -EIO ? sqlite3_errmsg(p->db) : strerror(-err));
	else
		err = html_each(p, "sql/html/dump.sql", "goroutines", dump_row, &t);
	if (plain)
		traceback_close(&t);
	if (plain && fclose(plain) && !err) {
		talk("cannot list the goroutines: %s", strerror(ENOMEM));
		err = -ENOMEM;
	}
	return err;
}

int html_part_dump(struct html_page *p)
{
	char *text = NULL;
	int64_t alive = 0, shown = 0;
	int err = html_number(p, "sql/html/dump.sql", "count", &alive);

	if (!err)
		err = dump_text(p, &text);
	for (const char *at = text; !err && (at = strstr(at, "\n\n")); at += 2)
		shown++;
	if (!err && !shown)
		fputs("<p>No goroutine was alive.</p>\n", p->out);
	if (!err && shown) {
		fputs("<pre id=\"dump\" tabindex=\"0\">", p->out);
		html_lines(p->out, text);
		fputs("</pre>\n", p->out);
		html_more(p, alive - shown, "goroutines");
	}
	free(text);
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
 * \u003c, so that nothing in it can end the script element or begin a comment.  null if it is not
 * there, or too large for a page.
 */
int html_part_json(struct html_page *p)
{
	FILE *json = html_open(p, "report.json");
	struct stat st;

	if (!json || fstat(fileno(json), &st) < 0 || st.st_size > HTML_JSON_BYTES) {
		fputs("null", p->out);
		if (json)
			fclose(json);
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

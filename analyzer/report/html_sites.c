/* SPDX-License-Identifier: MIT */
/** html_sites.c: the table of places that spawn goroutines. */
#include <inttypes.h>
#include <stdbool.h>

#include "db.h"
#include "report/html_parts.h"
#include "report/html_write.h"

enum { SPARK_PARTS = 60 }; // as in sites.sql

struct spark {
	int64_t top[SPARK_PARTS]; // most alive at once in that part of the run
	int64_t peak;
};

/** The parts in which nothing changed have what was left before. */
static int spark_read(struct spark *s, struct html_page *p, int64_t site)
{
	sqlite3_stmt *st;
	int err = db_prepare(p->db, "sql/html/sites.sql", "spark", &st);
	int64_t alive = 0;
	int part = 0;

	*s = (struct spark){.peak = 1};
	if (err == SQLITE_OK)
		err = sqlite3_bind_int64(st, 1, site);
	while (err == SQLITE_OK && (err = sqlite3_step(st)) == SQLITE_ROW) {
		int at = sqlite3_column_int(st, 0);

		while (part < at && part < SPARK_PARTS)
			s->top[part++] = alive;
		int64_t top = sqlite3_column_int64(st, 1);

		top = top > alive ? top : alive;
		if (part < SPARK_PARTS)
			s->top[part++] = top;
		s->peak = top > s->peak ? top : s->peak;
		alive += sqlite3_column_int64(st, 2);
		err = SQLITE_OK;
	}
	while (part < SPARK_PARTS)
		s->top[part++] = alive;
	sqlite3_finalize(st);
	return err == SQLITE_DONE ? SQLITE_OK : err;
}

static void spark_draw(FILE *out, const struct spark *s)
{
	fputs("<td><svg class=\"spark\" viewBox=\"0 0 60 16\" role=\"img\" "
	      "aria-label=\"alive over time, at "
	      "most ",
	      out);
	html_count(out, s->peak);
	fputs("\"><path d=\"M0 16", out);
	for (int i = 0; i < SPARK_PARTS; i++) {
		double y = 15.5 - 15.0 * (double)s->top[i] / (double)s->peak;

		if (i && s->top[i] == s->top[i - 1])
			continue;
		fprintf(out, "H%dV%.1f", i, y);
	}
	fputs("H60V16z\"/></svg></td>", out);
}

static int site_row(void *arg, sqlite3_stmt *st)
{
	struct html_page *p = arg;
	FILE *out = p->out;
	struct html_place place = {
		.func = db_column(st, 1),
		.file = db_column(st, 2),
		.line = sqlite3_column_int64(st, 3),
		.text = db_column(st, 4),
	};
	bool grows = sqlite3_column_int(st, 14);
	struct spark spark;
	int err = spark_read(&spark, p, sqlite3_column_int64(st, 0));

	fputs(grows ? "<tr class=\"flagged\"><td>" : "<tr><td>", out);
	html_place(out, &place);
	fputs(grows ? " <strong>grows for ever</strong></td>" : "</td>", out);
	spark_draw(out, &spark);
	for (int i = 5; i <= 8; i++) // started, ended, alive, peak
		html_cell_count(out, sqlite3_column_int64(st, i));
	for (int i = 9; i <= 10; i++) // mean and p99 life
		html_cell_time(out, sqlite3_column_type(st, i) == SQLITE_NULL
		                        ? -1
		                        : sqlite3_column_int64(st, i));
	fprintf(out, "<td class=\"number\" data-sort=\"%d\">%d %%</td>", sqlite3_column_int(st, 11),
	        sqlite3_column_int(st, 11));
	html_cell_finding(out, st, 12, 13);
	fputs("</tr>\n", out);
	return err;
}

int html_part_sites(struct html_page *p)
{
	static const char asset[] = "sql/html/sites.sql";

	fputs("<table class=\"sortable\">\n<thead><tr><th scope=\"col\">spawned at</th><th "
	      "scope=\"col\">alive over time</th>",
	      p->out);
	html_heads(p->out, (const char *const[]){"started", "ended", "alive at the end", "most at once",
	                                         "mean life", "p99 life", "blocked", NULL});
	fputs("<th scope=\"col\">finding</th></tr></thead>\n<tbody>\n", p->out);
	int err = html_do(p, asset, "levels");

	if (!err)
		err = html_each(p, asset, "sites", site_row, p);
	fputs("</tbody>\n</table>\n", p->out);
	return err;
}

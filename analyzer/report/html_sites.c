/* SPDX-License-Identifier: MIT */
/** html_sites.c: the table of places that spawn goroutines. */
#include <inttypes.h>
#include <stdbool.h>

#include "db.h"
#include "map.h"
#include "plot/changes.h"
#include "report/html_parts.h"
#include "report/html_write.h"
#include "talk.h"

static const char asset[] = "sql/html/sites.sql";

enum { SPARK_PARTS = 60 }; // as in sites.sql

/** How many of a site are alive, while time goes on; key: its number and 1, 0. */
struct level {
	struct map_head head;
	int64_t ns, net;     // what changed at one moment counts at once
	int64_t alive, part; // the part at hand,
	int64_t top, step;   // and what is known of it
	int64_t lives, rank; // known ones; how many of them were shorter than that at hand, or as long
};

struct levels {
	struct changes *changes; // of how many are alive
	struct changes *lives;   // their lengths in place of the time, of those that ended
	struct map sites;
	sqlite3_stmt *put, *put_life;
	int64_t part_ns;
};

static int level_put(struct levels *s, const struct level *v)
{
	if (!v->part)
		return SQLITE_OK; // parts are counted from 1: there was no change
	return DB_ROW(s->put, db_int((int64_t)v->head.a - 1), db_int(v->part - 1), db_int(v->top),
	              db_int(v->step));
}

/** The moment is over. */
static int level_settle(struct levels *s, struct level *v)
{
	int64_t part = v->ns / s->part_ns + 1;
	int err = SQLITE_OK;

	part = part > SPARK_PARTS ? SPARK_PARTS : part;
	if (part != v->part) {
		err = level_put(s, v);
		v->part = part;
		v->top = v->step = 0;
	}
	v->alive += v->net;
	v->step += v->net;
	v->top = v->alive > v->top ? v->alive : v->top;
	v->net = 0;
	return err;
}

/** The number of the place that spawned it, and 1: of main it is 0. */
static uint32_t life_site(sqlite3_stmt *st)
{
	if (sqlite3_column_type(st, 0) != SQLITE_NULL)
		return (uint32_t)(sqlite3_column_int64(st, 0) + 1);
	return sqlite3_column_int64(st, 1) == 1 ? 0 : 1;
}

static int levels_life(void *arg, sqlite3_stmt *st)
{
	struct levels *s = arg;
	uint32_t what = life_site(st);
	bool ended = sqlite3_column_type(st, 3) != SQLITE_NULL;
	int64_t born_ns = sqlite3_column_int64(st, 2),
			ended_ns = ended ? sqlite3_column_int64(st, 3) : -1;
	struct level *v = map_put(&s->sites, what, 0);

	if (!v || changes_add_stretch(s->changes, born_ns, ended_ns, what))
		return SQLITE_NOMEM;
	if (ended_ns < 0 || sqlite3_column_int(st, 4)) // how long is not known
		return SQLITE_OK;
	v->lives++;
	return changes_add(s->lives, ended_ns - born_ns, what, 1) ? SQLITE_NOMEM : SQLITE_OK;
}

/** The temporary table site_life. */
static int levels_lives(struct levels *s)
{
	struct change life = {0};
	int got = changes_sort(s->lives), err = SQLITE_OK;

	while (!got && err == SQLITE_OK && (got = changes_next(s->lives, &life)) == 1) {
		struct level *v = map_find(&s->sites, life.what, 0);
		if (v && ++v->rank == (v->lives * 99 + 99) / 100)
			err = DB_ROW(s->put_life, db_int((int64_t)life.what - 1), db_int(life.ns));
		got = 0;
	}
	return got < 0 ? SQLITE_NOMEM : err;
}

static int levels_read(struct levels *s)
{
	struct change change = {0};
	int got = changes_sort(s->changes), err = SQLITE_OK;

	while (!got && err == SQLITE_OK && (got = changes_next(s->changes, &change)) == 1) {
		struct level *v = map_put(&s->sites, change.what, 0);
		if (!v)
			return SQLITE_NOMEM;
		if (v->net && v->ns != change.ns)
			err = level_settle(s, v);
		v->ns = change.ns;
		v->net += change.step;
		got = 0;
	}
	for (struct level *v = map_next(&s->sites, NULL); v && err == SQLITE_OK;
	     v = map_next(&s->sites, v)) {
		err = level_settle(s, v);
		if (err == SQLITE_OK)
			err = level_put(s, v);
	}
	return got < 0 ? SQLITE_NOMEM : err;
}

/** The temporary tables site_level and site_life. */
static int levels_fill(sqlite3 *db)
{
	struct levels s = {.changes = changes_new(),
	                   .lives = changes_new(),
	                   .sites.slot_bytes = sizeof(struct level),
	                   .part_ns = 1};
	int err = s.changes && s.lives ? db_number(db, asset, "part_ns", &s.part_ns) : SQLITE_NOMEM;

	if (err == SQLITE_OK)
		err = db_prepare(db, asset, "level", &s.put);
	if (err == SQLITE_OK)
		err = db_prepare(db, asset, "life", &s.put_life);
	if (err == SQLITE_OK)
		err = db_each(db, asset, "lives", levels_life, &s);
	if (err == SQLITE_OK)
		err = levels_read(&s);
	if (err == SQLITE_OK)
		err = levels_lives(&s);
	sqlite3_finalize(s.put);
	sqlite3_finalize(s.put_life);
	map_release(&s.sites);
	changes_free(s.changes);
	changes_free(s.lives);
	return err;
}

struct spark {
	int64_t top[SPARK_PARTS]; // most alive at once in that part of the run
	int64_t peak;
};

/** The parts in which nothing changed have what was left before. */
static int spark_read(struct spark *s, struct html_page *p, int64_t site)
{
	sqlite3_stmt *st;
	int err = db_prepare(p->db, asset, "spark", &st);
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
	fputs("<table class=\"sortable\">\n<thead><tr><th scope=\"col\">spawned at</th><th "
	      "scope=\"col\">alive over time</th>",
	      p->out);
	html_heads(p->out, (const char *const[]){"started", "ended", "alive at the end", "most at once",
	                                         "mean life", "p99 life", "blocked", NULL});
	fputs("<th scope=\"col\">finding</th></tr></thead>\n<tbody>\n", p->out);
	int err = levels_fill(p->db);

	if (err)
		talk("cannot count goroutines: %s", sqlite3_errmsg(p->db));

	if (!err)
		err = html_each(p, asset, "sites", site_row, p);
	fputs("</tbody>\n</table>\n", p->out);
	return err;
}

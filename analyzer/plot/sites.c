/* SPDX-License-Identifier: MIT */
/** sites.c: how many goroutines of each spawn site are alive, over time. */
#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "array.h"
#include "plot/changes.h"
#include "plot/figures.h"
#include "plot/query.h"

enum {
	SITES_SHOWN = 8,
	SITES_OTHER = SITES_SHOWN + 1, // the kind of the line of all others
	SITES_TIP_CHARS = 20,
	SITES_LOG_RATIO = 200, // a finding's site so much smaller than the largest needs the log axis
};

/** A place that spawns. */
struct place {
	int64_t site;
	int64_t alive, peak, started; // goroutines
	int64_t finding;              // the worst; 0: none
	size_t line;                  // of the figure, from 1; 0: not chosen
	int line_no;
	char func[64], file[64], text[32];
};

struct sites {
	struct place *place; // by site
	size_t count;
	struct changes *changes;
};

static int sites_place(void *arg, sqlite3_stmt *stmt)
{
	struct sites *s = arg;
	struct place *more = array_more(s->place, s->count, sizeof *more);

	if (!more)
		return -ENOMEM;
	s->place = more;
	struct place *p = &s->place[s->count++];
	const char *file = query_text(stmt, 2), *base = strrchr(file, '/');

	*p = (struct place){
		.site = sqlite3_column_int64(stmt, 0),
		.line_no = sqlite3_column_int(stmt, 3),
		.finding = sqlite3_column_int64(stmt, 5),
	};
	snprintf(p->func, sizeof p->func, "%s", query_text(stmt, 1));
	snprintf(p->file, sizeof p->file, "%s", base && base[1] ? base + 1 : file);
	snprintf(p->text, sizeof p->text, "%s", query_text(stmt, 4));
	return 0;
}

static int place_by_site(const void *key, const void *element)
{
	int64_t a = *(const int64_t *)key, b = ((const struct place *)element)->site;

	return (a > b) - (a < b);
}

static int sites_open(void **out, sqlite3 *db, int64_t end_ns)
{
	struct sites *s = *out = calloc(1, sizeof *s);

	(void)end_ns;
	if (!s)
		return -ENOMEM;
	s->changes = changes_new();
	return s->changes ? query_each(db, "sql/plot/sites.sql", "places", sites_place, s) : -ENOMEM;
}

static void sites_close(void *sites)
{
	struct sites *s = sites;

	changes_free(s->changes);
	free(s->place);
	free(s);
}

static int sites_life(void *sites, const struct pass_life *life)
{
	static const int64_t unknown = 0;
	struct sites *s = sites;
	struct place *p = bsearch(&life->site, s->place, s->count, sizeof *p, place_by_site);

	if (!p)
		p = bsearch(&unknown, s->place, s->count, sizeof *p, place_by_site);
	return changes_add_stretch(s->changes, life->born_ns, life->ended_ns, (uint32_t)(p - s->place));
}

const struct pass_reader sites_reader = {
	.open = sites_open,
	.life = sites_life,
	.close = sites_close,
};

/** How many of each place were alive at most, and at the end. */
static int sites_count(struct sites *s)
{
	struct change change = {0};
	int err = changes_sort(s->changes);

	while (!err && (err = changes_next(s->changes, &change)) == 1) {
		struct place *p = &s->place[change.what];

		p->alive += change.step;
		p->started += change.step > 0;
		if (p->alive > p->peak)
			p->peak = p->alive;
		err = 0;
	}
	return err;
}

/** Those with a finding first, then by how many were alive at once. */
static bool place_before(const struct place *a, const struct place *b)
{
	if (!a->finding != !b->finding)
		return a->finding;
	if (a->peak != b->peak)
		return a->peak > b->peak;
	return a->started > b->started;
}

/** "func file:line (text), 3 at the end"; and what fits beside the plot. */
static void place_label(const struct place *p, struct figure_line *line)
{
	size_t n = figure_site(line->label, sizeof line->label, p->func, p->file, p->line_no, p->text);

	if (p->alive)
		snprintf(line->label + n, sizeof line->label - n, ", %lld at the end", (long long)p->alive);
	if (*p->file)
		figure_site(line->tip, sizeof line->tip, "", p->file, p->line_no, "");
	else
		snprintf(line->tip, sizeof line->tip, "%s", p->func);
}

/** The next place to get a line; NULL if all have one. */
static struct place *sites_next(struct sites *s)
{
	struct place *best = NULL;

	for (size_t i = 0; i < s->count; i++) {
		struct place *p = &s->place[i];

		if (p->started && !p->line && (!best || place_before(p, best)))
			best = p;
	}
	return best;
}

static int sites_choose(struct sites *s, struct figure *f)
{
	int64_t peak = 0, least = INT64_MAX;
	struct place *p;
	int err = 0;

	while (!err && (p = sites_next(s)) != NULL) {
		if (f->lines == SITES_SHOWN) {
			err = figure_add(f, SITES_OTHER, "other");
			if (!err)
				snprintf(f->line[SITES_SHOWN].tip, sizeof f->line[0].tip, "other");
			break;
		}
		err = figure_add(f, (int)f->lines + 1, "");
		if (err)
			break;
		p->line = f->lines;
		place_label(p, &f->line[p->line - 1]);
		peak = p->peak > peak ? p->peak : peak;
		least = p->finding && p->peak < least ? p->peak : least;
	}
	if (least < peak / SITES_LOG_RATIO)
		f->log = true;
	return err;
}

/** All changes of one moment and place count at once. */
static int sites_draw(struct sites *s, struct figure *f)
{
	struct change change = {0};
	int64_t alive[SITES_SHOWN + 1] = {0}, now = 0;
	int err = changes_sort(s->changes);

	while (!err && (err = changes_next(s->changes, &change)) == 1) {
		size_t line = s->place[change.what].line;

		for (size_t i = 0; i < f->lines && change.ns != now; i++)
			series_add(f->line[i].series, now, alive[i]);
		now = change.ns;
		alive[line ? line - 1 : SITES_SHOWN] += change.step;
		err = 0;
	}
	for (size_t i = 0; i < f->lines; i++)
		series_add(f->line[i].series, now, alive[i]);
	return err;
}

/** What a line does at its end: "+12/s", over the last quarter of the run. */
static void sites_slope(struct figure *f)
{
	static const struct {
		const char *name;
		double ns;
	} per[] = {{"s", 1e9}, {"min", 60e9}, {"h", 3600e9}};
	int64_t quarter_ns = f->end_ns - f->end_ns / 4;
	double ns = (double)(f->end_ns - quarter_ns);

	for (size_t i = 0; i < f->lines; i++) {
		struct figure_line *line = &f->line[i];
		size_t n = strlen(line->tip), unit = 0;
		double more = (double)(series_last(line->series) - series_at(line->series, quarter_ns));

		while (unit < 2 && fabs(more) / ns * per[unit].ns < 1)
			unit++;
		if (n > SITES_TIP_CHARS) { // the end of the name says more than its beginning
			memmove(line->tip, line->tip + n - SITES_TIP_CHARS, SITES_TIP_CHARS + 1);
			memset(line->tip, '.', 2);
			n = SITES_TIP_CHARS;
		}
		char count[16];

		if (fabs(more) < 2) { // one that came or went is no slope
			figure_count(count, sizeof count, (double)series_last(line->series));
			snprintf(line->tip + n, sizeof line->tip - n, "  %s", count);
		} else {
			figure_count(count, sizeof count, fabs(more) / ns * per[unit].ns);
			snprintf(line->tip + n, sizeof line->tip - n, "  %c%s/%s", more < 0 ? '-' : '+', count,
			         per[unit].name);
		}
	}
}

int figure_sites(struct figure *f, sqlite3 *db, void *sites)
{
	struct sites *s = sites;
	int err = sites_count(s);

	(void)db;
	if (!err)
		err = sites_choose(s, f);
	if (!err)
		err = sites_draw(s, f);
	f->way = SERIES_DASH;
	if (!err)
		sites_slope(f);
	if (!f->lines)
		f->nothing = "no goroutine was recorded";
	changes_free(s->changes);
	s->changes = NULL;
	return err;
}

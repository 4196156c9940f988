/* SPDX-License-Identifier: MIT */
/** sites.c: how many goroutines of each spawn site are alive, over time. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "plot/figures.h"
#include "plot/query.h"

enum {
	SITES_SHOWN = 8,
	SITES_OTHER = SITES_SHOWN + 1, // the kind of the line of all others
	SITES_LOG_RATIO = 200, // a finding's site so much smaller than the largest needs the log axis
};

struct sites {
	int64_t site[SITES_SHOWN];
	size_t shown;
	bool other;
	int64_t alive[SITES_SHOWN + 1];
};

/** "func file:line (text), 3 at the end" */
static void site_label(sqlite3_stmt *stmt, char *label, size_t size)
{
	const char *file = query_text(stmt, 6), *text = query_text(stmt, 8);
	const char *base = strrchr(file, '/');
	size_t n = (size_t)snprintf(label, size, "%.60s", query_text(stmt, 5));

	if (*file)
		n += (size_t)snprintf(label + n, size - n, " %.60s:%d", base && base[1] ? base + 1 : file,
		                      sqlite3_column_int(stmt, 7));
	if (*text)
		n += (size_t)snprintf(label + n, size - n, " (%.30s)", text);
	if (sqlite3_column_int64(stmt, 3))
		snprintf(label + n, size - n, ", %lld at the end",
		         (long long)sqlite3_column_int64(stmt, 3));
}

static int sites_choose(struct sites *s, struct figure *f, sqlite3 *db)
{
	sqlite3_stmt *stmt = query_open(db, "sql/plot/spawn_sites.sql");
	int64_t peak = 0, least = INT64_MAX;
	int err = stmt ? 1 : -EIO;

	while (err == 1) {
		err = query_step(stmt);
		if (err != 1)
			break;
		char label[200];

		if (s->shown == SITES_SHOWN) {
			s->other = true;
			break;
		}
		if (sqlite3_column_int64(stmt, 4) > peak)
			peak = sqlite3_column_int64(stmt, 4);
		if (sqlite3_column_type(stmt, 9) != SQLITE_NULL && sqlite3_column_int64(stmt, 4) < least)
			least = sqlite3_column_int64(stmt, 4);
		site_label(stmt, label, sizeof label);
		s->site[s->shown++] = sqlite3_column_int64(stmt, 0);
		err = figure_add(f, (int)s->shown, label);
		err = err ? err : 1;
	}
	sqlite3_finalize(stmt);
	if (least < peak / SITES_LOG_RATIO)
		f->log = true;
	return err < 0 ? err : s->other ? figure_add(f, SITES_OTHER, "other") : 0;
}

static size_t sites_find(const struct sites *s, int64_t site)
{
	size_t i = 0;

	while (i < s->shown && s->site[i] != site)
		i++;
	return i;
}

static int sites_read(struct sites *s, struct figure *f, sqlite3 *db)
{
	sqlite3_stmt *stmt = query_open(db, "sql/plot/sites.sql");
	int err = stmt ? 1 : -EIO;

	while (err == 1) {
		err = query_step(stmt);
		if (err != 1)
			break;
		size_t i = sites_find(s, sqlite3_column_int64(stmt, 1));

		if (i >= f->lines)
			continue;
		s->alive[i] += sqlite3_column_int64(stmt, 2);
		series_add(f->line[i].series, sqlite3_column_int64(stmt, 0), s->alive[i]);
	}
	sqlite3_finalize(stmt);
	return err;
}

int figure_sites(struct figure *f, sqlite3 *db)
{
	struct sites s = {.shown = 0};
	int err = sites_choose(&s, f, db);

	return err ? err : sites_read(&s, f, db);
}

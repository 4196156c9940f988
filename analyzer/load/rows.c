/* SPDX-License-Identifier: MIT */
/**
 * rows.c: rows into tables.
 *
 * Intervals end in time order but their table is clustered by goroutine.  Written as they come,
 * each would land on another page.  So they are collected into a run, and the run is sorted by key
 * before it is written: neighbours then share a page, and a long trace costs one pass over the
 * table per run.  One statement writes a run: feed.c shows it to SQLite as a virtual table.
 */
#include "load/rows.h"

#include <stdlib.h>

#include "load/feed.h"

enum { ROWS_RUN_MIN = 1 << 8, ROWS_RUN = 1 << 17 }; // intervals a run; 96 bytes each

static const char *const rows_name[ROWS_COUNT] = {
#define ROWS_NAME(id, name) [ROWS_##id] = (name),
	ROWS_STATEMENTS(ROWS_NAME)
#undef ROWS_NAME
};

int rows_open(struct rows *r, sqlite3 *db)
{
	*r = (struct rows){.db = db};
	r->err = feed_register(r);
	rows_put(r, ROWS_BEGIN, 0, NULL);
	return r->err;
}

void rows_put(struct rows *r, enum rows_statement statement, int count,
              const struct db_value *values)
{
	if (r->err == SQLITE_OK && !r->st[statement])
		r->err = db_prepare(r->db, "sql/load.sql", rows_name[statement], &r->st[statement]);
	if (r->err == SQLITE_OK)
		r->err = db_row(r->st[statement], count, values);
}

static int interval_compare(const void *x, const void *y)
{
	const struct interval *a = x, *b = y;

	if (a->g != b->g)
		return a->g < b->g ? -1 : 1;
	return a->n < b->n ? -1 : a->n > b->n;
}

static void rows_flush(struct rows *r)
{
	if (r->interval_count == 0)
		return;
	qsort(r->intervals, r->interval_count, sizeof *r->intervals, interval_compare);
	rows_put(r, ROWS_INTERVAL, 0, NULL);
	r->interval_count = 0;
}

void rows_put_interval(struct rows *r, const struct interval *row)
{
	if (r->interval_count == r->interval_cap && r->interval_cap < ROWS_RUN) {
		size_t cap = r->interval_cap ? r->interval_cap * 2 : ROWS_RUN_MIN;
		struct interval *more = realloc(r->intervals, cap * sizeof *more);
		if (more) {
			r->intervals = more;
			r->interval_cap = cap;
		} else if (!r->intervals) {
			r->err = SQLITE_NOMEM;
			return;
		}
	}
	if (r->interval_count == r->interval_cap)
		rows_flush(r);
	r->intervals[r->interval_count++] = *row;
}

int rows_close(struct rows *r)
{
	rows_flush(r);
	rows_put(r, ROWS_COMMIT, 0, NULL);
	for (int i = 0; i < ROWS_COUNT; i++)
		sqlite3_finalize(r->st[i]);
	if (r->db)
		feed_unregister(r);
	free(r->intervals);
	int err = r->err;

	*r = (struct rows){.err = err};
	return err;
}

/* SPDX-License-Identifier: MIT */
/**
 * rows.c: rows into tables.
 *
 * Most go there as they come.  Intervals, of which there are by far the most, go in the end, in the
 * order of their table (runs.c), by one statement for all: feed.c shows them to SQLite as a virtual
 * table.
 */
#include "load/rows.h"

#include <errno.h>

#include "load/feed.h"

static const char *const rows_name[ROWS_COUNT] = {
#define ROWS_NAME(id, name) [ROWS_##id] = (name),
	ROWS_STATEMENTS(ROWS_NAME)
#undef ROWS_NAME
};

int rows_open(struct rows *r, sqlite3 *db)
{
	*r = (struct rows){.db = db};
	runs_init(&r->intervals);
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

void rows_put_interval(struct rows *r, const struct interval *row)
{
	int err = runs_put(&r->intervals, row);

	if (err && r->err == SQLITE_OK)
		r->err = err == -ENOMEM ? SQLITE_NOMEM : SQLITE_IOERR;
}

int rows_close(struct rows *r)
{
	rows_put(r, ROWS_INTERVAL, 0, NULL);
	rows_put(r, ROWS_COMMIT, 0, NULL);
	for (int i = 0; i < ROWS_COUNT; i++)
		sqlite3_finalize(r->st[i]);
	if (r->db)
		feed_unregister(r);
	runs_release(&r->intervals);
	int err = r->err;

	*r = (struct rows){.err = err};
	return err;
}

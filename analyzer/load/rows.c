/* SPDX-License-Identifier: MIT */
/** rows.c: rows into tables, as they come. */
#include "load/rows.h"

static const char *const rows_name[ROWS_COUNT] = {
#define ROWS_NAME(id, name) [ROWS_##id] = (name),
	ROWS_STATEMENTS(ROWS_NAME)
#undef ROWS_NAME
};

int rows_open(struct rows *r, sqlite3 *db)
{
	*r = (struct rows){.db = db};
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

int rows_close(struct rows *r)
{
	rows_put(r, ROWS_COMMIT, 0, NULL);
	for (int i = 0; i < ROWS_COUNT; i++)
		sqlite3_finalize(r->st[i]);
	int err = r->err;

	*r = (struct rows){.err = err};
	return err;
}

/* SPDX-License-Identifier: MIT */
/** each.c: all intervals in turn, out of interval_block or the plain table. */
#include "interval/each.h"

#include <stdbool.h>

#include "db.h"

struct each {
	sqlite3_stmt *st;
	int (*row)(void *arg, const struct interval *row);
	void *arg;
	uint64_t g;   // of the last one
	int64_t last; // its n; of two goroutines with one number, each key comes once
};

static int each_row(struct each *e, const struct interval *row)
{
	if (row->g == e->g && row->n <= e->last)
		return SQLITE_OK;
	e->g = row->g;
	e->last = row->n;
	return e->row(e->arg, row);
}

static int each_block(struct each *e)
{
	const uint8_t *p = sqlite3_column_blob(e->st, 3), *end = p + sqlite3_column_bytes(e->st, 3);
	struct interval row = {
		.g = (uint64_t)sqlite3_column_int64(e->st, 0),
		.n = (uint32_t)sqlite3_column_int64(e->st, 1) - 1,
		.to_ns = sqlite3_column_int64(e->st, 2),
	};
	int err = SQLITE_OK;

	while (p && p < end && err == SQLITE_OK) {
		p = interval_unpack(p, end, &row);
		err = p ? each_row(e, &row) : SQLITE_CORRUPT;
	}
	return err;
}

static int each_plain(struct each *e)
{
	sqlite3_stmt *st = e->st;
	struct interval row = {
		.g = (uint64_t)sqlite3_column_int64(st, 0),
		.n = (uint32_t)sqlite3_column_int64(st, 1),
		.from_ns = sqlite3_column_int64(st, 2),
		.to_ns = sqlite3_column_int64(st, 3),
		.state = (uint8_t)sqlite3_column_int(st, 4),
		.reason = (uint8_t)sqlite3_column_int(st, 5),
		.flags = (uint8_t)sqlite3_column_int(st, 6),
		.waker = (uint8_t)sqlite3_column_int(st, 7),
		.object = (uint64_t)sqlite3_column_int64(st, 8),
		.site = (uint64_t)sqlite3_column_int64(st, 9),
		.thread = (uint64_t)sqlite3_column_int64(st, 10),
		.woken_by = (uint64_t)sqlite3_column_int64(st, 11),
		.wake_object = (uint64_t)sqlite3_column_int64(st, 12),
	};

	return each_row(e, &row);
}

int interval_each(sqlite3 *db, int64_t trace, uint64_t g,
                  int (*row)(void *arg, const struct interval *row), void *arg)
{
	struct each e = {.row = row, .arg = arg, .last = -1};
	int64_t packed = 0;
	int err = db_number(db, "sql/each.sql", "packed", &packed);
	const char *all = packed ? "blocks" : "rows", *one = packed ? "blocks_of" : "rows_of";

	if (err == SQLITE_OK)
		err = db_prepare(db, "sql/each.sql", g ? one : all, &e.st);
	if (err == SQLITE_OK)
		err = sqlite3_bind_int64(e.st, 1, trace);
	if (err == SQLITE_OK && g)
		err = sqlite3_bind_int64(e.st, 2, (int64_t)g);
	while (err == SQLITE_OK && (err = sqlite3_step(e.st)) == SQLITE_ROW)
		err = packed ? each_block(&e) : each_plain(&e);
	sqlite3_finalize(e.st);
	return err == SQLITE_DONE ? SQLITE_OK : err;
}

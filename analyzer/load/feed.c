/* SPDX-License-Identifier: MIT */
/**
 * feed.c: the intervals of a trace as the virtual table interval_feed, in order, to be read once.
 *
 * One INSERT ... SELECT over it writes them all.  Against an INSERT for each row it saves what
 * SQLite does around every statement: bind, start, savepoint, halt, reset.
 */
#include <string.h>

#include "load/feed.h"
#include "progress.h"

enum { PROGRESS_ROWS = 1 << 16 }; // between looks at the clock

struct feed_cursor {
	sqlite3_vtab_cursor base;
	const struct interval *row; // NULL: it is over
	int64_t at;
};

struct feed_table {
	sqlite3_vtab base;
	struct rows *rows;
};

static int feed_connect(sqlite3 *db, void *aux, int argc, const char *const *argv,
                        sqlite3_vtab **out, char **err)
{
	struct feed_table *t = sqlite3_malloc(sizeof *t);

	(void)argc;
	(void)argv;
	(void)err;
	if (!t)
		return SQLITE_NOMEM;
	*t = (struct feed_table){.rows = aux};
	*out = &t->base;
	return sqlite3_declare_vtab(db,
	                            "CREATE TABLE x(g, n, from_ns, to_ns, state, reason, object, site,"
	                            " flags, thread, woken_by, waker, wake_object)");
}

static int feed_disconnect(sqlite3_vtab *table)
{
	sqlite3_free(table);
	return SQLITE_OK;
}

static int feed_best(sqlite3_vtab *table, sqlite3_index_info *info)
{
	(void)table;
	info->estimatedCost = 1e6;
	return SQLITE_OK;
}

static int feed_open(sqlite3_vtab *table, sqlite3_vtab_cursor **out)
{
	struct feed_cursor *c = sqlite3_malloc(sizeof *c);

	(void)table;
	if (!c)
		return SQLITE_NOMEM;
	memset(c, 0, sizeof *c);
	*out = &c->base;
	return SQLITE_OK;
}

static int feed_close(sqlite3_vtab_cursor *cursor)
{
	sqlite3_free(cursor);
	return SQLITE_OK;
}

static int feed_next(sqlite3_vtab_cursor *cursor)
{
	struct feed_cursor *c = (struct feed_cursor *)cursor;
	const struct feed_table *t = (const struct feed_table *)cursor->pVtab;

	c->row = runs_next(&t->rows->intervals);
	if (++c->at % PROGRESS_ROWS == 0)
		progress_show(t->rows->progress, "writing",
		              &(struct progress_at){.unit = "intervals",
		                                    .count = (uint64_t)c->at,
		                                    .done = (uint64_t)c->at,
		                                    .total = t->rows->intervals.put});
	return t->rows->intervals.err ? SQLITE_IOERR : SQLITE_OK;
}

static int feed_filter(sqlite3_vtab_cursor *cursor, int index, const char *name, int argc,
                       sqlite3_value **argv)
{
	(void)index;
	(void)name;
	(void)argc;
	(void)argv;
	const struct feed_table *t = (const struct feed_table *)cursor->pVtab;

	return runs_begin(&t->rows->intervals) ? SQLITE_IOERR : feed_next(cursor);
}

static int feed_eof(sqlite3_vtab_cursor *cursor)
{
	return !((struct feed_cursor *)cursor)->row;
}

/* Columns for which 0 is NULL. */
static uint64_t feed_id(const struct interval *v, int i)
{
	switch (i) {
	case 5:
		return v->reason;
	case 6:
		return v->object;
	case 7:
		return v->site;
	case 8:
		return v->flags;
	case 9:
		return v->thread;
	case 10:
		return v->woken_by;
	case 11:
		return v->waker;
	default:
		return v->wake_object;
	}
}

static int feed_column(sqlite3_vtab_cursor *cursor, sqlite3_context *ctx, int i)
{
	const struct interval *v = ((const struct feed_cursor *)cursor)->row;

	if (i == 0)
		sqlite3_result_int64(ctx, (int64_t)v->g);
	else if (i == 1)
		sqlite3_result_int64(ctx, v->n);
	else if (i == 2)
		sqlite3_result_int64(ctx, v->from_ns);
	else if (i == 3 && v->to_ns >= 0)
		sqlite3_result_int64(ctx, v->to_ns);
	else if (i == 4)
		sqlite3_result_int64(ctx, v->state);
	else if (i > 4 && feed_id(v, i))
		sqlite3_result_int64(ctx, (int64_t)feed_id(v, i));
	return SQLITE_OK;
}

static int feed_rowid(sqlite3_vtab_cursor *cursor, sqlite3_int64 *rowid)
{
	*rowid = ((struct feed_cursor *)cursor)->at;
	return SQLITE_OK;
}

static const sqlite3_module feed_module = {
	.xConnect = feed_connect,
	.xBestIndex = feed_best,
	.xDisconnect = feed_disconnect,
	.xOpen = feed_open,
	.xClose = feed_close,
	.xFilter = feed_filter,
	.xNext = feed_next,
	.xEof = feed_eof,
	.xColumn = feed_column,
	.xRowid = feed_rowid,
};

int feed_register(struct rows *r)
{
	return sqlite3_create_module(r->db, "interval_feed", &feed_module, r);
}

int feed_unregister(struct rows *r)
{
	return sqlite3_create_module(r->db, "interval_feed", NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/**
 * table.c: the intervals in interval_block as the virtual table interval.
 *
 * It has the columns that schema.sql gives a plain table of that name, and hands them out in the
 * order of the key. A query that knows trace and goroutine, and perhaps n, seeks the block; any
 * other goes through all of them.  A block is unpacked as a whole.
 *
 * Two goroutines with one number, which only a damaged trace has, overlap: then each key comes once
 * all the same.
 *
 * Compiled twice, like event/event.c.
 */
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "interval/pack.h"
#include "interval/table.h"
#include "vtab.h"

enum column {
	COLUMN_TRACE,
	COLUMN_G,
	COLUMN_N,
	COLUMN_FROM,
	COLUMN_TO,
	COLUMN_STATE,
	COLUMN_REASON,
	COLUMN_OBJECT,
	COLUMN_SITE,
	COLUMN_FLAGS,
	COLUMN_THREAD,
	COLUMN_WOKEN_BY,
	COLUMN_WAKER,
	COLUMN_WAKE_OBJECT,
};

static const char table_columns[] =
	"CREATE TABLE interval(trace_id INTEGER NOT NULL, g INTEGER NOT NULL, n INTEGER NOT NULL,"
	" from_ns INTEGER NOT NULL, to_ns INTEGER, state INTEGER NOT NULL, reason INTEGER,"
	" object INTEGER, site INTEGER, flags INTEGER, thread INTEGER, woken_by INTEGER, waker INTEGER,"
	" wake_object INTEGER, PRIMARY KEY (trace_id, g, n)) WITHOUT ROWID";

/* What a query knows; the values are ?1 to ?4, in this order. */
enum {
	PLAN_TRACE = 1 << 0,
	PLAN_G = 1 << 1,
	PLAN_FROM_N = 1 << 2,
	PLAN_TO_N = 1 << 3,
	PLAN_ONE_N = 1 << 4, // both of them
	PLAN_DOWN = 1 << 5,  // the last one first
};

struct table {
	sqlite3_vtab base;
	sqlite3 *db;
	char *schema;
};

struct cursor {
	sqlite3_vtab_cursor base;
	sqlite3_stmt *st; // the blocks
	int plan;         // that it was made for
	bool over, down;
	sqlite3_int64 trace;
	unsigned count, left;
	struct interval last; // of the block before; g 0: there was none
	struct interval rows[INTERVAL_BLOCK_ROWS];
};

static int table_connect(sqlite3 *db, void *aux, int argc, const char *const *argv,
                         sqlite3_vtab **out, char **err)
{
	struct table *t = sqlite3_malloc(sizeof *t);

	(void)aux;
	(void)argc;
	(void)err;
	if (!t)
		return SQLITE_NOMEM;
	*t = (struct table){.db = db, .schema = sqlite3_mprintf("%s", argv[1])};
	*out = &t->base;
	sqlite3_vtab_config(db, SQLITE_VTAB_INNOCUOUS); // it reads its own database: for views, too
	return t->schema ? sqlite3_declare_vtab(db, table_columns) : SQLITE_NOMEM;
}

static int table_disconnect(sqlite3_vtab *table)
{
	sqlite3_free(((struct table *)table)->schema);
	sqlite3_free(table);
	return SQLITE_OK;
}

/* ── what to read ── */

/* What constraint i is good for, if those on trace and goroutine are there; 0: nothing. */
static int plan_of(const struct sqlite3_index_constraint *c)
{
	bool is = c->op == SQLITE_INDEX_CONSTRAINT_EQ;

	if (!c->usable)
		return 0;
	switch (c->iColumn) {
	case COLUMN_TRACE:
		return is ? PLAN_TRACE : 0;
	case COLUMN_G:
		return is ? PLAN_G : 0;
	case COLUMN_N:
		if (c->op == SQLITE_INDEX_CONSTRAINT_GE || c->op == SQLITE_INDEX_CONSTRAINT_GT)
			return PLAN_FROM_N;
		if (c->op == SQLITE_INDEX_CONSTRAINT_LE || c->op == SQLITE_INDEX_CONSTRAINT_LT)
			return PLAN_TO_N;
		return is ? PLAN_ONE_N : 0;
	default:
		return 0;
	}
}

/* Do the rows come in the order that is asked for?  PLAN_DOWN: they would backwards; -1: no. */
static int plan_order(const sqlite3_index_info *info, int plan)
{
	int next = COLUMN_TRACE, down = -1;

	for (int i = 0; i < info->nOrderBy; i++) {
		int column = info->aOrderBy[i].iColumn;
		if ((column == COLUMN_TRACE && plan & PLAN_TRACE) || (column == COLUMN_G && plan & PLAN_G))
			continue; // there is one only
		while ((next == COLUMN_TRACE && plan & PLAN_TRACE) || (next == COLUMN_G && plan & PLAN_G))
			next++;
		if (column != next++ || (down >= 0 && down != info->aOrderBy[i].desc) ||
		    next > COLUMN_N + 1)
			return -1;
		down = info->aOrderBy[i].desc;
	}
	return down > 0 ? PLAN_DOWN : 0;
}

static int table_best(sqlite3_vtab *table, sqlite3_index_info *info)
{
	int of[PLAN_ONE_N + 1] = {0}; // constraint, from 1
	int plan = 0, count = 0;

	(void)table;
	for (int i = 0; i < info->nConstraint; i++) {
		int what = plan_of(&info->aConstraint[i]);
		of[what] = i + 1;
		plan |= what;
	}
	if ((plan & (PLAN_TRACE | PLAN_G)) != (PLAN_TRACE | PLAN_G))
		plan &= PLAN_TRACE | PLAN_G;
	if (plan & PLAN_ONE_N)
		plan &= ~(PLAN_FROM_N | PLAN_TO_N);
	for (int what = PLAN_TRACE; what <= PLAN_ONE_N; what <<= 1) {
		if (plan & what)
			info->aConstraintUsage[of[what] - 1].argvIndex = ++count;
	}
	int order = plan_order(info, plan);

	info->orderByConsumed = order >= 0;
	info->idxNum = order > 0 ? plan | order : plan;
	info->estimatedRows = plan & PLAN_ONE_N ? 1 : plan & PLAN_G ? 20 : 1000000;
	// To go through all of them is the last resort, whatever order the tables of a join could have.
	info->estimatedCost = plan & PLAN_G ? (double)info->estimatedRows + 3 : 1e8;
	info->idxFlags = plan & PLAN_ONE_N ? SQLITE_INDEX_SCAN_UNIQUE : 0;
	return SQLITE_OK;
}

/* The blocks of a plan, as a statement. */
static int cursor_prepare(struct cursor *c, int plan)
{
	const struct table *t = (const struct table *)c->base.pVtab;
	sqlite3_str *text = sqlite3_str_new(t->db);
	const char *way = plan & PLAN_DOWN ? "DESC" : "";

	sqlite3_str_appendf(text,
	                    "SELECT trace_id, g, n, from_ns, data FROM \"%w\".interval_block b WHERE ",
	                    t->schema);
	if (plan & PLAN_TRACE)
		sqlite3_str_appendall(text, "trace_id = ?1");
	else
		sqlite3_str_appendf(text, "trace_id IN (SELECT trace_id FROM \"%w\".trace)", t->schema);
	if (plan & PLAN_G)
		sqlite3_str_appendall(text, " AND g = ?2");
	if (plan & (PLAN_FROM_N | PLAN_ONE_N)) // from the block on that has it
		sqlite3_str_appendf(text,
		                    " AND n >= ifnull((SELECT max(n) FROM \"%w\".interval_block"
		                    " WHERE trace_id = ?1 AND g = ?2 AND n <= ?3), 0)",
		                    t->schema);
	if (plan & (PLAN_TO_N | PLAN_ONE_N))
		sqlite3_str_appendall(text, " AND n <= ?4");
	sqlite3_str_appendf(text, " ORDER BY trace_id %s, g %s, n %s", way, way, way);
	char *sql = sqlite3_str_finish(text);

	sqlite3_finalize(c->st);
	c->st = NULL;
	c->plan = plan;
	c->down = plan & PLAN_DOWN;
	int err = sql ? sqlite3_prepare_v3(t->db, sql, -1, SQLITE_PREPARE_PERSISTENT, &c->st, NULL)
	              : SQLITE_NOMEM;

	sqlite3_free(sql);
	return err;
}

/* ── reading it ── */

static int cursor_open(sqlite3_vtab *table, sqlite3_vtab_cursor **out)
{
	struct cursor *c = sqlite3_malloc(sizeof *c);

	(void)table;
	if (!c)
		return SQLITE_NOMEM;
	memset(c, 0, offsetof(struct cursor, rows)); // they are written before they are read
	*out = &c->base;
	return SQLITE_OK;
}

static int cursor_close(sqlite3_vtab_cursor *cursor)
{
	sqlite3_finalize(((struct cursor *)cursor)->st);
	sqlite3_free(cursor);
	return SQLITE_OK;
}

static const struct interval *cursor_row(const struct cursor *c)
{
	return &c->rows[c->down ? c->left - 1 : c->count - c->left];
}

/* The rows of the block that the statement is at. */
static int block_unpack(struct cursor *c)
{
	const uint8_t *p = sqlite3_column_blob(c->st, 4);
	const uint8_t *end = p + sqlite3_column_bytes(c->st, 4);
	struct interval row = {
		.g = (uint64_t)sqlite3_column_int64(c->st, 1),
		.n = (uint32_t)sqlite3_column_int64(c->st, 2) - 1,
		.to_ns = sqlite3_column_int64(c->st, 3),
	};

	c->trace = sqlite3_column_int64(c->st, 0);
	for (c->count = 0; p && p < end; c->rows[c->count++] = row) {
		p = c->count < INTERVAL_BLOCK_ROWS ? interval_unpack(p, end, &row) : NULL;
		if (!p)
			return vtab_damaged(c->base.pVtab, "interval_block");
	}
	c->left = c->count;
	return SQLITE_OK;
}

static int block_next(struct cursor *c)
{
	sqlite3_int64 trace = c->trace;

	if (c->count) {
		const struct interval *row = &c->rows[c->down ? 0 : c->count - 1];

		if (row->g != c->last.g || (c->down ? row->n < c->last.n : row->n > c->last.n))
			c->last = *row; // not one within what another goroutine of the number had
	}
	c->count = 0;
	int got = sqlite3_step(c->st);

	if (got == SQLITE_ROW) {
		int err = block_unpack(c);
		if (c->trace != trace)
			c->last.g = 0;
		while (c->left && cursor_row(c)->g == c->last.g &&
		       (c->down ? cursor_row(c)->n >= c->last.n : cursor_row(c)->n <= c->last.n))
			c->left--;
		return err;
	}
	c->over = true;
	sqlite3_reset(c->st);
	return got == SQLITE_DONE ? SQLITE_OK : got;
}

static int cursor_next(sqlite3_vtab_cursor *cursor)
{
	struct cursor *c = (struct cursor *)cursor;
	int err = SQLITE_OK;

	c->left -= c->left > 0;
	while (!c->left && !c->over && err == SQLITE_OK)
		err = block_next(c);
	return err;
}

static int cursor_filter(sqlite3_vtab_cursor *cursor, int plan, const char *name, int argc,
                         sqlite3_value **argv)
{
	struct cursor *c = (struct cursor *)cursor;
	int err = SQLITE_OK, i = 0;

	(void)name;
	(void)argc;
	if (!c->st || c->plan != plan)
		err = cursor_prepare(c, plan);
	else
		sqlite3_reset(c->st);
	for (int what = PLAN_TRACE, at = 1; what <= PLAN_TO_N && err == SQLITE_OK; what <<= 1, at++) {
		if (plan & what)
			err = sqlite3_bind_value(c->st, at, argv[i++]);
	}
	if (err == SQLITE_OK && plan & PLAN_ONE_N) {
		err = sqlite3_bind_value(c->st, 3, argv[i]);
		if (err == SQLITE_OK)
			err = sqlite3_bind_value(c->st, 4, argv[i]);
	}
	c->left = c->count = 0;
	c->last.g = 0;
	c->over = false;
	return err == SQLITE_OK ? cursor_next(cursor) : err;
}

static int cursor_eof(sqlite3_vtab_cursor *cursor)
{
	return ((struct cursor *)cursor)->over;
}

/* A flat switch. */
static int cursor_column(sqlite3_vtab_cursor *cursor, sqlite3_context *ctx, int i)
{
	const struct cursor *c = (const struct cursor *)cursor;
	const struct interval *row = cursor_row(c);

	switch ((enum column)i) {
	case COLUMN_TRACE:
		sqlite3_result_int64(ctx, c->trace);
		break;
	case COLUMN_G:
		sqlite3_result_int64(ctx, (sqlite3_int64)row->g);
		break;
	case COLUMN_N:
		sqlite3_result_int64(ctx, row->n);
		break;
	case COLUMN_FROM:
		sqlite3_result_int64(ctx, row->from_ns);
		break;
	case COLUMN_TO:
		if (row->to_ns >= 0)
			sqlite3_result_int64(ctx, row->to_ns);
		break;
	case COLUMN_STATE:
		sqlite3_result_int64(ctx, row->state);
		break;
	case COLUMN_REASON:
		vtab_result_id(ctx, row->reason);
		break;
	case COLUMN_OBJECT:
		vtab_result_id(ctx, row->object);
		break;
	case COLUMN_SITE:
		vtab_result_id(ctx, row->site);
		break;
	case COLUMN_FLAGS:
		vtab_result_id(ctx, row->flags);
		break;
	case COLUMN_THREAD:
		vtab_result_id(ctx, row->thread);
		break;
	case COLUMN_WOKEN_BY:
		vtab_result_id(ctx, row->woken_by);
		break;
	case COLUMN_WAKER:
		vtab_result_id(ctx, row->waker);
		break;
	case COLUMN_WAKE_OBJECT:
		vtab_result_id(ctx, row->wake_object);
		break;
	}
	return SQLITE_OK;
}

static const sqlite3_module table_module = {
	.xCreate = table_connect,
	.xConnect = table_connect,
	.xBestIndex = table_best,
	.xDisconnect = table_disconnect,
	.xDestroy = table_disconnect,
	.xOpen = cursor_open,
	.xClose = cursor_close,
	.xFilter = cursor_filter,
	.xNext = cursor_next,
	.xEof = cursor_eof,
	.xColumn = cursor_column,
	.xRowid = vtab_rowid,
};

int interval_register(sqlite3 *db)
{
	return sqlite3_create_module(db, "gtrace_interval", &table_module, NULL);
}

/* SPDX-License-Identifier: MIT */
/**
 * table.c: the acts in use_block and hold_block as the virtual tables use and hold.
 *
 * They have the columns that schema.sql gives plain tables of those names.  Acts are packed as they
 * come, some ten thousand at a time, so a key may be in several blocks, to be merged.  Those with
 * one key are in one square, of an object or 32 by 128 goroutines (holds: counts); so the cursor
 * takes the squares of a bucket, until it has some thousand rows or the bucket is over, and puts
 * them in order.  That is a heap:
 *
 *   H1  it has whole squares of one bucket, each key once, in the order of the key.
 *   H2  of one object the keys go up from heap to heap, as the squares do.
 *
 * A query that knows the object seeks its bucket, and its square if it knows the goroutine, too;
 * any other goes through all of them.  A join asks for one object after the other, so a heap that
 * is a whole bucket is kept for the next question.
 *
 * Rejected: blocks whose keys go from here to there, as in a log-structured merge tree: to look one
 * key up then takes a look into each batch of them, and to merge a bucket a cursor for each.
 *
 * Compiled twice, like event/event.c.
 */
#include <gtrace.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "act/pack.h"
#include "act/table.h"
#include "vtab.h"

enum { HEAP_ROWS = 4096 };

/* What a query knows. */
enum { PLAN_TRACE = 1, PLAN_OBJECT = 2, PLAN_CELL = 4, PLANS = 8 };

enum column {
	COLUMN_TRACE,
	COLUMN_OBJECT,
	COLUMN_G,
	COLUMN_OP,
	COLUMN_FROM,
	COLUMN_TO,
	COLUMN_COUNT,
	COLUMN_SITE,
	COLUMN_TO_SITE,
};

/** What the two tables differ in. */
static const struct kind {
	enum act_kind kind;
	const char *module, *table, *block;
	int8_t column[9]; // what each one is; as often as its table has any
} kinds[] = {
	{
		.kind = ACT_USE,
		.module = "gtrace_use",
		.table = "CREATE TABLE use(trace_id INTEGER NOT NULL, object INTEGER NOT NULL,"
				 " g INTEGER NOT NULL, op TEXT NOT NULL, first_ns INTEGER NOT NULL,"
				 " last_ns INTEGER NOT NULL, count INTEGER NOT NULL, site INTEGER,"
				 " PRIMARY KEY (trace_id, object, g, op)) WITHOUT ROWID",
		.block = "use_block",
		.column = {COLUMN_TRACE, COLUMN_OBJECT, COLUMN_G, COLUMN_OP, COLUMN_FROM, COLUMN_TO,
                   COLUMN_COUNT, COLUMN_SITE},
	},
	{
		.kind = ACT_HOLD,
		.module = "gtrace_hold",
		.table = "CREATE TABLE hold(trace_id INTEGER NOT NULL, object INTEGER NOT NULL,"
				 " count INTEGER NOT NULL, g INTEGER NOT NULL, mode TEXT NOT NULL,"
				 " from_ns INTEGER NOT NULL, to_ns INTEGER, site INTEGER, to_site INTEGER,"
				 " PRIMARY KEY (trace_id, object, count, g)) WITHOUT ROWID",
		.block = "hold_block",
		.column = {COLUMN_TRACE, COLUMN_OBJECT, COLUMN_COUNT, COLUMN_G, COLUMN_OP, COLUMN_FROM,
                   COLUMN_TO, COLUMN_SITE, COLUMN_TO_SITE},
	},
};

struct table {
	sqlite3_vtab base;
	sqlite3 *db;
	const struct kind *kind;
	char *schema;
	sqlite3_stmt *spare[PLANS]; // of cursors that are closed
};

struct cursor {
	sqlite3_vtab_cursor base;
	sqlite3_stmt *st; // the blocks
	int plan;
	bool more; // st is at a block that is not in the heap
	bool over;
	bool whole;      // the heap is all of its bucket
	uint64_t object; // with PLAN_OBJECT
	sqlite3_int64 trace;
	uint64_t bucket;
	struct act *rows; // the heap
	size_t count, room, at;
};

static int table_connect(sqlite3 *db, void *aux, int argc, const char *const *argv,
                         sqlite3_vtab **out, char **err)
{
	struct table *t = sqlite3_malloc(sizeof *t);

	(void)argc;
	(void)err;
	if (!t)
		return SQLITE_NOMEM;
	*t = (struct table){.db = db, .kind = aux, .schema = sqlite3_mprintf("%s", argv[1])};
	*out = &t->base;
	sqlite3_vtab_config(db, SQLITE_VTAB_INNOCUOUS); // it reads its own database: for views, too
	return t->schema ? sqlite3_declare_vtab(db, t->kind->table) : SQLITE_NOMEM;
}

static int table_disconnect(sqlite3_vtab *table)
{
	struct table *t = (struct table *)table;

	for (int i = 0; i < PLANS; i++)
		sqlite3_finalize(t->spare[i]);
	sqlite3_free(t->schema);
	sqlite3_free(t);
	return SQLITE_OK;
}

/* ── what to read ── */

/* The third column of either is what squares are of. */
static int plan_of(const struct sqlite3_index_constraint *c)
{
	if (!c->usable || c->op != SQLITE_INDEX_CONSTRAINT_EQ)
		return 0;
	return c->iColumn >= 0 && c->iColumn < 3 ? 1 << c->iColumn : 0;
}

/* Do the rows of one object come in the order that is asked for?  Less than the key, op. */
static bool plan_order(const sqlite3_index_info *info)
{
	int next = 2;

	for (int i = 0; i < info->nOrderBy; i++) {
		int column = info->aOrderBy[i].iColumn;
		if (column < 2)
			continue; // there is one only
		if (column != next++ || info->aOrderBy[i].desc || next > 3)
			return false;
	}
	return true;
}

static int table_best(sqlite3_vtab *table, sqlite3_index_info *info)
{
	int of[PLANS] = {0}; // constraint, from 1
	int plan = 0, count = 0;

	(void)table;
	for (int i = 0; i < info->nConstraint; i++) {
		int what = plan_of(&info->aConstraint[i]);
		of[what] = i + 1;
		plan |= what;
	}
	if ((plan & (PLAN_TRACE | PLAN_OBJECT)) != (PLAN_TRACE | PLAN_OBJECT))
		plan &= PLAN_TRACE;
	for (int what = PLAN_TRACE; what <= PLAN_CELL; what <<= 1) {
		if (plan & what)
			info->aConstraintUsage[of[what] - 1].argvIndex = ++count;
	}
	info->idxNum = plan;
	info->orderByConsumed = plan & PLAN_OBJECT && plan_order(info);
	info->estimatedRows = plan & PLAN_CELL ? 2 : plan & PLAN_OBJECT ? 10 : 1000000;
	info->estimatedCost = plan & PLAN_OBJECT ? (double)info->estimatedRows + 10 : 3e7;
	return SQLITE_OK;
}

/* The blocks of a plan, as a statement. */
static int cursor_prepare(struct cursor *c)
{
	struct table *t = (struct table *)c->base.pVtab;

	c->st = t->spare[c->plan];
	t->spare[c->plan] = NULL;
	if (c->st)
		return SQLITE_OK;
	char *sql =
		sqlite3_mprintf("SELECT trace_id, bucket, cell, data FROM \"%w\".%s WHERE 1%s%s%s"
	                    " ORDER BY trace_id, bucket, cell, n",
	                    t->schema, t->kind->block, c->plan & PLAN_TRACE ? " AND trace_id = ?1" : "",
	                    c->plan & PLAN_OBJECT ? " AND bucket = ?2" : "",
	                    c->plan & PLAN_CELL ? " AND cell = ?3" : "");
	int err = sql ? sqlite3_prepare_v3(t->db, sql, -1, SQLITE_PREPARE_PERSISTENT, &c->st, NULL)
	              : SQLITE_NOMEM;

	sqlite3_free(sql);
	return err;
}

/* Give the statement back. */
static void cursor_reset(struct cursor *c)
{
	struct table *t = (struct table *)c->base.pVtab;

	if (!c->st)
		return;
	sqlite3_reset(c->st);
	if (t->spare[c->plan])
		sqlite3_finalize(c->st);
	else
		t->spare[c->plan] = c->st;
	c->st = NULL;
}

/* ── reading it ── */

static int cursor_open(sqlite3_vtab *table, sqlite3_vtab_cursor **out)
{
	struct cursor *c = sqlite3_malloc(sizeof *c);

	(void)table;
	if (!c)
		return SQLITE_NOMEM;
	*c = (struct cursor){.over = true};
	*out = &c->base;
	return SQLITE_OK;
}

static int cursor_close(sqlite3_vtab_cursor *cursor)
{
	struct cursor *c = (struct cursor *)cursor;

	cursor_reset(c);
	sqlite3_free(c->rows);
	sqlite3_free(c);
	return SQLITE_OK;
}

static const struct kind *cursor_kind(const struct cursor *c)
{
	return ((const struct table *)c->base.pVtab)->kind;
}

static int heap_put(struct cursor *c, const struct act *row)
{
	if (c->count == c->room) {
		size_t room = c->room ? 2 * c->room : 256;
		struct act *rows = sqlite3_realloc64(c->rows, room * sizeof *rows);
		if (!rows)
			return SQLITE_NOMEM;
		c->rows = rows;
		c->room = room;
	}
	c->rows[c->count++] = *row;
	return SQLITE_OK;
}

/* Put the rows of the block that the statement is at into the heap; of one object, if that is all
 * that is wanted. */
static int heap_block(struct cursor *c, bool one)
{
	const uint8_t *p = sqlite3_column_blob(c->st, 3);
	const uint8_t *end = p + sqlite3_column_bytes(c->st, 3);
	struct act row = {.object = act_bucket_object(c->bucket)};
	int err = SQLITE_OK;

	while (p && p < end && err == SQLITE_OK) {
		p = act_unpack(p, end, &row);
		if (!p)
			err = vtab_damaged(c->base.pVtab, cursor_kind(c)->block);
		else if (!one || row.object == c->object)
			err = heap_put(c, &row);
	}
	return err;
}

static int compare_use(const void *a, const void *b)
{
	return act_compare(ACT_USE, a, b);
}

static int compare_hold(const void *a, const void *b)
{
	return act_compare(ACT_HOLD, a, b);
}

/* Keeps H1. */
static void heap_order(struct cursor *c)
{
	enum act_kind kind = cursor_kind(c)->kind;
	size_t n = 1;

	while (n < c->count && act_compare(kind, &c->rows[n - 1], &c->rows[n]) < 0)
		n++;
	if (n >= c->count)
		return;
	qsort(c->rows, c->count, sizeof *c->rows, kind == ACT_USE ? compare_use : compare_hold);
	n = 1;
	for (size_t i = 1; i < c->count; i++) {
		if (act_compare(kind, &c->rows[n - 1], &c->rows[i]) == 0)
			act_merge(kind, &c->rows[n - 1], &c->rows[i]);
		else
			c->rows[n++] = c->rows[i];
	}
	c->count = n;
}

/* Step to the next block. */
static int block_next(struct cursor *c)
{
	int got = sqlite3_step(c->st);

	c->more = got == SQLITE_ROW;
	if (c->more)
		return SQLITE_OK;
	return got == SQLITE_DONE ? SQLITE_OK : got;
}

/* The next heap; there is a block for it.  first: it may become a whole bucket. */
static int heap_next(struct cursor *c, bool first)
{
	int err = SQLITE_OK;

	c->count = c->at = 0;
	c->trace = sqlite3_column_int64(c->st, 0);
	c->bucket = (uint64_t)sqlite3_column_int64(c->st, 1);
	sqlite3_int64 cell = sqlite3_column_int64(c->st, 2);

	do {
		err = heap_block(c, !first && c->plan & PLAN_OBJECT);
		if (err == SQLITE_OK)
			err = block_next(c);
		if (!c->more || err != SQLITE_OK || sqlite3_column_int64(c->st, 0) != c->trace ||
		    (uint64_t)sqlite3_column_int64(c->st, 1) != c->bucket)
			break;
		if (c->count >= HEAP_ROWS && sqlite3_column_int64(c->st, 2) != cell)
			break;
		cell = sqlite3_column_int64(c->st, 2);
	} while (true);
	heap_order(c);
	return err;
}

/* The first row from at on that is of the object. */
static void heap_seek(struct cursor *c)
{
	size_t low = c->at, high = c->count;

	if (!(c->plan & PLAN_OBJECT))
		return;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (c->rows[middle].object < c->object)
			low = middle + 1;
		else
			high = middle;
	}
	c->at = low < c->count && c->rows[low].object == c->object ? low : c->count;
}

/* Be at a row, or over. */
static int cursor_settle(struct cursor *c)
{
	int err = SQLITE_OK;

	if (c->at < c->count && c->plan & PLAN_OBJECT && c->rows[c->at].object != c->object)
		c->at = c->count;
	while (c->at == c->count && c->more && err == SQLITE_OK) {
		c->whole = false;
		err = heap_next(c, false);
		heap_seek(c);
	}
	c->over = c->at == c->count;
	return err;
}

static int cursor_next(sqlite3_vtab_cursor *cursor)
{
	struct cursor *c = (struct cursor *)cursor;

	c->at++;
	return cursor_settle(c);
}

static int cursor_bind(struct cursor *c, int argc, sqlite3_value **argv)
{
	int err = SQLITE_OK;

	if (argc > 0)
		err = sqlite3_bind_value(c->st, 1, argv[0]);
	if (argc > 1 && err == SQLITE_OK)
		err = sqlite3_bind_int64(c->st, 2, (sqlite3_int64)act_bucket(c->object));
	if (argc > 2 && err == SQLITE_OK) {
		uint64_t n = (uint64_t)sqlite3_value_int64(argv[2]);
		enum act_kind kind = cursor_kind(c)->kind;
		err = sqlite3_bind_int64(c->st, 3,
		                         (sqlite3_int64)act_cell(kind, &(struct act){.g = n, .count = n}));
	}
	return err;
}

/* Values that are no integers find too much: SQLite looks at each row again. */
static int cursor_filter(sqlite3_vtab_cursor *cursor, int plan, const char *name, int argc,
                         sqlite3_value **argv)
{
	struct cursor *c = (struct cursor *)cursor;
	bool kept = c->whole && c->plan == plan && plan == (PLAN_TRACE | PLAN_OBJECT);

	(void)name;
	if (argc > 1)
		c->object = (uint64_t)sqlite3_value_int64(argv[1]);
	c->at = 0;
	c->more = false;
	if (!kept || c->trace != sqlite3_value_int64(argv[0]) || c->bucket != act_bucket(c->object)) {
		cursor_reset(c);
		c->plan = plan;
		c->count = 0;
		c->whole = false;
		int err = cursor_prepare(c);
		if (err == SQLITE_OK)
			err = cursor_bind(c, argc, argv);
		if (err == SQLITE_OK)
			err = block_next(c);
		if (err == SQLITE_OK && c->more)
			err = heap_next(c, true);
		if (err != SQLITE_OK)
			return err;
		c->whole = plan & PLAN_OBJECT && c->count && !c->more;
	}
	heap_seek(c);
	return cursor_settle(c);
}

static int cursor_eof(sqlite3_vtab_cursor *cursor)
{
	return ((struct cursor *)cursor)->over;
}

/* A flat switch. */
static int cursor_column(sqlite3_vtab_cursor *cursor, sqlite3_context *ctx, int i)
{
	const struct cursor *c = (const struct cursor *)cursor;
	const struct act *row = &c->rows[c->at];

	switch ((enum column)cursor_kind(c)->column[i]) {
	case COLUMN_TRACE:
		sqlite3_result_int64(ctx, c->trace);
		break;
	case COLUMN_OBJECT:
		sqlite3_result_int64(ctx, (sqlite3_int64)row->object);
		break;
	case COLUMN_G:
		sqlite3_result_int64(ctx, (sqlite3_int64)row->g);
		break;
	case COLUMN_OP:
		sqlite3_result_text(ctx, gtrace_name("op", row->op), -1, SQLITE_STATIC);
		break;
	case COLUMN_FROM:
		sqlite3_result_int64(ctx, row->from_ns);
		break;
	case COLUMN_TO:
		if (row->to_ns >= 0)
			sqlite3_result_int64(ctx, row->to_ns);
		break;
	case COLUMN_COUNT:
		sqlite3_result_int64(ctx, (sqlite3_int64)row->count);
		break;
	case COLUMN_SITE:
		vtab_result_id(ctx, row->site);
		break;
	case COLUMN_TO_SITE:
		vtab_result_id(ctx, row->to_site);
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

int act_register(sqlite3 *db)
{
	int err = SQLITE_OK;

	for (size_t i = 0; i < sizeof kinds / sizeof kinds[0] && err == SQLITE_OK; i++)
		err = sqlite3_create_module(db, kinds[i].module, &table_module, (void *)&kinds[i]);
	return err;
}

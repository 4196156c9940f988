/* SPDX-License-Identifier: MIT */
/** db.c: SQLite with our .sql files. */
#include "db.h"

#include <string.h>

#include "assets.h"

struct db_value db_text(const char *text)
{
	return db_bytes(text, text ? strlen(text) : 0);
}

struct db_value db_bytes(const char *text, size_t len)
{
	return (struct db_value){.type = text ? DB_TEXT : DB_NULL, .text = text, .len = len};
}

int db_run_asset(sqlite3 *db, const char *asset)
{
	const struct asset *a = asset_find(asset);

	return a ? sqlite3_exec(db, a->data, NULL, NULL, NULL) : SQLITE_NOTFOUND;
}

/* The statement from the line "-- @name" on; NULL: there is none. */
static const char *db_statement(const char *asset, const char *name)
{
	const struct asset *a = asset_find(asset);
	size_t len = strlen(name);

	for (const char *p = a ? a->data : NULL; p; p = strstr(p, "\n-- @")) {
		p += strspn(p, "\n");
		if (strncmp(p, "-- @", 4) == 0 && strncmp(p + 4, name, len) == 0 && p[4 + len] == '\n')
			return p;
	}
	return NULL;
}

int db_prepare(sqlite3 *db, const char *asset, const char *name, sqlite3_stmt **out)
{
	const char *p = db_statement(asset, name);

	*out = NULL;
	return p ? sqlite3_prepare_v3(db, p, -1, SQLITE_PREPARE_PERSISTENT, out, NULL)
	         : SQLITE_NOTFOUND;
}

int db_prepare_many(sqlite3 *db, const char *asset, const char *name, int rows, sqlite3_stmt **out)
{
	static const char before[] = "VALUES ";
	const char *p = db_statement(asset, name), *values = p ? strstr(p, before) : NULL;
	const char *row = values ? values + sizeof before - 1 : NULL,
			   *end = row ? strchr(row, ')') : NULL;

	*out = NULL;
	if (!end)
		return SQLITE_NOTFOUND;
	sqlite3_str *text = sqlite3_str_new(db);

	sqlite3_str_append(text, p, (int)(end + 1 - p));
	for (int i = 1; i < rows; i++) {
		sqlite3_str_appendall(text, ", ");
		sqlite3_str_append(text, row, (int)(end + 1 - row));
	}
	sqlite3_str_append(text, end + 1, (int)strcspn(end + 1, ";"));
	char *sql = sqlite3_str_finish(text);
	int err =
		sql ? sqlite3_prepare_v3(db, sql, -1, SQLITE_PREPARE_PERSISTENT, out, NULL) : SQLITE_NOMEM;

	sqlite3_free(sql);
	return err;
}

int db_each(sqlite3 *db, const char *asset, const char *name,
            int (*row)(void *arg, sqlite3_stmt *st), void *arg)
{
	sqlite3_stmt *st;
	int err = db_prepare(db, asset, name, &st);

	while (err == SQLITE_OK && (err = sqlite3_step(st)) == SQLITE_ROW)
		err = row(arg, st);
	sqlite3_finalize(st);
	return err == SQLITE_DONE ? SQLITE_OK : err;
}

int db_row(sqlite3_stmt *st, int count, const struct db_value *values)
{
	int err = SQLITE_OK;

	for (int i = 0; i < count && err == SQLITE_OK; i++) {
		const struct db_value *v = &values[i];
		if (v->type == DB_INT)
			err = sqlite3_bind_int64(st, i + 1, v->number);
		else if (v->type == DB_TEXT)
			err = sqlite3_bind_text64(st, i + 1, v->text, v->len, SQLITE_STATIC, SQLITE_UTF8);
		else if (v->type == DB_BLOB)
			err = sqlite3_bind_blob64(st, i + 1, v->text, v->len, SQLITE_STATIC);
		else
			err = sqlite3_bind_null(st, i + 1);
	}
	if (err == SQLITE_OK) {
		err = sqlite3_step(st);
		if (err == SQLITE_DONE || err == SQLITE_ROW)
			err = SQLITE_OK;
	}
	sqlite3_reset(st);
	return err;
}

const char *db_column(sqlite3_stmt *st, int i)
{
	const char *text = (const char *)sqlite3_column_text(st, i);

	return text ? text : "";
}

int db_number(sqlite3 *db, const char *asset, const char *name, int64_t *number)
{
	sqlite3_stmt *st = NULL;
	int err = db_prepare(db, asset, name, &st);

	if (err == SQLITE_OK && (err = sqlite3_step(st)) == SQLITE_ROW)
		*number = sqlite3_column_int64(st, 0);
	sqlite3_finalize(st);
	return err == SQLITE_ROW || err == SQLITE_DONE ? SQLITE_OK : err;
}

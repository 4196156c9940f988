/* SPDX-License-Identifier: MIT */
/** db.h: SQLite with our .sql files, and rows with less typing. */
#ifndef GTRACE_DB_H
#define GTRACE_DB_H

#include <sqlite3.h>
#include <stddef.h>
#include <stdint.h>

/** One value of a row. */
struct db_value {
	enum { DB_NULL, DB_INT, DB_TEXT, DB_BLOB } type;
	int64_t number;
	const void *text;
	size_t len;
};

static inline struct db_value db_int(int64_t v)
{
	return (struct db_value){.type = DB_INT, .number = v};
}

/** 0 is NULL: for goroutines, objects, sites, threads. */
static inline struct db_value db_id(uint64_t v)
{
	return (struct db_value){.type = v ? DB_INT : DB_NULL, .number = (int64_t)v};
}

/** Less than 0 is NULL: for times. */
static inline struct db_value db_time(int64_t v)
{
	return (struct db_value){.type = v < 0 ? DB_NULL : DB_INT, .number = v};
}

/** NULL is NULL.  The text must live until the row is written. */
struct db_value db_text(const char *text);
struct db_value db_bytes(const char *text, size_t len);

static inline struct db_value db_blob(const void *bytes, size_t len)
{
	return (struct db_value){.type = DB_BLOB, .text = bytes, .len = len};
}

/** Run every statement of an embedded file.  Returns: an SQLite code. */
int db_run_asset(sqlite3 *db, const char *asset);

/**
 * Prepare the statement that follows the line "-- @name" in an embedded file.
 *
 * Returns: an SQLite code; SQLITE_NOTFOUND if there is no such statement.
 */
int db_prepare(sqlite3 *db, const char *asset, const char *name, sqlite3_stmt **out);

/**
 * Likewise, with its VALUES (...) so many times.  Its parameters have no numbers.
 *
 * Returns: an SQLite code; SQLITE_NOTFOUND also if it has no VALUES.
 */
int db_prepare_many(sqlite3 *db, const char *asset, const char *name, int rows, sqlite3_stmt **out);

/** Call row for each row of a statement of an embedded file, until it returns an error.  Returns:
 * that, or an SQLite code. */
int db_each(sqlite3 *db, const char *asset, const char *name,
            int (*row)(void *arg, sqlite3_stmt *st), void *arg);

/** Run a prepared statement that gives no rows, with these values.  Returns: SQLITE_OK or an error.
 */
int db_row(sqlite3_stmt *st, int count, const struct db_value *values);

#define DB_ROW(st, ...) \
	db_row((st), (int)(sizeof((struct db_value[]){__VA_ARGS__}) / sizeof(struct db_value)), \
	       (const struct db_value[]){__VA_ARGS__})

/** Column i as text, never NULL. */
const char *db_column(sqlite3_stmt *st, int i);

/**
 * The first column of the only row of a statement without values into *number, which stays as it
 * was if there is none.  Returns: an SQLite code.
 */
int db_number(sqlite3 *db, const char *asset, const char *name, int64_t *number);

#endif

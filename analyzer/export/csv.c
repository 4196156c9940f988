/* SPDX-License-Identifier: MIT */
/** csv.c: every table as a file of comma-separated values, and scripts that load them. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "db.h"
#include "export/export.h"
#include "plot/outfile.h"

struct csv {
	sqlite3 *db;
	const char *dir;
};

static void csv_text(FILE *out, const char *text, int len)
{
	fputc('"', out);
	for (int i = 0; i < len; i++) {
		if (text[i] == '"')
			fputc('"', out);
		fputc(text[i], out);
	}
	fputc('"', out);
}

/* A number as it is, a text in quotes, NULL as nothing. */
static void csv_value(FILE *out, sqlite3_stmt *st, int i)
{
	int type = sqlite3_column_type(st, i);

	if (type == SQLITE_INTEGER)
		fprintf(out, "%" PRId64, (int64_t)sqlite3_column_int64(st, i));
	else if (type != SQLITE_NULL)
		csv_text(out, db_column(st, i), sqlite3_column_bytes(st, i));
}

static int csv_rows(FILE *out, sqlite3_stmt *st)
{
	int columns = sqlite3_column_count(st), got;

	for (int i = 0; i < columns; i++) {
		const char *name = sqlite3_column_name(st, i);
		csv_text(out, name, (int)strlen(name));
		fputs(i == columns - 1 ? "\n" : ",", out);
	}
	while ((got = sqlite3_step(st)) == SQLITE_ROW) {
		for (int i = 0; i < columns; i++) {
			csv_value(out, st, i);
			fputs(i == columns - 1 ? "\n" : ",", out);
		}
	}
	return got == SQLITE_DONE ? SQLITE_OK : got;
}

/* Was the file written, if err says nothing else? */
static int csv_close(struct outfile *file, int err)
{
	int wrong = outfile_close(file, err == SQLITE_OK ? 0 : -EIO);

	return err == SQLITE_OK && wrong < 0 ? SQLITE_FULL : err;
}

static int csv_table(void *arg, sqlite3_stmt *st)
{
	const struct csv *c = arg;
	sqlite3_stmt *rows = NULL;
	struct outfile file;
	char name[NAME_MAX];

	snprintf(name, sizeof name, "%s.csv", db_column(st, 0));
	if (strchr(name, '/'))
		return SQLITE_OK; // none of our tables
	if (outfile_open(&file, c->dir, name) < 0)
		return SQLITE_FULL;
	int err = sqlite3_prepare_v2(c->db, db_column(st, 1), -1, &rows, NULL);

	if (err == SQLITE_OK)
		err = csv_rows(file.file, rows);
	sqlite3_finalize(rows);
	return csv_close(&file, err);
}

/* A script for one kind of database. */
static int csv_script(const struct csv *c, const char *kind, const char *how)
{
	sqlite3_stmt *st = NULL;
	struct outfile file;
	char name[64];

	snprintf(name, sizeof name, "%s.sql", kind);
	if (outfile_open(&file, c->dir, name) < 0)
		return SQLITE_FULL;
	fprintf(file.file, "-- The tables of docs/schema.md, and the rows in this folder: %s\n", how);
	int err = db_prepare(c->db, "sql/export/csv.sql", "script", &st);

	if (err == SQLITE_OK)
		err = sqlite3_bind_text(st, 1, kind, -1, SQLITE_STATIC);
	while (err == SQLITE_OK && (err = sqlite3_step(st)) == SQLITE_ROW) {
		fprintf(file.file, "\n%s\n", db_column(st, 0));
		err = SQLITE_OK;
	}
	sqlite3_finalize(st);
	return csv_close(&file, err == SQLITE_DONE ? SQLITE_OK : err);
}

int export_csv(sqlite3 *db, const char *dir)
{
	static const char *const scripts[][2] = {
		{"postgresql", "psql -1 -f postgresql.sql"},
		{"duckdb", "duckdb trace.duckdb <duckdb.sql"},
		{"clickhouse", "clickhouse-client --queries-file clickhouse.sql"},
	};
	struct csv c = {db, dir};
	int err = db_each(db, "sql/export/csv.sql", "tables", csv_table, &c);

	for (size_t i = 0; i < sizeof scripts / sizeof scripts[0] && err == SQLITE_OK; i++)
		err = csv_script(&c, scripts[i][0], scripts[i][1]);
	return err;
}

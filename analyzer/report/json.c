/* SPDX-License-Identifier: MIT */
/** json.c: SQLite makes the JSON; and who counts for the exit code. */
#include "db.h"
#include "report/report.h"

int report_json(sqlite3 *db, FILE *out)
{
	sqlite3_stmt *st;
	int err = db_prepare(db, "sql/report/json.sql", "report", &st);

	while (err == SQLITE_OK && (err = sqlite3_step(st)) == SQLITE_ROW) {
		fprintf(out, "%s\n", db_column(st, 0));
		err = SQLITE_OK;
	}
	sqlite3_finalize(st);
	return err == SQLITE_DONE ? SQLITE_OK : err;
}

int report_fails(sqlite3 *db, int *fails)
{
	int64_t n = 0;
	int err = db_number(db, "sql/report/text.sql", "fails", &n);

	*fails = (int)n;
	return err;
}

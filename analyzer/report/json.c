/* SPDX-License-Identifier: MIT */
/** json.c: SQLite makes the JSON; and who counts for the exit code. */
#include "db.h"
#include "report/report.h"

int report_json(sqlite3 *db, FILE *out)
{
	sqlite3_stmt *st;
	int err = db_prepare(db, "sql/report/json.sql", "report", &st);

	if (err == SQLITE_OK) {
		err = sqlite3_step(st);
		if (err == SQLITE_ROW)
			fprintf(out, "%s\n", db_column(st, 0));
	}
	sqlite3_finalize(st);
	return err == SQLITE_ROW || err == SQLITE_DONE ? SQLITE_OK : err;
}

int report_fails(sqlite3 *db)
{
	return (int)db_number(db, "sql/report/text.sql", "fails", 0);
}

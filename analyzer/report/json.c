/* SPDX-License-Identifier: MIT */
/** json.c: SQLite makes the JSON; and who counts for the exit code. */
#include <string.h>

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

int report_level(const char *fail_on)
{
	static const char *const level[] = {"suspect", "probable", "proven", "never"}; // from 1
	int least = 2;

	for (int i = 0; fail_on && i < 4; i++) {
		if (strcmp(fail_on, level[i]) == 0)
			least = i + 1;
	}
	return least;
}

int report_fails(sqlite3 *db, const char *fail_on)
{
	sqlite3_stmt *st;
	int fails = 0;

	if (db_prepare(db, "sql/report/text.sql", "fails", &st) != SQLITE_OK)
		return 0;
	sqlite3_bind_int(st, 1, report_level(fail_on));
	if (sqlite3_step(st) == SQLITE_ROW)
		fails = sqlite3_column_int(st, 0);
	sqlite3_finalize(st);
	return fails;
}

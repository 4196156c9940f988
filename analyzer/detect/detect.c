/* SPDX-License-Identifier: MIT */
/** detect.c: runs the detectors, the files of sql/detect/ in the order of their names. */
#include "detect/detect.h"

#include <string.h>

#include "assets.h"
#include "db.h"
#include "detect/dead.h"
#include "detect/order.h"

static int detect_settings(sqlite3 *db, const struct detect_options *opt)
{
	sqlite3_stmt *st;
	int err = db_prepare(db, "sql/detect.sql", "spin", &st);

	if (err == SQLITE_OK && opt && opt->spin_ns > 0)
		err = DB_ROW(st, db_int(opt->spin_ns));
	sqlite3_finalize(st);
	return err;
}

int detect_all(sqlite3 *db, const struct detect_options *opt)
{
	static const char folder[] = "sql/detect/";
	int err = detect_settings(db, opt);

	if (err == SQLITE_OK)
		err = sqlite3_exec(db, "BEGIN", NULL, NULL, NULL);
	if (err == SQLITE_OK)
		err = dead_find(db);
	if (err == SQLITE_OK)
		err = order_find(db);
	for (const struct asset *a = assets; a->name && err == SQLITE_OK; a++) {
		if (strncmp(a->name, folder, sizeof folder - 1) == 0)
			err = sqlite3_exec(db, a->data, NULL, NULL, NULL);
	}
	if (err == SQLITE_OK)
		err = db_run_asset(db, "sql/finding_rank.sql");
	if (err == SQLITE_OK)
		err = sqlite3_exec(db, "COMMIT", NULL, NULL, NULL);
	return err;
}

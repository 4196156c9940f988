/* SPDX-License-Identifier: MIT */
/** detect.c: runs the detectors, the files of sql/detect/ in the order of their names. */
#include "detect/detect.h"

#include <string.h>

#include "assets.h"
#include "db.h"
#include "detect/dead.h"
#include "detect/order.h"
#include "detect/suppose.h"

static int detect_setting(sqlite3 *db, const char *name, int64_t ns)
{
	sqlite3_stmt *st = NULL;
	int err = ns > 0 ? db_prepare(db, "sql/detect.sql", name, &st) : SQLITE_OK;

	if (err == SQLITE_OK && st)
		err = DB_ROW(st, db_int(ns));
	sqlite3_finalize(st);
	return err;
}

static int detect_settings(sqlite3 *db, const struct detect_options *opt)
{
	int err = opt ? detect_setting(db, "spin", opt->spin_ns) : SQLITE_OK;

	if (opt && err == SQLITE_OK)
		err = detect_setting(db, "poll", opt->poll_ns);
	if (opt && err == SQLITE_OK)
		err = detect_setting(db, "starve", opt->starve_ns);
	if (opt && err == SQLITE_OK)
		err = detect_setting(db, "call", opt->call_ns);
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
		err = suppose_find(db);
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

/* SPDX-License-Identifier: MIT */
/** part.c: see part.h; the views are sql/plot/part.sql. */
#include "plot/part.h"

#include <errno.h>

#include "db.h"
#include "plain.h"
#include "talk.h"

static const char part_sql[] = "sql/plot/part.sql";

static int part_statement(sqlite3 *db, const char *name, int64_t from_ns, int64_t to_ns)
{
	sqlite3_stmt *st = NULL;
	int rc = db_prepare(db, part_sql, name, &st);

	if (rc == SQLITE_OK && sqlite3_bind_parameter_count(st))
		rc = DB_ROW(st, db_int(from_ns), db_int(to_ns));
	else if (rc == SQLITE_OK)
		rc = sqlite3_step(st) == SQLITE_DONE ? SQLITE_OK : sqlite3_errcode(db);
	sqlite3_finalize(st);
	if (rc != SQLITE_OK)
		talk("cannot query the database: %s (%s)", sqlite3_errmsg(db), part_sql);
	return rc == SQLITE_OK ? 0 : -EIO;
}

int part_open(sqlite3 *db, int64_t since_ns, int64_t *until_ns)
{
	static const char *const names[] = {"table",    "from",      "trace",
	                                    "interval", "goroutine", "gap",
	                                    "handoff",  "shown",     "finding_goroutine",
	                                    "wait",     "site_wait", "object_wait"};
	int64_t end_ns = db_number(db, part_sql, "end", 0);
	char time[32];
	int err = 0;

	if (since_ns >= end_ns) {
		talk("the trace ends at %lld ns (%s)", (long long)end_ns, plain_time(time, end_ns));
		return -EINVAL;
	}
	if (*until_ns == 0 || *until_ns > end_ns)
		*until_ns = end_ns;
	for (size_t i = 0; !err && i < sizeof names / sizeof names[0]; i++)
		err = part_statement(db, names[i], since_ns, *until_ns);
	return err;
}

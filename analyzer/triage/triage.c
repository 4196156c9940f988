/* SPDX-License-Identifier: MIT */
/** triage.c: which findings count for the exit status, and which are reported. */
#include "triage/triage.h"

#include <string.h>

#include "db.h"
#include "talk.h"

static const char sql[] = "sql/triage.sql";

/* The level of finding_status from which on a finding counts. */
static int triage_least(const char *fail_on)
{
	static const char *const words[] = {"", "suspect", "probable", "proven", "never"};

	for (int i = 1; fail_on && i < 5; i++) {
		if (strcmp(fail_on, words[i]) == 0)
			return i;
	}
	return 2;
}

static int triage_count(sqlite3 *db, const char *fail_on)
{
	sqlite3_stmt *st;
	int err = db_prepare(db, sql, "counts", &st);

	if (err == SQLITE_OK)
		err = DB_ROW(st, db_int(triage_least(fail_on)));
	sqlite3_finalize(st);
	return err;
}

int triage(sqlite3 *db, const struct triage_options *opt)
{
	int err = triage_count(db, opt->fail_on);

	if (err == SQLITE_OK)
		return 0;
	talk("cannot sort the findings: %s", sqlite3_errmsg(db));
	return -1;
}

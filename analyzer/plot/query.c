/* SPDX-License-Identifier: MIT */
/** query.c: queries from assets, with their errors said. */
#include "plot/query.h"

#include <errno.h>

#include "assets.h"
#include "db.h"
#include "talk.h"

sqlite3_stmt *query_open(sqlite3 *db, const char *asset)
{
	const struct asset *a = asset_find(asset);
	sqlite3_stmt *stmt = NULL;

	if (!a)
		talk("cannot find the built-in query '%s'", asset);
	else if (sqlite3_prepare_v2(db, a->data, -1, &stmt, NULL) != SQLITE_OK)
		talk("cannot query the database: %s (%s)", sqlite3_errmsg(db), asset);
	return stmt;
}

int query_step(sqlite3_stmt *stmt)
{
	int rc = sqlite3_step(stmt);

	if (rc == SQLITE_ROW)
		return 1;
	if (rc == SQLITE_DONE)
		return 0;
	talk("cannot query the database: %s", sqlite3_errmsg(sqlite3_db_handle(stmt)));
	return rc == SQLITE_NOMEM ? -ENOMEM : -EIO;
}

int query_each(sqlite3 *db, const char *asset, const char *name,
               int (*row)(void *arg, sqlite3_stmt *stmt), void *arg)
{
	int rc = db_each(db, asset, name, row, arg);

	if (rc > 0)
		talk("cannot query the database: %s (%s)", sqlite3_errmsg(db), asset);
	return rc <= 0 ? rc : rc == SQLITE_NOMEM ? -ENOMEM : -EIO;
}

const char *query_text(sqlite3_stmt *stmt, int column)
{
	const char *text = (const char *)sqlite3_column_text(stmt, column);

	return text ? text : "";
}

/* SPDX-License-Identifier: MIT */
/** extension.c: gtrace.so, for any program with SQLite in it: `.load gtrace`, then
 * `SELECT * FROM gtrace_event('run.gtrace')`; the tables interval, use and hold of a long trace
 * work, too. */
#include <sqlite3ext.h>
#include <stddef.h>

#include "act/table.h"
#include "event/event.h"
#include "interval/table.h"

SQLITE_EXTENSION_INIT1

/* SQLite makes the name of the file's. */
__attribute__((visibility("default"))) int sqlite3_gtrace_init(sqlite3 *db, char **err,
                                                               const sqlite3_api_routines *api);

int sqlite3_gtrace_init(sqlite3 *db, char **err, const sqlite3_api_routines *api)
{
	SQLITE_EXTENSION_INIT2(api)
	if (sqlite3_libversion_number() < 3031000) { // SQLITE_VTAB_DIRECTONLY
		*err = sqlite3_mprintf("gtrace needs SQLite 3.31 or later, and this is %s",
		                       sqlite3_libversion());
		return SQLITE_ERROR;
	}
	int code = interval_register(db);

	if (code == SQLITE_OK)
		code = act_register(db);
	return code == SQLITE_OK ? event_register(db, "gtrace_event", NULL) : code;
}

/* SPDX-License-Identifier: MIT */
/** vtab.h: what virtual tables over packed rows share; they are compiled for the extension as well.
 */
#ifndef GTRACE_VTAB_H
#define GTRACE_VTAB_H

#include <sqlite3ext.h>
#include <stdint.h>

SQLITE_EXTENSION_INIT3

/** Say that the table `block` holds what cannot be.  Returns: the error. */
static inline int vtab_damaged(sqlite3_vtab *table, const char *block)
{
	sqlite3_free(table->zErrMsg);
	table->zErrMsg = sqlite3_mprintf("%s is damaged", block);
	return SQLITE_ERROR;
}

/** 0 is NULL. */
static inline void vtab_result_id(sqlite3_context *ctx, uint64_t v)
{
	if (v)
		sqlite3_result_int64(ctx, (sqlite3_int64)v);
}

/** Nobody asks: the tables say that they have none. */
static inline int vtab_rowid(sqlite3_vtab_cursor *cursor, sqlite3_int64 *rowid)
{
	(void)cursor;
	*rowid = 0;
	return SQLITE_OK;
}

#endif

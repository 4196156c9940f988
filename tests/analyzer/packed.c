/* SPDX-License-Identifier: MIT */
/** packed.c: numbers at random, and questions put to a table. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "db.h"
#include "packed.h"

static uint64_t seed = 88172645463325252U;

uint64_t any(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed;
}

uint64_t number(void)
{
	return any() >> any() % 64;
}

void run(sqlite3 *db, const char *sql)
{
	if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
		fail_msg("%s: %s", sqlite3_errmsg(db), sql);
}

char *asked(sqlite3 *db, const char *table, const char *query)
{
	char sql[512], *text = NULL;
	sqlite3_stmt *st;
	size_t len;
	FILE *f = open_memstream(&text, &len);
	const char *at = strchr(query, '@');

	snprintf(sql, sizeof sql, "%.*s%s%s", (int)(at - query), query, table, at + 1);
	if (sqlite3_prepare_v2(db, sql, -1, &st, NULL) != SQLITE_OK)
		fail_msg("%s: %s", sqlite3_errmsg(db), sql);
	while (sqlite3_step(st) == SQLITE_ROW) {
		for (int i = 0; i < sqlite3_column_count(st); i++)
			fprintf(f, "%s ", db_column(st, i));
		fputc('\n', f);
	}
	assert_int_equal(sqlite3_finalize(st), SQLITE_OK);
	fclose(f);
	return text;
}

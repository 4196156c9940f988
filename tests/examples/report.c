/* SPDX-License-Identifier: MIT */
/* report.c: see report.h. */
#include "report.h"
#include <setjmp.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

struct report {
	sqlite3 *db;
	char text[1000];
};

static const char views[] =
	"CREATE TABLE doc(j TEXT NOT NULL);"
	"CREATE VIEW finding AS SELECT e.value AS f, json_extract(e.value, '$.kind') AS kind"
	" FROM doc, json_each(doc.j, '$.findings') AS e;";

struct report *report_open(const char *path)
{
	struct report *r = calloc(1, sizeof *r);
	FILE *f = fopen(path, "r");
	sqlite3_stmt *insert;
	char *text = NULL;
	size_t room = 0;
	ssize_t len;

	assert_non_null(f);
	len = getdelim(&text, &room, '\0', f);
	assert_true(len > 0);
	fclose(f);
	assert_int_equal(sqlite3_open(":memory:", &r->db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(r->db, views, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_prepare_v2(r->db, "INSERT INTO doc VALUES(json(?))", -1, &insert, NULL);
	sqlite3_bind_text(insert, 1, text, (int)len, SQLITE_STATIC);
	if (sqlite3_step(insert) != SQLITE_DONE)
		fail_msg("%s: %s", path, sqlite3_errmsg(r->db));
	sqlite3_finalize(insert);
	free(text);
	return r;
}

const char *report_text(struct report *r, const char *query)
{
	sqlite3_stmt *stmt;

	if (sqlite3_prepare_v2(r->db, query, -1, &stmt, NULL) != SQLITE_OK)
		fail_msg("%s: %s", query, sqlite3_errmsg(r->db));
	if (sqlite3_step(stmt) != SQLITE_ROW || sqlite3_column_type(stmt, 0) == SQLITE_NULL)
		fail_msg("nothing found by: %s", query);
	snprintf(r->text, sizeof r->text, "%s", (const char *)sqlite3_column_text(stmt, 0));
	sqlite3_finalize(stmt);
	return r->text;
}

int64_t report_int(struct report *r, const char *query)
{
	return strtoll(report_text(r, query), NULL, 10);
}

void report_close(struct report *r)
{
	sqlite3_close(r->db);
	free(r);
}

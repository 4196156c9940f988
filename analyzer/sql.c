/* SPDX-License-Identifier: MIT */
/** sql.c: the verb sql: rows of a query, tab-separated under a line of names. */
#include <stdio.h>
#include <stdlib.h>

#include "cmd.h"
#include "db.h"
#include "event/event.h"
#include "load/load.h"
#include "plain.h"
#include "talk.h"

static int sql_rows(sqlite3_stmt *st)
{
	int columns = sqlite3_column_count(st), got;

	for (int i = 0; i < columns; i++)
		printf("%s%s", sqlite3_column_name(st, i), i == columns - 1 ? "\n" : "\t");
	while ((got = sqlite3_step(st)) == SQLITE_ROW) {
		for (int i = 0; i < columns; i++) {
			plain_text(stdout, db_column(st, i)); // a tab or a newline would end a field
			putchar(i == columns - 1 ? '\n' : '\t');
		}
	}
	return got;
}

/* Is it the query, or what we read and have? */
static int sql_blame(int err)
{
	switch (err) {
	case SQLITE_NOMEM:
	case SQLITE_IOERR:
	case SQLITE_FULL:
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
	case SQLITE_CANTOPEN:
		return CMD_INPUT;
	default:
		return CMD_USAGE;
	}
}

/* Every statement of the text in turn. */
static int sql_text(sqlite3 *db, const char *text)
{
	while (*text) {
		sqlite3_stmt *st;
		int got = sqlite3_prepare_v2(db, text, -1, &st, &text);
		if (got == SQLITE_OK)
			got = st ? sql_rows(st) : SQLITE_DONE;
		if (got != SQLITE_DONE)
			talk("cannot run the query: %s", sqlite3_errmsg(db));
		sqlite3_finalize(st);
		if (got != SQLITE_DONE)
			return sql_blame(got);
	}
	return CMD_CLEAN;
}

/* All of standard input; the caller frees it. */
static char *sql_stdin(void)
{
	char *text = NULL;
	size_t cap = 0;
	ssize_t n = getdelim(&text, &cap, '\0', stdin);

	if (n < 0) {
		free(text);
		return calloc(1, 1);
	}
	return text;
}

static int sql_event(void *db, sqlite3_stmt *st)
{
	return event_register(db, "event", db_column(st, 0));
}

/* The table event: of the trace that the tables were made of. */
static void sql_events(sqlite3 *db)
{
	if (db_each(db, "sql/show/trace.sql", "file", sql_event, db) != SQLITE_OK)
		talk("cannot make the table event: %s", sqlite3_errmsg(db));
}

static int sql_run(void *args, int nwords, char **words)
{
	struct gtrace_error err;
	sqlite3 *db;

	(void)args;
	if (load_open(&db, words[0], &err) < 0) {
		talk("%s", err.text);
		return CMD_INPUT;
	}
	sql_events(db);
	char *text = nwords > 1 ? NULL : sql_stdin();
	int code = sql_text(db, nwords > 1 ? words[1] : text ? text : "");

	free(text);
	sqlite3_close(db);
	return code;
}

const struct cmd cmd_sql = {
	.name = "sql",
	.args = "TRACE|DB [QUERY]",
	.brief = "ask the tables of a trace",
	.examples =
		"  gtrace sql run.gtrace \"SELECT reason, count(*) FROM span GROUP BY 1\"\n"
		"  gtrace sql run.report/trace.db <query.sql\n"
		"  gtrace sql run.gtrace \"SELECT sql FROM sqlite_schema\"     the tables, explained\n"
		"  gtrace sql run.gtrace \"SELECT text FROM event WHERE g = 4\"   raw events\n",
	.words_min = 1,
	.words_max = 2,
	.run = sql_run,
};

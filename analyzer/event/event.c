/* SPDX-License-Identifier: MIT */
/**
 * event.c: the events of a trace as a virtual table, for gtrace sql and for the stock sqlite3.
 *
 * Nothing is copied: a scan reads the file from its beginning, an event a row, and keeps what the
 * reader keeps.  So every query reads all of it, up to its LIMIT; what is asked often belongs in
 * the tables of the schema.  Damage is a row too, the event GAP; a file that cannot be read any
 * further ends the query with an error.
 *
 * The table reads files, so it is not for triggers and views of a database that somebody sent.
 *
 * Compiled twice: with SQLITE_CORE into the program, without it into the extension, where the
 * functions of SQLite are those of whoever loads it.
 */
#include <sqlite3ext.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <gtrace.h>

#include "event/args.h"
#include "event/event.h"
#include "clean.h"

SQLITE_EXTENSION_INIT3

enum { EVENT_LINE_MAX = 1 << 20 }; // one event as text: four texts of 4,096 bytes, escaped

enum event_column {
	EVENT_N,
	EVENT_TS,
	EVENT_THREAD,
	EVENT_G,
	EVENT_EVENT,
	EVENT_OTHER_G,
	EVENT_OBJECT,
	EVENT_SITE,
	EVENT_FILE,
	EVENT_LINE,
	EVENT_FUNC,
	EVENT_ARGS,
	EVENT_TEXT,
	EVENT_TRACE // hidden: the file, as an argument
};

static const char event_columns[] =
	"CREATE TABLE event(n INTEGER, ts_ns INTEGER, thread INTEGER, g INTEGER, event TEXT,"
	" other_g INTEGER, object INTEGER, site INTEGER, file TEXT, line INTEGER, func TEXT, args TEXT,"
	" text TEXT, trace TEXT HIDDEN)";

struct event_table {
	sqlite3_vtab base;
	char *path; // or NULL: a query has to name it
};

struct event_cursor {
	sqlite3_vtab_cursor base;
	struct gtrace_reader *reader;
	struct gtrace_event ev;
	sqlite3_int64 n;
	bool over;
};

static int event_error(sqlite3_vtab *table, const char *text)
{
	sqlite3_free(table->zErrMsg);
	table->zErrMsg = sqlite3_mprintf("%s", text);
	return SQLITE_ERROR;
}

/* The argument of CREATE VIRTUAL TABLE without its quotes; NULL: no memory. */
static char *event_unquoted(const char *word)
{
	size_t len = strlen(word), at = 0;
	char quote = *word;
	char *path = sqlite3_malloc64(len + 1);

	if (!path)
		return NULL;
	if (len < 2 || (quote != '\'' && quote != '"') || word[len - 1] != quote) {
		memcpy(path, word, len + 1);
		return path;
	}
	for (size_t i = 1; i < len - 1; i++) {
		path[at++] = word[i];
		i += word[i] == quote && word[i + 1] == quote && i + 1 < len - 1; // doubled
	}
	path[at] = '\0';
	return path;
}

static int event_connect(sqlite3 *db, void *aux, int argc, const char *const *argv,
                         sqlite3_vtab **out, char **err)
{
	const char *given = aux;

	if (argc > 4) {
		*err = sqlite3_mprintf("one argument: the file of the trace");
		return SQLITE_ERROR;
	}
	struct event_table *t = sqlite3_malloc(sizeof *t);

	if (!t)
		return SQLITE_NOMEM;
	memset(t, 0, sizeof *t);
	if (argc == 4)
		t->path = event_unquoted(argv[3]);
	else if (given)
		t->path = sqlite3_mprintf("%s", given);
	if (!t->path && (argc == 4 || given)) {
		sqlite3_free(t);
		return SQLITE_NOMEM;
	}
	*out = &t->base;
	sqlite3_vtab_config(db, SQLITE_VTAB_DIRECTONLY);
	return sqlite3_declare_vtab(db, event_columns);
}

static int event_disconnect(sqlite3_vtab *table)
{
	sqlite3_free(((struct event_table *)table)->path);
	sqlite3_free(table);
	return SQLITE_OK;
}

/* Only the file can be an argument; SQLite itself does all other comparing. */
static int event_best(sqlite3_vtab *table, sqlite3_index_info *info)
{
	bool named = false;

	(void)table;
	info->estimatedCost = 1e7;
	info->estimatedRows = 1000000;
	for (int i = 0; i < info->nConstraint; i++) {
		if (info->aConstraint[i].iColumn != EVENT_TRACE ||
		    info->aConstraint[i].op != SQLITE_INDEX_CONSTRAINT_EQ)
			continue;
		if (!info->aConstraint[i].usable)
			return SQLITE_CONSTRAINT; // another order of the join has it
		if (named)
			continue;
		named = true;
		info->aConstraintUsage[i].argvIndex = 1;
		info->aConstraintUsage[i].omit = 1;
		info->idxNum = 1;
	}
	return SQLITE_OK;
}

static int event_open(sqlite3_vtab *table, sqlite3_vtab_cursor **out)
{
	struct event_cursor *c = sqlite3_malloc(sizeof *c);

	(void)table;
	if (!c)
		return SQLITE_NOMEM;
	memset(c, 0, sizeof *c);
	*out = &c->base;
	return SQLITE_OK;
}

static int event_close(sqlite3_vtab_cursor *cursor)
{
	struct event_cursor *c = (struct event_cursor *)cursor;

	if (c->reader)
		gtrace_reader_close(c->reader);
	sqlite3_free(c);
	return SQLITE_OK;
}

static int event_next(sqlite3_vtab_cursor *cursor)
{
	struct event_cursor *c = (struct event_cursor *)cursor;
	struct gtrace_error error;
	int got = gtrace_reader_next(c->reader, &c->ev, &error);

	c->n++;
	c->over = got <= 0;
	return got < 0 ? event_error(cursor->pVtab, error.text) : SQLITE_OK;
}

static int event_filter(sqlite3_vtab_cursor *cursor, int index, const char *name, int argc,
                        sqlite3_value **argv)
{
	struct event_cursor *c = (struct event_cursor *)cursor;
	const char *path = ((const struct event_table *)cursor->pVtab)->path;
	struct gtrace_error error;

	(void)name;
	if (index == 1 && argc == 1)
		path = (const char *)sqlite3_value_text(argv[0]);
	if (c->reader)
		gtrace_reader_close(c->reader);
	c->reader = NULL;
	if (!path)
		return event_error(cursor->pVtab, "say which trace: gtrace_event('run.gtrace')");
	if (strcmp(path, "-") == 0)
		return event_error(cursor->pVtab, "events cannot be read from standard input: name a file");
	if (gtrace_reader_open(&c->reader, path, &error) < 0) {
		c->reader = NULL;
		return event_error(cursor->pVtab, error.text);
	}
	c->n = -1;
	return event_next(cursor);
}

static int event_eof(sqlite3_vtab_cursor *cursor)
{
	return ((struct event_cursor *)cursor)->over;
}

static void event_result_id(sqlite3_context *ctx, const uint64_t *id)
{
	if (id && *id)
		sqlite3_result_int64(ctx, (sqlite3_int64)*id);
}

static void event_result_text(sqlite3_context *ctx, const char *text)
{
	char clean[CLEAN_MAX];
	size_t len = clean_text(clean, text, strlen(text));

	sqlite3_result_text64(ctx, clean, len, SQLITE_TRANSIENT, SQLITE_UTF8);
}

/* As gtrace dump prints it. */
static void event_result_line(sqlite3_context *ctx, const struct event_cursor *c)
{
	for (size_t cap = 1024; cap <= EVENT_LINE_MAX; cap *= 2) {
		char *line = sqlite3_malloc64(cap);
		if (!line) {
			sqlite3_result_error_nomem(ctx);
			return;
		}
		size_t len = gtrace_event_print(c->reader, &c->ev, line, cap);
		if (len + 1 < cap || cap == EVENT_LINE_MAX) {
			sqlite3_result_text64(ctx, line, len, sqlite3_free, SQLITE_UTF8);
			return;
		}
		sqlite3_free(line);
	}
}

static void event_result_args(sqlite3_context *ctx, const struct event_cursor *c)
{
	sqlite3_str *json = sqlite3_str_new(sqlite3_context_db_handle(ctx));

	event_args(json, c->reader, &c->ev);
	char *text = sqlite3_str_finish(json);

	if (text)
		sqlite3_result_text(ctx, text, -1, sqlite3_free);
	else
		sqlite3_result_error_nomem(ctx);
}

/* The columns about the event's site. */
static void event_result_site(sqlite3_context *ctx, const struct event_cursor *c, int i)
{
	const uint64_t *number = event_arg(&c->ev, "site");

	if (!number)
		return;
	const struct gtrace_site_info *site = gtrace_reader_site(c->reader, *number);

	if (i == EVENT_SITE)
		event_result_id(ctx, number);
	else if (i == EVENT_LINE)
		sqlite3_result_int64(ctx, site->line);
	else
		event_result_text(ctx, i == EVENT_FILE ? site->file : site->func);
}

/* A flat switch. */
static int event_column(sqlite3_vtab_cursor *cursor, sqlite3_context *ctx, int i)
{
	const struct event_cursor *c = (const struct event_cursor *)cursor;

	switch ((enum event_column)i) {
	case EVENT_N:
		sqlite3_result_int64(ctx, c->n);
		break;
	case EVENT_TS:
		sqlite3_result_int64(ctx, c->ev.time_ns);
		break;
	case EVENT_THREAD:
		event_result_id(ctx, &c->ev.thread);
		break;
	case EVENT_G:
		event_result_id(ctx, &c->ev.g);
		break;
	case EVENT_EVENT:
		event_result_text(ctx, c->ev.desc ? c->ev.desc->name : "?");
		break;
	case EVENT_OTHER_G:
		event_result_id(ctx, event_arg(&c->ev, "g"));
		break;
	case EVENT_OBJECT:
		event_result_id(ctx, event_arg(&c->ev, "obj"));
		break;
	case EVENT_SITE:
	case EVENT_FILE:
	case EVENT_LINE:
	case EVENT_FUNC:
		event_result_site(ctx, c, i);
		break;
	case EVENT_ARGS:
		event_result_args(ctx, c);
		break;
	case EVENT_TEXT:
		event_result_line(ctx, c);
		break;
	case EVENT_TRACE:
		break;
	}
	return SQLITE_OK;
}

static int event_rowid(sqlite3_vtab_cursor *cursor, sqlite3_int64 *rowid)
{
	*rowid = ((struct event_cursor *)cursor)->n;
	return SQLITE_OK;
}

/* xCreate is xConnect: it may be created, and need not be. */
static const sqlite3_module event_module = {
	.xCreate = event_connect,
	.xConnect = event_connect,
	.xBestIndex = event_best,
	.xDisconnect = event_disconnect,
	.xDestroy = event_disconnect,
	.xOpen = event_open,
	.xClose = event_close,
	.xFilter = event_filter,
	.xNext = event_next,
	.xEof = event_eof,
	.xColumn = event_column,
	.xRowid = event_rowid,
};

int event_register(sqlite3 *db, const char *name, const char *path)
{
	char *copy = path ? sqlite3_mprintf("%s", path) : NULL;

	if (path && !copy)
		return SQLITE_NOMEM;
	return sqlite3_create_module_v2(db, name, &event_module, copy, sqlite3_free);
}

/* SPDX-License-Identifier: MIT */
/** suppress.c: findings that are not to be reported, by patterns. */
#include "triage/suppress.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "cmd.h"
#include "db.h"
#include "talk.h"
#include "triage/lines.h"

enum { GLOB_BYTES_MAX = 4096 };

/* A [ of a pattern needs its ], which may be the first of the set itself. */
static bool glob_is_whole(const char *glob)
{
	for (const char *p = glob; (p = strchr(p, '['));) {
		p++;
		p += *p == '^';
		p = *p ? strchr(p + 1, ']') : NULL;
		if (!p)
			return false;
	}
	return true;
}

/* file:... is a field, ns::f is none. */
static const char *suppress_field(char *rest, char **glob)
{
	static const char *const fields[] = {"func", "file", "object"};
	size_t n = strcspn(rest, ":");

	*glob = rest;
	for (size_t i = 0; i < 3; i++) {
		if (rest[n] == ':' && rest[n + 1] != ':' && strlen(fields[i]) == n &&
		    memcmp(rest, fields[i], n) == 0) {
			*glob = rest + n + 1;
			return fields[i];
		}
	}
	return "";
}

/* Returns what is wrong with a line, or NULL. */
static const char *suppress_parse(struct suppression *s, char *line)
{
	char *colon = strchr(line, ':'), *glob;

	if (!colon)
		return "a suppression is KIND:PATTERN";
	*colon = '\0';
	s->kind = line;
	s->field = suppress_field(colon + 1, &glob);
	s->glob = glob;
	if (!*s->kind)
		return "the kind is missing; * stands for all";
	if (!*s->glob)
		return "the pattern is missing; * stands for all";
	if (strlen(s->kind) + strlen(s->glob) > GLOB_BYTES_MAX)
		return "the pattern is too long";
	if (!glob_is_whole(s->kind) || !glob_is_whole(s->glob))
		return "a [ without its ]";
	return NULL;
}

static int suppress_add(struct suppressions *s, const struct suppression *one)
{
	if (s->count == s->cap) {
		size_t cap = s->cap ? 2 * s->cap : 16;
		void *more = realloc(s->list, cap * sizeof *s->list);
		if (!more) {
			talk("out of memory");
			return CMD_INPUT;
		}
		s->list = more;
		s->cap = cap;
	}
	s->list[s->count++] = *one;
	return 0;
}

int suppress_read(struct suppressions *s, const char *path)
{
	size_t len;
	struct suppression one = {.line = 0};
	int err = 0;

	s->path = path;
	s->text = lines_read(path, &len);
	if (!s->text)
		return CMD_INPUT;
	char *at = s->text;

	for (char *line; !err && (line = lines_next(&at));) {
		one.line++;
		if (!*line || *line == '#')
			continue;
		const char *wrong = suppress_parse(&one, line);
		if (wrong) {
			talk("%s:%d: %s", path, one.line, wrong);
			return CMD_USAGE;
		}
		err = suppress_add(s, &one);
	}
	if (!err && at != s->text + len) {
		talk("%s:%d: a zero byte", path, one.line + 1);
		return CMD_USAGE;
	}
	return err;
}

int suppress_apply(const struct suppressions *s, sqlite3 *db)
{
	sqlite3_stmt *st;
	int err = db_prepare(db, "sql/triage.sql", "suppress", &st);

	for (size_t i = 0; i < s->count && err == SQLITE_OK; i++) {
		const struct suppression *one = &s->list[i];
		err = DB_ROW(st, db_text(one->kind), db_text(one->field), db_text(one->glob));
		if (err == SQLITE_OK && sqlite3_changes(db) == 0)
			talk_warn("%s:%d: no finding is suppressed by '%s:%s%s%s'", s->path, one->line,
			          one->kind, one->field, *one->field ? ":" : "", one->glob);
	}
	sqlite3_finalize(st);
	return err;
}

void suppress_release(struct suppressions *s)
{
	free(s->list);
	free(s->text);
}

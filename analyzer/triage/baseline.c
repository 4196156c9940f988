/* SPDX-License-Identifier: MIT */
/** baseline.c: findings that are known: a file of fingerprints, or a report.json. */
#include "triage/baseline.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd.h"
#include "db.h"
#include "report/finding.h"
#include "talk.h"
#include "triage/lines.h"

enum { PRINT_LEN = 16 };

static const char sql[] = "sql/triage.sql";

static int baseline_add(struct baseline *b, const char *print)
{
	if (b->count == b->cap) {
		size_t cap = b->cap ? 2 * b->cap : 64;
		void *more = realloc(b->prints, cap * sizeof *b->prints);
		if (!more) {
			talk("out of memory");
			return CMD_INPUT;
		}
		b->prints = more;
		b->cap = cap;
	}
	for (int i = 0; i < PRINT_LEN; i++)
		b->prints[b->count][i] = (char)tolower((unsigned char)print[i]);
	b->prints[b->count++][PRINT_LEN] = '\0';
	return 0;
}

static bool baseline_is_print(const char *text)
{
	size_t n = strspn(text, "0123456789abcdefABCDEF");

	return n == PRINT_LEN && (text[n] == '\0' || strchr(" \t#", text[n]));
}

static int baseline_lines(struct baseline *b, const char *path, char *text, size_t len)
{
	int number = 0, err = 0;
	char *end = text + len;

	for (char *line; !err && (line = lines_next(&text));) {
		number++;
		if (!*line || *line == '#')
			continue;
		if (!baseline_is_print(line)) {
			talk("%s:%d: '%s' is no fingerprint: 16 hex digits, or a report.json as a whole", path,
			     number, line);
			return CMD_USAGE;
		}
		err = baseline_add(b, line);
	}
	if (!err && text != end) {
		talk("%s:%d: a zero byte", path, number + 1);
		return CMD_USAGE;
	}
	return err;
}

/* The fingerprints of a report's findings, found by SQLite. */
static int baseline_json(struct baseline *b, const char *path, const char *text, size_t len)
{
	sqlite3 *db = NULL;
	sqlite3_stmt *st = NULL;
	int err = 0, got = sqlite3_open(":memory:", &db);

	if (got == SQLITE_OK)
		got = db_prepare(db, sql, "baseline_json", &st);
	if (got == SQLITE_OK)
		got = sqlite3_bind_text64(st, 1, text, len, SQLITE_STATIC, SQLITE_UTF8);
	while (got == SQLITE_OK && (got = sqlite3_step(st)) == SQLITE_ROW && !err) {
		got = SQLITE_OK;
		if (!baseline_is_print(db_column(st, 0))) {
			talk("%s: a finding without a fingerprint, or no report of gtrace", path);
			err = CMD_USAGE;
		} else {
			err = baseline_add(b, db_column(st, 0));
		}
	}
	if (!err && got != SQLITE_DONE) {
		talk("%s: no report of gtrace: %s", path, sqlite3_errmsg(db));
		err = CMD_USAGE;
	}
	sqlite3_finalize(st);
	sqlite3_close(db);
	return err;
}

int baseline_read(struct baseline *b, const char *path)
{
	size_t len;
	char *text = lines_read(path, &len);
	int err;

	if (!text)
		return CMD_INPUT;
	if (text[strspn(text, " \t\r\n")] == '{')
		err = baseline_json(b, path, text, len);
	else
		err = baseline_lines(b, path, text, len);
	free(text);
	return err;
}

int baseline_apply(const struct baseline *b, sqlite3 *db)
{
	sqlite3_stmt *st;
	int err = db_prepare(db, sql, "unknown", &st);

	if (err == SQLITE_OK)
		err = db_row(st, 0, NULL);
	sqlite3_finalize(st);
	st = NULL;
	if (err == SQLITE_OK)
		err = db_prepare(db, sql, "known", &st);
	for (size_t i = 0; i < b->count && err == SQLITE_OK; i++)
		err = DB_ROW(st, db_text(b->prints[i]));
	sqlite3_finalize(st);
	return err;
}

/* For a comment: one line, and nothing that a terminal would obey. */
static void baseline_comment(FILE *f, const char *text)
{
	for (const unsigned char *p = (const unsigned char *)text; *p; p++)
		fputc(*p < 0x20 || *p >= 0x7f ? '?' : *p, f);
}

static int baseline_rows(sqlite3 *db, FILE *f)
{
	struct findings all;
	struct finding x;
	int err = findings_open(&all, db);

	fputs("# Findings of gtrace that are known: --baseline.\n", f);
	while (err == SQLITE_OK && (err = findings_next(&all, &x)) == SQLITE_ROW) {
		err = SQLITE_OK;
		if (strcmp(x.severity, "info") == 0)
			continue;
		fprintf(f, "%s  # ", x.fingerprint);
		baseline_comment(f, x.kind);
		fputs(": ", f);
		baseline_comment(f, finding_where(&x)->file);
		fputs(": ", f);
		baseline_comment(f, x.title);
		fputc('\n', f);
	}
	findings_close(&all);
	return err == SQLITE_DONE ? SQLITE_OK : err;
}

int baseline_write(sqlite3 *db, const char *path)
{
	FILE *f = fopen(path, "we");
	int err = f ? 0 : errno;

	if (f && baseline_rows(db, f) != SQLITE_OK)
		err = EIO;
	if (f && (fflush(f) || ferror(f)) && !err)
		err = errno ? errno : EIO;
	if (f && fclose(f) && !err)
		err = errno;
	if (!err)
		return 0;
	talk("cannot write '%s': %s", path, strerror(err));
	return -1;
}

void baseline_release(struct baseline *b)
{
	free(b->prints);
}

/* SPDX-License-Identifier: MIT */
/** sarif.c: SARIF 2.1.0, made by SQLite; here is what names and messages need. */
#include <stdlib.h>
#include <string.h>

#include <gtrace.h>

#include "db.h"
#include "report/finding.h"
#include "report/report.h"

/* A file's name as a URI: everything but what may stand in any part of a path is %XX. */
static void sarif_uri(sqlite3_context *ctx, int argc, sqlite3_value **argv)
{
	static const char plain[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~/";
	const char *file = (const char *)sqlite3_value_text(argv[0]);
	char *uri = NULL;
	size_t size;

	(void)argc;
	if (!file || !*file)
		return; // NULL
	FILE *out = open_memstream(&uri, &size);

	if (!out) {
		sqlite3_result_error_nomem(ctx);
		return;
	}
	file = finding_relative(sqlite3_user_data(ctx), file);
	fputs(*file == '/' ? "file://" : "", out);
	for (const unsigned char *p = (const unsigned char *)file; *p; p++) {
		if (strchr(plain, *p))
			fputc(*p, out);
		else
			fprintf(out, "%%%02X", *p);
	}
	if (fclose(out) == 0)
		sqlite3_result_text(ctx, uri, -1, SQLITE_TRANSIENT);
	else
		sqlite3_result_error_nomem(ctx);
	free(uri);
}

/* Text as a message: braces are doubled, as they would be placeholders, "](" would make a link;
 * control characters are shown. */
static void sarif_message(sqlite3_context *ctx, int argc, sqlite3_value **argv)
{
	const char *text = (const char *)sqlite3_value_text(argv[0]);
	char *message = NULL;
	size_t size;

	(void)argc;
	if (!text)
		return;
	FILE *out = open_memstream(&message, &size);

	if (!out) {
		sqlite3_result_error_nomem(ctx);
		return;
	}
	for (const unsigned char *p = (const unsigned char *)text; *p; p++) {
		if (*p == '{' || *p == '}')
			fputc(*p, out);
		if ((*p < 0x20 && *p != '\n') || *p == 0x7f)
			fprintf(out, "\\x%02x", *p);
		else
			fputc(*p, out);
		if (p[0] == ']' && p[1] == '(')
			fputc(' ', out);
	}
	if (fclose(out) == 0)
		sqlite3_result_text(ctx, message, -1, SQLITE_TRANSIENT);
	else
		sqlite3_result_error_nomem(ctx);
	free(message);
}

static int sarif_write(sqlite3 *db, FILE *out, const char *kinds)
{
	sqlite3_stmt *st;
	int err = db_prepare(db, "sql/report/sarif.sql", "report", &st);

	if (err == SQLITE_OK) {
		sqlite3_bind_text(st, 1, kinds, -1, SQLITE_STATIC);
		sqlite3_bind_text(st, 2, GTRACE_VERSION, -1, SQLITE_STATIC);
	}
	while (err == SQLITE_OK && (err = sqlite3_step(st)) == SQLITE_ROW) {
		fprintf(out, "%s\n", db_column(st, 0));
		err = SQLITE_OK;
	}
	sqlite3_finalize(st);
	return err == SQLITE_DONE ? SQLITE_OK : err;
}

int report_sarif(sqlite3 *db, FILE *out)
{
	char cwd[FINDING_PATH_BYTES], *kinds = finding_kinds();
	const int how = SQLITE_UTF8 | SQLITE_DETERMINISTIC;
	int err = kinds ? SQLITE_OK : SQLITE_NOMEM;

	finding_cwd(cwd);
	if (err == SQLITE_OK)
		err = sqlite3_create_function(db, "uri", 1, how, cwd, sarif_uri, NULL, NULL);
	if (err == SQLITE_OK)
		err = sqlite3_create_function(db, "message", 1, how, NULL, sarif_message, NULL, NULL);
	if (err == SQLITE_OK)
		err = sarif_write(db, out, kinds);
	sqlite3_create_function(db, "uri", 1, how, NULL, NULL, NULL, NULL); // cwd goes out of scope
	sqlite3_create_function(db, "message", 1, how, NULL, NULL, NULL, NULL);
	free(kinds);
	return err;
}

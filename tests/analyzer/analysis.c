/* SPDX-License-Identifier: MIT */
/** analysis.c: text traces through the analyzer, in one process. */
#define _GNU_SOURCE
#include "analysis.h"
#include "repeat.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <gtrace.h>

#include "detect/detect.h"
#include "load/load.h"

char *analysis_file(const char *path)
{
	FILE *f = fopen(path, "r");
	char *text = NULL;
	size_t cap = 0;

	if (!f)
		fail_msg("cannot read %s", path);
	ssize_t n = getdelim(&text, &cap, '\0', f);

	fclose(f);
	if (n >= 0)
		return text;
	free(text);
	return calloc(1, 1);
}

void analysis_assemble(const char *text, size_t len, const char *path)
{
	struct gtrace_error err;

	if (gtrace_text_assemble(text, len, path, &err) < 0)
		fail_msg("%s", err.text);
}

sqlite3 *analysis_of_text(const char *text, size_t len)
{
	char path[64];
	struct gtrace_error err;
	sqlite3 *db;

	snprintf(path, sizeof path, "analysis-%d.gtrace", getpid());
	unlink(path);
	char *whole = repeat_expand(text, len, &len);
	assert_non_null(whole);
	analysis_assemble(whole, len, path);
	free(whole);
	assert_int_equal(sqlite3_open(":memory:", &db), SQLITE_OK);
	if (load_trace(db, path, NULL, &err) < 0)
		fail_msg("%s", err.text);
	if (detect_all(db, NULL) != SQLITE_OK)
		fail_msg("%s", sqlite3_errmsg(db));
	unlink(path);
	return db;
}

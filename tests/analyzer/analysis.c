/* SPDX-License-Identifier: MIT */
/** analysis.c: text traces through the analyzer, in one process. */
#define _GNU_SOURCE
#include "analysis.h"

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

/* The lines from p to end, each NS later; their times are plain numbers. */
static void repeat_lines(FILE *f, const char *p, const char *end, long long later)
{
	while (p < end) {
		char *rest;
		long long ns = strtoll(p, &rest, 10);
		const char *next = memchr(rest, '\n', (size_t)(end - rest));
		next = next ? next + 1 : end;
		fprintf(f, "%lld%.*s", ns + later, (int)(next - rest), rest);
		p = next;
	}
}

static char *repeated(const char *text, size_t len, size_t *out_len)
{
	static const char begin[] = "# repeat ", over[] = "# end\n";
	const char *stop = text + len;
	char *out = NULL;
	FILE *f = open_memstream(&out, out_len);

	while (text < stop) {
		const char *from = memmem(text, (size_t)(stop - text), begin, sizeof begin - 1);
		long long count = 0, ns = 0;
		fwrite(text, 1, (size_t)((from ? from : stop) - text), f);
		if (!from)
			break;
		const char *lines = strchr(from, '\n') + 1, *end = strstr(lines, over);
		assert_int_equal(sscanf(from + sizeof begin - 1, "%lld %lld", &count, &ns), 2);
		assert_non_null(end);
		for (long long i = 0; i < count; i++)
			repeat_lines(f, lines, end, i * ns);
		text = end + sizeof over - 1;
	}
	fclose(f);
	return out;
}

sqlite3 *analysis_of_text(const char *text, size_t len)
{
	char path[64];
	struct gtrace_error err;
	sqlite3 *db;

	snprintf(path, sizeof path, "analysis-%d.gtrace", getpid());
	unlink(path);
	char *whole = repeated(text, len, &len);
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

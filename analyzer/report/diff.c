/* SPDX-License-Identifier: MIT */
/** diff.c: two traces side by side, as text and as JSON. */
#include "report/diff.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "db.h"

static const char sql[] = "sql/diff/report.sql";

enum { TIMES = 4 }; // measures from this one on are times

/* Control characters are shown. */
static void diff_put(FILE *out, const char *text)
{
	for (const unsigned char *p = (const unsigned char *)text; *p; p++) {
		if (*p < 0x20 || *p == 0x7f)
			fprintf(out, "\\x%02x", *p);
		else if (p[0] == 0xc2 && p[1] < 0xa0)
			fprintf(out, "\\x%02x", *++p);
		else
			fputc(*p, out);
	}
}

static const char *diff_time(char text[32], int64_t ns)
{
	double n = (double)ns;

	if (ns < 1000)
		snprintf(text, 32, "%" PRId64 " ns", ns);
	else if (ns < 1000000)
		snprintf(text, 32, "%.1f us", n / 1e3);
	else if (ns < 1000000000)
		snprintf(text, 32, "%.1f ms", n / 1e6);
	else
		snprintf(text, 32, "%.1f s", n / 1e9);
	return text;
}

static const char *diff_value(char text[32], int measure, int64_t value)
{
	if (measure >= TIMES)
		return diff_time(text, value);
	snprintf(text, 32, "%" PRId64, value);
	return text;
}

static void diff_trace(FILE *out, sqlite3_stmt *st, int row)
{
	char time[32];

	fprintf(out, "  %c  ", "AB"[row]);
	diff_put(out, db_column(st, 0));
	fputs("   ", out);
	diff_put(out, db_column(st, 1));
	fprintf(out, "   %s, %lld goroutines started, peak %lld, %lld at the end\n",
	        diff_time(time, sqlite3_column_int64(st, 2)), sqlite3_column_int64(st, 3),
	        sqlite3_column_int64(st, 4), sqlite3_column_int64(st, 5));
}

static void diff_change(FILE *out, sqlite3_stmt *st, int row)
{
	static const char *const names[] = {"", "peak", "at end", "growth", "wait", "run delay"};
	int measure = sqlite3_column_int(st, 1);
	int64_t a = sqlite3_column_int64(st, 2), b = sqlite3_column_int64(st, 3);
	char left[32], right[32], change[32] = "from 0";

	if (a != 0)
		snprintf(change, sizeof change, "%+.0f %%",
		         100.0 * ((double)b - (double)a) / (double)llabs(a));
	if (row == 0)
		fprintf(out, "\n  %9s  %-9s  %9s  %9s  spawned at\n", "change", "measure", "A", "B");
	fprintf(out, "%c %9s  %-9s  %9s  %9s  ", sqlite3_column_int(st, 8) ? '!' : ' ', change,
	        names[measure], diff_value(left, measure, a), diff_value(right, measure, b));
	diff_put(out, db_column(st, 4));
	fprintf(out, ":%d  ", sqlite3_column_int(st, 5));
	diff_put(out, db_column(st, 6));
	fputs("()  ", out);
	diff_put(out, db_column(st, 7));
	fputc('\n', out);
}

static void diff_only(FILE *out, sqlite3_stmt *st, int row)
{
	fputs(row == 0 ? "\n" : "", out);
	fputs(sqlite3_column_int(st, 0) ? "! new   " : "  gone  ", out);
	diff_put(out, db_column(st, 1));
	fputs(": ", out);
	diff_put(out, db_column(st, 2));
	if (*db_column(st, 3)) {
		fputs(" at ", out);
		diff_put(out, db_column(st, 3));
		fprintf(out, ":%d", sqlite3_column_int(st, 4));
	}
	fprintf(out, "  %s\n", db_column(st, 5));
}

/* Every row of a statement, by `write` if there is one; *rows says how many. */
static int diff_rows(sqlite3 *both, const char *name, FILE *out,
                     void (*write)(FILE *, sqlite3_stmt *, int), int *rows)
{
	sqlite3_stmt *st;
	int err = db_prepare(both, sql, name, &st);

	*rows = 0;
	while (err == SQLITE_OK && (err = sqlite3_step(st)) == SQLITE_ROW) {
		write(out, st, (*rows)++);
		err = SQLITE_OK;
	}
	sqlite3_finalize(st);
	return err == SQLITE_DONE ? SQLITE_OK : err;
}

int diff_text(sqlite3 *both, FILE *out)
{
	int traces, changes = 0, only = 0;
	int64_t same = 0, worse = 0;

	fputs("gtrace diff\n", out);
	int err = diff_rows(both, "traces", out, diff_trace, &traces);

	if (err == SQLITE_OK)
		err = diff_rows(both, "changes", out, diff_change, &changes);
	if (err == SQLITE_OK)
		err = diff_rows(both, "only", out, diff_only, &only);
	if (err == SQLITE_OK)
		err = db_number(both, sql, "same", &same);
	if (err == SQLITE_OK)
		err = db_number(both, sql, "worse", &worse);
	if (err != SQLITE_OK)
		return err;
	fprintf(out, "\n%s; %" PRId64 " place%s without a change\n", worse ? "worse" : "not worse",
	        same, same == 1 ? "" : "s");
	return SQLITE_OK;
}

static void diff_document(FILE *out, sqlite3_stmt *st, int row)
{
	(void)row;
	fprintf(out, "%s\n", db_column(st, 0));
}

int diff_json(sqlite3 *both, FILE *out)
{
	int rows;

	return diff_rows(both, "json", out, diff_document, &rows);
}

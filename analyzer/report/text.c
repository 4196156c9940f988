/* SPDX-License-Identifier: MIT */
/** text.c: the report for a terminal.  What comes from the trace is hostile: control characters are
 * shown. */
#include <ctype.h>
#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "db.h"
#include "plain.h"
#include "report/report.h"
#include "report/text_number.h"
#include "report/text_plot.h"

enum { TEXT_COLUMNS = 80, TEXT_INDENT = 16 };

/* Words from `column` on, broken at TEXT_COLUMNS; the next lines begin at `indent`. */
static void text_wrap(FILE *out, const char *s, int column, int indent)
{
	bool first = true;

	while (*s) {
		size_t n = strcspn(s, " ");
		if (!first && column + 1 + (int)n > TEXT_COLUMNS) {
			fprintf(out, "\n%*s", indent, "");
			column = indent;
		} else if (!first) {
			fputc(' ', out);
			column++;
		}
		first = false;
		column += plain_bytes(out, s, n);
		s += n;
		s += strspn(s, " ");
	}
	fputc('\n', out);
}

/* Where on the line a row of words is. */
struct text_line {
	FILE *out;
	int column, indent;
};

/* Three blanks and the words; on the next line if they do not fit on this one. */
static void text_more(struct text_line *row, const char *before, const char *words,
                      const char *after)
{
	int columns = (int)(strlen(before) + plain_columns(words) + strlen(after));

	if (row->column + 3 + columns > TEXT_COLUMNS) {
		fprintf(row->out, "\n%*s", row->indent, "");
		row->column = row->indent;
	} else {
		fputs("   ", row->out);
		row->column += 3;
	}
	fputs(before, row->out);
	plain_text(row->out, words);
	fputs(after, row->out);
	row->column += columns;
}

static void text_field(FILE *out, const char *name, const char *value)
{
	if (!*value)
		return;
	fprintf(out, "    %-*s", TEXT_INDENT - 4, name);
	text_wrap(out, value, TEXT_INDENT, TEXT_INDENT);
}

/* 1204311 -> 1,204,311 */
const char *text_count(char out[32], int64_t v)
{
	char digits[24];
	int n = snprintf(digits, sizeof digits, "%" PRId64, v), at = 0;

	for (int i = 0; i < n; i++) {
		out[at++] = digits[i];
		if (i < n - 1 && (n - 1 - i) % 3 == 0 && isdigit((unsigned char)digits[i]))
			out[at++] = ',';
	}
	out[at] = '\0';
	return out;
}

static const char *text_bytes(char out[32], int64_t bytes)
{
	if (bytes < 1024)
		snprintf(out, 32, "%" PRId64 " bytes", bytes);
	else if (bytes < 1024 * 1024)
		snprintf(out, 32, "%.1f KiB", (double)bytes / 1024);
	else
		snprintf(out, 32, "%.1f MiB", (double)bytes / (1024 * 1024));
	return out;
}

/* How the recording ended, and what is missing of it. */
static void text_end(FILE *out, sqlite3_stmt *st)
{
	const char *end = db_column(st, 9);
	int code = sqlite3_column_int(st, 10);
	char n[32], m[32];

	if (sqlite3_column_int(st, 12))
		fprintf(out, "  partial     reading was interrupted; there is more in the file\n");
	else if (strcmp(end, "signal") == 0)
		fprintf(out, "  ended       by signal %d\n", code);
	else if (strcmp(end, "cut") == 0)
		fprintf(out, "  ended       without a word: killed, or still running\n");
	else if (strcmp(end, "dump") == 0)
		fprintf(out, "  ended       by a dump; the program went on\n");
	else if (strcmp(end, "rotated") == 0)
		fprintf(out, "  ended       the file was full; the recording goes on in the next one\n");
	else if (strcmp(end, "exit") != 0)
		fprintf(out, "  ended       by %s, exit status %d\n", end, code);
	else if (code)
		fprintf(out, "  ended       by exit, status %d\n", code);
	if (*db_column(st, 22)) {
		fputs("  dumped      because: ", out);
		text_wrap(out, db_column(st, 22), 23, 14);
	}
	if (*db_column(st, 19)) {
		fputs("  panic       ", out);
		text_wrap(out, db_column(st, 19), 14, 14);
	}
	if (*db_column(st, 20)) {
		fputs("  repeat by   GOR_DEBUG=", out);
		plain_text(out, db_column(st, 20));
		fputc('\n', out);
	}
	if (sqlite3_column_int64(st, 7) || sqlite3_column_int64(st, 8))
		fprintf(out, "  lost        %s events, %s batches\n",
		        text_count(n, sqlite3_column_int64(st, 7)),
		        text_count(m, sqlite3_column_int64(st, 8)));
}

static void text_header(FILE *out, sqlite3_stmt *st)
{
	int64_t events = sqlite3_column_int64(st, 5), bytes = sqlite3_column_int64(st, 6);
	time_t start = (time_t)(sqlite3_column_int64(st, 3) / 1000000000);
	char a[32], b[32], c[32], d[32], when[64] = "";
	struct tm tm;

	struct text_line program = {.out = out, .indent = 14};

	fputs("gtrace analyze ", out);
	plain_text(out, db_column(st, 0));
	fputs("\n  program     ", out);
	program.column = 14 + plain_text(out, db_column(st, 1));
	if (sqlite3_column_int64(st, 2))
		text_more(&program, "pid ", db_column(st, 2), "");
	if (start > 0 && gmtime_r(&start, &tm) && strftime(when, sizeof when, "%F %T UTC", &tm))
		text_more(&program, "started ", when, "");
	fprintf(out, "\n  recorded    %s, %s events, %s", plain_time(a, sqlite3_column_int64(st, 4)),
	        text_count(b, events), text_bytes(c, bytes));
	if (events)
		fprintf(out, " (%.1f bytes/event)", (double)bytes / (double)events);
	struct text_line goroutines = {.out = out, .indent = 14};

	goroutines.column = fprintf(out, "\n  goroutines  %s started, %s ended, peak %s at %s",
	                            text_count(a, sqlite3_column_int64(st, 13)),
	                            text_count(b, sqlite3_column_int64(st, 14)),
	                            text_count(c, sqlite3_column_int64(st, 15)),
	                            plain_time(d, sqlite3_column_int64(st, 16))) -
	                    1;
	if (sqlite3_column_int64(st, 27))
		text_more(&goroutines, "", db_column(st, 27), " from before");
	text_more(&goroutines, "workers ", db_column(st, 18), "");
	fputc('\n', out);
	if (sqlite3_column_type(st, 23) != SQLITE_NULL) // what the recorder itself took
		fprintf(out, "  recorder    %s of CPU, %s batches, %s stalls (%s)\n",
		        plain_time(a, sqlite3_column_int64(st, 23)),
		        text_count(b, sqlite3_column_int64(st, 24)),
		        text_count(c, sqlite3_column_int64(st, 25)),
		        plain_time(d, sqlite3_column_int64(st, 26)));
	if (sqlite3_column_int64(st, 21))
		fprintf(out, "  begins      %s after the recording: the last of what it was\n",
		        plain_time(a, sqlite3_column_int64(st, 21)));
	text_end(out, st);
}

/* file:line  func()  what. */
static void text_place(FILE *out, const char *name, sqlite3_stmt *st, int column)
{
	const char *file = db_column(st, column), *func = db_column(st, column + 2);
	const char *what = db_column(st, column + 3);
	struct text_line row = {.out = out, .column = TEXT_INDENT, .indent = TEXT_INDENT};

	if (!*file)
		return;
	fprintf(out, "    %-*s", TEXT_INDENT - 4, name);
	row.column += plain_text(out, file);
	row.column += fprintf(out, ":%d", sqlite3_column_int(st, column + 1));
	if (*func)
		text_more(&row, "", func, strchr(func, '(') ? "" : "()");
	if (*what)
		text_more(&row, "", what, "");
	fputc('\n', out);
}

static void text_finding(FILE *out, sqlite3_stmt *st, bool colour)
{
	const char *kind = db_column(st, 1);
	int64_t count = sqlite3_column_int64(st, 6), since = sqlite3_column_int64(st, 7);
	char when[32], list[256];
	int column = fprintf(out, "\n%d ", sqlite3_column_int(st, 0)) - 1;

	fputs(colour ? "\033[1;31m" : "", out);
	for (const char *p = kind; *p; p++, column++)
		fputc(*p == '-' ? ' ' : toupper((unsigned char)*p), out);
	fputs(colour ? "\033[0m" : "", out);
	fputs("  ", out);
	text_wrap(out, db_column(st, 3), column + 2, 4);
	fprintf(out, "    %-*s%s", TEXT_INDENT - 4, "certainty", db_column(st, 2));
	if (since >= 0)
		fprintf(out, ", since %s", plain_time(when, since));
	fputs(sqlite3_column_int(st, 16) ? "; part of the trace is lost here" : "", out);
	fputs(sqlite3_column_int(st, 19) ? "; known, by the baseline\n" : "\n", out);
	text_place(out, "at", st, 8);
	text_place(out, "born at", st, 12);
	text_field(out, "object", db_column(st, 17));
	text_field(out, "why", db_column(st, 4));
	text_field(out, "hint", db_column(st, 5));
	if (count > 8)
		snprintf(list, sizeof list, "%s (+%" PRId64 ")", db_column(st, 18), count - 8);
	else
		snprintf(list, sizeof list, "%s", db_column(st, 18));
	text_field(out, count == 1 ? "goroutine" : "goroutines", list);
}

static void text_note(FILE *out, sqlite3_stmt *st)
{
	fputs("note: ", out);
	text_wrap(out, db_column(st, 0), 6, 6);
}

/* "2 findings suppressed", if there are any. */
static void text_hidden(FILE *out, int64_t n, const char *how)
{
	if (n)
		fprintf(out, "%" PRId64 " finding%s %s\n", n, n == 1 ? "" : "s", how);
}

static void text_problems(FILE *out, sqlite3_stmt *st)
{
	int64_t n = sqlite3_column_int64(st, 0), known = sqlite3_column_int64(st, 1);

	if (n == 0)
		fprintf(out, "\nno %sproblems", known ? "new " : "");
	else
		fprintf(out, "\n%" PRId64 "%s problem%s", n, known ? " new" : "", n == 1 ? "" : "s");
	if (known)
		fprintf(out, ", %" PRId64 " known by the baseline", known);
	fputc('\n', out);
	text_hidden(out, sqlite3_column_int64(st, 2), "suppressed");
	text_hidden(out, sqlite3_column_int64(st, 3), "left out");
}

/* "14.2 s chan receive pool.c:55 (idle, 32 goroutines: normal)" */
static void text_wait(FILE *out, sqlite3_stmt *st, bool first)
{
	char time[32];
	int column = TEXT_INDENT;

	fprintf(out, "%s%-*s", first ? "\n" : "", TEXT_INDENT, first ? "slowest waits" : "");
	column += fprintf(out, "%s ", plain_time(time, sqlite3_column_int64(st, 0)));
	text_wrap(out, db_column(st, 1), column, TEXT_INDENT);
}

static int text_chart(sqlite3 *db, FILE *out, sqlite3_stmt *st)
{
	const struct text_plot plot = {
		.end_ns = sqlite3_column_int64(st, 4),
		.peak = sqlite3_column_int64(st, 15),
		.peak_ns = sqlite3_column_int64(st, 16),
		.left = sqlite3_column_int64(st, 27) + sqlite3_column_int64(st, 13) -
	            sqlite3_column_int64(st, 14),
	};

	return text_plot(db, out, &plot);
}

/** The parts of the report, as text.sql names them. */
enum text_part { TEXT_TRACE, TEXT_PROBLEMS, TEXT_FINDINGS, TEXT_NOTES, TEXT_WAITS, TEXT_PARTS };

static int text_row(sqlite3 *db, FILE *out, sqlite3_stmt *st, enum text_part part, bool first,
                    bool colour)
{
	switch (part) {
	case TEXT_TRACE:
		text_header(out, st);
		return text_chart(db, out, st);
	case TEXT_PROBLEMS:
		text_problems(out, st);
		break;
	case TEXT_FINDINGS:
		text_finding(out, st, colour);
		break;
	case TEXT_NOTES:
		fputs(first ? "\n" : "", out);
		text_note(out, st);
		break;
	default:
		text_wait(out, st, first);
		break;
	}
	return SQLITE_OK;
}

int report_text(sqlite3 *db, FILE *out, bool colour)
{
	static const char *const names[TEXT_PARTS] = {"trace", "problems", "findings", "notes",
	                                              "waits"};
	int fails = 0, err = SQLITE_OK;

	for (int part = 0; part < TEXT_PARTS && err == SQLITE_OK; part++) {
		sqlite3_stmt *st;
		bool first = true;

		err = db_prepare(db, "sql/report/text.sql", names[part], &st);
		while (err == SQLITE_OK && (err = sqlite3_step(st)) == SQLITE_ROW) {
			err = text_row(db, out, st, (enum text_part)part, first, colour);
			first = false;
		}
		sqlite3_finalize(st);
		err = err == SQLITE_DONE ? SQLITE_OK : err;
	}
	if (err == SQLITE_OK)
		err = report_fails(db, &fails);
	if (err == SQLITE_OK)
		fprintf(out,
		        "\nverdict %s    more: gtrace goroutine | gtrace at | gtrace plot | report.html\n",
		        fails ? "FAIL" : "pass");
	return err;
}

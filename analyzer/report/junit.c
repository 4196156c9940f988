/* SPDX-License-Identifier: MIT */
/** junit.c: JUnit's XML: a case for each kind, a failure for each finding of it that counts. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "db.h"
#include "report/finding.h"
#include "report/report.h"

/* U+FFFE and U+FFFF are no characters of XML, nor are most control characters. */
static bool junit_is_no_character(const unsigned char *p)
{
	return (p[0] < 0x20 && p[0] != '\n' && p[0] != '\t') || p[0] == 0x7f ||
	       (p[0] == 0xc2 && p[1] < 0xa0) || (p[0] == 0xef && p[1] == 0xbf && p[2] >= 0xbe);
}

/* In an element or an attribute; what XML cannot say is shown as \xNN. */
static void junit_text(FILE *out, const char *text)
{
	for (const unsigned char *p = (const unsigned char *)text; *p; p++) {
		if (junit_is_no_character(p)) {
			size_t n = p[0] >= 0xe0 ? 3 : p[0] >= 0x80 ? 2 : 1;
			for (; n > 0; n--, p += n > 0)
				fprintf(out, "\\x%02x", *p);
		} else if (strchr("&<>\"'\n\t", *p)) {
			fprintf(out, "&#%d;", *p);
		} else {
			fputc(*p, out);
		}
	}
}

static void junit_line(FILE *out, const char *name, const char *text)
{
	if (!*text)
		return;
	fprintf(out, "%-12s", name);
	junit_text(out, text);
	fputc('\n', out);
}

static void junit_place(FILE *out, const char *name, const struct finding_place *p)
{
	if (!*p->file)
		return;
	fprintf(out, "%-12s", name);
	junit_text(out, p->file);
	fprintf(out, ":%" PRId64 "  ", p->line);
	junit_text(out, p->func);
	fputs("()  ", out);
	junit_text(out, p->text);
	fputc('\n', out);
}

static void junit_finding(FILE *out, const struct finding *f)
{
	junit_line(out, f->counts ? "" : finding_level(f), f->counts ? "" : f->title);
	junit_line(out, "certainty", f->certainty);
	junit_place(out, "at", &f->at);
	junit_place(out, "born at", &f->born);
	junit_line(out, "object", f->objects);
	junit_line(out, "why", f->why);
	junit_line(out, "hint", f->hint);
	junit_line(out, "goroutines", f->goroutines);
	junit_line(out, "fingerprint", f->fingerprint);
	junit_line(out, "known", f->known ? "yes, by the baseline" : "");
}

/* The findings of a kind: those that count as failures; or the others, in one system-out. */
static int junit_findings(sqlite3 *db, FILE *out, const char *kind, bool counts, int *n)
{
	struct findings all;
	struct finding f;
	int err = findings_open(&all, db);

	*n = 0;
	while (err == SQLITE_OK && (err = findings_next(&all, &f)) == SQLITE_ROW) {
		err = SQLITE_OK;
		if ((kind && strcmp(kind, f.kind) != 0) || f.counts != counts)
			continue;
		++*n;
		if (!out)
			continue;
		if (counts) {
			fputs("      <failure type=\"", out);
			junit_text(out, f.certainty);
			fputs("\" message=\"", out);
			junit_text(out, f.title);
			fputs("\">", out);
		} else {
			fputs(*n == 1 ? "      <system-out>" : "\n", out);
		}
		junit_finding(out, &f);
		fputs(counts ? "</failure>\n" : "", out);
	}
	if (out && !counts && *n)
		fputs("</system-out>\n", out);
	findings_close(&all);
	return err == SQLITE_DONE ? SQLITE_OK : err;
}

static int junit_case(sqlite3 *db, FILE *out, const char *kind)
{
	int n, err;

	fputs("    <testcase name=\"", out);
	junit_text(out, kind);
	fputs("\" classname=\"gtrace\" time=\"0\">\n", out);
	err = junit_findings(db, out, kind, true, &n);
	if (err == SQLITE_OK)
		err = junit_findings(db, out, kind, false, &n);
	fputs("    </testcase>\n", out);
	return err;
}

/* One turn over the kinds: how many there are and how many of them fail, or, with `out`, their
 * cases. */
static int junit_kinds(sqlite3 *db, FILE *out, const char *kinds, int *tests, int *failures)
{
	sqlite3_stmt *st;
	int n, err = db_prepare(db, "sql/report/shown.sql", "kinds", &st);

	if (err == SQLITE_OK)
		err = sqlite3_bind_text(st, 1, kinds, -1, SQLITE_STATIC);
	*tests = *failures = 0;
	while (err == SQLITE_OK && (err = sqlite3_step(st)) == SQLITE_ROW) {
		++*tests;
		err = out ? junit_case(db, out, db_column(st, 0))
		          : junit_findings(db, NULL, db_column(st, 0), true, &n);
		*failures += !out && n > 0;
	}
	sqlite3_finalize(st);
	return err == SQLITE_DONE ? SQLITE_OK : err;
}

struct junit {
	FILE *out;
	int tests, failures;
};

static int junit_head(void *arg, sqlite3_stmt *st)
{
	const struct junit *j = arg;
	FILE *out = j->out;
	double seconds = (double)sqlite3_column_int64(st, 2) / 1e9;

	fprintf(out,
	        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
	        "<testsuites name=\"gtrace\" tests=\"%d\" failures=\"%d\" errors=\"0\" time=\"%.6f\">\n"
	        "  <testsuite name=\"gtrace\" tests=\"%d\" failures=\"%d\" errors=\"0\" skipped=\"0\""
	        " time=\"%.6f\"",
	        j->tests, j->failures, seconds, j->tests, j->failures, seconds);
	if (*db_column(st, 3))
		fprintf(out, " timestamp=\"%s\"", db_column(st, 3));
	fputs(">\n    <properties>\n      <property name=\"trace\" value=\"", out);
	junit_text(out, db_column(st, 0));
	fputs("\"/>\n      <property name=\"program\" value=\"", out);
	junit_text(out, db_column(st, 1));
	fputs("\"/>\n    </properties>\n", out);
	return SQLITE_OK;
}

int report_junit(sqlite3 *db, FILE *out)
{
	char *kinds = finding_kinds();
	struct junit j = {.out = out};
	int err = kinds ? SQLITE_OK : SQLITE_NOMEM;

	if (err == SQLITE_OK)
		err = junit_kinds(db, NULL, kinds, &j.tests, &j.failures);
	if (err == SQLITE_OK)
		err = db_each(db, "sql/report/shown.sql", "trace", junit_head, &j);
	if (err == SQLITE_OK)
		err = junit_kinds(db, out, kinds, &j.tests, &j.failures);
	if (err == SQLITE_OK)
		fputs("  </testsuite>\n</testsuites>\n", out);
	free(kinds);
	return err;
}

/* SPDX-License-Identifier: MIT */
/** github.c: workflow commands that GitHub shows beside the lines of the sources. */
#include <inttypes.h>
#include <string.h>

#include "db.h"
#include "report/finding.h"
#include "report/report.h"

/* Bytes of `escape` are %XX; other control characters, which the log would obey, are shown. */
static void github_text(FILE *out, const char *text, const char *escape)
{
	for (const unsigned char *p = (const unsigned char *)text; *p; p++) {
		if (strchr(escape, *p))
			fprintf(out, "%%%02X", *p);
		else if (*p < 0x20 || *p == 0x7f)
			fprintf(out, "\\x%02x", *p);
		else if (p[0] == 0xc2 && p[1] < 0xa0)
			fprintf(out, "\\x%02x", *++p);
		else
			fputc(*p, out);
	}
}

static void github_data(FILE *out, const char *text)
{
	github_text(out, text, "%\r\n");
}

static void github_property(FILE *out, const char *text)
{
	github_text(out, text, "%\r\n:,");
}

static void github_line(FILE *out, const char *name, const char *text)
{
	if (!*text)
		return;
	fprintf(out, "%%0A%s", name);
	github_data(out, text);
}

static void github_born(FILE *out, const struct finding_place *born)
{
	if (!*born->file)
		return;
	fputs("%0Aborn at: ", out);
	github_data(out, born->file);
	fprintf(out, ":%" PRId64 " ", born->line);
	github_data(out, born->func);
}

static void github_finding(FILE *out, const struct finding *f)
{
	const struct finding_place *at = finding_where(f);
	const char *level = finding_level(f);

	fprintf(out, "::%s ", strcmp(level, "note") == 0 ? "notice" : level);
	if (*at->file) {
		fputs("file=", out);
		github_property(out, at->file);
		fputc(',', out);
	}
	if (*at->file && at->line > 0)
		fprintf(out, "line=%" PRId64 ",", at->line);
	fputs("title=", out);
	github_property(out, f->kind);
	fputs("::", out);
	github_data(out, f->title);
	github_line(out, "", f->why);
	github_line(out, "hint: ", f->hint);
	github_born(out, &f->born);
	github_line(out, "object: ", f->objects);
	github_line(out, "certainty: ", f->certainty);
	github_line(out, "fingerprint: ", f->fingerprint);
	fputs(f->known ? "%0Aknown: the baseline has it\n" : "\n", out);
}

int report_github(sqlite3 *db, FILE *out)
{
	struct findings all;
	struct finding f;
	int err = findings_open(&all, db);

	while (err == SQLITE_OK && (err = findings_next(&all, &f)) == SQLITE_ROW) {
		github_finding(out, &f);
		err = SQLITE_OK;
	}
	findings_close(&all);
	return err == SQLITE_DONE ? SQLITE_OK : err;
}

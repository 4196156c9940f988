/* SPDX-License-Identifier: MIT */
/** folded.c: stacks as flame graphs' programs read them: "outer;inner;[what it does] NUMBER". */
#include <inttypes.h>
#include <stdbool.h>
#include <string.h>

#include "db.h"
#include "export/export.h"
#include "export/stack.h"
#include "plain.h"

struct folded {
	FILE *out;
	bool count; // or time
};

/* A semicolon would begin another frame. */
static void folded_text(FILE *out, const char *text)
{
	while (*text) {
		size_t n = strcspn(text, ";");
		plain_bytes(out, text, n);
		text += n;
		if (*text) {
			fputs("\\x3b", out);
			text++;
		}
	}
}

static int folded_row(void *arg, sqlite3_stmt *st)
{
	const struct folded *f = arg;
	struct stack s;

	stack_read(&s, st);
	for (int i = s.frames - 1; i >= 0; i--) {
		folded_text(f->out, s.frame[i].func);
		if (*s.frame[i].file) {
			fputs(" (", f->out);
			folded_text(f->out, s.frame[i].file);
			fprintf(f->out, ":%" PRId64 ")", s.frame[i].line);
		}
		fputc(';', f->out);
	}
	fputc('[', f->out);
	folded_text(f->out, *s.state ? s.state : "?");
	fprintf(f->out, "] %" PRId64 "\n", f->count ? s.count : s.ns);
	return SQLITE_OK;
}

int export_folded(sqlite3 *db, FILE *out, const char *profile)
{
	const struct stack_profile *kind = stack_profile(profile);

	if (!kind)
		return SQLITE_NOTFOUND;
	struct folded f = {out, strcmp(kind->shown, kind->count) == 0};

	return db_each(db, "sql/export/stacks.sql", kind->name, folded_row, &f);
}

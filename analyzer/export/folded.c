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
	struct stack_reader stacks;
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
	struct folded *f = arg;
	struct stack s;
	int err = stack_read(&f->stacks, &s, st);

	if (err != SQLITE_OK)
		return err;
	for (size_t i = s.frames; i-- > 0;) {
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
	struct folded f = {.out = out, .count = strcmp(kind->shown, kind->count) == 0};
	int err = stack_open(&f.stacks, db);

	if (err == SQLITE_OK)
		err = db_each(db, "sql/export/stacks.sql", kind->name, folded_row, &f);
	stack_close(&f.stacks);
	return err;
}

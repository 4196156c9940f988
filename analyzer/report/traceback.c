/* SPDX-License-Identifier: MIT */
/** traceback.c: goroutines in the form of Go's tracebacks, as the runtime itself does it:
 * runtime/dump.c. */
#include "report/traceback.h"

#include <inttypes.h>
#include <stdint.h>

#include "db.h"
#include "plain.h"

static void traceback_frame(FILE *out, const char *func, const char *file, int64_t line)
{
	plain_text(out, func);
	fputs("(...)\n\t", out);
	plain_text(out, *file ? file : "??");
	fprintf(out, ":%" PRId64 "\n", line);
}

int traceback_open(struct traceback *t, sqlite3 *db, FILE *out)
{
	*t = (struct traceback){.out = out};
	return db_prepare(db, "sql/show/at.sql", "callers", &t->frames);
}

void traceback_close(struct traceback *t)
{
	sqlite3_finalize(t->frames);
}

/* Who called the function of the row's place. */
static int traceback_callers(struct traceback *t, sqlite3_stmt *st)
{
	int err = sqlite3_bind_int64(t->frames, 1, sqlite3_column_int64(st, 0));

	if (err == SQLITE_OK)
		err = sqlite3_bind_int64(t->frames, 2, sqlite3_column_int64(st, 12));
	if (err == SQLITE_OK)
		err = sqlite3_bind_text(t->frames, 3, db_column(st, 4), -1, SQLITE_STATIC);
	while (err == SQLITE_OK && (err = sqlite3_step(t->frames)) == SQLITE_ROW) {
		traceback_frame(t->out, db_column(t->frames, 0), db_column(t->frames, 1),
		                sqlite3_column_int64(t->frames, 2));
		err = SQLITE_OK;
	}
	sqlite3_reset(t->frames);
	return err == SQLITE_DONE ? SQLITE_OK : err;
}

int traceback_goroutine(struct traceback *t, sqlite3_stmt *st)
{
	FILE *out = t->out;
	int err = SQLITE_OK;
	int64_t minutes = sqlite3_column_int64(st, 2);
	const char *entry = db_column(st, 7);

	fprintf(out, "goroutine %s [%s", db_column(st, 0), db_column(st, 1));
	if (minutes > 0)
		fprintf(out, ", %" PRId64 " minutes", minutes);
	fputs(sqlite3_column_int(st, 3) ? ", locked to thread]:\n" : "]:\n", out);
	if (*db_column(st, 4))
		traceback_frame(out, db_column(st, 4), db_column(st, 5), sqlite3_column_int64(st, 6));
	else
		traceback_frame(out, *entry ? entry : "??", "", 0);
	if (*db_column(st, 4))
		err = traceback_callers(t, st);
	if (sqlite3_column_int64(st, 8)) {
		fputs("created by ", out);
		plain_text(out, db_column(st, 9));
		fprintf(out, " in goroutine %s\n\t", db_column(st, 8));
		plain_text(out, db_column(st, 10));
		fprintf(out, ":%s\n", db_column(st, 11));
	}
	putc('\n', out);
	return err;
}

/* SPDX-License-Identifier: MIT */
/** traceback.c: a goroutine in the form of Go's tracebacks, as the runtime itself does it:
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

void traceback_goroutine(FILE *out, sqlite3_stmt *st)
{
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
	if (sqlite3_column_int64(st, 8)) {
		fputs("created by ", out);
		plain_text(out, db_column(st, 9));
		fprintf(out, " in goroutine %s\n\t", db_column(st, 8));
		plain_text(out, db_column(st, 10));
		fprintf(out, ":%s\n", db_column(st, 11));
	}
	putc('\n', out);
}

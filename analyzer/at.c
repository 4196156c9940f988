/* SPDX-License-Identifier: MIT */
/** at.c: the verb at: all goroutines at a moment, in the form of Go's tracebacks. */
#include <inttypes.h>
#include <stdio.h>

#include <gtrace.h>

#include "cmd.h"
#include "db.h"
#include "load/load.h"
#include "plain.h"
#include "report/traceback.h"
#include "talk.h"

/* Call row for each row of a statement about that moment.  Returns: how many, or -1 after talk().
 */
static int64_t at_each(sqlite3 *db, const char *name, int64_t ts_ns,
                       int (*row)(struct traceback *t, sqlite3_stmt *st))
{
	struct traceback t;
	sqlite3_stmt *st;
	int err = db_prepare(db, "sql/show/at.sql", name, &st);
	int64_t rows = 0;

	if (err == SQLITE_OK)
		err = traceback_open(&t, db, stdout);
	else
		t = (struct traceback){.out = stdout};
	if (err == SQLITE_OK)
		err = sqlite3_bind_int64(st, 1, ts_ns);
	for (; err == SQLITE_OK && (err = sqlite3_step(st)) == SQLITE_ROW; rows++) {
		err = row(&t, st);
		if (err != SQLITE_OK)
			break;
	}
	traceback_close(&t);
	sqlite3_finalize(st);
	if (err == SQLITE_DONE)
		return rows;
	talk("cannot read the database: %s", sqlite3_errmsg(db));
	return -1;
}

static int at_gap(struct traceback *t, sqlite3_stmt *st)
{
	char from[32], to[32];

	talk_warn("events of thread %s are missing from %s to %s: some of this may be older",
	          db_column(st, 0), plain_time(from, sqlite3_column_int64(st, 1)),
	          plain_time(to, sqlite3_column_int64(st, 2)));
	(void)t;
	return SQLITE_OK;
}

static int at_show(sqlite3 *db, int64_t ts_ns)
{
	int64_t end_ns = 0;
	char time[32];

	if (db_number(db, "sql/show/at.sql", "end", &end_ns) != SQLITE_OK) {
		talk("cannot read the database: %s", sqlite3_errmsg(db));
		return CMD_INPUT;
	}
	if (ts_ns > end_ns) {
		talk("the trace ends at %" PRId64 " ns (%s)", end_ns, plain_time(time, end_ns));
		return CMD_USAGE;
	}
	int64_t rows = at_each(db, "goroutines", ts_ns, traceback_goroutine);

	if (rows == 0)
		talk("no goroutine is alive then");
	return rows < 0 || at_each(db, "gaps", ts_ns, at_gap) < 0 ? CMD_INPUT : CMD_CLEAN;
}

static int at_run(void *args, int nwords, char **words)
{
	struct gtrace_error error;
	int64_t ts_ns;
	sqlite3 *db;

	(void)args;
	(void)nwords;
	if (gtrace_parse_duration(words[1], &ts_ns) < 0 || ts_ns < 0) {
		talk("'%s' is not a time since the start, such as 21.5ms or 1s", words[1]);
		return CMD_USAGE;
	}
	if (load_open(&db, words[0], &error) < 0) {
		talk("%s", error.text);
		return CMD_INPUT;
	}
	int code = at_show(db, ts_ns);

	sqlite3_close(db);
	return code;
}

const struct cmd cmd_at = {
	.name = "at",
	.args = "TRACE|DB TIME",
	.brief = "print what all goroutines did at a moment, as Go's dumps do",
	.examples =
		"  gtrace at run.gtrace 21.5ms\n"
		"  gtrace at run.report/trace.db 21253767      nanoseconds, as gtrace dump prints them\n",
	.words_min = 2,
	.words_max = 2,
	.run = at_run,
};

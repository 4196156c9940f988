/* SPDX-License-Identifier: MIT */
/** triage.c: which findings count for the exit status, and which are reported. */
#include "triage/triage.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <gtrace.h>

#include "cmd.h"
#include "db.h"
#include "talk.h"
#include "triage/baseline.h"
#include "triage/suppress.h"

static const char sql[] = "sql/triage.sql";

struct triage {
	const struct triage_options *opt;
	struct baseline baseline;
	struct suppressions suppressions;
	int64_t until_ns;  // less than 0: no limit
	int64_t goroutine; // 0: any
};

static int triage_numbers(struct triage *t)
{
	const char *until = t->opt->until, *g = t->opt->goroutine;
	char *end = NULL;

	t->until_ns = -1;
	if (until && gtrace_parse_duration(until, &t->until_ns) < 0) {
		talk("--until wants a duration such as 10ms or 1s, not '%s'", until);
		return CMD_USAGE;
	}
	errno = 0;
	if (g)
		t->goroutine = strtoll(g, &end, 10);
	if (g && (end == g || *end || errno || t->goroutine <= 0)) {
		talk("--goroutine wants the number of one, not '%s'", g);
		return CMD_USAGE;
	}
	return 0;
}

int triage_open(struct triage **out, const struct triage_options *opt)
{
	struct triage *t = calloc(1, sizeof *t);
	int code = t ? 0 : CMD_INPUT;

	*out = NULL;
	if (!t) {
		talk("out of memory");
		return code;
	}
	t->opt = opt;
	code = triage_numbers(t);
	if (!code && opt->baseline)
		code = baseline_read(&t->baseline, opt->baseline);
	if (!code && opt->suppress)
		code = suppress_read(&t->suppressions, opt->suppress);
	if (code)
		triage_close(t);
	else
		*out = t;
	return code;
}

int triage_least(const char *fail_on)
{
	static const char *const words[] = {"", "suspect", "probable", "proven", "never"};

	for (int i = 1; fail_on && i < 5; i++) {
		if (strcmp(fail_on, words[i]) == 0)
			return i;
	}
	return 2;
}

static int triage_count(struct triage *t, sqlite3 *db)
{
	sqlite3_stmt *st;
	int err = db_prepare(db, sql, "counts", &st);

	if (err == SQLITE_OK)
		err = DB_ROW(st, db_int(triage_least(t->opt->fail_on)));
	sqlite3_finalize(st);
	return err;
}

static int triage_filter(struct triage *t, sqlite3 *db)
{
	sqlite3_stmt *st;
	int err = db_prepare(db, sql, "filter", &st);

	if (err == SQLITE_OK)
		err = DB_ROW(st, db_int(t->opt->since_ns), db_time(t->until_ns),
		             db_int(t->opt->min_wait_ns), db_id((uint64_t)t->goroutine));
	sqlite3_finalize(st);
	return err;
}

static int triage_number(sqlite3 *db)
{
	sqlite3_stmt *st;
	int err = db_prepare(db, sql, "number", &st);

	if (err == SQLITE_OK)
		err = db_row(st, 0, NULL);
	sqlite3_finalize(st);
	return err;
}

static int triage_steps(struct triage *t, sqlite3 *db)
{
	int err = sqlite3_exec(db, "BEGIN", NULL, NULL, NULL);

	if (err == SQLITE_OK && t->opt->baseline)
		err = baseline_apply(&t->baseline, db);
	if (err == SQLITE_OK && t->opt->suppress)
		err = suppress_apply(&t->suppressions, db);
	if (err == SQLITE_OK)
		err = triage_filter(t, db);
	if (err == SQLITE_OK)
		err = triage_count(t, db);
	if (err == SQLITE_OK)
		err = triage_number(db);
	if (err == SQLITE_OK)
		err = sqlite3_exec(db, "COMMIT", NULL, NULL, NULL);
	return err;
}

int triage_apply(struct triage *t, sqlite3 *db)
{
	if (triage_steps(t, db) != SQLITE_OK) {
		talk("cannot sort the findings: %s", sqlite3_errmsg(db));
		return -1;
	}
	return t->opt->write_baseline ? baseline_write(db, t->opt->write_baseline) : 0;
}

void triage_close(struct triage *t)
{
	if (!t)
		return;
	baseline_release(&t->baseline);
	suppress_release(&t->suppressions);
	free(t);
}

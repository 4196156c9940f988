/* SPDX-License-Identifier: MIT */
/** stats.c: what an agent's JSON says. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <gtrace.h>

#include "db.h"
#include "live/rows.h"
#include "talk.h"

int live_rows(const char *json, const char *name, void (*row)(void *arg, sqlite3_stmt *st),
              void *arg)
{
	sqlite3 *db;
	sqlite3_stmt *st = NULL;
	int err = sqlite3_open(":memory:", &db), rows = 0;

	if (err == SQLITE_OK)
		err = db_prepare(db, "sql/live/live.sql", name, &st);
	if (err == SQLITE_OK)
		err = sqlite3_bind_text(st, 1, json, -1, SQLITE_STATIC);
	while (err == SQLITE_OK && (err = sqlite3_step(st)) == SQLITE_ROW) {
		row(arg, st);
		rows++;
		err = SQLITE_OK;
	}
	sqlite3_finalize(st);
	sqlite3_close(db);
	return err == SQLITE_DONE ? rows : -1;
}

static void stats_row(void *arg, sqlite3_stmt *st)
{
	struct live_stats *s = arg;

	snprintf(s->version, sizeof s->version, "%s", db_column(st, 0));
	snprintf(s->program, sizeof s->program, "%s", db_column(st, 1));
	snprintf(s->recording, sizeof s->recording, "%s", db_column(st, 2));
	s->goroutines = sqlite3_column_int64(st, 3);
	s->blocked = sqlite3_column_int64(st, 4);
	s->threads = sqlite3_column_int64(st, 5);
	s->procs = sqlite3_column_int64(st, 6);
	s->cpus = sqlite3_column_int64(st, 7);
	s->elapsed_ns = sqlite3_column_int64(st, 8);
	s->cpu_ns = sqlite3_column_int64(st, 9);
	s->rss_bytes = sqlite3_column_int64(st, 10);
}

int live_stats_read(const char *json, struct live_stats *s)
{
	return live_rows(json, "stats", stats_row, s) == 1 ? 0 : LIVE_EBADANSWER;
}

int live_stats(int64_t pid, int64_t timeout_ns, struct live_stats *s)
{
	struct live_answer a;
	int err = live_get(pid, "/debug/gtrace/stats", timeout_ns, &a);

	*s = (struct live_stats){.pid = pid};
	if (!err)
		err = live_stats_read(a.body, s);
	free(a.body);
	return err;
}

void live_version_check(const struct live_stats *s)
{
	if (strcmp(s->version, GTRACE_VERSION) != 0)
		talk_warn("process %lld has version %s of the library, this is %s", (long long)s->pid,
		          s->version, GTRACE_VERSION);
}

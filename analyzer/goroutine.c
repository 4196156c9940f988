/* SPDX-License-Identifier: MIT */
/** goroutine.c: the verb goroutine: the life of one: whence it came, what it did, who woke it. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "cmd.h"
#include "db.h"
#include "load/load.h"
#include "plain.h"
#include "talk.h"

struct goroutine_args {
	int64_t since_ns, until_ns; // until 0: to the end
};

/** What is asked for, and what was shown. */
struct life {
	sqlite3 *db;
	int64_t g, since_ns, until_ns;
	size_t rows;
};

/* Call row for each row of a statement about the goroutine; life.rows counts them. */
static int life_each(struct life *l, const char *name,
                     void (*row)(struct life *l, sqlite3_stmt *st))
{
	sqlite3_stmt *st;
	int err = db_prepare(l->db, "sql/show/goroutine.sql", name, &st);
	const int64_t values[] = {l->g, l->since_ns, l->until_ns}; // ?1, ?2, ?3

	for (int i = 0; err == SQLITE_OK && i < 3 && i < sqlite3_bind_parameter_count(st); i++)
		err = sqlite3_bind_int64(st, i + 1, values[i]);
	for (l->rows = 0; err == SQLITE_OK && (err = sqlite3_step(st)) == SQLITE_ROW; l->rows++) {
		row(l, st);
		err = SQLITE_OK;
	}
	sqlite3_finalize(st);
	return err == SQLITE_DONE ? SQLITE_OK : err;
}

/* "a.c:5", from column i on. */
static void life_place(sqlite3_stmt *st, int i)
{
	plain_text(stdout, db_column(st, i));
	printf(":%" PRId64, (int64_t)sqlite3_column_int64(st, i + 1));
}

static void life_head(struct life *l, sqlite3_stmt *st)
{
	int64_t ended_ns = sqlite3_column_int64(st, 2), children = sqlite3_column_int64(st, 5);
	char time[32];

	(void)l;
	plain_text(stdout, db_column(st, 0));
	printf("\n  born        %s%s\n", sqlite3_column_int(st, 6) ? "before " : "",
	       plain_time(time, sqlite3_column_int64(st, 1)));
	if (ended_ns >= 0)
		printf("  ended       %s\n", plain_time(time, ended_ns));
	else
		printf("  ended       not before the end of the trace, %s\n",
		       plain_time(time, sqlite3_column_int64(st, 4)));
	if (sqlite3_column_int64(st, 3))
		printf("  is          thread %" PRId64 ", which the program made\n",
		       (int64_t)sqlite3_column_int64(st, 3));
	if (children)
		printf("  spawned     %" PRId64 " goroutine%s\n", children, children == 1 ? "" : "s");
}

static void life_parent(struct life *l, sqlite3_stmt *st)
{
	bool known = *db_column(st, 0) != '\0';

	fputs(l->rows ? "    and that  " : "  spawned by  ", stdout);
	plain_text(stdout, known ? db_column(st, 0) : "no goroutine");
	if (*db_column(st, 1)) {
		fputs(", ", stdout);
		life_place(st, 1);
		putchar(' ');
		plain_text(stdout, db_column(st, 3));
		fputs("()", stdout);
	}
	putchar('\n');
}

static void life_sum(struct life *l, sqlite3_stmt *st)
{
	int64_t count = sqlite3_column_int64(st, 1);
	char time[32];

	(void)l;
	printf("  %-11s %s in %" PRId64 " stretch%s\n", db_column(st, 0),
	       plain_time(time, sqlite3_column_int64(st, 2)), count, count == 1 ? "" : "es");
}

static void life_finding(struct life *l, sqlite3_stmt *st)
{
	(void)l;
	printf("  finding     %s %s  ", db_column(st, 0), db_column(st, 1));
	plain_text(stdout, db_column(st, 2));
	putchar('\n');
}

static void life_hold(struct life *l, sqlite3_stmt *st)
{
	char time[32];

	(void)l;
	printf("  holds       %s \"", db_column(st, 0));
	plain_text(stdout, db_column(st, 1));
	putchar('"');
	if (*db_column(st, 2)) {
		fputs(" taken at ", stdout);
		life_place(st, 2);
	}
	printf(", since %s\n", plain_time(time, sqlite3_column_int64(st, 4)));
}

/* A line: from when, for how long, what, where, and how it ended. */
static void life_interval(struct life *l, sqlite3_stmt *st)
{
	char time[32];

	if (l->rows == 0)
		printf("\n  %16s  %10s\n", "from (ms)", "for");
	printf("  %16.6f  %10s  %s", (double)sqlite3_column_int64(st, 0) / 1e6,
	       plain_time(time, sqlite3_column_int64(st, 1)), db_column(st, 2));
	if (*db_column(st, 3)) {
		fputs(" \"", stdout);
		plain_text(stdout, db_column(st, 3));
		putchar('"');
	}
	if (*db_column(st, 4)) {
		fputs(" at ", stdout);
		life_place(st, 4);
		putchar(' ');
		plain_text(stdout, db_column(st, 6));
		fputs("()", stdout);
	}
	if (sqlite3_column_int64(st, 7))
		printf(" on thread %" PRId64, (int64_t)sqlite3_column_int64(st, 7));
	if (*db_column(st, 8)) {
		fputs(", woken by ", stdout);
		plain_text(stdout, db_column(st, 8));
	}
	puts(sqlite3_column_int(st, 9) ? ", still so at the end" : "");
}

/* Which numbers there are. */
static void life_unknown(struct life *l, sqlite3_stmt *st)
{
	talk("there is no goroutine %" PRId64 ": the trace has %s of them, from %s to %s", l->g,
	     db_column(st, 0), db_column(st, 1), db_column(st, 2));
}

static int life_show(struct life *l)
{
	static const struct {
		const char *name;
		void (*row)(struct life *l, sqlite3_stmt *st);
	} parts[] = {
		{"chain", life_parent},     {"sums", life_sum},           {"holds", life_hold},
		{"findings", life_finding}, {"intervals", life_interval},
	};
	int err = life_each(l, "life", life_head);

	if (err == SQLITE_OK && l->rows == 0) {
		life_each(l, "count", life_unknown);
		return CMD_INPUT;
	}
	for (size_t i = 0; i < sizeof parts / sizeof parts[0] && err == SQLITE_OK; i++)
		err = life_each(l, parts[i].name, parts[i].row);
	if (err == SQLITE_OK)
		return CMD_CLEAN;
	talk("cannot read the database: %s", sqlite3_errmsg(l->db));
	return CMD_INPUT;
}

static int goroutine_run(void *verb_args, int nwords, char **words)
{
	const struct goroutine_args *args = verb_args;
	const char *word = words[1];
	struct gtrace_error error;
	char *end;

	(void)nwords;
	word += *word == 'g'; // as dump writes it
	errno = 0;
	struct life l = {.g = strtoll(word, &end, 10), .since_ns = args->since_ns};

	l.until_ns = args->until_ns ? args->until_ns : INT64_MAX;
	if (end == word || *end || errno || l.g <= 0) {
		talk("'%s' is not the number of a goroutine", words[1]);
		return CMD_USAGE;
	}
	if (load_open(&l.db, words[0], &error) < 0) {
		talk("%s", error.text);
		return CMD_INPUT;
	}
	int code = life_show(&l);

	sqlite3_close(l.db);
	return code;
}

static const struct opt goroutine_opts[] = {
	OPT_DURATION("since", 0, struct goroutine_args, since_ns, "leave out what was over by then"),
	OPT_DURATION("until", 0, struct goroutine_args, until_ns, "leave out what began after that"),
	OPT_END};

const struct cmd cmd_goroutine = {
	.name = "goroutine",
	.args = "[--since DUR] [--until DUR] TRACE|DB ID",
	.brief = "tell the life of a goroutine: who spawned it, what it did, who woke it",
	.examples = "  gtrace goroutine run.gtrace 4\n"
				"  gtrace goroutine --since 21ms --until 22ms run.report/trace.db 4\n",
	.opts = goroutine_opts,
	.args_bytes = sizeof(struct goroutine_args),
	.words_min = 2,
	.words_max = 2,
	.run = goroutine_run,
};

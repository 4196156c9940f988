/* SPDX-License-Identifier: MIT */
/** diff.c: the verb diff: what two runs of a program did differently, by where goroutines are
 * spawned. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cmd.h"
#include "db.h"
#include "load/load.h"
#include "report/diff.h"
#include "talk.h"

struct diff_args {
	const char *format;
	const char *threshold, *min_count, *min_time;
};

struct diff_noise {
	double share;
	int64_t min_count, min_ns;
};

/* "10%" or "10". */
static int noise_share(const char *text, double *share)
{
	char *end = NULL;
	double percent = strtod(text, &end);

	if (end == text || strcmp(*end == '%' ? end + 1 : end, "") != 0 || !(percent >= 0) ||
	    percent > 1e6) {
		talk("--threshold wants a share such as 10%%, not '%s'", text);
		return -EINVAL;
	}
	*share = percent / 100;
	return 0;
}

static int noise_count(const char *text, int64_t *count)
{
	char *end = NULL;

	errno = 0;
	*count = strtoll(text, &end, 10);
	if (end != text && !*end && !errno && *count >= 0)
		return 0;
	talk("--min-count wants a number, not '%s'", text);
	return -EINVAL;
}

static int noise_parse(struct diff_noise *noise, const struct diff_args *args)
{
	if (args->threshold && noise_share(args->threshold, &noise->share) < 0)
		return -EINVAL;
	if (args->min_count && noise_count(args->min_count, &noise->min_count) < 0)
		return -EINVAL;
	if (args->min_time && gtrace_parse_duration(args->min_time, &noise->min_ns) < 0) {
		talk("--min-time wants a duration such as 10ms or 1s, not '%s'", args->min_time);
		return -EINVAL;
	}
	return 0;
}

struct diff_side {
	sqlite3 *db;
	const char *path;
	int number; // 0 is A
};

/* The rows of a statement on one trace, with its number before them, into a table of both. */
static int diff_copy(const struct diff_side *side, const char *ask, sqlite3 *both, const char *put)
{
	sqlite3_stmt *in = NULL, *out = NULL;
	int err = db_prepare(side->db, "sql/diff/side.sql", ask, &in), failed = SQLITE_OK;

	if (err == SQLITE_OK)
		failed = db_prepare(both, "sql/diff/report.sql", put, &out);
	while (err == SQLITE_OK && failed == SQLITE_OK && (err = sqlite3_step(in)) == SQLITE_ROW) {
		err = sqlite3_bind_int(out, 1, side->number);
		for (int i = 0; i < sqlite3_column_count(in); i++)
			sqlite3_bind_value(out, i + 2, sqlite3_column_value(in, i));
		sqlite3_step(out);
		failed = sqlite3_reset(out);
	}
	if (failed != SQLITE_OK)
		talk("cannot compare: %s", sqlite3_errmsg(both));
	else if (err != SQLITE_DONE)
		talk("cannot compare '%s': %s", side->path, sqlite3_errmsg(side->db));
	sqlite3_finalize(in);
	sqlite3_finalize(out);
	return failed == SQLITE_OK && err == SQLITE_DONE ? 0 : -EIO;
}

static int diff_load(sqlite3 *both, const char *path, int number)
{
	struct diff_side side = {.path = path, .number = number};
	struct gtrace_error error;

	if (load_open(&side.db, path, &error) < 0) {
		talk("%s", error.text);
		return -EIO;
	}
	int err = diff_copy(&side, "trace", both, "trace_put");

	if (!err)
		err = diff_copy(&side, "sites", both, "site_put");
	if (!err)
		err = diff_copy(&side, "findings", both, "found_put");
	sqlite3_close(side.db);
	return err;
}

/* Tables in memory, and what is noise. */
static int diff_begin(sqlite3 **both, const struct diff_noise *noise)
{
	sqlite3_stmt *st = NULL;
	int err = sqlite3_open(":memory:", both);

	if (err == SQLITE_OK)
		err = db_run_asset(*both, "sql/diff/tables.sql");
	if (err == SQLITE_OK)
		err = db_prepare(*both, "sql/diff/report.sql", "noise_put", &st);
	if (err == SQLITE_OK)
		err = DB_ROW(st, db_int((int64_t)(noise->share * 1e9)), db_int(noise->min_count),
		             db_int(noise->min_ns));
	sqlite3_finalize(st);
	if (err == SQLITE_OK)
		return 0;
	talk("cannot compare: %s", sqlite3_errmsg(*both));
	return -EIO;
}

static int diff_print(sqlite3 *both, const char *format)
{
	bool json = format && strcmp(format, "json") == 0;
	int64_t worse = 0;
	int err = json ? diff_json(both, stdout) : diff_text(both, stdout);

	if (err == SQLITE_OK)
		err = db_number(both, "sql/diff/report.sql", "worse", &worse);
	if (err != SQLITE_OK) {
		talk("cannot report: %s", sqlite3_errmsg(both));
		return CMD_INPUT;
	}
	return worse ? CMD_FOUND : CMD_CLEAN;
}

static int diff_run(void *verb_args, int nwords, char **words)
{
	const struct diff_args *args = verb_args;
	struct diff_noise noise = {.share = 0.1, .min_count = 2, .min_ns = 1000000};
	sqlite3 *both = NULL;
	int code = CMD_INPUT;

	(void)nwords;
	if (noise_parse(&noise, args) < 0)
		return CMD_USAGE;
	if (strcmp(words[0], "-") == 0 && strcmp(words[1], "-") == 0) {
		talk("only one of both can come from standard input");
		return CMD_USAGE;
	}
	if (diff_begin(&both, &noise) == 0 && diff_load(both, words[0], 0) == 0 &&
	    diff_load(both, words[1], 1) == 0)
		code = diff_print(both, args->format);
	sqlite3_close(both);
	return code;
}

static const struct opt diff_opts[] = {
	OPT_WORD("format", 0, struct diff_args, format, "text|json", "what to print"),
	OPT_TEXT("threshold", 0, struct diff_args, threshold, "N%", "smaller changes are noise (10%)"),
	OPT_TEXT("min-count", 0, struct diff_args, min_count, "N",
             "so are those of fewer goroutines (2)"),
	OPT_TEXT("min-time", 0, struct diff_args, min_time, "DUR", "and those of less time (1ms)"),
	OPT_END};

const struct cmd cmd_diff = {
	.name = "diff",
	.args = "[--threshold N%] [--format text|json] A B",
	.brief = "compare two runs: is the second one worse?",
	.examples =
		"  gtrace diff before.gtrace after.gtrace\n"
		"  gtrace diff --threshold 50% old.report/trace.db new.gtrace\n"
		"\n"
		"exit status: 1 if more goroutines are there, if they wait longer, or if a finding is new\n"
		"\n",
	.opts = diff_opts,
	.args_bytes = sizeof(struct diff_args),
	.words_min = 2,
	.words_max = 2,
	.run = diff_run,
};

/* SPDX-License-Identifier: MIT */
/** export.c: the verb export: a trace in the formats of other programs. */
#include "export/export.h"

#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd.h"
#include "load/load.h"
#include "plot/outfile.h"
#include "talk.h"

#define FORMATS "pprof|folded|csv|dot|perfetto"

struct export_args {
	const char *to, *profile, *path;
};

static int export_format(sqlite3 *db, FILE *out, const struct export_args *args)
{
	const char *profile = args->profile ? args->profile : "goroutine";

	if (strcmp(args->to, "pprof") == 0)
		return export_pprof(db, out, profile);
	if (strcmp(args->to, "folded") == 0)
		return export_folded(db, out, profile);
	if (strcmp(args->to, "perfetto") == 0)
		return export_perfetto(db, out);
	return export_dot(db, out);
}

static int export_failed(sqlite3 *db, int err)
{
	if (err == SQLITE_OK)
		return CMD_CLEAN;
	if (err == SQLITE_FULL)
		talk("cannot write all of it");
	else if (err == SQLITE_NOMEM)
		talk("out of memory");
	else
		talk("cannot export: %s", sqlite3_errmsg(db));
	return CMD_INPUT;
}

/* What is there and is no regular file, a pipe or a device, is written as it is. */
static int export_special(sqlite3 *db, const struct export_args *args)
{
	FILE *out = fopen(args->path, "we");

	if (!out) {
		talk("cannot write '%s': %s", args->path, strerror(errno));
		return CMD_INPUT;
	}
	int err = export_format(db, out, args);

	if (fclose(out) != 0 && err == SQLITE_OK)
		err = SQLITE_FULL;
	return export_failed(db, err);
}

/* A file that is there whole, or not at all. */
static int export_file(sqlite3 *db, const struct export_args *args)
{
	char dir[PATH_MAX], name[PATH_MAX];
	struct outfile out;
	struct stat st;

	if (stat(args->path, &st) == 0 && !S_ISREG(st.st_mode))
		return export_special(db, args);
	snprintf(dir, sizeof dir, "%s", args->path);
	snprintf(name, sizeof name, "%s", args->path);
	if (outfile_open(&out, dirname(dir), basename(name)) < 0)
		return CMD_INPUT;
	int err = export_format(db, out.file, args);

	if (outfile_close(&out, err == SQLITE_OK ? 0 : -EIO) < 0 && err == SQLITE_OK)
		return CMD_INPUT;
	return export_failed(db, err);
}

/* A folder of files, made if it is not there. */
static int export_folder(sqlite3 *db, const struct export_args *args)
{
	if (mkdir(args->path, 0777) < 0 && errno != EEXIST) {
		talk("cannot make the folder '%s': %s", args->path, strerror(errno));
		return CMD_INPUT;
	}
	int err = export_csv(db, args->path);

	return err == SQLITE_FULL ? CMD_INPUT : export_failed(db, err); // csv.c has said which file
}

/* Is what was asked for possible? */
static bool export_check(const struct export_args *args)
{
	const char *to = args->to ? args->to : "";
	bool stacks = strcmp(to, "pprof") == 0 || strcmp(to, "folded") == 0;
	bool binary = strcmp(to, "pprof") == 0 || strcmp(to, "perfetto") == 0;
	bool named = args->path && strcmp(args->path, "-") != 0;

	if (!args->to)
		talk("say to what: --to " FORMATS);
	else if (args->profile && !stacks)
		talk("--profile is for --to pprof and --to folded");
	else if (!named && strcmp(to, "csv") == 0)
		talk("--to csv makes many files: give -o DIR");
	else if (!named && binary && isatty(STDOUT_FILENO))
		talk("--to %s is not for a terminal: give -o FILE", to);
	else
		return true;
	return false;
}

static int export_run(void *verb_args, int nwords, char **words)
{
	struct export_args *args = verb_args;
	struct gtrace_error error;
	sqlite3 *db;
	int code;

	(void)nwords;
	if (!export_check(args))
		return CMD_USAGE;
	if (load_open(&db, words[0], &error) < 0) {
		talk("%s", error.text);
		return CMD_INPUT;
	}
	if (strcmp(args->to, "csv") == 0)
		code = export_folder(db, args);
	else if (args->path && strcmp(args->path, "-") != 0)
		code = export_file(db, args);
	else
		code = export_failed(db, export_format(db, stdout, args));
	sqlite3_close(db);
	return code;
}

static const struct opt export_opts[] = {
	OPT_WORD("to", 0, struct export_args, to, FORMATS, "the format"),
	OPT_WORD("profile", 0, struct export_args, profile, "goroutine|block|delay",
             "what to count: goroutines at the end, time blocked, time ready but not running "
             "(default: goroutine)"),
	OPT_TEXT("output", 'o', struct export_args, path, "FILE",
             "where to (default: standard output)"),
	OPT_END};

const struct cmd cmd_export = {
	.name = "export",
	.args = "--to FORMAT [--profile KIND] [-o FILE] TRACE|DB",
	.brief = "write it for pprof, Perfetto, flame graphs, databases or Graphviz",
	.examples =
		"  gtrace export --to pprof -o g.pb.gz run.gtrace && go tool pprof -top g.pb.gz\n"
		"  gtrace export --to pprof --profile block -o block.pb.gz run.report/trace.db\n"
		"  gtrace export --to perfetto -o run.pftrace run.gtrace      open it at ui.perfetto.dev\n"
		"  gtrace export --to folded --profile delay run.gtrace | flamegraph.pl >delay.svg\n"
		"  gtrace export --to csv -o tables run.gtrace && cd tables && psql -1 -f postgresql.sql\n"
		"  gtrace export --to dot run.gtrace | dot -T svg >waits.svg   who waits for whom\n",
	.opts = export_opts,
	.args_bytes = sizeof(struct export_args),
	.words_min = 1,
	.words_max = 1,
	.run = export_run,
};

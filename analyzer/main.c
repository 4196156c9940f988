/* SPDX-License-Identifier: MIT */
/**
 * main.c: the program gtrace, and the way through its source.
 *
 *   recorder/        the trace's reader; all we know of the file comes through gtrace.h
 *   load/            events -> intervals and other rows -> SQLite
 *     load.c         the loop over the events, and who gets which
 *     goroutine.c    states of goroutines -> intervals
 *     object.c       objects, locks, timers, and who used them
 *     block.c        intervals of a goroutine -> packed blocks
 *     longest.c, wait.c  what would take a pass over all intervals afterwards
 *     rows.c         rows -> tables
 *   interval/        the packed intervals as a table, also for the stock sqlite3
 *   symbol/          program counters -> functions and lines
 *   detect/          rows -> findings
 *     dead.c         the dead set: who can never be woken again
 *     detect.c       runs sql/detect/
 *   sql/             schema, views; detect/: one detector a file; report/: what the reports ask
 *   rules.c          further detectors of the user's
 *   triage/          which findings count, and which are reported
 *   report/          findings -> text, JSON, HTML, SARIF, JUnit, GitHub's commands, Markdown
 *   plot/, plots/    rows -> series -> gnuplot
 *   event/           the events as a table, also for the stock sqlite3
 *   export/          rows -> pprof, Perfetto, folded stacks, CSV, DOT
 *   live/            programs that run, asked by the socket of their agent
 *   ps.c, stack.c, stats.c, top.c, profile.c, chans.c,
 *   locks.c, leaks.c                                   one verb each, of running programs
 *   analyze.c, diff.c, run.c, record.c, plot.c, sql.c,
 *   dump.c, info.c, goroutine.c, at.c, export.c        one verb each
 *   opt.c, talk.c, db.c, plain.c, assets.c             options, messages, database, embedded files
 *
 * Data flows down that list, and nothing refers upwards.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <gtrace.h>

#include "cmd.h"
#include "talk.h"

static const struct cmd *const cmds[] = {
	&cmd_run,  &cmd_record,    &cmd_analyze, &cmd_diff,   &cmd_plot,  &cmd_sql,   &cmd_dump,
	&cmd_info, &cmd_goroutine, &cmd_at,      &cmd_export, &cmd_ps,    &cmd_stack, &cmd_stats,
	&cmd_top,  &cmd_profile,   &cmd_chans,   &cmd_locks,  &cmd_leaks,
};

enum { CMDS = sizeof cmds / sizeof cmds[0] };

static const struct cmd *cmd_find(const char *name)
{
	for (size_t i = 0; i < CMDS; i++) {
		if (strcmp(cmds[i]->name, name) == 0)
			return cmds[i];
	}
	return NULL;
}

static void help_all(void)
{
	printf("gtrace: see what the goroutines of a program do, and which of them never will again\n"
	       "\n"
	       "  gtrace run ./prog              record it, run it, report\n"
	       "  GTRACE=run.gtrace ./prog       only record it\n"
	       "  gtrace analyze run.gtrace      report\n"
	       "\n");
	for (size_t i = 0; i < CMDS; i++)
		printf("  gtrace %-9s %s\n", cmds[i]->name, cmds[i]->brief);
	printf("  gtrace help [VERB], gtrace --version\n"
	       "\n"
	       "exit status: 0 nothing found, 1 something found, 2 wrong usage,\n"
	       "             3 input unreadable or output not writable, 130 interrupted\n");
}

static void help_cmd(const struct cmd *cmd)
{
	printf("usage: gtrace %s %s\n%s\n", cmd->name, cmd->args, cmd->brief);
	if (cmd->examples)
		printf("\n%s", cmd->examples);
	opt_print(cmd->opts);
}

int cmd_usage(const struct cmd *cmd)
{
	fprintf(stderr, "usage: gtrace %s %s\n", cmd->name, cmd->args);
	return CMD_USAGE;
}

static int verb_unknown(const char *name)
{
	const char *names[CMDS + 2] = {"help"};

	for (size_t i = 0; i < CMDS; i++)
		names[i + 1] = cmds[i]->name;
	const char *near = opt_nearest(name, names);

	if (near)
		talk("unknown verb '%s', did you mean '%s'?", name, near);
	else
		talk("unknown verb '%s'", name);
	fputs("see 'gtrace help'\n", stderr);
	return CMD_USAGE;
}

static int verb_help(int argc, char **argv)
{
	if (argc < 2) {
		help_all();
		return CMD_CLEAN;
	}
	const struct cmd *cmd = cmd_find(argv[1]);

	if (!cmd)
		return verb_unknown(argv[1]);
	help_cmd(cmd);
	return CMD_CLEAN;
}

static int verb_run(const struct cmd *cmd, int argc, char **argv)
{
	int first = 0;
	void *args = calloc(1, cmd->args_bytes ? cmd->args_bytes : 1);
	int code = CMD_USAGE;

	if (!args) {
		talk("out of memory");
		return CMD_INPUT;
	}
	int err = opt_parse(cmd->opts, args, cmd->flags & CMD_WORDS_AS_GIVEN, argc, argv, &first);
	int words = argc - first;

	if (err == OPT_HELP) {
		help_cmd(cmd);
		code = CMD_CLEAN;
	} else if (err < 0 || words < cmd->words_min ||
	           (cmd->words_max >= 0 && words > cmd->words_max)) {
		cmd_usage(cmd);
	} else {
		code = cmd->run(args, words, argv + first);
	}
	free(args);
	return code;
}

/* The answer is worth nothing if it did not get out. */
static int stdout_check(int code)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return code;
	talk("cannot write to standard output");
	return CMD_INPUT;
}

int main(int argc, char **argv)
{
	if (argc < 2 || strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
		help_all();
		return stdout_check(CMD_CLEAN);
	}
	if (strcmp(argv[1], "--version") == 0) {
		printf("gtrace %s\n", GTRACE_VERSION);
		return stdout_check(CMD_CLEAN);
	}
	if (strcmp(argv[1], "help") == 0)
		return stdout_check(verb_help(argc - 1, argv + 1));
	const struct cmd *cmd = cmd_find(argv[1]);

	if (!cmd)
		return verb_unknown(argv[1]);
	return stdout_check(verb_run(cmd, argc - 1, argv + 1));
}

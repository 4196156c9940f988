/* SPDX-License-Identifier: MIT */
/** cmd.h: a verb of the program, as a row of main.c's table. */
#ifndef GTRACE_CMD_H
#define GTRACE_CMD_H

#include <stddef.h>

#include "opt.h"

enum { // exit codes; run adds the child's own
	CMD_CLEAN = 0,
	CMD_FOUND = 1,
	CMD_USAGE = 2,
	CMD_INPUT = 3,  // input unreadable, or output not writable
	CMD_BREAK = 130 // interrupted
};

enum cmd_flags {
	CMD_WORDS_AS_GIVEN = 1 << 0 // options end at the first word that is none: run CMD --its-option
};

struct cmd {
	const char *name;
	const char *args;     // "[-o DIR] TRACE", for the usage line
	const char *brief;    // one line
	const char *examples; // lines for the top of its help, or NULL
	const struct opt *opts;
	unsigned flags;
	size_t args_bytes;        // size of the struct that opts fill, zeroed before
	int words_min, words_max; // how many words besides options; words_max < 0: any number
	/** args is that struct; returns an exit code. */
	int (*run)(void *args, int nwords, char **words);
};

extern const struct cmd cmd_run, cmd_record, cmd_analyze, cmd_plot, cmd_sql, cmd_dump, cmd_info,
	cmd_diff, cmd_export, cmd_goroutine, cmd_at, cmd_ps, cmd_stack, cmd_stats, cmd_top, cmd_profile,
	cmd_chans, cmd_locks, cmd_leaks;

/** Print a verb's usage line on stderr.  Returns CMD_USAGE. */
int cmd_usage(const struct cmd *cmd);

#endif

/* SPDX-License-Identifier: MIT */
/** explore.h: one program under many schedules. */
#ifndef GTRACE_EXPLORE_H
#define GTRACE_EXPLORE_H

#include <stdint.h>

struct explore_args {
	const char *dir;     // of the traces kept; NULL: <program>.explore
	const char *fail_on; // NULL: probable
	int64_t timeout_ns;  // of one run
	int runs;
};

/**
 * Run a program so many times, each with a seed and a policy of its own, and report each kind of
 * trouble once, with its shortest schedule.
 *
 * Returns: an exit code of cmd.h, or the program's own if it could not be run.
 */
int explore(const struct explore_args *args, char **words);

#endif

/* SPDX-License-Identifier: MIT */
/** locks.c: the verb locks: the locks and groups that goroutines of a running program wait for. */
#include "cmd.h"
#include "live/objects.h"

static int locks_run(void *args, int nwords, char **words)
{
	(void)args;
	(void)nwords;
	return live_objects(words[0], false);
}

const struct cmd cmd_locks = {
	.name = "locks",
	.args = "PID",
	.brief = "print the locks and groups that a running program's goroutines wait for",
	.words_min = 1,
	.words_max = 1,
	.run = locks_run,
};

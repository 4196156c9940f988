/* SPDX-License-Identifier: MIT */
/** chans.c: the verb chans: the channels that goroutines of a running program wait for. */
#include "cmd.h"
#include "live/objects.h"

static int chans_run(void *args, int nwords, char **words)
{
	(void)args;
	(void)nwords;
	return live_objects(words[0], true);
}

const struct cmd cmd_chans = {
	.name = "chans",
	.args = "PID",
	.brief = "print the channels that a running program's goroutines wait for",
	.words_min = 1,
	.words_max = 1,
	.run = chans_run,
};

/* SPDX-License-Identifier: MIT */
/** dump.c: the verb dump: every event of a trace, one line each. */
#include <stdio.h>

#include <gtrace.h>

#include "cmd.h"
#include "talk.h"

static int dump_run(void *args, int nwords, char **words)
{
	struct gtrace_reader *r;
	struct gtrace_error err;
	struct gtrace_event ev;
	char line[8192];
	int got;

	(void)args;
	(void)nwords;
	if (gtrace_reader_open(&r, words[0], &err) < 0) {
		talk("%s", err.text);
		return CMD_INPUT;
	}
	while ((got = gtrace_reader_next(r, &ev, &err)) > 0) {
		gtrace_event_print(r, &ev, line, sizeof line);
		if (puts(line) < 0)
			break; // main.c says so
	}
	if (got < 0)
		talk("%s", err.text);
	gtrace_reader_close(r);
	return got < 0 ? CMD_INPUT : CMD_CLEAN;
}

const struct cmd cmd_dump = {
	.name = "dump",
	.args = "TRACE",
	.brief = "print every event",
	.words_min = 1,
	.words_max = 1,
	.run = dump_run,
};

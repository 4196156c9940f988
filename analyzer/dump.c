/* SPDX-License-Identifier: MIT */
/** dump.c: the verb dump: every event of a trace, one line each. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <gtrace.h>

#include "cmd.h"
#include "talk.h"

struct line {
	char *text;
	size_t cap;
};

/** The whole line, however long.  False: no memory. */
static bool line_print(struct line *l, const struct gtrace_reader *r, const struct gtrace_event *ev)
{
	while (gtrace_event_print(r, ev, l->text, l->cap) + 1 >= l->cap) {
		size_t cap = l->cap ? 2 * l->cap : 8192;
		char *text = realloc(l->text, cap);

		if (!text)
			return false;
		l->text = text;
		l->cap = cap;
	}
	return true;
}

static int dump_run(void *args, int nwords, char **words)
{
	struct gtrace_reader *r;
	struct gtrace_error err;
	struct gtrace_event ev;
	struct line line = {0};
	int got;

	(void)args;
	(void)nwords;
	if (gtrace_reader_open(&r, words[0], &err) < 0) {
		talk("%s", err.text);
		return CMD_INPUT;
	}
	while ((got = gtrace_reader_next(r, &ev, &err)) > 0) {
		if (!line_print(&line, r, &ev)) {
			strcpy(err.text, "no memory for a line");
			got = -1;
			break;
		}
		if (puts(line.text) < 0)
			break; // main.c says so
	}
	if (got < 0)
		talk("%s", err.text);
	free(line.text);
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

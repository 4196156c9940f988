/* SPDX-License-Identifier: MIT */
/**
 * objects.c: the last part of goroutine?debug=3: objects, each a line and what is known of it.
 *
 *     chan "jobs" 0x7f7a1c035f40 #1 len 0 cap 0
 *     <tab>chan receive: goroutine 2, 3, 4
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd.h"
#include "live/live.h"
#include "live/objects.h"
#include "plain.h"
#include "talk.h"

/** Past the goroutines, which end with an empty line each. */
static const char *objects_begin(const char *text)
{
	while (strncmp(text, "goroutine ", 10) == 0) {
		const char *end = strstr(text, "\n\n");
		if (!end)
			return text + strlen(text);
		text = end + 2;
	}
	return text;
}

static size_t objects_print(const char *text, bool channels)
{
	size_t shown = 0;
	bool show = false;

	for (const char *p = objects_begin(text); *p;) {
		size_t len = strcspn(p, "\n");
		if (len && *p != '\t') {
			show = (strncmp(p, "chan ", 5) == 0) == channels;
			shown += show;
		}
		if (show && len) {
			const char *rest = *p == '\t' ? p + 1 : p;
			printf("%s", rest == p ? "" : "\t");
			plain_bytes(stdout, rest, len - (size_t)(rest - p));
			putchar('\n');
		}
		p += len + (p[len] == '\n');
	}
	return shown;
}

int live_objects(const char *word, bool channels)
{
	struct live_answer answer;
	int64_t pid = live_pid(word);

	if (!pid) {
		talk("'%s' is not a process number", word);
		return CMD_USAGE;
	}
	int code = live_ask(pid, "/debug/pprof/goroutine?debug=3", LIVE_TIMEOUT_NS, &answer);
	if (code != CMD_CLEAN)
		return code;
	if (!objects_print(answer.body, channels))
		talk("no goroutine of process %" PRId64 " waits for %s", pid,
		     channels ? "a channel" : "a lock");
	free(answer.body);
	return CMD_CLEAN;
}

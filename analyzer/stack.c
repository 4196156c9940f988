/* SPDX-License-Identifier: MIT */
/**
 * stack.c: the verb stack: the goroutines of a running program, as Go dumps them.
 *
 * The program sends all of them; which are shown is chosen here, by the line each begins with:
 *
 *     goroutine 7 [chan receive, 2 minutes, locked to thread]:
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <gtrace.h>

#include "cmd.h"
#include "live/live.h"
#include "plain.h"
#include "talk.h"

struct stack_args {
	const char *debug, *state, *id;
	int64_t min_wait_ns;
};

/** One goroutine's line. */
struct stack_head {
	int64_t id;
	const char *state;
	size_t state_len;
	int64_t wait_ns;
};

/** ", 2 minutes" and ", 5 seconds", or "1.5s": how long it has waited. */
static int64_t stack_wait(const char *p, const char *end)
{
	int64_t ns = 0;

	for (; p < end; p += strcspn(p, ",]")) {
		char word[64], *after;
		p += strspn(p, ", ");
		size_t len = strcspn(p, ",]");
		snprintf(word, sizeof word, "%.*s", (int)(len < 60 ? len : 60), p);
		double n = strtod(word, &after);
		if (after != word && strncmp(after, " minutes", 8) == 0)
			ns += (int64_t)(n * 60e9);
		else if (after != word && strncmp(after, " seconds", 8) == 0)
			ns = (int64_t)(n * 1e9);
		else if (after != word)
			gtrace_parse_duration(word, &ns);
		if (!len)
			break;
	}
	return ns;
}

/** False: the line begins no goroutine. */
static bool stack_head_read(const char *line, struct stack_head *h)
{
	char *p;

	if (strncmp(line, "goroutine ", 10) != 0)
		return false;
	h->id = strtoll(line + 10, &p, 10);
	size_t len = strcspn(line, "\n");
	if (*p != ' ' || p[1] != '[' || line[len - (len > 0)] != ':')
		return false;
	h->state = p + 2;
	h->state_len = strcspn(h->state, ",]\n");
	const char *rest = h->state + h->state_len;
	h->wait_ns = *rest == ',' ? stack_wait(rest, line + len) : 0;
	return true;
}

static bool stack_wanted(const struct stack_args *a, const struct stack_head *h)
{
	if (a->id && strtoll(a->id, NULL, 10) != h->id)
		return false;
	if (a->state &&
	    (strlen(a->state) != h->state_len || memcmp(a->state, h->state, h->state_len) != 0))
		return false;
	return h->wait_ns >= a->min_wait_ns;
}

/** A line of another process: no control characters but its tabs. */
static void stack_line(const char *line, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)line[i];
		putchar((c < 0x20 && c != '\t') || c == 0x7f ? '?' : c);
	}
	putchar('\n');
}

/** Blocks end with an empty line.  Returns: how many were shown. */
static size_t stack_print(const struct stack_args *a, const char *text)
{
	bool filter = a->id || a->state || a->min_wait_ns, show = !filter;
	size_t shown = 0;

	while (*text) {
		size_t len = strcspn(text, "\n");
		struct stack_head h;
		if (stack_head_read(text, &h)) {
			show = stack_wanted(a, &h);
			shown += show;
		}
		if (show)
			stack_line(text, len);
		if (len == 0 && filter)
			show = false;
		text += len + (text[len] == '\n');
	}
	return shown;
}

static int stack_run(void *args, int nwords, char **words)
{
	const struct stack_args *a = args;
	struct live_answer answer;
	char path[64];
	int64_t pid = live_pid(words[0]);

	(void)nwords;
	if (!pid) {
		talk("'%s' is not a process number", words[0]);
		return cmd_usage(&cmd_stack);
	}
	if (a->id && (a->id[strspn(a->id, "0123456789")] || !*a->id)) {
		talk("-g wants a goroutine's number, not '%s'", a->id);
		return cmd_usage(&cmd_stack);
	}
	snprintf(path, sizeof path, "/debug/pprof/goroutine?debug=%s",
	         a->debug         ? a->debug
	         : a->min_wait_ns ? "3"
	                          : "2");
	int code = live_ask(pid, path, LIVE_TIMEOUT_NS, &answer);
	if (code != CMD_CLEAN)
		return code;
	if (!stack_print(a, answer.body) && (a->id || a->state || a->min_wait_ns))
		talk("no goroutine of process %" PRId64 " is like that", pid);
	free(answer.body);
	return CMD_CLEAN;
}

static const struct opt stack_opts[] = {
	OPT_WORD("debug", 0, struct stack_args, debug, "1|2|3",
             "equal stacks counted; as a panic has it (2 unless given); with what it waits for"),
	OPT_DURATION("min-wait", 0, struct stack_args, min_wait_ns,
                 "only those that have waited so long"),
	OPT_TEXT("state", 0, struct stack_args, state, "STATE", "only those in it: 'chan receive'"),
	OPT_TEXT("goroutine", 'g', struct stack_args, id, "ID", "only this one"), OPT_END};

const struct cmd cmd_stack = {
	.name = "stack",
	.args = "[--state STATE] [--min-wait DUR] [-g ID] [--debug 1|2|3] PID",
	.brief = "print the goroutines of a running program, which goes on",
	.examples = "  gtrace stack 4242                            as a panic would print them\n"
				"  gtrace stack --state 'chan send' 4242        those that send\n"
				"  gtrace stack --min-wait 5m 4242              those that may be stuck\n",
	.opts = stack_opts,
	.args_bytes = sizeof(struct stack_args),
	.words_min = 1,
	.words_max = 1,
	.run = stack_run,
};

/* SPDX-License-Identifier: MIT */
/**
 * leaks.c: the verb leaks: what of a running program can never go on.
 *
 * It records a moment of it, in which the recorder searches memory for what goroutines wait on, and
 * analyzes that: the findings are those of the verb analyze, with the same certainty.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "analyze.h"
#include "cmd.h"
#include "live/live.h"
#include "talk.h"

#define LEAKS_NS INT64_C(1000000000)

struct leaks_args {
	int64_t during_ns;
};

static int leaks_remove(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st, (void)type, (void)at;
	return remove(path);
}

/** Write the trace to a file.  False: it cannot be, and that was said. */
static bool leaks_write(const char *path, const struct live_answer *a)
{
	FILE *out = fopen(path, "wxe");
	bool written = out && fwrite(a->body, 1, a->len, out) == a->len;

	if (out && fclose(out) != 0)
		written = false;
	if (!written)
		talk("cannot write '%s': %s", path, strerror(errno));
	return written;
}

static int leaks_run(void *args, int nwords, char **words)
{
	const struct leaks_args *a = args;
	const char *tmp = getenv("TMPDIR");
	char folder[512], trace[600], report[600];
	struct live_answer answer;
	int64_t pid = live_pid(words[0]);

	(void)nwords;
	if (!pid) {
		talk("'%s' is not a process number", words[0]);
		return cmd_usage(&cmd_leaks);
	}
	int code = live_trace(pid, a->during_ns > 0 ? a->during_ns : LEAKS_NS, &answer);
	if (code != CMD_CLEAN)
		return code;
	snprintf(folder, sizeof folder, "%.450s/gtrace-leaks.XXXXXX", tmp && *tmp ? tmp : "/tmp");
	if (!mkdtemp(folder)) {
		talk("cannot make '%s': %s", folder, strerror(errno));
		free(answer.body);
		return CMD_INPUT;
	}
	snprintf(trace, sizeof trace, "%s/%s.gtrace", folder, words[0]);
	snprintf(report, sizeof report, "%s/report", folder);
	code =
		leaks_write(trace, &answer)
			? analyze_trace(trace,
	                        &(struct analyze_args){.dir = report, .no_plots = true, .quiet = true})
			: CMD_INPUT;
	free(answer.body);
	nftw(folder, leaks_remove, 16, FTW_DEPTH | FTW_PHYS);
	return code;
}

static const struct opt leaks_opts[] = {OPT_DURATION("duration", 'd', struct leaks_args, during_ns,
                                                     "look on for that long (1s)"),
                                        OPT_END};

const struct cmd cmd_leaks = {
	.name = "leaks",
	.args = "[-d DUR] PID",
	.brief = "say which goroutines of a running program can never go on",
	.examples = "  gtrace leaks 4242      exit status 1 if there are any; the program goes on\n",
	.opts = leaks_opts,
	.args_bytes = sizeof(struct leaks_args),
	.words_min = 1,
	.words_max = 1,
	.run = leaks_run,
};

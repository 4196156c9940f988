/* SPDX-License-Identifier: MIT */
/** profile.c: the verb profile: a running program's profile, for go tool pprof. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd.h"
#include "live/live.h"
#include "live/save.h"
#include "plain.h"
#include "talk.h"

#define PROFILE_CPU_NS INT64_C(10000000000)
#define SECOND_NS INT64_C(1000000000)

struct profile_args {
	const char *out;
	int64_t during_ns;
};

static const char *const profile_names[] = {"goroutine", "goroutineleak", "cpu", "block",
                                            "mutex",     "threadcreate",  NULL};

static bool profile_known(const char *name)
{
	for (const char *const *p = profile_names; *p; p++)
		if (strcmp(*p, name) == 0)
			return true;
	const char *near = opt_nearest(name, profile_names);
	if (near)
		talk("there is no profile '%s', did you mean '%s'?", name, near);
	else
		talk("there is no profile '%s'", name);
	return false;
}

static int profile_run(void *args, int nwords, char **words)
{
	const struct profile_args *a = args;
	const char *name = nwords > 1 ? words[1] : "goroutine";
	bool cpu = strcmp(name, "cpu") == 0;
	int64_t pid = live_pid(words[0]), during = a->during_ns ? a->during_ns
	                                           : cpu        ? PROFILE_CPU_NS
	                                                        : 0;
	struct live_answer answer;
	char path[128], file[128];

	if (!pid) {
		talk("'%s' is not a process number", words[0]);
		return cmd_usage(&cmd_profile);
	}
	if (!profile_known(name))
		return CMD_USAGE;
	if (during < 0 || (during && during % SECOND_NS)) {
		talk("-d wants whole seconds");
		return CMD_USAGE;
	}
	int len = snprintf(path, sizeof path, "/debug/pprof/%s", cpu ? "profile" : name);
	if (during)
		snprintf(path + len, sizeof path - (size_t)len, "?seconds=%" PRId64, during / SECOND_NS);
	int code = live_ask(pid, path, during + LIVE_TIMEOUT_NS, &answer);
	if (code != CMD_CLEAN)
		return code;
	snprintf(file, sizeof file, "%s.%" PRId64 ".pb.gz", name, pid);
	code = live_save(a->out ? a->out : file, &answer);
	free(answer.body);
	return code;
}

static const struct opt profile_opts[] = {
	OPT_TEXT("output", 'o', struct profile_args, out, "FILE",
             "NAME.PID.pb.gz unless given; -: stdout"),
	OPT_DURATION("duration", 'd', struct profile_args, during_ns,
                 "of cpu (10s); of others: what changed meanwhile"),
	OPT_END};

const struct cmd cmd_profile = {
	.name = "profile",
	.args = "[-d DUR] [-o FILE] PID [NAME]",
	.brief = "save a running program's profile for go tool pprof",
	.examples = "  gtrace profile 4242                 all goroutines: goroutine.4242.pb.gz\n"
				"  gtrace profile -d 5s 4242 cpu       where it computes\n"
				"  gtrace profile 4242 block           also mutex, threadcreate, goroutineleak\n",
	.opts = profile_opts,
	.args_bytes = sizeof(struct profile_args),
	.words_min = 1,
	.words_max = 2,
	.run = profile_run,
};

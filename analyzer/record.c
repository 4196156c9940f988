/* SPDX-License-Identifier: MIT */
/**
 * record.c: the verb record: record a running program for a while, or have its flight recorder
 * dump.
 *
 * The first asks its agent (live/).  For the second the program is found by its process number, its
 * recorder by what it has mapped: the sidecar, whose page has the word to ask by.  The path in
 * /proc/PID/maps is one of that process; ours to the same file goes by /proc/PID/root.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <gtrace.h>

#include "cmd.h"
#include "live/live.h"
#include "live/save.h"
#include "talk.h"

#define RECORD_TIMEOUT_NS INT64_C(60000000000)

struct record_args {
	bool dump;
	int64_t during_ns, timeout_ns;
	const char *out;
};

/** The next path in /proc/PID/maps that may be a sidecar's.  False: there is none. */
static bool record_next(FILE *maps, char path[PATH_MAX])
{
	static const char suffix[] = ".live";
	char line[PATH_MAX + 128];

	while (fgets(line, sizeof line, maps)) {
		line[strcspn(line, "\n")] = '\0';
		const char *at = strchr(line, '/');
		size_t len = at ? strlen(at) : 0;
		if (len < sizeof suffix || strcmp(at + len - (sizeof suffix - 1), suffix) != 0)
			continue;
		snprintf(path, PATH_MAX, "%s", at);
		return true;
	}
	return false;
}

/** Why there is nothing to ask.  Returns the exit code. */
static int record_nobody(int64_t pid, const char *sidecar, int err)
{
	if (err == -ENOTSUP && *sidecar)
		talk("process %" PRId64 " keeps all it records, in '%.*s': only a flight recorder "
		     "(GTRACE=out=FILE,ring=64M) is dumped",
		     pid, (int)(strlen(sidecar) - strlen(".live")), sidecar);
	else if (err == -ENOTSUP || err == -ENOENT)
		talk("process %" PRId64 " has no flight recorder: start it with GTRACE=out=FILE,ring=64M",
		     pid);
	else if (err == -ESRCH)
		talk("process %" PRId64 " ended before it had dumped", pid);
	else if (err == -ECANCELED)
		talk("process %" PRId64 " ended its recording before it had dumped", pid);
	else if (err == -ETIMEDOUT)
		talk("process %" PRId64 " did not answer in time: it may be stopped", pid);
	else if (err == -EACCES || err == -EPERM)
		talk("process %" PRId64 " is another user's", pid);
	else
		talk("process %" PRId64 " could not dump: %s", pid, strerror(-err));
	return CMD_INPUT;
}

/** Control characters of another process must not reach the terminal. */
static void record_print(const char *path)
{
	for (; *path; path++)
		putchar((unsigned char)*path < 0x20 || *path == 0x7f ? '?' : *path);
	putchar('\n');
}

/** Only to its own user, and root: the file's rights alone may let others in. */
static bool record_ours(int64_t pid, int *err)
{
	char path[64];
	struct stat st;

	snprintf(path, sizeof path, "/proc/%" PRId64, pid);
	if (stat(path, &st) < 0) {
		*err = -errno;
		return false;
	}
	*err = -EPERM;
	return geteuid() == 0 || st.st_uid == geteuid();
}

static int record_dump(int64_t pid, int64_t timeout_ns)
{
	char name[64], sidecar[PATH_MAX] = "", path[PATH_MAX + 64], dump[PATH_MAX];
	int err = 0;

	snprintf(name, sizeof name, "/proc/%" PRId64 "/maps", pid);
	if (!record_ours(pid, &err)) {
		if (err != -ENOENT)
			return record_nobody(pid, "", err);
		talk("there is no process %" PRId64, pid);
		return CMD_INPUT;
	}
	FILE *maps = fopen(name, "re");

	if (!maps)
		return record_nobody(pid, "", -errno);
	err = -ENOENT;
	while (err && record_next(maps, sidecar)) {
		snprintf(path, sizeof path, "/proc/%" PRId64 "/root%s", pid, sidecar);
		err = gtrace_dump_request(path, pid, timeout_ns, dump, sizeof dump);
		if (err != -ENOTSUP && err != -ENOENT)
			break;
	}
	fclose(maps);
	if (err)
		return record_nobody(pid, sidecar, err);
	record_print(dump);
	return CMD_CLEAN;
}

/** Print the file's name. */
static int record_while(int64_t pid, const struct record_args *a)
{
	char file[64];
	struct live_answer answer;
	int code = live_trace(pid, a->during_ns, &answer);

	if (code != CMD_CLEAN)
		return code;
	snprintf(file, sizeof file, "%" PRId64 ".gtrace", pid);
	code = live_save(a->out ? a->out : file, &answer);
	free(answer.body);
	return code;
}

static int record_run(void *args, int nwords, char **words)
{
	const struct record_args *a = args;
	int64_t pid = live_pid(words[0]);

	(void)nwords;
	if (!pid)
		talk("'%s' is not a process number", words[0]);
	else if (a->dump == (a->during_ns > 0))
		talk("say what to do: -d DUR, or --dump");
	if (!pid || a->dump == (a->during_ns > 0))
		return cmd_usage(&cmd_record);
	if (!a->dump)
		return record_while(pid, a);
	return record_dump(pid, a->timeout_ns ? a->timeout_ns : RECORD_TIMEOUT_NS);
}

static const struct opt record_opts[] = {
	OPT_DURATION("duration", 'd', struct record_args, during_ns, "record for that long from now"),
	OPT_TEXT("output", 'o', struct record_args, out, "FILE",
             "of -d: PID.gtrace unless given; -: stdout"),
	OPT_FLAG("dump", 0, struct record_args, dump, "write what its flight recorder holds to a file"),
	OPT_DURATION("timeout", 0, struct record_args, timeout_ns, "give up after that long (60s)"),
	OPT_END};

const struct cmd cmd_record = {
	.name = "record",
	.args = "PID (-d DUR [-o FILE] | --dump)",
	.brief = "record a running program for a while, or have its flight recorder dump",
	.examples =
		"  gtrace record 4242 -d 5s                  its next five seconds, to 4242.gtrace\n"
		"  GTRACE=out=run.gtrace,ring=64M ./prog &   keep the last 64 MiB of events\n"
		"  gtrace record $! --dump                   run.0001.gtrace, and it goes on\n"
		"  gtrace analyze run.0001.gtrace            what led to this\n",
	.opts = record_opts,
	.args_bytes = sizeof(struct record_args),
	.words_min = 1,
	.words_max = 1,
	.run = record_run,
};

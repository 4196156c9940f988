/* SPDX-License-Identifier: MIT */
/** stats.c: the verb stats: numbers of a running program. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include <gtrace.h>

#include "cmd.h"
#include "db.h"
#include "live/live.h"
#include "live/rows.h"
#include "plain.h"
#include "talk.h"

struct stats_args {
	bool json;
};

static void stats_state(void *arg, sqlite3_stmt *st)
{
	(void)arg;
	printf("  ");
	int width = plain_text(stdout, db_column(st, 0));
	printf("%*s %" PRId64 "\n", width < 24 ? 24 - width : 0, "",
	       (int64_t)sqlite3_column_int64(st, 1));
}

static void stats_print(const struct live_stats *s)
{
	char text[32];

	printf("goroutines: %" PRId64 "\nblocked: %" PRId64 "\nOS threads: %" PRId64
	       "\nGOR_MAXPROCS: %" PRId64 "\nnum CPU: %" PRId64 "\n",
	       s->goroutines, s->blocked, s->threads, s->procs, s->cpus);
	printf("version: %s\nelapsed: %s\n", s->version, plain_time(text, s->elapsed_ns));
	printf("CPU time: %s\nRSS: %.1f MiB\n", plain_time(text, s->cpu_ns),
	       (double)s->rss_bytes / 1048576);
	printf("recording: ");
	plain_text(stdout, *s->recording ? s->recording : "none");
	putchar('\n');
}

static int stats_run(void *args, int nwords, char **words)
{
	const struct stats_args *a = args;
	struct live_answer answer;
	struct live_stats s;
	int64_t pid = live_pid(words[0]);

	(void)nwords;
	if (!pid) {
		talk("'%s' is not a process number", words[0]);
		return cmd_usage(&cmd_stats);
	}
	int code = live_ask(pid, "/debug/gtrace/stats", LIVE_TIMEOUT_NS, &answer);
	if (code != CMD_CLEAN)
		return code;
	if (a->json) {
		fputs(answer.body, stdout);
	} else if (live_stats_read(answer.body, &s) != 0) {
		code = live_complain(pid, LIVE_EBADANSWER, NULL);
	} else {
		s.pid = pid;
		live_version_check(&s);
		stats_print(&s);
		printf("states:\n");
		live_rows(answer.body, "states", stats_state, NULL);
	}
	free(answer.body);
	return code;
}

static const struct opt stats_opts[] = {
	OPT_FLAG("json", 0, struct stats_args, json, "for programs"), OPT_END};

const struct cmd cmd_stats = {
	.name = "stats",
	.args = "[--json] PID",
	.brief = "print numbers of a running program: goroutines by state, threads, memory",
	.opts = stats_opts,
	.args_bytes = sizeof(struct stats_args),
	.words_min = 1,
	.words_max = 1,
	.run = stats_run,
};

/* SPDX-License-Identifier: MIT */
/** ps.c: the verb ps: programs with goroutines that run now, or one of them for a while. */
#define _GNU_SOURCE
#include <errno.h>
#include <inttypes.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <gtrace.h>

#include "array.h"
#include "cmd.h"
#include "live/live.h"
#include "plain.h"
#include "talk.h"

#define PS_TIMEOUT_NS INT64_C(1000000000) // one that does not answer must not keep the others

struct ps_args {
	bool tree, json;
};

struct ps_row {
	struct live_process process;
	struct live_stats stats;
	bool agent, answered;
};

struct ps_table {
	struct ps_row *rows;
	size_t count;
};

static void ps_collect(void *arg, int64_t pid)
{
	struct ps_table *t = arg;
	struct ps_row row = {0};
	int err = live_stats(pid, PS_TIMEOUT_NS, &row.stats);

	row.agent = err == 0 || err == -ETIMEDOUT || err == LIVE_EBADANSWER;
	row.answered = err == 0;
	bool has = row.answered || live_has_libgor(pid, row.stats.version);
	if ((!row.agent && !has) || !live_process(pid, &row.process))
		return;
	struct ps_row *more = array_more(t->rows, t->count, sizeof *t->rows);
	if (!more)
		return;
	t->rows = more;
	t->rows[t->count++] = row;
}

/** 61 s -> "01:01", or "2:03:04", or "5-02:03:04", as ps(1). */
static const char *ps_elapsed(char out[32], int64_t ns)
{
	long long s = ns / 1000000000;

	if (s < 3600)
		snprintf(out, 32, "%02lld:%02lld", s / 60, s % 60);
	else if (s < 86400)
		snprintf(out, 32, "%lld:%02lld:%02lld", s / 3600, s / 60 % 60, s % 60);
	else
		snprintf(out, 32, "%lld-%02lld:%02lld:%02lld", s / 86400, s / 3600 % 24, s / 60 % 60,
		         s % 60);
	return out;
}

static double ps_percent(int64_t cpu_ns, int64_t elapsed_ns)
{
	return elapsed_ns > 0 ? 100.0 * (double)cpu_ns / (double)elapsed_ns : 0;
}

/** As far as it is known; hostile, if it is a file that says it. */
static const char *ps_version(char out[128], const struct ps_row *r)
{
	plain_copy(out, 128, *r->stats.version ? r->stats.version : "-");
	return out;
}

static void ps_print(const struct ps_table *t)
{
	char elapsed[32], version[128], name[64], path[PATH_MAX];

	printf("%7s %7s %-15s * %-8s %10s %10s %6s %9s %10s PATH\n", "PID", "PPID", "NAME", "VERSION",
	       "GOROUTINES", "BLOCKED", "CPU%", "RSS", "ELAPSED");
	for (size_t i = 0; i < t->count; i++) {
		const struct ps_row *r = &t->rows[i];
		const struct live_process *p = &r->process;
		plain_copy(name, sizeof name, p->name);
		plain_copy(path, sizeof path, p->path);
		printf("%7" PRId64 " %7" PRId64 " %-15s %c %-8s", p->pid, p->ppid, name,
		       r->agent ? '*' : ' ', ps_version(version, r));
		if (r->answered)
			printf(" %10" PRId64 " %10" PRId64, r->stats.goroutines, r->stats.blocked);
		else
			printf(" %10s %10s", "-", "-");
		printf(" %6.1f %7.1f M %10s %s\n", ps_percent(p->cpu_ns, p->elapsed_ns),
		       (double)p->rss_bytes / 1048576, ps_elapsed(elapsed, p->elapsed_ns), path);
	}
}

/** Is the process one of the table? */
static bool ps_has(const struct ps_table *t, int64_t pid)
{
	for (size_t i = 0; i < t->count; i++)
		if (t->rows[i].process.pid == pid)
			return true;
	return false;
}

/** The children of a process, and theirs. */
static void ps_branch(const struct ps_table *t, int64_t parent, const char *indent)
{
	size_t left = 0;
	char deeper[512], version[128];

	for (size_t i = 0; i < t->count; i++)
		left += t->rows[i].process.ppid == parent;
	for (size_t i = 0; i < t->count && left; i++) {
		const struct ps_row *r = &t->rows[i];
		if (r->process.ppid != parent)
			continue;
		bool last = --left == 0;
		printf("%s%s %s%" PRId64 " (", indent, last ? "└──" : "├──", r->agent ? "[*]  " : "",
		       r->process.pid);
		plain_text(stdout, r->process.name);
		printf(") {%s}\n", ps_version(version, r));
		snprintf(deeper, sizeof deeper, "%s%s", indent, last ? "    " : "│   ");
		ps_branch(t, r->process.pid, deeper);
	}
}

static void ps_tree(const struct ps_table *t)
{
	int64_t done = 0; // parents come in any order: the next greater one each time

	if (t->count)
		printf("...\n");
	for (;;) {
		int64_t next = INT64_MAX;
		bool more = false;
		for (size_t i = 0; i < t->count; i++) {
			int64_t parent = t->rows[i].process.ppid;
			if (parent > done && !ps_has(t, parent)) {
				more |= next != INT64_MAX && parent != next;
				next = parent < next ? parent : next;
			}
		}
		if (next == INT64_MAX)
			return;
		printf("%s %" PRId64 "\n", more ? "├──" : "└──", next);
		ps_branch(t, next, more ? "│   " : "    ");
		done = next;
	}
}

static void json_text(const char *s)
{
	putchar('"');
	for (; *s; s++) {
		unsigned char c = (unsigned char)*s;
		if (c == '"' || c == '\\')
			printf("\\%c", c);
		else if (c < 0x20 || c == 0x7f)
			printf("\\u%04x", c);
		else
			putchar(c);
	}
	putchar('"');
}

static void ps_json(const struct ps_table *t)
{
	printf("{\"schema\": 1, \"processes\": [");
	for (size_t i = 0; i < t->count; i++) {
		const struct ps_row *r = &t->rows[i];
		const struct live_process *p = &r->process;
		printf("%s\n  {\"pid\": %" PRId64 ", \"ppid\": %" PRId64 ", \"name\": ", i ? "," : "",
		       p->pid, p->ppid);
		json_text(p->name);
		printf(", \"agent\": %s, \"cpu_ns\": %" PRId64 ", \"elapsed_ns\": %" PRId64
		       ", \"rss_bytes\": %" PRId64 ", \"threads\": %" PRId64 ", \"path\": ",
		       r->agent ? "true" : "false", p->cpu_ns, p->elapsed_ns, p->rss_bytes, p->threads);
		json_text(p->path);
		if (*r->stats.version) {
			printf(", \"version\": ");
			json_text(r->stats.version);
		}
		if (r->answered)
			printf(", \"goroutines\": %" PRId64 ", \"blocked\": %" PRId64, r->stats.goroutines,
			       r->stats.blocked);
		putchar('}');
	}
	printf("]}\n");
}

static int ps_all(const struct ps_args *a)
{
	struct ps_table t = {0};

	live_sweep();
	live_each(ps_collect, &t);
	if (a->json)
		ps_json(&t);
	else if (a->tree)
		ps_tree(&t);
	else
		ps_print(&t);
	if (!t.count && !a->json)
		talk("no program with goroutines runs that is yours");
	free(t.rows);
	return CMD_CLEAN;
}

/** The words of its command line. */
static void ps_words(int64_t pid)
{
	char path[64];
	int c;

	snprintf(path, sizeof path, "/proc/%" PRId64 "/cmdline", pid);
	FILE *in = fopen(path, "re");
	printf("cmd+args:\t");
	for (bool space = false; in && (c = getc(in)) != EOF; space = c == 0) {
		if (space)
			putchar(' ');
		if (c)
			putchar(c < 0x20 || c == 0x7f ? '?' : c);
	}
	putchar('\n');
	if (in)
		fclose(in);
}

static void ps_user(int64_t pid)
{
	char path[64];
	struct stat st;

	snprintf(path, sizeof path, "/proc/%" PRId64, pid);
	if (stat(path, &st) != 0)
		return;
	const struct passwd *user = getpwuid(st.st_uid);
	printf("username:\t%s\n", user ? user->pw_name : "?");
}

/** As gops PID [DURATION] has it. */
static int ps_one(int64_t pid, int64_t during_ns)
{
	struct live_process p, after;
	struct live_stats s;
	char text[32];
	int err = live_allowed(pid);

	if (err || !live_process(pid, &p))
		return live_complain(pid, err ? err : -ESRCH, NULL);
	double memory = (double)sysconf(_SC_PHYS_PAGES) * (double)sysconf(_SC_PAGESIZE);
	printf("parent PID:\t%" PRId64 "\nthreads:\t%" PRId64 "\nmemory usage:\t%.3f%%\n"
	       "cpu usage:\t%.3f%%\n",
	       p.ppid, p.threads, 100.0 * (double)p.rss_bytes / memory,
	       ps_percent(p.cpu_ns, p.elapsed_ns));
	if (during_ns > 0) {
		struct timespec t = {.tv_sec = during_ns / 1000000000, .tv_nsec = during_ns % 1000000000};
		fflush(stdout);
		nanosleep(&t, NULL);
		if (!live_process(pid, &after))
			return live_complain(pid, -ESRCH, NULL);
		printf("cpu usage (%s):\t%.3f%%\n", plain_time(text, during_ns),
		       ps_percent(after.cpu_ns - p.cpu_ns, after.elapsed_ns - p.elapsed_ns));
	}
	ps_user(pid);
	ps_words(pid);
	printf("elapsed time:\t%s\n", ps_elapsed(text, p.elapsed_ns));
	err = live_stats(pid, LIVE_TIMEOUT_NS, &s);
	if (err)
		return live_complain(pid, err, &(struct live_answer){.body = (char *)""});
	printf("goroutines:\t%" PRId64 "\nblocked:\t%" PRId64 "\nversion:\t%s\n", s.goroutines,
	       s.blocked, s.version);
	return CMD_CLEAN;
}

static int ps_run(void *args, int nwords, char **words)
{
	const struct ps_args *a = args;
	int64_t during_ns = 0;

	if (nwords == 0)
		return ps_all(a);
	int64_t pid = live_pid(words[0]);
	if (!pid)
		talk("'%s' is not a process number", words[0]);
	else if (nwords > 1 && (gtrace_parse_duration(words[1], &during_ns) != 0 || during_ns <= 0))
		talk("'%s' is not a duration such as 1s", words[1]);
	else
		return ps_one(pid, during_ns);
	return cmd_usage(&cmd_ps);
}

static const struct opt ps_opts[] = {
	OPT_FLAG("tree", 't', struct ps_args, tree, "below their parents"),
	OPT_FLAG("json", 0, struct ps_args, json, "for programs"), OPT_END};

const struct cmd cmd_ps = {
	.name = "ps",
	.args = "[-t | --json] [PID [DURATION]]",
	.brief = "list the programs with goroutines that run now",
	.examples = "  gtrace ps              those of this user; root sees all.  *: it can be asked\n"
				"  gtrace ps 4242 1s      one of them, with its CPU use during a second\n",
	.opts = ps_opts,
	.args_bytes = sizeof(struct ps_args),
	.words_min = 0,
	.words_max = 2,
	.run = ps_run,
};

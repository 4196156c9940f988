/* SPDX-License-Identifier: MIT */
/** top.c: the verb top: where the goroutines of a running program are, over and over. */
#define _GNU_SOURCE
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "array.h"
#include "cmd.h"
#include "db.h"
#include "live/live.h"
#include "live/rows.h"
#include "plain.h"
#include "talk.h"

#define TOP_PAUSE_NS INT64_C(2000000000)
#define TOP_TIMEOUT_NS INT64_C(1000000000)
#define TOP_INDENT 28 // where the places begin

struct top_args {
	const char *times;
	int64_t pause_ns;
};

/* What is left of the screen; INT_MAX: there is none. */
struct top_room {
	int lines, columns;
};

static struct top_room top_room(void)
{
	struct winsize w;

	if (!isatty(STDOUT_FILENO) || ioctl(STDOUT_FILENO, TIOCGWINSZ, &w) < 0 || w.ws_row <= 6)
		return (struct top_room){INT_MAX, INT_MAX};
	return (struct top_room){w.ws_row - 4, w.ws_col};
}

/* At most so many columns has a row without its birth. */
static int top_columns(sqlite3_stmt *st)
{
	int state = plain_columns(db_column(st, 2));

	return TOP_INDENT + 2 + (state > 16 ? state - 16 : 0) + plain_columns(db_column(st, 3)) +
	       plain_columns(db_column(st, 5)) + plain_columns(db_column(st, 6)) + 12;
}

static void top_site(void *arg, sqlite3_stmt *st)
{
	struct top_room *room = arg;
	bool two =
		*db_column(st, 7) && top_columns(st) + plain_columns(db_column(st, 7)) + 25 > room->columns;

	if (room->lines <= two)
		return;
	room->lines -= 1 + two;
	printf("%10" PRId64 "  ", (int64_t)sqlite3_column_int64(st, 0));
	int width = plain_text(stdout, db_column(st, 2));
	printf("%*s  ", width < 16 ? 16 - width : 0, "");
	if (*db_column(st, 3)) {
		plain_text(stdout, db_column(st, 3));
		printf(":%" PRId64 " ", (int64_t)sqlite3_column_int64(st, 4));
		plain_text(stdout, db_column(st, 5));
		printf("() ");
		plain_text(stdout, db_column(st, 6));
	} else {
		printf("-"); // it has not called the runtime yet
	}
	if (*db_column(st, 7)) {
		printf(two ? "\n%*s  born " : "%*s  born ", two ? TOP_INDENT : 0, "");
		plain_text(stdout, db_column(st, 7));
		printf(":%" PRId64, (int64_t)sqlite3_column_int64(st, 8));
	}
	printf("  (%" PRId64 ")\n", (int64_t)sqlite3_column_int64(st, 1));
}

/** One screen of a program; *before is its CPU time and age at the last one. */
static int top_one(int64_t pid, struct live_stats *before)
{
	struct live_stats s;
	struct live_answer a;
	struct top_room room = top_room();
	int err = live_stats(pid, LIVE_TIMEOUT_NS, &s);

	if (err)
		return live_complain(pid, err, &(struct live_answer){.body = (char *)""});
	int code = live_ask(pid, "/debug/gtrace/sites", LIVE_TIMEOUT_NS, &a);
	if (code != CMD_CLEAN)
		return code;
	int64_t cpu = s.cpu_ns - before->cpu_ns, elapsed = s.elapsed_ns - before->elapsed_ns;
	plain_text(stdout, s.program);
	printf("  pid %" PRId64 "  goroutines %" PRId64 "  blocked %" PRId64 "  threads %" PRId64
	       "  CPU %.1f%%  RSS %.1f MiB\n\n",
	       pid, s.goroutines, s.blocked, s.threads,
	       elapsed > 0 ? 100.0 * (double)cpu / (double)elapsed : 0, (double)s.rss_bytes / 1048576);
	printf("%10s  %-16s  AT (ONE OF THEM)\n", "COUNT", "STATE");
	if (live_rows(a.body, "sites", top_site, &room) < 0)
		code = live_complain(pid, LIVE_EBADANSWER, NULL);
	*before = s;
	free(a.body);
	return code;
}

struct top_all {
	struct live_stats *rows;
	size_t count;
};

static void top_collect(void *arg, int64_t pid)
{
	struct top_all *t = arg;
	struct live_stats s;

	if (live_stats(pid, TOP_TIMEOUT_NS, &s) != 0)
		return;
	struct live_stats *more = array_more(t->rows, t->count, sizeof *t->rows);
	if (!more)
		return;
	t->rows = more;
	t->rows[t->count] = s;
	t->rows[t->count++].pid = pid;
}

static int top_compare(const void *a, const void *b)
{
	const struct live_stats *x = a, *y = b;

	if (x->goroutines != y->goroutines)
		return x->goroutines < y->goroutines ? 1 : -1;
	return (x->pid > y->pid) - (x->pid < y->pid);
}

/** One screen of all programs: those with most goroutines first. */
static int top_processes(void)
{
	struct top_all t = {0};
	int lines = top_room().lines;

	live_each(top_collect, &t);
	if (t.count)
		qsort(t.rows, t.count, sizeof *t.rows, top_compare);
	printf("%7s %10s %10s %7s %9s PATH\n", "PID", "GOROUTINES", "BLOCKED", "THREADS", "RSS");
	for (size_t i = 0; i < t.count && lines-- > 0; i++) {
		const struct live_stats *s = &t.rows[i];
		printf("%7" PRId64 " %10" PRId64 " %10" PRId64 " %7" PRId64 " %7.1f M ", s->pid,
		       s->goroutines, s->blocked, s->threads, (double)s->rss_bytes / 1048576);
		plain_text(stdout, s->program);
		putchar('\n');
	}
	free(t.rows);
	return CMD_CLEAN;
}

static int top_loop(int64_t pid, int64_t times, int64_t pause_ns)
{
	struct timespec pause = {.tv_sec = pause_ns / 1000000000, .tv_nsec = pause_ns % 1000000000};
	struct live_stats before = {0};
	int code = CMD_CLEAN;

	for (int64_t n = 0; code == CMD_CLEAN && (times == 0 || n < times); n++) {
		if (n)
			nanosleep(&pause, NULL);
		if (isatty(STDOUT_FILENO) && times != 1)
			printf("\033[H\033[J");
		else if (n)
			putchar('\n');
		code = pid ? top_one(pid, &before) : top_processes();
		if (fflush(stdout) != 0)
			break;
	}
	return code;
}

static int top_run(void *args, int nwords, char **words)
{
	const struct top_args *a = args;
	char *end = NULL;
	int64_t pid = nwords ? live_pid(words[0]) : 0,
			times = a->times ? strtoll(a->times, &end, 10) : 0;

	if (nwords && !pid)
		talk("'%s' is not a process number", words[0]);
	else if (a->times && (*end || times < 1))
		talk("-n wants a number from 1, not '%s'", a->times);
	else
		return top_loop(pid, times, a->pause_ns > 0 ? a->pause_ns : TOP_PAUSE_NS);
	return cmd_usage(&cmd_top);
}

static const struct opt top_opts[] = {
	OPT_TEXT("times", 'n', struct top_args, times, "N", "so many times; for ever unless given"),
	OPT_DURATION("delay", 'd', struct top_args, pause_ns, "time between two (2s)"), OPT_END};

const struct cmd cmd_top = {
	.name = "top",
	.args = "[-n N] [-d DUR] [PID]",
	.brief = "show where a running program's goroutines are, over and over",
	.examples = "  gtrace top             all programs, those with most goroutines first\n"
				"  gtrace top -n 1 4242   once: the places of one program's\n",
	.opts = top_opts,
	.args_bytes = sizeof(struct top_args),
	.words_min = 0,
	.words_max = 1,
	.run = top_run,
};

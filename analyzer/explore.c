/* SPDX-License-Identifier: MIT */
/**
 * explore.c: one program under many schedules.
 *
 * Each run has a seed and a policy (docs/scheduler.md), so that each can be repeated.  A kind of
 * trouble has a signature that does not depend on the run: the first run that shows one is kept,
 * and its schedule made as short as it will go; later runs are only counted.
 *
 * Shorter is a schedule that takes the processor from fewer goroutines that could go on: `random:K`
 * with the smallest K that still shows the same, found by doubling and then halving; `pct:D` with
 * the smallest D.  Whether a shorter one shows it need not be monotone in K: what is printed was
 * run.
 */
#define _GNU_SOURCE
#include "explore.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cmd.h"
#include "db.h"
#include "load/load.h"
#include "run.h"
#include "talk.h"
#include "triage/triage.h"

enum {
	DIRS_MAX = 10000,
	POLICY_BYTES = 32,
	GRACE_MS = 5000,       // from SIGTERM to SIGKILL
	SHORTEN_MAX = 1 << 20, // operations tried
};

/** How one run is scheduled. */
struct schedule {
	int seed;
	char policy[POLICY_BYTES];
	bool vtime;
};

struct signature {
	char *text;
	struct schedule first;
	int runs; // that showed it
};

struct explore {
	const struct explore_args *args;
	char **words;
	char dir[PATH_MAX - 64];
	char *debug; // GOR_DEBUG as it was; NULL: not set
	struct signature *found;
	int count;
	int failed, timed_out; // runs that show no finding: ended by a status or signal, by the clock
	struct schedule failed_by; // the first of them
	int failed_code;
};

static const char *const policies[] = {"random", "pct:3", "natural", "random", "pct:2", "random"};

static struct schedule explore_schedule(int run)
{
	struct schedule s = {.seed = run, .vtime = run % 2 == 0};

	snprintf(s.policy, sizeof s.policy, "%s",
	         policies[(run - 1) % (int)(sizeof policies / sizeof *policies)]);
	return s;
}

static void schedule_text(const struct schedule *s, char text[96])
{
	snprintf(text, 96, "seed=%d,policy=%s%s", s->seed, s->policy, s->vtime ? ",vtime=1" : "");
}

/* ── one run ── */

static void explore_child(const struct explore *e, const struct schedule *s, const char *path)
{
	char text[96], *debug = NULL;
	int null = open("/dev/null", O_RDWR);

	schedule_text(s, text);
	if (asprintf(&debug, "%s%s%s", e->debug ? e->debug : "", e->debug ? "," : "", text) < 0 ||
	    setenv("GOR_DEBUG", debug, 1) != 0 || run_environment(path) < 0)
		_exit(RUN_CANNOT);
	for (int fd = 0; null >= 0 && fd < 3; fd++)
		dup2(null, fd);
	execvp(e->words[0], e->words);
	_exit(errno == ENOENT ? RUN_MISSING : RUN_CANNOT);
}

/** Until it has ended; by SIGTERM when its time is over, and then by SIGKILL.  Returns: its wait
 * status. */
static int explore_wait(const struct explore *e, pid_t pid, bool *timed_out)
{
	struct pollfd end = {.fd = pidfd_open(pid, 0), .events = POLLIN};
	int ms = (int)(e->args->timeout_ns / 1000000), status = 0;

	*timed_out = false;
	if (end.fd >= 0 && poll(&end, 1, ms) == 0) {
		*timed_out = true;
		kill(pid, SIGTERM);
		if (poll(&end, 1, GRACE_MS) == 0)
			kill(pid, SIGKILL);
	}
	if (end.fd >= 0)
		close(end.fd);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return WIFSIGNALED(status) ? RUN_SIGNAL + WTERMSIG(status) : WEXITSTATUS(status);
}

/** Returns: its exit code as a shell has it, or -1 after talk(). */
static int explore_execute(const struct explore *e, const struct schedule *s, const char *path,
                           bool *timed_out)
{
	unlink(path);
	fflush(NULL);
	pid_t pid = fork();

	if (pid == 0)
		explore_child(e, s, path);
	if (pid < 0) {
		talk("cannot start '%s': %s", e->words[0], strerror(errno));
		return -1;
	}
	return explore_wait(e, pid, timed_out);
}

/** The findings of a trace that count.  The caller finalizes *st and closes *db.  Returns: 0 or -1.
 */
static int explore_findings(const struct explore *e, const char *path, sqlite3 **db,
                            sqlite3_stmt **st)
{
	struct gtrace_error err;

	*db = NULL;
	*st = NULL;
	if (load_open(db, path, &err) < 0) {
		talk("%s", err.text);
		return -1;
	}
	if (db_prepare(*db, "sql/report/explore.sql", "signatures", st) != SQLITE_OK) {
		talk("cannot look for findings: %s", sqlite3_errmsg(*db));
		return -1;
	}
	sqlite3_bind_int(*st, 1, triage_least(e->args->fail_on));
	return 0;
}

/** Does this schedule show it?  Returns: 1, 0, or -1 after talk(). */
static int explore_shows(const struct explore *e, const struct schedule *s, const char *signature,
                         const char *path)
{
	sqlite3 *db = NULL;
	sqlite3_stmt *st = NULL;
	bool timed_out, shows = false;

	if (explore_execute(e, s, path, &timed_out) < 0)
		return -1;
	if (access(path, F_OK) != 0)
		return 0;
	int err = explore_findings(e, path, &db, &st);

	int got = SQLITE_ROW;

	while (!err && !shows && (got = sqlite3_step(st)) == SQLITE_ROW)
		shows = strcmp(db_column(st, 0), signature) == 0;
	if (got != SQLITE_ROW && got != SQLITE_DONE) {
		talk("cannot look for findings: %s", sqlite3_errmsg(db));
		err = -1;
	}
	sqlite3_finalize(st);
	sqlite3_close(db);
	return err ? -1 : shows;
}

/* ── shorter ── */

static void random_bounded(struct schedule *s, int k)
{
	snprintf(s->policy, sizeof s->policy, "random:%d", k);
}

static void shorten_random(const struct explore *e, struct signature *sig, const char *path)
{
	struct schedule s = sig->first;
	int low = -1, high = 0; // does not show it, shows it

	for (;; high = high ? 2 * high : 1) {
		random_bounded(&s, high);
		int shows = explore_shows(e, &s, sig->text, path);
		if (shows > 0)
			break;
		low = high;
		if (shows < 0 || high >= SHORTEN_MAX)
			return;
	}
	while (high - low > 1) {
		int middle = low + (high - low) / 2;
		random_bounded(&s, middle);
		if (explore_shows(e, &s, sig->text, path) > 0)
			high = middle;
		else
			low = middle;
	}
	random_bounded(&s, high);
	sig->first = s;
}

static void shorten_pct(const struct explore *e, struct signature *sig, const char *path)
{
	struct schedule s = sig->first;

	for (int d = 1; d < atoi(s.policy + strlen("pct:")); d++) {
		snprintf(s.policy, sizeof s.policy, "pct:%d", d);
		if (explore_shows(e, &s, sig->text, path) > 0) {
			sig->first = s;
			return;
		}
	}
}

/** Leaves the trace of the shortest one at path. */
static void explore_shorten(const struct explore *e, struct signature *sig, const char *path)
{
	if (strcmp(sig->first.policy, "random") == 0)
		shorten_random(e, sig, path);
	else if (strncmp(sig->first.policy, "pct:", 4) == 0)
		shorten_pct(e, sig, path);
	explore_shows(e, &sig->first, sig->text, path);
}

/* ── what is said ── */

static void print_quoted(const char *word)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
								"_-+./:=,@%";

	if (*word && word[strspn(word, plain)] == 0) {
		fputs(word, stdout);
		return;
	}
	putchar('\'');
	for (; *word; word++) {
		if (*word == '\'')
			fputs("'\\''", stdout);
		else
			putchar(*word);
	}
	putchar('\'');
}

static void print_replay(const struct explore *e, const struct schedule *s)
{
	char text[96];

	schedule_text(s, text);
	printf("    repeat by   GOR_DEBUG=%s%s%s", e->debug ? e->debug : "", e->debug ? "," : "", text);
	for (char **w = e->words; *w; w++) {
		putchar(' ');
		print_quoted(*w);
	}
	putchar('\n');
}

static void print_found(const struct explore *e, const struct signature *sig, int run,
                        sqlite3_stmt *st, const char *path)
{
	printf("run %d: %s, %s: %s\n", run, db_column(st, 1), db_column(st, 3), db_column(st, 2));
	if (*db_column(st, 4))
		printf("    at          %s:%s   %s()\n", db_column(st, 4), db_column(st, 5),
		       db_column(st, 6));
	print_replay(e, &sig->first);
	printf("    trace       %s   (gtrace analyze %s)\n", path, path);
	fflush(stdout);
}

static void print_summary(const struct explore *e, int runs)
{
	printf("\n%d run%s, %d kind%s of trouble\n", runs, runs == 1 ? "" : "s", e->count,
	       e->count == 1 ? "" : "s");
	for (int i = 0; i < e->count; i++)
		printf("    %d.gtrace: in %d of %d\n", i + 1, e->found[i].runs, runs);
	if (e->failed) {
		printf("%d run%s ended with a failure and no finding, status %d first\n", e->failed,
		       e->failed == 1 ? "" : "s", e->failed_code);
		print_replay(e, &e->failed_by);
	}
	if (e->timed_out)
		printf("%d run%s without a finding took longer than the time limit\n", e->timed_out,
		       e->timed_out == 1 ? "" : "s");
}

/* ── all runs ── */

/** The folder of the traces that are kept: never one that is there. */
static int explore_folder(struct explore *e)
{
	const char *slash = strrchr(e->words[0], '/');
	const char *name = slash ? slash + 1 : e->words[0];

	for (int i = 0; i < DIRS_MAX; i++) {
		char number[16] = "";
		if (i)
			snprintf(number, sizeof number, ".%d", i);
		int n = e->args->dir ? snprintf(e->dir, sizeof e->dir, "%s%s", e->args->dir, number)
		                     : snprintf(e->dir, sizeof e->dir, "%s.explore%s", name, number);
		if (n >= (int)sizeof e->dir || strchr(e->dir, '\'')) {
			talk("cannot record to a folder of that name");
			return -1;
		}
		if (mkdir(e->dir, 0777) == 0)
			return 0;
		if (errno != EEXIST)
			break;
	}
	talk("cannot create '%s': %s", e->dir, strerror(errno));
	return -1;
}

static struct signature *signature_find(const struct explore *e, const char *text)
{
	for (int i = 0; i < e->count; i++) {
		if (strcmp(e->found[i].text, text) == 0)
			return &e->found[i];
	}
	return NULL;
}

static struct signature *signature_add(struct explore *e, const char *text,
                                       const struct schedule *s)
{
	struct signature *found = realloc(e->found, ((size_t)e->count + 1) * sizeof *found);

	if (!found)
		return NULL;
	e->found = found;
	found[e->count] = (struct signature){.text = strdup(text), .first = *s, .runs = 1};
	return found[e->count].text ? &found[e->count++] : NULL;
}

/** Returns: how many findings the run had, or -1 after talk(). */
static int explore_look(struct explore *e, int run, const struct schedule *s, const char *path)
{
	sqlite3 *db;
	sqlite3_stmt *st;
	char kept[PATH_MAX];
	int n = 0, err = explore_findings(e, path, &db, &st);

	for (int got; !err && (got = sqlite3_step(st)) != SQLITE_DONE; n++) {
		if (got != SQLITE_ROW) {
			talk("cannot look for findings: %s", sqlite3_errmsg(db));
			err = -1;
			break;
		}
		struct signature *sig = signature_find(e, db_column(st, 0));
		if (sig) {
			sig->runs++;
			continue;
		}
		sig = signature_add(e, db_column(st, 0), s);
		if (!sig) {
			talk("no memory");
			err = -1;
			break;
		}
		snprintf(kept, sizeof kept, "%s/%d.gtrace", e->dir, e->count);
		explore_shorten(e, sig, kept);
		print_found(e, sig, run, st, kept);
	}
	sqlite3_finalize(st);
	sqlite3_close(db);
	return err ? -1 : n;
}

/** Returns: -1 to go on, or an exit code. */
static int explore_run(struct explore *e, int run)
{
	struct schedule s = explore_schedule(run);
	char path[PATH_MAX];
	bool timed_out;

	snprintf(path, sizeof path, "%s/run.gtrace", e->dir);
	int code = explore_execute(e, &s, path, &timed_out);

	if (code < 0)
		return CMD_INPUT;
	if (access(path, F_OK) != 0) {
		if (code == RUN_MISSING || code == RUN_CANNOT)
			talk("cannot run '%s'", e->words[0]);
		else
			talk(
				"'%s' recorded nothing: it does not use libgor, or did not get as far as gor_run()",
				e->words[0]);
		return code ? code : CMD_INPUT;
	}
	int n = explore_look(e, run, &s, path);

	if (n < 0)
		return CMD_INPUT;
	if (n == 0 && timed_out)
		e->timed_out++;
	else if (n == 0 && code && !e->failed++) {
		e->failed_by = s;
		e->failed_code = code;
	}
	return -1;
}

static void explore_clean(struct explore *e)
{
	char path[PATH_MAX + 8];

	snprintf(path, sizeof path, "%s/run.gtrace", e->dir);
	unlink(path);
	snprintf(path, sizeof path, "%s/run.gtrace.live", e->dir);
	unlink(path);
	rmdir(e->dir); // if nothing was kept
	for (int i = 0; i < e->count; i++)
		free(e->found[i].text);
	free(e->found);
}

int explore(const struct explore_args *args, char **words)
{
	struct explore e = {.args = args, .words = words, .debug = getenv("GOR_DEBUG")};
	int code = -1, run;

	if (e.debug && !*e.debug)
		e.debug = NULL;
	if (explore_folder(&e) < 0)
		return CMD_INPUT;
	for (run = 1; run <= args->runs && code < 0; run++)
		code = explore_run(&e, run);
	if (code < 0) {
		print_summary(&e, run - 1);
		code = e.count || e.failed ? CMD_FOUND : CMD_CLEAN;
	}
	explore_clean(&e);
	return code;
}

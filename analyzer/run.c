/* SPDX-License-Identifier: MIT */
/**
 * run.c: the verb run: record a program, run it, analyze the trace.
 *
 *     gtrace                                 child
 *     ───────────────────────────────────    ─────────────────────────────────────────────
 *     block the signals below; fork          choose a file that does not exist yet
 *     read the pipe: the file, then an       write its name to the pipe; set GTRACE; exec
 *       errno, or the end: exec did work       (which closes the pipe; if it fails, its errno)
 *     sigwaitinfo: forward, or reap          runs
 *     restore the signals; analyze
 *
 * The child chooses the file, since its process number may be part of the name.  Signals are taken
 * one by one by sigwaitinfo(), so there is no handler.  What the terminal sends, it sends to the
 * child as well; only what another process sends to us is forwarded.
 */
#define _GNU_SOURCE // pipe2
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <gtrace.h>

#include "analyze.h"
#include "cmd.h"
#include "explore.h"
#include "run.h"
#include "talk.h"

enum {
	RUN_NAMES_MAX = 10000,
	RUN_EXPLORE_MAX = 1000000,
};

#define RUN_TIMEOUT_NS INT64_C(10000000000)

struct run_args {
	const char *out;
	const char *fail_on;
	const char *seed, *explore; // as given
	int64_t timeout_ns;
};

/** What the child sends before it becomes the program. */
struct run_message {
	char path[PATH_MAX];
};

struct run {
	const struct run_args *args;
	char **words;
	struct run_message message;
	sigset_t signals, before;
};

static const char *run_basename(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash && slash[1] ? slash + 1 : path;
}

/** The name as short as the user would write it. */
static const char *run_short(const char *path)
{
	char cwd[PATH_MAX];
	size_t n = getcwd(cwd, sizeof cwd) ? strlen(cwd) : 0;

	return n > 1 && strncmp(path, cwd, n) == 0 && path[n] == '/' ? path + n + 1 : path;
}

static void run_ignore(void *arg, const char *line)
{
	(void)arg;
	(void)line;
}

/** The pattern of the file's name: -o as it is, else what GTRACE says, else the default. */
static void run_pattern(char pattern[PATH_MAX])
{
	const char *env = getenv("GTRACE");
	struct gtrace_options opt;

	gtrace_options_init(&opt);
	if (!env || gtrace_options_parse(&opt, env, run_ignore, NULL) < 0 || !*opt.path)
		snprintf(opt.path, sizeof opt.path, "%%e.%%p.gtrace");
	snprintf(pattern, PATH_MAX, "%s", opt.path);
}

/** Put in what %p, %e and %t stand for.  Returns: 0, or -ENAMETOOLONG. */
static int run_expand(const struct run *r, const char *pattern, char path[PATH_MAX])
{
	FILE *out = fmemopen(path, PATH_MAX, "w");
	time_t now = time(NULL);
	struct tm tm;
	char text[32] = "";

	if (!out)
		return -errno;
	if (gmtime_r(&now, &tm))
		strftime(text, sizeof text, "%Y%m%dT%H%M%SZ", &tm);
	for (const char *p = pattern; *p; p++) {
		if (p[0] != '%' || !p[1] || !strchr("pet%", p[1])) {
			putc(*p, out);
			continue;
		}
		p++;
		if (*p == 'p')
			fprintf(out, "%ld", (long)getpid());
		else
			fputs(*p == 'e' ? run_basename(r->words[0]) : *p == 't' ? text : "%", out);
	}
	int full = ferror(out) | (ftell(out) >= PATH_MAX - 1);

	if (fclose(out) || full)
		return -ENAMETOOLONG;
	return 0;
}

/** Try the name with `.number` behind it.  Returns: 0; -EEXIST; another negative errno: no name
 * will do. */
static int run_try(struct run *r, const char *name, int number)
{
	char *path = r->message.path, side[PATH_MAX + 8], suffix[16] = "";
	struct stat st;

	if (number)
		snprintf(suffix, sizeof suffix, ".%d", number);
	if (snprintf(path, PATH_MAX, "%s%s", name, suffix) >= PATH_MAX)
		return -ENAMETOOLONG;
	snprintf(side, sizeof side, "%s.live", path);
	if (lstat(path, &st) == 0 || lstat(side, &st) == 0)
		return -EEXIST;
	if (errno != ENOENT)
		return -errno;
	char *slash = strrchr(path, '/');
	int wrong;

	*slash = 0;
	wrong = access(slash == path ? "/" : path, W_OK | X_OK) < 0 ? -errno : 0;
	*slash = '/';
	return wrong;
}

/** The absolute name of the file; the recorder never overwrites, so it gets the name it would
 * choose. */
static int run_choose(struct run *r)
{
	char pattern[PATH_MAX], given[PATH_MAX], name[PATH_MAX], cwd[PATH_MAX];
	int err = 0;

	if (r->args->out) {
		if (snprintf(given, sizeof given, "%s", r->args->out) >= PATH_MAX)
			err = -ENAMETOOLONG;
	} else {
		run_pattern(pattern);
		err = run_expand(r, pattern, given);
	}
	if (err < 0)
		return err;
	if (!getcwd(cwd, sizeof cwd))
		return -errno;
	bool whole = given[0] == '/';

	if (snprintf(name, sizeof name, "%s%s%s", whole ? "" : cwd, whole ? "" : "/", given) >=
	    PATH_MAX)
		return -ENAMETOOLONG;
	if (strchr(name, '\''))
		return -EINVAL; // GTRACE has no way to say it
	for (int i = 0; i < RUN_NAMES_MAX; i++) {
		err = run_try(r, name, i);
		if (err != -EEXIST)
			return err;
	}
	return err;
}

/* The last `out` counts. */
int run_environment(const char *path)
{
	const char *env = getenv("GTRACE");
	char *value = NULL;
	size_t size, quotes = 0;
	FILE *out = open_memstream(&value, &size);

	if (!out)
		return -errno;
	if (env && *env && strcmp(env, "0") != 0) {
		for (const char *p = env; *p; p++)
			quotes += *p == '\'';
		fprintf(out, "%s%s,", env, quotes % 2 ? "'" : "");
	}
	fputs("out='", out);
	for (const char *p = path; *p; p++) {
		if (*p == '%')
			putc('%', out);
		putc(*p, out);
	}
	putc('\'', out);
	int err = fclose(out) || setenv("GTRACE", value, 1) ? -ENOMEM : 0;

	free(value);
	return err;
}

/** GOR_DEBUG as it was, with our seed: the last one counts. */
static int run_seed(const char *seed)
{
	const char *env = getenv("GOR_DEBUG");
	char *value;

	if (asprintf(&value, "%s%sseed=%s", env ? env : "", env && *env ? "," : "", seed) < 0)
		return -ENOMEM;
	int err = setenv("GOR_DEBUG", value, 1) ? -ENOMEM : 0;

	free(value);
	return err;
}

static void run_child(struct run *r, int fd)
{
	int err = run_choose(r);

	if (!err)
		err = run_environment(r->message.path);
	if (!err && r->args->seed)
		err = run_seed(r->args->seed);
	if (write(fd, &r->message, sizeof r->message) < 0)
		_exit(RUN_CANNOT);
	if (!err) {
		sigprocmask(SIG_SETMASK, &r->before, NULL);
		execvp(r->words[0], r->words);
		err = errno; // positive: of exec
	}
	_exit(write(fd, &err, sizeof err) < 0 ? RUN_CANNOT : RUN_MISSING);
}

/** Wait for the program's end, handing on to it what is sent to us.  Returns its wait status. */
static int run_wait(struct run *r, pid_t pid)
{
	int status = 0;

	for (;;) {
		siginfo_t si;
		int sig = sigwaitinfo(&r->signals, &si);

		if (sig < 0)
			continue; // EINTR: stopped and continued
		if (sig != SIGCHLD && si.si_code <= 0) {
			kill(pid, sig);
			continue;
		}
		if (waitpid(pid, &status, WNOHANG) == pid)
			break;
	}
	const struct timespec now = {0, 0};

	while (sigtimedwait(&r->signals, NULL, &now) > 0)
		; // a ^C that was meant for the program must not end the analysis
	return status;
}

/** Start it.  Returns its process number; or 0 after talk() with the exit code in *code. */
static pid_t run_start(struct run *r, int *code)
{
	int fd[2], err = 0;

	*code = RUN_CANNOT;
	if (pipe2(fd, O_CLOEXEC) < 0) {
		talk("cannot make a pipe: %s", strerror(errno));
		return 0;
	}
	fflush(NULL);
	pid_t pid = fork();

	if (pid == 0)
		run_child(r, fd[1]);
	close(fd[1]);
	if (pid < 0) {
		talk("cannot start '%s': %s", r->words[0], strerror(errno));
		close(fd[0]);
		return 0;
	}
	ssize_t n = read(fd[0], &r->message, sizeof r->message);

	if (n == (ssize_t)sizeof r->message)
		n = read(fd[0], &err, sizeof err);
	close(fd[0]);
	if (n == 0)
		return pid;
	waitpid(pid, NULL, 0);
	if (err > 0) {
		talk("cannot run '%s': %s", r->words[0], strerror(err));
		*code = err == ENOENT ? RUN_MISSING : RUN_CANNOT;
		return 0;
	}
	*code = CMD_INPUT;
	if (err == -EINVAL)
		talk("cannot record to a file or folder that has a quote in its name");
	else
		talk("cannot write the trace '%s': %s", run_short(r->message.path),
		     strerror(err ? -err : EIO));
	return 0;
}

/** "gtrace: wrote FILE (SIZE)" */
static void run_wrote(const char *path)
{
	static const char *const units[] = {"bytes", "KiB", "MiB", "GiB", "TiB"};
	struct gtrace_reader *reader;
	struct gtrace_error error;

	if (gtrace_reader_open(&reader, path, &error) < 0)
		return; // the analysis will say why
	double size = (double)gtrace_reader_info(reader)->file_bytes;
	size_t unit = 0;

	for (; size >= 1024 && unit < 4; unit++)
		size /= 1024;
	talk("wrote %s (%.*f %s)", path, unit ? 1 : 0, size, units[unit]);
	gtrace_reader_close(reader);
}

static int run_report(const struct run *r, int child_code)
{
	const char *path = run_short(r->message.path);

	if (access(r->message.path, F_OK) < 0) {
		talk("'%s' recorded nothing: it does not use libgor, or did not get as far as gor_run()",
		     r->words[0]);
		return child_code;
	}
	run_wrote(path);
	int code = analyze_trace(path, &(struct analyze_args){.triage.fail_on = r->args->fail_on});

	return child_code ? child_code : code;
}

/** --seed and --explore: numbers.  Returns: the number of runs, 0 for none, or -1 after talk(). */
static int run_numbers(const struct run_args *a)
{
	char *end = NULL;

	errno = 0;
	if (a->seed && (strtoull(a->seed, &end, 0), errno || end == a->seed || *end)) {
		talk("'%s' is no seed: a number of 64 bits", a->seed);
		return -1;
	}
	if (a->seed && a->explore) {
		talk("--seed is for one run, --explore for many: say one of them");
		return -1;
	}
	long runs = a->explore ? strtol(a->explore, &end, 10) : 0;

	if (a->explore && (end == a->explore || *end || runs < 1 || runs > RUN_EXPLORE_MAX)) {
		talk("'%s' is no number of runs: 1 to %d", a->explore, RUN_EXPLORE_MAX);
		return -1;
	}
	return (int)runs;
}

static int run_run(void *args, int nwords, char **words)
{
	const struct run_args *a = args;
	struct run r = {.args = args, .words = words};
	int code, runs = run_numbers(a);

	(void)nwords;
	if (runs < 0)
		return CMD_USAGE;
	if (runs)
		return explore(&(struct explore_args){.dir = a->out,
		                                      .fail_on = a->fail_on,
		                                      .timeout_ns =
		                                          a->timeout_ns ? a->timeout_ns : RUN_TIMEOUT_NS,
		                                      .runs = runs},
		               words);
	sigemptyset(&r.signals);
	sigaddset(&r.signals, SIGCHLD);
	sigaddset(&r.signals, SIGINT);
	sigaddset(&r.signals, SIGQUIT);
	sigaddset(&r.signals, SIGTERM);
	sigaddset(&r.signals, SIGHUP);
	signal(SIGCHLD, SIG_DFL); // ignored, there would be nothing to wait for
	sigprocmask(SIG_BLOCK, &r.signals, &r.before);
	pid_t pid = run_start(&r, &code);
	int status = pid ? run_wait(&r, pid) : 0;

	sigprocmask(SIG_SETMASK, &r.before, NULL);
	if (!pid)
		return code;
	code = WIFSIGNALED(status) ? RUN_SIGNAL + WTERMSIG(status) : WEXITSTATUS(status);
	return run_report(&r, code);
}

static const struct opt run_opts[] = {
	OPT_TEXT("output", 'o', struct run_args, out, "FILE",
             "the trace (default: <program>.<pid>.gtrace, or what GTRACE says)"),
	OPT_WORD("fail-on", 0, struct run_args, fail_on, "proven|probable|suspect|never",
             "how certain a finding has to be for exit status 1 (default: probable)"),
	OPT_TEXT("seed", 0, struct run_args, seed, "N", "a run that can be repeated: GOR_DEBUG=seed=N"),
	OPT_TEXT(
		"explore", 0, struct run_args, explore, "N",
		"run it N times, each with another schedule; -o is then the folder of the traces kept"),
	OPT_DURATION("timeout", 0, struct run_args, timeout_ns,
                 "with --explore: end a run after so long, and look at it (10s)"),
	OPT_END};

const struct cmd cmd_run = {
	.name = "run",
	.args = "[-o FILE] [--seed N | --explore N] [--] CMD [ARG...]",
	.brief = "record a program, run it, report",
	.examples =
		"  gtrace run ./leak              the trace is leak.<pid>.gtrace, the report beside it\n"
		"  gtrace run -o x.gtrace ./leak  the trace is x.gtrace\n"
		"  gtrace run --explore 100 ./a   100 schedules; each kind of trouble once, and\n"
		"                                 what repeats it; 1 if there is any\n"
		"\n"
		"exit status: the program's own; 1 if it was 0 and something was found;\n"
		"             126 or 127 if it could not be run, 128+N if signal N killed it\n"
		"\n",
	.opts = run_opts,
	.flags = CMD_WORDS_AS_GIVEN,
	.args_bytes = sizeof(struct run_args),
	.words_min = 1,
	.words_max = -1,
	.run = run_run,
};

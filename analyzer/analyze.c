/* SPDX-License-Identifier: MIT */
/** analyze.c: the verb analyze: a trace -> the folder of its report, and the report on stdout. */
#include "analyze.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "act/table.h"
#include "cmd.h"
#include "detect/detect.h"
#include "interval/table.h"
#include "load/load.h"
#include "plot/beside.h"
#include "plot/plot.h"
#include "progress.h"
#include "report/html.h"
#include "report/report.h"
#include "rules.h"
#include "stamp.h"
#include "talk.h"

enum {
	PATH_BYTES = 4096,
	PLAIN_INTERVALS = 100000, // the stock sqlite3 can read so many; they take 5 MB and 0.2 s
};

static volatile sig_atomic_t analyze_stop; // set by SIGINT alone

struct analysis {
	const char *trace;
	const struct analyze_args *args;
	sqlite3 *db;
	char dir[PATH_BYTES - 64]; // room for the names of files in it
	bool made_dir;
	struct plot_beside *plots; // in the making
	bool undrawn;              // gnuplot failed
	struct triage *triage;
	struct progress progress;
	int wrong; // the exit code if a step fails; 0 stands for CMD_INPUT
};

static void on_interrupt(int signo)
{
	(void)signo;
	analyze_stop = 1;
}

/* run.gtrace -> run.report */
static int report_dir(struct analysis *a)
{
	static const char ending[] = ".gtrace";
	const char *name = strcmp(a->trace, "-") == 0 ? "stdin" : a->trace;
	size_t len = strlen(name), cut = sizeof ending - 1;
	int n;

	if (len > cut && strcmp(name + len - cut, ending) == 0 && name[len - cut - 1] != '/')
		len -= cut;
	if (a->args->dir)
		n = snprintf(a->dir, sizeof a->dir, "%s", a->args->dir);
	else
		n = snprintf(a->dir, sizeof a->dir, "%.*s.report", (int)len, name);
	if (n < (int)sizeof a->dir)
		return 0;
	talk("cannot create '%.40s...': name too long", a->dir);
	return -ENAMETOOLONG;
}

static int make_dir(const char *path, bool *made)
{
	struct stat st;

	*made = mkdir(path, 0777) == 0;
	if (*made)
		return 0;
	int err = errno;

	if (err == EEXIST && stat(path, &st) == 0 && S_ISDIR(st.st_mode))
		return 0;
	talk("cannot create '%s': %s", path, strerror(err == EEXIST ? ENOTDIR : err));
	return -err;
}

static void in_dir(const struct analysis *a, const char *name, char path[PATH_BYTES])
{
	snprintf(path, PATH_BYTES, "%s/%s", a->dir, name);
}

/* The database is made under another name, so that an older one stays whole until the new one is.
 */
static int database_open(struct analysis *a)
{
	char path[PATH_BYTES];

	in_dir(a, "trace.db.new", path);
	if (unlink(path) < 0 && errno != ENOENT) {
		talk("cannot write '%s': %s", path, strerror(errno));
		return -1;
	}
	if (sqlite3_open_v2(path, &a->db,
	                    SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX,
	                    NULL) == SQLITE_OK)
		return 0;
	talk("cannot write '%s': %s", path, sqlite3_errmsg(a->db));
	return -1;
}

/* Close it, and give it its name or throw it away. */
static int database_close(struct analysis *a, bool keep)
{
	char path[PATH_BYTES], final[PATH_BYTES];
	int err = 0;

	in_dir(a, "trace.db.new", path);
	in_dir(a, "trace.db", final);
	sqlite3_close(a->db);
	if (!keep)
		unlink(path);
	else if (rename(path, final) < 0)
		err = -errno;
	if (err)
		talk("cannot write '%s': %s", final, strerror(-err));
	return err;
}

static int write_json(const struct analysis *a)
{
	char path[PATH_BYTES], final[PATH_BYTES];

	in_dir(a, "report.json.new", path);
	in_dir(a, "report.json", final);
	FILE *f = fopen(path, "we");
	int err = f ? 0 : -errno;

	if (f && report_json(a->db, f) != SQLITE_OK)
		err = -EIO;
	if (f && fflush(f) && !err)
		err = -errno;
	if (f && fclose(f) && !err)
		err = -errno;
	if (!err && rename(path, final) < 0)
		err = -errno;
	if (err) {
		talk("cannot write '%s': %s", final, strerror(-err));
		unlink(path);
	}
	return err;
}

/* The plots are drawn. */
static int plots_drawn(void *analysis)
{
	struct analysis *a = analysis;
	char path[PATH_BYTES];

	if (a->args->no_plots)
		return 0;
	in_dir(a, "plots", path);
	progress_show(&a->progress, "drawing", NULL);
	int drawn = a->plots ? plot_beside_end(a->plots) : plot_all(a->db, path);

	a->plots = NULL;
	a->undrawn = drawn != 0;
	progress_show(&a->progress, "writing the report", NULL);
	return drawn < 0 ? drawn : 0;
}

static int write_files(struct analysis *a)
{
	char path[PATH_BYTES], plots[PATH_BYTES];
	bool made;

	if (write_json(a) < 0)
		return -1;
	in_dir(a, "trace.db.new", path);
	in_dir(a, "plots", plots);
	if (!a->args->no_plots && make_dir(plots, &made) < 0)
		return -1;
	progress_show(&a->progress, "writing the report", NULL);
	if (!a->args->no_plots)
		a->plots = plot_beside_begin(path, plots);
	int err = report_html(a->db, a->dir, plots_drawn, a);

	if (a->plots) // the report failed before
		plot_beside_end(a->plots);
	a->plots = NULL;
	return err;
}

static bool want_colour(const char *when)
{
	const char *no = getenv("NO_COLOR"), *term = getenv("TERM");

	if (when && strcmp(when, "auto") != 0)
		return strcmp(when, "always") == 0;
	return isatty(STDOUT_FILENO) && !(no && *no) && !(term && strcmp(term, "dumb") == 0);
}

static int print_file(const struct analysis *a, const char *name)
{
	char path[PATH_BYTES], buf[65536];
	size_t n;

	in_dir(a, name, path);
	FILE *f = fopen(path, "re");

	if (!f) {
		talk("cannot read '%s': %s", path, strerror(errno));
		return -1;
	}
	while ((n = fread(buf, 1, sizeof buf, f)) > 0)
		fwrite(buf, 1, n, stdout); // main.c looks whether it got out
	fclose(f);
	return 0;
}

static const struct format {
	const char *name;
	int (*write)(sqlite3 *db, FILE *out);
} formats[] = {
	{"json", report_json},     {"junit", report_junit},       {"sarif", report_sarif},
	{"github", report_github}, {"markdown", report_markdown},
};

static int print_report(const struct analysis *a)
{
	const char *format = a->args->format ? a->args->format : "text";
	int err = SQLITE_OK;

	if (strcmp(format, "html") == 0)
		return print_file(a, "report.html");
	if (strcmp(format, "text") == 0)
		err = report_text(a->db, stdout, want_colour(a->args->colour));
	for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++) {
		if (strcmp(format, formats[i].name) == 0)
			err = formats[i].write(a->db, stdout);
	}
	if (err != SQLITE_OK)
		talk("cannot report: %s", sqlite3_errmsg(a->db));
	return err == SQLITE_OK ? 0 : -1;
}

static int fails_code(const struct analysis *a)
{
	int fails;

	if (report_fails(a->db, &fails) == SQLITE_OK)
		return fails ? CMD_FOUND : CMD_CLEAN;
	talk("cannot read the database: %s", sqlite3_errmsg(a->db));
	return CMD_INPUT;
}

static int analyze_steps(struct analysis *a)
{
	struct gtrace_error err;

	struct load_options load = {.stop = &analyze_stop,
	                            .progress = &a->progress,
	                            .plain = PLAIN_INTERVALS};

	if (load_trace(a->db, a->trace, &load, &err) < 0) {
		talk("%s", err.text);
		return -1;
	}
	progress_show(&a->progress, "looking for findings", NULL);
	struct detect_options opt = {
		.spin_ns = a->args->spin_ns,
		.poll_ns = a->args->poll_ns,
		.starve_ns = a->args->starve_ns,
		.call_ns = a->args->call_ns,
	};

	if (detect_all(a->db, &opt) != SQLITE_OK) {
		talk("cannot look for findings: %s", sqlite3_errmsg(a->db));
		return -1;
	}
	if (a->args->rules && (a->wrong = rules_run(a->db, a->args->rules)) != 0)
		return -1;
	if (triage_apply(a->triage, a->db) < 0)
		return -1;
	if (write_files(a) < 0)
		return -1;
	progress_end(&a->progress);
	return print_report(a);
}

/* Print the report of results that are there already.  False: they cannot be used. */
static bool analyze_again(struct analysis *a, int *code)
{
	char path[PATH_BYTES];

	in_dir(a, "trace.db", path);
	bool there = sqlite3_open_v2(path, &a->db, SQLITE_OPEN_READONLY, NULL) == SQLITE_OK &&
	             interval_register(a->db) == SQLITE_OK && act_register(a->db) == SQLITE_OK &&
	             sqlite3_exec(a->db, "SELECT 1 FROM trace", NULL, NULL, NULL) == SQLITE_OK;

	if (there) {
		if (!a->args->quiet && (!a->args->format || strcmp(a->args->format, "text") == 0))
			talk("'%s' has the results of this very trace already; --fresh makes them anew",
			     a->dir);
		*code = print_report(a) < 0 ? CMD_INPUT : fails_code(a);
	}
	sqlite3_close(a->db);
	a->db = NULL;
	return there;
}

static int analyze_to_dir(struct analysis *a)
{
	struct sigaction act = {.sa_handler = on_interrupt, .sa_flags = SA_RESETHAND}, old;
	int code = CMD_INPUT;

	if (report_dir(a) < 0 || make_dir(a->dir, &a->made_dir) < 0)
		return CMD_INPUT;
	struct stamp stamp;

	stamp_take(&stamp, a->trace, a->args);
	if (!a->args->fresh && stamp_fits(&stamp, a->dir) && analyze_again(a, &code))
		return code;
	stamp_remove(a->dir);
	sigaction(SIGINT, &act, &old);
	progress_begin(&a->progress, a->args->quiet);
	bool done = database_open(a) == 0 && analyze_steps(a) == 0;

	progress_end(&a->progress);
	if (done)
		code = fails_code(a);
	else if (a->wrong)
		code = a->wrong;
	if (database_close(a, done) < 0)
		code = CMD_INPUT;
	else if (done && !analyze_stop && !a->undrawn)
		stamp_put(&stamp, a->dir);
	if (!done && a->made_dir)
		rmdir(a->dir); // if nothing got into it
	sigaction(SIGINT, &old, NULL);
	if (analyze_stop && done)
		talk("interrupted: this is the report of what was read until then");
	return analyze_stop ? CMD_BREAK : code;
}

int analyze_trace(const char *path, const struct analyze_args *args)
{
	struct analysis a = {.trace = path, .args = args};
	int code = triage_open(&a.triage, &args->triage);

	if (!code)
		code = analyze_to_dir(&a);
	triage_close(a.triage);
	return code;
}

static int analyze_run(void *args, int nwords, char **words)
{
	(void)nwords;
	return analyze_trace(words[0], args);
}

static const struct opt analyze_opts[] = {
	OPT_TEXT("output", 'o', struct analyze_args, dir, "DIR",
             "the report's folder (TRACE's name, .report)"),
	OPT_WORD("format", 0, struct analyze_args, format, "text|json|html|junit|sarif|github|markdown",
             "what to print"),
	OPT_WORD("fail-on", 0, struct analyze_args, triage.fail_on, "proven|probable|suspect|never",
             "exit 1 for findings this certain (probable)"),
	OPT_TEXT("baseline", 0, struct analyze_args, triage.baseline, "FILE",
             "findings in it are known: they do not count"),
	OPT_TEXT("write-baseline", 0, struct analyze_args, triage.write_baseline, "FILE",
             "write the findings of this run there"),
	OPT_TEXT("suppress", 0, struct analyze_args, triage.suppress, "FILE",
             "leave out what its lines KIND:PATTERN match"),
	OPT_DURATION("since", 0, struct analyze_args, triage.since_ns,
                 "leave out findings that began before"),
	OPT_TEXT("until", 0, struct analyze_args, triage.until, "DUR", "or after"),
	OPT_DURATION("min-wait", 0, struct analyze_args, triage.min_wait_ns,
                 "or lasted for less, until the end"),
	OPT_TEXT("goroutine", 0, struct analyze_args, triage.goroutine, "N",
             "or are not about this one"),
	OPT_TEXT("rules", 0, struct analyze_args, rules, "DIR", "run the detectors DIR/*.sql as well"),
	OPT_DURATION("spin", 0, struct analyze_args, spin_ns,
                 "a goroutine spins after that much processor time (1s)"),
	OPT_DURATION("poll", 0, struct analyze_args, poll_ns,
                 "a goroutine polls if its tries fail for that long (1s)"),
	OPT_DURATION("starve", 0, struct analyze_args, starve_ns,
                 "a goroutine starves if it is ready to run for that long (1s)"),
	OPT_DURATION("call", 0, struct analyze_args, call_ns,
                 "a call outside the runtime is stuck after that long (10s)"),
	OPT_WORD("color", 0, struct analyze_args, colour, "auto|always|never", "colour in the text"),
	OPT_FLAG("no-plots", 0, struct analyze_args, no_plots, "leave out the plots"),
	OPT_FLAG("fresh", 0, struct analyze_args, fresh, "analyze even if DIR has the results already"),
	OPT_FLAG("quiet", 'q', struct analyze_args, quiet, "say nothing of how far it is"),
	OPT_END};

const struct cmd cmd_analyze = {
	.name = "analyze",
	.args = "[-o DIR] [--format FORMAT] TRACE",
	.brief = "report what went wrong in a run, and draw it",
	.examples =
		"  gtrace analyze run.gtrace                 report, and run.report/ with all of it\n"
		"  gtrace analyze --format json run.gtrace   for programs\n"
		"  gtrace analyze --format sarif run.gtrace  for GitHub; junit for GitLab and Jenkins\n"
		"  gtrace analyze - <run.gtrace              from a pipe\n",
	.opts = analyze_opts,
	.args_bytes = sizeof(struct analyze_args),
	.words_min = 1,
	.words_max = 1,
	.run = analyze_run,
};

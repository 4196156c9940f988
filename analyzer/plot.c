/* SPDX-License-Identifier: MIT */
/** plot.c: the verb plot: draw some plots of a trace. */
#include "plot/part.h"
#include "plot/plot.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd.h"
#include "load/load.h"
#include "talk.h"

struct plot_args {
	const char *term;
	const char *dir;
	bool log;
	int64_t since_ns, until_ns; // until_ns 0: to the end
};

/** Where the drawings go, and whether they are to be removed again. */
struct plot_place {
	char dir[PATH_MAX];
	bool passing;
};

/** The names must be those of plots; none stands for all. */
static int plot_check(int count, char **names)
{
	const char *known[PLOT_MAX + 1] = {NULL};

	for (size_t i = 0; i < PLOT_MAX; i++)
		known[i] = plot_name(i);
	for (int i = 0; i < count; i++) {
		size_t k = 0;

		while (known[k] && strcmp(known[k], names[i]) != 0)
			k++;
		if (known[k])
			continue;
		const char *near = opt_nearest(names[i], known);

		if (near)
			talk("unknown plot '%s', did you mean '%s'?", names[i], near);
		else
			talk("unknown plot '%s'", names[i]);
		return -EINVAL;
	}
	return 0;
}

/** Make a folder, unless it is there. */
static int plot_mkdir(const char *dir)
{
	if (mkdir(dir, 0777) < 0 && errno != EEXIST) {
		talk("cannot make the folder '%s': %s", dir, strerror(errno));
		return -errno;
	}
	return 0;
}

/** -o; for letters on the terminal, a passing folder; else `plots`. */
static int plot_place(struct plot_place *place, const struct plot_args *args)
{
	const char *temp = getenv("TMPDIR");

	if (args->dir) {
		snprintf(place->dir, sizeof place->dir, "%s", args->dir);
		return plot_mkdir(place->dir);
	}
	if (strcmp(args->term, "dumb") != 0) {
		snprintf(place->dir, sizeof place->dir, "plots");
		return plot_mkdir(place->dir);
	}
	snprintf(place->dir, sizeof place->dir, "%s/gtrace-plot.XXXXXX", temp && *temp ? temp : "/tmp");
	if (!mkdtemp(place->dir)) {
		talk("cannot make the folder '%s': %s", place->dir, strerror(errno));
		return -errno;
	}
	place->passing = true;
	return 0;
}

static void plot_remove(const struct plot_place *place, const char *name)
{
	static const char *const endings[] = {"gp", "tsv"};

	for (size_t i = 0; i < 2; i++) {
		char path[PATH_MAX];

		if (snprintf(path, sizeof path, "%s/%s.%s", place->dir, name, endings[i]) <
		    (int)sizeof path)
			unlink(path);
	}
}

static bool plot_asked(const char *name, int count, char **names)
{
	for (int i = 0; i < count; i++)
		if (strcmp(names[i], name) == 0)
			return true;
	return count == 0;
}

static int plot_each(sqlite3 *db, struct plot_place *place, const struct plot_args *args, int count,
                     char **names)
{
	struct plot_options opt = {
		.term = args->term,
		.log = args->log,
		.tell = count > 0,
		.begin_ns = args->since_ns,
		.part = args->since_ns || args->until_ns,
	};
	bool letters = strcmp(args->term, "dumb") == 0;
	unsigned which = 0;
	int got[PLOT_MAX];

	for (size_t i = 0; i < PLOT_MAX; i++)
		which |= plot_asked(plot_name(i), count, names) ? 1U << i : 0;
	int err = plot_some(db, place->dir, which, &opt, got);

	for (size_t i = 0; i < PLOT_MAX; i++) {
		if (place->passing)
			plot_remove(place, plot_name(i));
		if (!got[i] && !letters)
			printf("%s/%s.%s\n", place->dir, plot_name(i), args->term);
	}
	return err ? CMD_INPUT : CMD_CLEAN;
}

static int plot_part(sqlite3 *db, struct plot_args *args)
{
	if (!args->since_ns && !args->until_ns)
		return CMD_CLEAN;
	int err = part_open(db, args->since_ns, &args->until_ns);

	return !err ? CMD_CLEAN : err == -EINVAL ? CMD_USAGE : CMD_INPUT;
}

static int plot_run_verb(void *verb_args, int nwords, char **words)
{
	struct plot_args *args = verb_args;
	struct plot_place place = {.passing = false};
	struct gtrace_error error;
	sqlite3 *db = NULL;
	int code = CMD_INPUT;

	if (!args->term)
		args->term = "svg";
	if (args->until_ns && args->until_ns <= args->since_ns) {
		talk("--until has to be later than --since");
		return CMD_USAGE;
	}
	if (plot_check(nwords - 1, words + 1) < 0)
		return CMD_USAGE;
	if (load_open(&db, words[0], &error) < 0)
		talk("%s", error.text);
	else if ((code = plot_part(db, args)) == CMD_CLEAN)
		code = plot_place(&place, args) == 0 ? plot_each(db, &place, args, nwords - 1, words + 1)
		                                     : CMD_INPUT;
	if (place.passing)
		rmdir(place.dir);
	sqlite3_close(db);
	return code;
}

static const struct opt plot_opts[] = {
	OPT_WORD("term", 0, struct plot_args, term, "svg|png|dumb",
             "what to draw: files, or letters on the terminal (default: svg)"),
	OPT_TEXT("output", 'o', struct plot_args, dir, "DIR",
             "the folder for NAME.svg, NAME.gp and NAME.tsv (default: plots)"),
	OPT_FLAG("log", 0, struct plot_args, log,
             "a logarithmic axis for counts, where lines are drawn"),
	OPT_DURATION("since", 0, struct plot_args, since_ns, "only from then on"),
	OPT_DURATION("until", 0, struct plot_args, until_ns, "only until then"),
	OPT_END};

const struct cmd cmd_plot = {
	.name = "plot",
	.args = "TRACE|DB [NAME...] [--since DUR] [--until DUR] [--term svg|png|dumb] [-o DIR]",
	.brief = "draw a run",
	.examples = "  gtrace plot run.gtrace                       all plots, in the folder plots\n"
				"  gtrace plot run.gtrace goroutines --term dumb  in letters, here\n"
				"  gtrace plot run.gtrace --since 20ms --until 25ms  a part of the run\n"
				"\n"
				"names: goroutines  how many, by state, over time\n"
				"       sites       how many are alive of each place that spawns\n"
				"       threads     what each thread ran, and handoffs between them\n"
				"       heat        how much of the time each thread ran goroutines\n"
				"       latency     how long goroutines that are ready wait for a thread\n"
				"       blocking    how long they waited, by place\n"
				"       channels    how many wait to send and to receive, on the busiest\n"
				"       lifetimes   how long goroutines lived\n"
				"\n",
	.opts = plot_opts,
	.args_bytes = sizeof(struct plot_args),
	.words_min = 1,
	.words_max = -1,
	.run = plot_run_verb,
};

/* SPDX-License-Identifier: MIT */
/** pass.c: goroutines and their intervals, each in the order of the key and so in step. */
#include "plot/pass.h"

#include <errno.h>

#include "interval/each.h"
#include "plot/figure.h"
#include "plot/part.h"
#include "plot/query.h"
#include "talk.h"

struct walk {
	const struct pass *pass;
	sqlite3_stmt *lives; // NULL behind the last one
	struct pass_life life;
	bool part;
	int64_t from_ns, to_ns; // of the part
};

void pass_add(struct pass *p, const struct pass_reader *reader)
{
	for (size_t i = 0; i < p->readers; i++)
		if (p->reader[i] == reader)
			return;
	p->reader[p->readers++] = reader;
}

void *pass_of(const struct pass *p, const struct pass_reader *reader)
{
	for (size_t i = 0; i < p->readers; i++)
		if (p->reader[i] == reader)
			return p->arg[i];
	return NULL;
}

/** Go to the next goroutine. */
static int walk_life(struct walk *w)
{
	const struct pass *p = w->pass;
	int err = query_step(w->lives);

	if (err != 1) {
		sqlite3_finalize(w->lives);
		w->lives = NULL;
		return err;
	}
	w->life = (struct pass_life){
		.g = sqlite3_column_int64(w->lives, 0),
		.site = sqlite3_column_int64(w->lives, 1),
		.born_ns = sqlite3_column_int64(w->lives, 2),
		.ended_ns = sqlite3_column_int64(w->lives, 3),
		.older = sqlite3_column_int(w->lives, 4),
	};
	err = 0;
	for (size_t i = 0; i < p->readers && !err; i++)
		if (p->reader[i]->life)
			err = p->reader[i]->life(p->arg[i], &w->life);
	return err;
}

static int walk_interval(void *arg, const struct interval *row)
{
	struct walk *w = arg;
	const struct pass *p = w->pass;
	struct interval cut;
	int err = 0;

	while (w->lives && w->life.g < (int64_t)row->g && !err)
		err = walk_life(w);
	if (w->part) {
		cut = *row;
		if (!part_cut(&cut, w->from_ns, w->to_ns))
			return err;
		row = &cut;
	}
	const struct pass_life *life = w->lives && w->life.g == (int64_t)row->g ? &w->life : NULL;

	for (size_t i = 0; i < p->readers && !err; i++)
		if (p->reader[i]->interval)
			err = p->reader[i]->interval(p->arg[i], row, life);
	return err;
}

static int walk_intervals(struct walk *w, sqlite3 *db, int64_t trace)
{
	bool wanted = false;

	for (size_t i = 0; i < w->pass->readers; i++)
		wanted |= w->pass->reader[i]->interval != NULL;
	int err = wanted ? interval_each(db, trace, 0, walk_interval, w) : 0;

	if (err <= 0)
		return err;
	talk("cannot read the intervals: %s", sqlite3_errstr(err));
	return err == SQLITE_NOMEM ? -ENOMEM : -EIO;
}

int pass_run(struct pass *p, sqlite3 *db, const struct plot_options *opt)
{
	struct walk w = {.pass = p, .life.g = INT64_MIN, .part = opt->part, .from_ns = opt->begin_ns};
	struct figure_run run;
	int err = p->readers ? figure_run(&run, db) : 0;

	for (size_t i = 0; i < p->readers && !err; i++)
		err = p->reader[i]->open(&p->arg[i], db, run.end_ns);
	if (!p->readers || err)
		return err;
	w.to_ns = w.from_ns + run.end_ns;
	w.lives = query_open(db, "sql/plot/lives.sql");
	err = w.lives ? walk_intervals(&w, db, run.trace) : -EIO;
	while (w.lives && !err)
		err = walk_life(&w);
	sqlite3_finalize(w.lives);
	return err;
}

void pass_release(struct pass *p)
{
	for (size_t i = 0; i < p->readers; i++)
		if (p->arg[i])
			p->reader[i]->close(p->arg[i]);
	*p = (struct pass){0};
}

/* SPDX-License-Identifier: MIT */
/** threads.c: a lane per thread: goroutines of which place it ran, when it idled, and handoffs. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "plot/figures.h"
#include "plot/lanes.h"
#include "plot/query.h"

enum {
	THREADS_PLACES = 7,                 // with a colour each
	THREADS_OTHER = THREADS_PLACES + 1, // kinds of runs: of other places,
	THREADS_CALL = THREADS_OTHER + 1,   // and outside
	THREADS_STRETCHES = 3500,           // 55 bytes of SVG each
	THREADS_ARROWS = 100,
	THREADS_ARROWS_TOLD = 12, // so many arrows can have their reasons beside them
};

struct threads {
	const struct lanes *lanes;
	struct figure *figure;
	size_t order[THREADS_PLACES]; // the busiest places, as in lane_cell
	size_t shown;
	size_t step; // columns that are drawn as one
	size_t handoffs, arrows;
	struct arrow {
		int64_t ns;
		size_t column, from, to;
		char why[16];
	} arrow[THREADS_ARROWS];
};

static size_t threads_kind(const struct threads *t, const struct lane_cell *c)
{
	if (!c->place || c->call)
		return c->place ? THREADS_CALL : 0;
	for (size_t i = 0; i < t->shown; i++)
		if (t->order[i] == (size_t)c->place)
			return i + 1;
	return THREADS_OTHER;
}

static void threads_choose(struct threads *t)
{
	const struct lanes *l = t->lanes;

	while (t->shown < THREADS_PLACES) {
		size_t best = 0;

		for (size_t i = 1; i <= l->places; i++) {
			bool taken = false;

			for (size_t k = 0; k < t->shown; k++)
				taken = taken || t->order[k] == i;
			if (!taken && l->place[i - 1].busy_ns > (best ? l->place[best - 1].busy_ns : 0))
				best = i;
		}
		if (!best)
			break;
		t->order[t->shown++] = best;
	}
}

/** What the columns from `from` on show that are drawn as one: what began there last. */
static size_t threads_at(const struct threads *t, const struct lane_cell *cell, size_t from)
{
	size_t last = from;

	for (size_t i = from; i < from + t->step; i++)
		if (cell[i].place && (!cell[last].place || cell[i].from_ns >= cell[last].from_ns))
			last = i;
	return threads_kind(t, &cell[last]);
}

/** The stretches of one kind in a lane; they are drawn if wanted.  Returns how many. */
static size_t threads_lane(const struct threads *t, size_t lane, size_t kind, bool draw)
{
	const struct lane_cell *cell = t->lanes->shown[lane]->cell;
	size_t stretches = 0;

	for (size_t from = 0, to; from < FIGURE_COLUMNS; from = to + t->step) {
		to = from;
		while (to < FIGURE_COLUMNS && threads_at(t, cell, to) == kind)
			to += t->step;
		if (to == from)
			continue;
		stretches++;
		if (draw)
			lanes_stretch(t->lanes, t->figure, lane + 1, from, to);
	}
	return stretches;
}

/** All stretches of a kind; drawn, they are a block. */
static size_t threads_stretches(const struct threads *t, size_t kind, bool draw)
{
	size_t stretches = 0;

	for (size_t i = 0; i < t->lanes->count; i++) {
		size_t n = threads_lane(t, i, kind, draw);

		if (n && draw)
			putc('\n', t->figure->data.file);
		stretches += n;
	}
	if (stretches && draw)
		putc('\n', t->figure->data.file);
	return stretches;
}

/** Draw columns together until the drawing is small enough. */
static void threads_coarsen(struct threads *t)
{
	for (t->step = 1; t->step < FIGURE_COLUMNS / SERIES_DASHES; t->step *= 2) {
		size_t stretches = 0;

		for (size_t kind = 1; kind <= THREADS_CALL; kind++)
			stretches += threads_stretches(t, kind, false);
		if (stretches <= THREADS_STRETCHES)
			break;
	}
}

static void threads_blocks(struct threads *t)
{
	struct figure *f = t->figure;
	size_t blocks = 0;

	figure_array(f, "run", THREADS_CALL);
	figure_array(f, "run_kind", THREADS_CALL);
	for (size_t kind = 1; kind <= THREADS_CALL; kind++) {
		const char *label = kind == THREADS_CALL    ? "in a call outside"
		                    : kind == THREADS_OTHER ? "other goroutines"
		                    : kind <= t->shown      ? t->lanes->place[t->order[kind - 1] - 1].label
		                                            : "";

		if (!threads_stretches(t, kind, false))
			continue;
		figure_block(f, label);
		threads_stretches(t, kind, true);
		figure_put_text(f, "run", ++blocks, label);
		figure_put(f, "run_kind", blocks, (double)kind);
	}
	fprintf(f->vars.file, "runs = %zu\n", blocks);
	f->keys = (int)blocks;
}

/** Arrows that look alike are one. */
static int threads_handoff(void *arg, sqlite3_stmt *stmt)
{
	struct threads *t = arg;
	struct arrow a = {
		.ns = sqlite3_column_int64(stmt, 0),
		.from = lanes_find(t->lanes, sqlite3_column_int64(stmt, 1)),
		.to = lanes_find(t->lanes, sqlite3_column_int64(stmt, 2)),
	};

	snprintf(a.why, sizeof a.why, "%.15s", query_text(stmt, 3));
	t->handoffs++;
	if (!a.from || !a.to || t->arrows == THREADS_ARROWS)
		return 0;
	a.column = (size_t)((double)a.ns * FIGURE_COLUMNS / (double)t->figure->end_ns);
	for (size_t i = t->arrows; i-- > 0 && t->arrow[i].column == a.column;)
		if (t->arrow[i].from == a.from && t->arrow[i].to == a.to &&
		    strcmp(t->arrow[i].why, a.why) == 0)
			return 0;
	t->arrow[t->arrows++] = a;
	return 0;
}

static void threads_arrows(struct threads *t)
{
	struct figure *f = t->figure;

	f->keys +=
		t->handoffs || t->lanes->more; // a row that says what the arrows are, and what is left out
	fprintf(f->vars.file, "handoffs = %zu\narrows = %zu\narrows_told = %d\n", t->handoffs,
	        t->arrows, t->arrows <= THREADS_ARROWS_TOLD);
	figure_array(f, "arrow_at", t->arrows);
	figure_array(f, "arrow_from", t->arrows);
	figure_array(f, "arrow_to", t->arrows);
	figure_array(f, "arrow_why", t->arrows);
	for (size_t i = 0; i < t->arrows; i++) {
		figure_put(f, "arrow_at", i + 1, (double)t->arrow[i].ns);
		figure_put(f, "arrow_from", i + 1, (double)t->arrow[i].from);
		figure_put(f, "arrow_to", i + 1, (double)t->arrow[i].to);
		figure_put_text(f, "arrow_why", i + 1, t->arrow[i].why);
	}
}

int figure_threads(struct figure *f, sqlite3 *db, void *lanes)
{
	struct threads *t = calloc(1, sizeof *t);

	if (!t)
		return -ENOMEM;
	t->figure = f;
	t->lanes = lanes;
	int err = lanes_name(lanes, f, db);

	if (!err) {
		threads_choose(t);
		threads_coarsen(t);
		threads_blocks(t);
		err = query_each(db, "sql/plot/lanes.sql", "handoffs", threads_handoff, t);
	}
	if (!err)
		threads_arrows(t);
	free(t);
	return err;
}

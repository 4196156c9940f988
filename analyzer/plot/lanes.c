/* SPDX-License-Identifier: MIT */
/**
 * lanes.c: what each thread ran, reduced as it arrives.
 *
 * Runs come in the order of goroutines, since that is how they lie on disk and sorting
 * millions of them would take longer than all else.  So nothing here depends on the order: of the
 * runs in a column that which began last gives the colour, as if each had been painted over those
 * before; and times are summed.
 */
#include "plot/lanes.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "array.h"
#include "plot/figures.h"
#include "plot/query.h"

enum {
	LANES_HEIGHT = 26, // pixels of one
};

static int lanes_place(void *arg, sqlite3_stmt *stmt)
{
	struct lanes *l = arg;
	struct lane_place *more = array_more(l->place, l->places, sizeof *more);

	if (!more)
		return -ENOMEM;
	l->place = more;
	struct lane_place *p = &l->place[l->places++];

	*p = (struct lane_place){.site = sqlite3_column_int64(stmt, 0)};
	figure_site(p->label, sizeof p->label, query_text(stmt, 1), query_text(stmt, 2),
	            sqlite3_column_int(stmt, 3), query_text(stmt, 4));
	return 0;
}

static int place_compare(const void *key, const void *element)
{
	int64_t a = *(const int64_t *)key, b = ((const struct lane_place *)element)->site;

	return (a > b) - (a < b);
}

/** The place of a site; one that is no call of `go` is unknown. */
static struct lane_place *lanes_place_of(const struct lanes *l, int64_t site)
{
	static const int64_t unknown = 0;
	struct lane_place *p = bsearch(&site, l->place, l->places, sizeof *p, place_compare);

	return p ? p : bsearch(&unknown, l->place, l->places, sizeof *p, place_compare);
}

static size_t lanes_column(const struct lanes *l, int64_t ns)
{
	size_t i = (size_t)((double)ns * FIGURE_COLUMNS / (double)l->end_ns);

	return i < FIGURE_COLUMNS ? i : FIGURE_COLUMNS - 1;
}

static struct lane *lanes_of(struct lanes *l, uint64_t thread)
{
	struct lane *lane = l->of[thread];

	if (!lane && (lane = l->of[thread] = calloc(1, sizeof *lane)) != NULL)
		lane->thread = (int64_t)thread;
	return lane;
}

/** A run that began at run_ns is in the cell from..to. */
static void lane_paint(struct lane_cell *c, int64_t from, int64_t to, int64_t run_ns,
                       const struct lane_cell *run)
{
	if (!run->call)
		c->busy_ns += to - from;
	if (!c->place || run_ns >= c->from_ns) {
		c->from_ns = run_ns;
		c->place = run->place;
		c->call = run->call;
	}
}

static void lane_run(const struct lanes *l, struct lane *lane, int64_t from, int64_t to,
                     const struct lane_cell *run)
{
	size_t first = lanes_column(l, from), last = lanes_column(l, to);

	if (first == last) { // most are short
		lane_paint(&lane->cell[first], from, to, from, run);
		return;
	}
	for (size_t i = first; i <= last; i++) {
		int64_t begin = series_edge(l->end_ns, FIGURE_COLUMNS, i);
		int64_t end = series_edge(l->end_ns, FIGURE_COLUMNS, i + 1);

		lane_paint(&lane->cell[i], from > begin ? from : begin, to < end ? to : end, from, run);
	}
}

static int lanes_open(void **out, sqlite3 *db, int64_t end_ns)
{
	struct lanes *l = *out = calloc(1, sizeof *l);

	if (!l)
		return -ENOMEM;
	l->end_ns = end_ns;
	return query_each(db, "sql/plot/lanes.sql", "places", lanes_place, l);
}

static void lanes_close(void *lanes)
{
	struct lanes *l = lanes;

	for (size_t i = 0; i < LANES_MAX; i++)
		free(l->of[i]);
	free(l->place);
	free(l);
}

static int lanes_life(void *lanes, const struct pass_life *life)
{
	struct lanes *l = lanes;

	l->spawned = lanes_place_of(l, life->site);
	return 0;
}

static int lanes_interval(void *lanes, const struct interval *row, const struct pass_life *life)
{
	struct lanes *l = lanes;
	int64_t from = row->from_ns > 0 ? row->from_ns : 0;
	int64_t to = row->to_ns < 0 || row->to_ns > l->end_ns ? l->end_ns : row->to_ns;

	if ((row->state != 2 && row->state != STATE_SYSCALL) || !life)
		return 0;
	if (!row->thread || row->thread >= LANES_MAX)
		return 0;
	if (to < from ||
	    from > l->end_ns) // of a stretch that is not seen, there is nothing in its lane
		return 0;
	struct lane *lane = lanes_of(l, row->thread);
	struct lane_place *place = l->spawned;

	if (!lane)
		return -ENOMEM;
	struct lane_cell run = {
		.place = (int32_t)(place - l->place) + 1,
		.call = row->state == STATE_SYSCALL,
	};

	if (!run.call) {
		lane->busy_ns += to - from;
		place->busy_ns += to - from;
	}
	lane_run(l, lane, from, to, &run);
	return 0;
}

const struct pass_reader lanes_reader = {
	.open = lanes_open,
	.life = lanes_life,
	.interval = lanes_interval,
	.close = lanes_close,
};

/** Show the busiest; put them in as they come, the least busy goes. */
static void lanes_choose(struct lanes *l)
{
	l->count = l->more = 0;
	for (size_t i = 0; i < LANES_MAX; i++) {
		size_t least = 0;

		if (!l->of[i])
			continue;
		if (l->count < LANES_SHOWN) {
			l->shown[l->count++] = l->of[i];
			continue;
		}
		l->more++;
		for (size_t k = 1; k < l->count; k++)
			if (l->shown[k]->busy_ns < l->shown[least]->busy_ns)
				least = k;
		if (l->of[i]->busy_ns <= l->shown[least]->busy_ns)
			continue;
		memmove(&l->shown[least], &l->shown[least + 1],
		        (l->count - least - 1) * sizeof l->shown[0]);
		l->shown[l->count - 1] = l->of[i];
	}
}

size_t lanes_find(const struct lanes *l, int64_t thread)
{
	for (size_t i = 0; i < l->count; i++)
		if (l->shown[i]->thread == thread)
			return i + 1;
	return 0;
}

struct lanes_names {
	const struct lanes *lanes;
	struct figure *figure;
};

static int lanes_thread(void *arg, sqlite3_stmt *stmt)
{
	const struct lanes_names *n = arg;
	size_t i = lanes_find(n->lanes, sqlite3_column_int64(stmt, 0));
	char name[64];

	if (!i)
		return 0;
	snprintf(name, sizeof name, "%.12s %lld", query_text(stmt, 1),
	         (long long)sqlite3_column_int64(stmt, 0));
	figure_put_text(n->figure, "lane", i, name);
	return 0;
}

int lanes_name(struct lanes *l, struct figure *f, sqlite3 *db)
{
	struct lanes_names names = {.lanes = l, .figure = f};

	lanes_choose(l);
	if (!l->count)
		f->nothing = "no thread ran a goroutine";
	f->rows = LANES_HEIGHT * (int)l->count;
	fprintf(f->vars.file, "lanes = %zu\nmore = %zu\n", l->count, l->more);
	figure_array(f, "lane", l->count);
	figure_array(f, "used", l->count);
	for (size_t i = 0; i < l->count; i++) {
		char name[32];

		snprintf(name, sizeof name, "thread %lld", (long long)l->shown[i]->thread);
		figure_put_text(f, "lane", i + 1, name);
		figure_put(f, "used", i + 1, 100.0 * (double)l->shown[i]->busy_ns / (double)l->end_ns);
	}
	return query_each(db, "sql/plot/lanes.sql", "threads", lanes_thread, &names);
}

void lanes_stretch(const struct lanes *l, struct figure *f, size_t lane, size_t from, size_t to)
{
	long long begin = series_edge(l->end_ns, FIGURE_COLUMNS, from);
	long long end = series_edge(l->end_ns, FIGURE_COLUMNS, to);

	fprintf(f->data.file, "%lld\t%zu\t0\n%lld\t%zu\t1\n%lld\t%zu\t1\n%lld\t%zu\t0\n", begin, lane,
	        begin, lane, end, lane, end, lane);
}

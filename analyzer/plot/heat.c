/* SPDX-License-Identifier: MIT */
/** heat.c: how much of each moment each thread spent running goroutines. */
#include "plot/figures.h"
#include "plot/lanes.h"

enum {
	HEAT_COLUMNS = 4, // of the picture, in one cell
	HEAT_LEVELS = 5,  // besides nothing at all
};

/** 0: idle; else the fifth that the share of the time is in. */
static size_t heat_level(const struct lanes *l, const struct lane *lane, size_t cell)
{
	int64_t busy = 0;
	int64_t begin = series_edge(l->end_ns, FIGURE_COLUMNS, cell * HEAT_COLUMNS);
	int64_t end = series_edge(l->end_ns, FIGURE_COLUMNS, (cell + 1) * HEAT_COLUMNS);

	for (size_t i = 0; i < HEAT_COLUMNS; i++)
		busy += lane->cell[cell * HEAT_COLUMNS + i].busy_ns;
	if (busy <= 0 || end <= begin)
		return 0;
	size_t level = (size_t)(busy * HEAT_LEVELS / (end - begin)) + 1;

	return level > HEAT_LEVELS ? HEAT_LEVELS : level;
}

static void heat_stretches(const struct lanes *l, struct figure *f, size_t lane, size_t level)
{
	const size_t cells = FIGURE_COLUMNS / HEAT_COLUMNS;
	bool any = false;

	for (size_t from = 0, to; from < cells; from = to + 1) {
		to = from;
		while (to < cells && heat_level(l, l->shown[lane], to) == level)
			to++;
		if (to == from)
			continue;
		lanes_stretch(l, f, lane + 1, from * HEAT_COLUMNS, to * HEAT_COLUMNS);
		any = true;
	}
	if (any)
		putc('\n', f->data.file);
}

int figure_heat(struct figure *f, sqlite3 *db, void *lanes)
{
	struct lanes *l = lanes;
	int err = lanes_name(l, f, db);

	fprintf(f->vars.file, "levels = %d\n", HEAT_LEVELS);
	for (size_t level = 1; level <= HEAT_LEVELS && !err; level++) {
		char label[64];

		snprintf(label, sizeof label, "running for %zu to %zu %% of the time",
		         (level - 1) * 100 / HEAT_LEVELS, level * 100 / HEAT_LEVELS);
		figure_block(f, label);
		fprintf(f->data.file, "NaN\tNaN\tNaN\n\n"); // a block without rows would not be one
		for (size_t i = 0; i < l->count; i++)
			heat_stretches(l, f, i, level);
		putc('\n', f->data.file);
	}
	f->keys = 1;
	return err;
}

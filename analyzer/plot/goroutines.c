/* SPDX-License-Identifier: MIT */
/** goroutines.c: how many goroutines are in which state, stacked, over time. */
#include <errno.h>
#include <stdio.h>

#include "plot/changes.h"
#include "plot/figures.h"
#include "plot/query.h"

/** Bottom to top, as goroutines.sql numbers them: those that stay lie at the bottom, flat. */
static const char *const band_names[] = {
	"",    "stuck for good", "channel",  "select",  "lock, group", "sleep",
	"I/O", "call",           "runnable", "running",
};

enum { BANDS = sizeof band_names / sizeof band_names[0] - 1 };

struct bands {
	int64_t count[BANDS + 1];
	int64_t peak[BANDS + 1];
	struct series *top[BANDS + 1]; // of this band and those below
};

static void bands_put(struct bands *b, int64_t ns)
{
	int64_t sum = 0;

	for (int i = 1; i <= BANDS; i++) {
		sum += b->count[i];
		if (b->count[i] > b->peak[i])
			b->peak[i] = b->count[i];
		series_add(b->top[i], ns, sum);
	}
}

static int bands_stretch(void *arg, sqlite3_stmt *stmt)
{
	return changes_add_stretch(arg, sqlite3_column_int64(stmt, 0), sqlite3_column_int64(stmt, 1),
	                           (uint32_t)sqlite3_column_int(stmt, 2));
}

/** All changes of one moment count at once: a goroutine that goes from one state to another is
 * never gone. */
static int bands_read(struct bands *b, sqlite3 *db)
{
	struct changes *changes = changes_new();
	struct change change = {0};
	int64_t now = 0;
	int err = changes
	              ? query_each(db, "sql/plot/goroutines.sql", "stretches", bands_stretch, changes)
	              : -ENOMEM;

	if (!err)
		err = changes_sort(changes);
	while (!err && (err = changes_next(changes, &change)) == 1) {
		if (change.ns != now)
			bands_put(b, now);
		now = change.ns;
		b->count[change.what] += change.step;
		err = 0;
	}
	bands_put(b, now);
	changes_free(changes);
	return err;
}

/** From the top down, since each one is painted over by those below it; bands never seen are left
 * out. */
static void bands_keep(struct figure *f, struct bands *b)
{
	for (int i = BANDS; i >= 1; i--) {
		char label[100];
		int n = snprintf(label, sizeof label, "%s", band_names[i]);

		if (!b->peak[i])
			continue;
		if (b->count[i])
			snprintf(label + n, sizeof label - (size_t)n, " (%lld at the end)",
			         (long long)b->count[i]);
		struct figure_line *line = &f->line[f->lines];

		*line = (struct figure_line){.series = b->top[i], .kind = i};
		b->top[i] = NULL;
		snprintf(line->label, sizeof line->label, "%s", label);
		if (b->count[i])
			snprintf(line->tip, sizeof line->tip, "%lld %s", (long long)b->count[i], band_names[i]);
		f->lines++;
	}
}

int figure_goroutines(struct figure *f, sqlite3 *db)
{
	struct bands b = {0};
	int err = 0;

	f->way = SERIES_TOP;
	f->log = false; // heights of a stack do not add up on a logarithmic axis
	for (int i = 1; i <= BANDS && !err; i++) {
		b.top[i] = series_new(f->end_ns, FIGURE_COLUMNS);
		if (!b.top[i])
			err = -ENOMEM;
	}
	if (!err)
		err = bands_read(&b, db);
	if (!err)
		bands_keep(f, &b);
	if (!f->lines)
		f->nothing = "no goroutine was recorded";
	for (int i = 1; i <= BANDS; i++)
		series_free(b.top[i]);
	return err;
}

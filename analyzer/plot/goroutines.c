/* SPDX-License-Identifier: MIT */
/** goroutines.c: how many goroutines are in which state, stacked, over time. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "plot/changes.h"
#include "plot/figures.h"
#include "plot/query.h"

enum band {
	BAND_NONE, // not yet, or no more
	BAND_STUCK,
	BAND_CHANNEL,
	BAND_SELECT,
	BAND_LOCK,
	BAND_SLEEP,
	BAND_IO,
	BAND_CALL,
	BAND_RUNNABLE,
	BAND_RUNNING,
	BANDS,
	BAND_BITS = 4, // of a change: from this one << BAND_BITS | to that
};

/** Bottom to top: those that stay lie at the bottom, flat. */
static const char *const band_names[BANDS] = {
	"",    "stuck for good", "channel",  "select",  "lock, group", "sleep",
	"I/O", "call",           "runnable", "running",
};

struct bands {
	struct changes *changes;
	sqlite3_stmt *stuck; // goroutines, as findings say; NULL behind the last one
	int64_t stuck_g;
	int64_t g, until_ns; // the last interval
	enum band band;

	// while they are taken out in order of time
	int64_t count[BANDS];
	int64_t peak[BANDS];
	int64_t high[BANDS];       // of this band and those below, in the column at hand,
	int64_t column_ns;         // which ends then
	struct series *top[BANDS]; // likewise over time
};

static int bands_open(void **out, sqlite3 *db, int64_t end_ns)
{
	struct bands *b = *out = calloc(1, sizeof *b);

	(void)end_ns;
	if (!b)
		return -ENOMEM;
	b->until_ns = -1;
	b->stuck_g = INT64_MIN;
	b->stuck = query_open(db, "sql/plot/stuck.sql");
	if (!b->stuck)
		return -EIO;
	b->changes = changes_new();
	return b->changes ? 0 : -ENOMEM;
}

static void bands_close(void *bands)
{
	struct bands *b = bands;

	sqlite3_finalize(b->stuck);
	changes_free(b->changes);
	for (int i = 0; i < BANDS; i++)
		series_free(b->top[i]);
	free(b);
}

/** Does a finding say that this one is stuck?  They are asked for in order.  Returns: 1, 0, or a
 * negative errno. */
static int bands_stuck(struct bands *b, int64_t g)
{
	while (b->stuck && b->stuck_g < g) {
		int err = query_step(b->stuck);

		if (err == 1) {
			b->stuck_g = sqlite3_column_int64(b->stuck, 0);
			continue;
		}
		sqlite3_finalize(b->stuck);
		b->stuck = NULL;
		if (err < 0)
			return err;
	}
	return b->stuck && b->stuck_g == g;
}

static enum band band_of_wait(uint8_t reason)
{
	static const uint8_t band[] = {
		BAND_LOCK,   BAND_CHANNEL, BAND_CHANNEL, BAND_CHANNEL, BAND_CHANNEL, BAND_SELECT,
		BAND_SELECT, BAND_LOCK,    BAND_LOCK,    BAND_LOCK,    BAND_LOCK,    BAND_LOCK,
		BAND_SLEEP,  BAND_IO,      BAND_LOCK,    BAND_LOCK,    BAND_CALL,
	}; // reasons are the list `reason` in the table word

	return reason < sizeof band ? (enum band)band[reason] : BAND_LOCK;
}

static int bands_move(struct bands *b, int64_t ns, enum band from, enum band to)
{
	return from == to ? 0 : changes_add(b->changes, ns, (uint32_t)from << BAND_BITS | to, 1);
}

/** The last interval ends, and that of the same goroutine is not the next. */
static int bands_leave(struct bands *b)
{
	return b->until_ns < 0 ? 0 : bands_move(b, b->until_ns, b->band, BAND_NONE);
}

static int bands_interval(void *bands, const struct interval *row, const struct pass_life *life)
{
	struct bands *b = bands;
	enum band band = row->state == 2               ? BAND_RUNNING
	                 : row->state == 1             ? BAND_RUNNABLE
	                 : row->state == STATE_SYSCALL ? BAND_CALL
	                                               : band_of_wait(row->reason);
	enum band from = BAND_NONE;
	int err = 0;

	(void)life;
	if (row->state == 3 && row->to_ns < 0) {
		int stuck = bands_stuck(b, (int64_t)row->g);

		err = stuck < 0 ? stuck : 0;
		band = stuck > 0 ? BAND_STUCK : band;
	}
	if ((int64_t)row->g == b->g && row->from_ns == b->until_ns && b->until_ns >= 0)
		from = b->band; // one change at a time is enough
	else if (!err)
		err = bands_leave(b);
	if (!err)
		err = bands_move(b, row->from_ns, from, band);
	b->g = (int64_t)row->g;
	b->until_ns = row->to_ns;
	b->band = band;
	return err;
}

const struct pass_reader bands_reader = {
	.open = bands_open,
	.interval = bands_interval,
	.close = bands_close,
};

/** The column is over: of an area, only its highest place and what is carried on are seen. */
static void bands_column(struct bands *b, int64_t ns)
{
	int64_t sum = 0;

	for (int i = 1; i < BANDS; i++) {
		sum += b->count[i];
		series_add(b->top[i], ns, b->high[i]);
		series_add(b->top[i], ns, sum);
		b->high[i] = 0;
	}
}

/** A moment is over: only now its changes count, as a goroutine that goes from one state to another
 * is never gone. */
static void bands_moment(struct bands *b)
{
	int64_t sum = 0;

	for (int i = 1; i < BANDS; i++) {
		sum += b->count[i];
		b->high[i] = sum > b->high[i] ? sum : b->high[i];
		b->peak[i] = b->count[i] > b->peak[i] ? b->count[i] : b->peak[i];
	}
}

static int bands_read(struct bands *b)
{
	struct change change = {0};
	int64_t now = 0;
	int err = bands_leave(b);

	if (!err)
		err = changes_sort(b->changes);
	b->column_ns = series_end(b->top[1], 0);
	while (!err && (err = changes_next(b->changes, &change)) == 1) {
		if (change.ns != now)
			bands_moment(b);
		if (change.ns >= b->column_ns) {
			bands_column(b, now);
			b->column_ns = series_end(b->top[1], change.ns);
		}
		now = change.ns;
		b->count[change.what >> BAND_BITS]--;
		b->count[change.what & ((1 << BAND_BITS) - 1)]++;
		err = 0;
	}
	bands_moment(b);
	bands_column(b, now);
	changes_free(b->changes);
	b->changes = NULL;
	return err;
}

/** From the top down, since each one is painted over by those below it; bands never seen are left
 * out. */
static void bands_keep(struct figure *f, struct bands *b)
{
	for (int i = BANDS - 1; i >= 1; i--) {
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

int figure_goroutines(struct figure *f, sqlite3 *db, void *bands)
{
	struct bands *b = bands;
	int err = 0;

	(void)db;
	f->way = SERIES_TOP;
	f->log = false; // heights of a stack do not add up on a logarithmic axis
	for (int i = 1; i < BANDS && !err; i++) {
		b->top[i] = series_new(f->end_ns, FIGURE_COLUMNS);
		if (!b->top[i])
			err = -ENOMEM;
	}
	if (!err)
		err = bands_read(b);
	if (!err)
		bands_keep(f, b);
	if (!f->lines)
		f->nothing = "no goroutine was recorded";
	return err;
}

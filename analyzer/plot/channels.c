/* SPDX-License-Identifier: MIT */
/**
 * channels.c: how many goroutines wait to send and to receive, on the channels most waited for.
 *
 * A trace does not tell how many values a channel holds: a send that need not wait is counted once
 * in a while at most.  It does tell when the queue is full, since only then does a sender wait, and
 * when it is empty, since only then does a receiver.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "plot/changes.h"
#include "plot/figures.h"
#include "plot/query.h"

enum {
	CHANNELS_SHOWN = 6,
	CHANNELS_SENDS = 1, // kinds of lines
	CHANNELS_RECEIVES = 2,
	CHANNELS_HEIGHT = 64,
};

struct channel {
	uint64_t object;
	char label[160], queue[64];
	int64_t waiting[2]; // to send, to receive
};

struct channels {
	struct channel channel[CHANNELS_SHOWN];
	struct changes *changes; // count 2 i: who waits to send on channel i; 2 i + 1: to receive
	size_t count;
	bool more;
};

static int channels_row(void *arg, sqlite3_stmt *stmt)
{
	struct channels *c = arg;
	struct channel *v = &c->channel[c->count];
	long long object = sqlite3_column_int64(stmt, 0);

	if (c->count == CHANNELS_SHOWN) {
		c->more = true;
		return 0;
	}
	int n = snprintf(v->label, sizeof v->label, "%.60s ", query_text(stmt, 2));

	figure_site(v->label + n, sizeof v->label - (size_t)n, "", query_text(stmt, 3),
	            sqlite3_column_int(stmt, 4), "");
	if (sqlite3_column_type(stmt, 1) == SQLITE_NULL)
		snprintf(v->queue, sizeof v->queue, "#%lld, capacity unknown", object);
	else
		snprintf(v->queue, sizeof v->queue, "#%lld, capacity %lld", object,
		         (long long)sqlite3_column_int64(stmt, 1));
	v->object = (uint64_t)object;
	c->count++;
	return 0;
}

static int channels_open(void **out, sqlite3 *db, int64_t end_ns)
{
	struct channels *c = *out = calloc(1, sizeof *c);

	(void)end_ns;
	if (!c)
		return -ENOMEM;
	c->changes = changes_new();
	return c->changes ? query_each(db, "sql/plot/channels.sql", "busiest", channels_row, c)
	                  : -ENOMEM;
}

static void channels_close(void *channels)
{
	struct channels *c = channels;

	changes_free(c->changes);
	free(c);
}

static int channels_interval(void *channels, const struct interval *row,
                             const struct pass_life *life)
{
	const struct channels *c = channels;
	size_t i = 0;

	(void)life;
	if (row->state != 3 || row->reason < 1 || row->reason > 2 || !row->object)
		return 0;
	while (i < c->count && c->channel[i].object != row->object)
		i++;
	if (i == c->count)
		return 0;
	return changes_add_stretch(c->changes, row->from_ns, row->to_ns,
	                           (uint32_t)(2 * i) + (row->reason == 1 ? 1 : 0));
}

const struct pass_reader channels_reader = {
	.open = channels_open,
	.interval = channels_interval,
	.close = channels_close,
};

/** All changes of one moment count at once. */
static void channels_put(const struct channels *c, struct figure *f, int64_t ns)
{
	for (size_t i = 0; i < c->count; i++)
		for (size_t k = 0; k < 2; k++)
			series_add(f->line[2 * i + k].series, ns, c->channel[i].waiting[k]);
}

static int channels_read(struct channels *c, struct figure *f)
{
	struct change change = {0};
	int64_t now = 0;
	int err = changes_sort(c->changes);

	while (!err && (err = changes_next(c->changes, &change)) == 1) {
		if (change.ns != now)
			channels_put(c, f, now);
		now = change.ns;
		c->channel[change.what / 2].waiting[change.what % 2] += change.step;
		err = 0;
	}
	channels_put(c, f, now);
	changes_free(c->changes);
	c->changes = NULL;
	return err;
}

int figure_channels(struct figure *f, sqlite3 *db, void *channels)
{
	struct channels *c = channels;
	int err = 0;

	(void)db;
	f->way = SERIES_TOP;
	f->log = false;
	figure_array(f, "channel", CHANNELS_SHOWN);
	figure_array(f, "capacity", CHANNELS_SHOWN);
	figure_array(f, "peak_of", 2 * CHANNELS_SHOWN);
	for (size_t i = 0; i < c->count && !err; i++) {
		const struct channel *v = &c->channel[i];

		figure_put_text(f, "channel", i + 1, v->label);
		figure_put_text(f, "capacity", i + 1, v->queue);
		err = figure_add(f, CHANNELS_SENDS, v->label);
		if (!err)
			err = figure_add(f, CHANNELS_RECEIVES, v->label);
	}
	if (!err)
		err = channels_read(c, f);
	if (!c->count)
		f->nothing = "no goroutine waited for a channel";
	for (size_t i = 0; i < f->lines; i++)
		figure_put(f, "peak_of", i + 1, (double)series_peak(f->line[i].series));
	fprintf(f->vars.file, "channels = %zu\nmore = %d\n", c->count, c->more);
	f->rows = CHANNELS_HEIGHT * (int)c->count;
	f->keys = 2 - (int)f->lines; // two rows of the key for all of them
	return err;
}

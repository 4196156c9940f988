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
#include <string.h>

#include "plot/changes.h"
#include "plot/figures.h"
#include "plot/query.h"

enum {
	CHANNELS_SHOWN = 6,
	CHANNELS_SENDS = 1, // kinds of lines
	CHANNELS_RECEIVES = 2,
	CHANNELS_HEIGHT = 64,
};

struct channels {
	struct figure *figure;
	int64_t object[CHANNELS_SHOWN];
	int64_t waiting[CHANNELS_SHOWN][2];
	struct changes *changes; // count 2 i: who waits to send on channel i; 2 i + 1: to receive
	size_t count;
	bool more;
};

static int channels_row(void *arg, sqlite3_stmt *stmt)
{
	struct channels *c = arg;
	struct figure *f = c->figure;
	char label[160], queue[64];
	long long object = sqlite3_column_int64(stmt, 0);
	int err = 0;

	if (c->count == CHANNELS_SHOWN) {
		c->more = true;
		return 0;
	}
	int n = snprintf(label, sizeof label, "%.60s ", query_text(stmt, 2));

	figure_site(label + n, sizeof label - (size_t)n, "", query_text(stmt, 3),
	            sqlite3_column_int(stmt, 4), "");
	if (sqlite3_column_type(stmt, 1) == SQLITE_NULL)
		snprintf(queue, sizeof queue, "#%lld, capacity unknown", object);
	else
		snprintf(queue, sizeof queue, "#%lld, capacity %lld", object,
		         (long long)sqlite3_column_int64(stmt, 1));
	c->object[c->count++] = object;
	figure_put_text(f, "channel", c->count, label);
	figure_put_text(f, "capacity", c->count, queue);
	err = figure_add(f, CHANNELS_SENDS, label);
	return err ? err : figure_add(f, CHANNELS_RECEIVES, label);
}

/** All changes of one moment count at once. */
static void channels_put(struct channels *c, int64_t ns)
{
	for (size_t i = 0; i < c->count; i++)
		for (size_t k = 0; k < 2; k++)
			series_add(c->figure->line[2 * i + k].series, ns, c->waiting[i][k]);
}

static int channels_wait(void *arg, sqlite3_stmt *stmt)
{
	const struct channels *c = arg;
	int64_t object = sqlite3_column_int64(stmt, 0);
	size_t i = 0;

	while (i < c->count && c->object[i] != object)
		i++;
	if (i == c->count)
		return 0;
	return changes_add_stretch(c->changes, sqlite3_column_int64(stmt, 2),
	                           sqlite3_column_int64(stmt, 3),
	                           (uint32_t)(2 * i) + (sqlite3_column_int(stmt, 1) ? 1 : 0));
}

static int channels_read(struct channels *c, sqlite3 *db)
{
	struct change change = {0};
	int64_t now = 0;

	c->changes = changes_new();
	int err =
		c->changes ? query_each(db, "sql/plot/channels.sql", "waits", channels_wait, c) : -ENOMEM;

	if (!err)
		err = changes_sort(c->changes);
	while (!err && (err = changes_next(c->changes, &change)) == 1) {
		if (change.ns != now)
			channels_put(c, now);
		now = change.ns;
		c->waiting[change.what / 2][change.what % 2] += change.step;
		err = 0;
	}
	channels_put(c, now);
	changes_free(c->changes);
	return err;
}

int figure_channels(struct figure *f, sqlite3 *db)
{
	struct channels c = {.figure = f};

	f->way = SERIES_TOP;
	f->log = false;
	figure_array(f, "channel", CHANNELS_SHOWN);
	figure_array(f, "capacity", CHANNELS_SHOWN);
	figure_array(f, "peak_of", 2 * CHANNELS_SHOWN);
	int err = query_each(db, "sql/plot/channels.sql", "busiest", channels_row, &c);

	if (!err && c.count)
		err = channels_read(&c, db);
	if (!c.count)
		f->nothing = "no goroutine waited for a channel";
	for (size_t i = 0; i < f->lines; i++)
		figure_put(f, "peak_of", i + 1, (double)series_peak(f->line[i].series));
	fprintf(f->vars.file, "channels = %zu\nmore = %d\n", c.count, c.more);
	f->rows = CHANNELS_HEIGHT * (int)c.count;
	f->keys = 2 - (int)f->lines; // two rows of the key for all of them
	return err;
}

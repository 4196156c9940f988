/* SPDX-License-Identifier: MIT */
/** reader.c: open a trace and hand out its events. */
#define _GNU_SOURCE
#include "reader/reader.h"

#include "reader/fetch.h"
#include "reader/source.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct gtrace_reader *reader_alloc(const char *path)
{
	struct gtrace_reader *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	r->fd = -1;
	r->info.header = "";
	r->info.end_record = "";
	r->name = strdup(strcmp(path, "-") ? path : "standard input");
	if (!r->name) {
		gtrace_reader_close(r);
		return NULL;
	}
	memcpy(r->shape, gtrace__shapes(), sizeof(r->shape));
	for (unsigned id = 0; id < 256; id++)
		r->desc[id] = gtrace_event_desc(id);
	return r;
}

static int batch_compare(const void *a, const void *b)
{
	const struct batch *x = a;
	const struct batch *y = b;

	if (x->seq != y->seq)
		return x->seq < y->seq ? -1 : 1;
	return x->offset < y->offset ? -1 : x->offset > y->offset;
}

/** By number, each once. */
static void cursor_sort(struct cursor *c)
{
	size_t kept = 0;

	qsort(c->batch, c->batch_count, sizeof(*c->batch), batch_compare);
	for (size_t i = 0; i < c->batch_count; i++) {
		if (kept && c->batch[kept - 1].seq == c->batch[i].seq)
			free(c->batch[i].memory);
		else
			c->batch[kept++] = c->batch[i];
	}
	c->batch_count = kept;
}

/** The number of the first batch that a stream must have here. */
static uint64_t first_seq(const struct gtrace_reader *r, const struct cursor *c)
{
	const struct seam *seam = r->part ? gtrace__seam(r, c->thread) : NULL;
	uint64_t first = seam ? seam->seq : 1;

	if (!r->middle || !c->batch_count)
		return 1;
	return r->part && first < c->batch[0].seq ? first : c->batch[0].seq;
}

/** Add up what the headers say; the end of the trace in ticks. */
static uint64_t reader_totals(struct gtrace_reader *r)
{
	struct gtrace_info *info = &r->info;
	uint64_t last = r->has_end ? r->end_ticks : r->start.ticks;
	uint64_t numbered = 0;

	for (size_t i = 0; i < r->cursor_count; i++) {
		struct cursor *c = r->cursors[i];
		cursor_sort(c);
		c->seq_next = first_seq(r, c);
		uint64_t next = c->seq_next;

		for (size_t b = 0; b < c->batch_count; b++) {
			const struct batch *batch = &c->batch[b];

			info->batches++;
			info->raw_bytes += batch->raw_bytes;
			info->lost_batches += batch->seq - next;
			info->lost_events += batch->seq != next ? batch->lost_events : 0;
			numbered +=
				1 + (batch->seq - next) -
				(batch->lost_batches < batch->seq - next ? batch->lost_batches : batch->seq - next);
			next = batch->seq + 1;
			if (batch->last_ticks > last)
				last = batch->last_ticks;
		}
	}
	// The last batches of a stream leave no hole in the numbers.
	if (r->has_end && r->end_batches > numbered)
		info->lost_batches += r->end_batches - numbered;
	info->threads = (unsigned)r->cursor_count;
	return last;
}

static int reader_prepare(struct gtrace_reader *r)
{
	const char *hint = gtrace_reader_header(r, "ps_per_tick");
	size_t line = 0;

	if (!r->has_start && r->timeline.reading_count) {
		r->start.ticks = r->timeline.readings[0].ticks;
		r->start.mono_ns = r->timeline.readings[0].mono_ns;
	}
	if (gtrace__timeline_build(&r->timeline, &r->start, hint) ||
	    gtrace__order_init(&r->order, r->cursor_count, &r->timeline, r->middle))
		return -ENOMEM;
	r->info.duration_ns = gtrace__timeline_ns(&r->timeline, reader_totals(r), &line);
	r->fetch = gtrace__fetch_start(r); // the lists of batches are as they will be
	for (size_t i = 0; i < r->cursor_count; i++) {
		struct cursor *c = r->cursors[i];

		c->ticks = r->start.ticks;
		c->after_gap = true;
		int err = gtrace__cursor_advance(r, c);

		if (err)
			return err;
		if (c->state != HEAD_NONE)
			gtrace__order_push(&r->order, c);
	}
	return 0;
}

static int open_error(struct gtrace_error *err, int code, const char *name)
{
	return gtrace__error(err, code, UINT64_MAX, "cannot read '%.200s': %s", name, strerror(-code));
}

/** A sidecar's name stands for the trace it belongs to.  NULL: no memory. */
static char *trace_path(const char *path)
{
	static const char suffix[] = ".live";
	size_t len = strlen(path), end = sizeof(suffix) - 1;
	struct side *side = NULL;

	if (len > end && !strcmp(path + len - end, suffix) && gtrace__side_load(&side, path))
		return NULL;
	char *trace = strndup(path, side ? len - end : len);

	gtrace__side_free(side);
	return trace;
}

/** The sidecar beside a trace; *out is NULL if there is none.  Returns: 0 or -ENOMEM. */
static int side_beside(struct side **out, const char *path)
{
	char *side_path;

	*out = NULL;
	if (!strcmp(path, "-"))
		return 0;
	if (asprintf(&side_path, "%s.live", path) < 0)
		return -ENOMEM;
	int err = gtrace__side_load(out, side_path);

	free(side_path);
	return err;
}

static int trace_load(struct gtrace_reader *r, const char *path, struct gtrace_error *err)
{
	struct side *side;
	int code = side_beside(&side, path);

	if (code)
		return open_error(err, code, r->name);
	r->fd = gtrace__source_open(path, &r->file_bytes, err);
	code = r->fd < 0 ? r->fd : 0;
	r->info.file_bytes = r->file_bytes;
	if (!code)
		code = gtrace__scan(r, err);
	if (!code) {
		if (side)
			code = gtrace__side_merge(side, r);
		if (!code)
			code = reader_prepare(r);
		if (code)
			open_error(err, code, r->name);
	}
	gtrace__side_free(side);
	return code;
}

static int reader_load(struct gtrace_reader *r, const char *path, struct gtrace_error *err)
{
	char *trace = trace_path(path);
	int code = trace ? trace_load(r, trace, err) : open_error(err, -ENOMEM, r->name);

	free(trace);
	return code;
}

int gtrace_reader_open(struct gtrace_reader **out, const char *path, struct gtrace_error *err)
{
	struct gtrace_reader *r = reader_alloc(path);

	*out = NULL;
	if (!r)
		return open_error(err, -ENOMEM, path);
	int code = reader_load(r, path, err);

	if (code) {
		gtrace_reader_close(r);
		return code;
	}
	*out = r;
	return 0;
}

/** The stream whose head was handed out gets its next one. */
static int last_advance(struct gtrace_reader *r)
{
	struct cursor *c = r->last;

	r->last = NULL;
	if (!c)
		return r->failed;
	int err = gtrace__cursor_advance(r, c);

	if (!err)
		gtrace__order_settle(&r->order);
	return err;
}

static void event_fill(struct gtrace_reader *r, struct cursor *c, struct gtrace_event *ev)
{
	ev->thread = c->thread;
	ev->g = c->g;
	ev->time_ns = gtrace__timeline_ns(&r->timeline, c->ticks, &c->line);
	if (r->part && ev->time_ns < 0)
		ev->time_ns = 0; // stamped before the file began, and published after
	ev->offset = c->current ? c->current->offset : c->batch[0].offset;
	gtrace__cursor_event(r, c, ev);
}

/** Returns: 1, 0 or a negative errno. */
static int reader_next(struct gtrace_reader *r, struct gtrace_event *ev)
{
	int err = last_advance(r);

	while (!err) {
		struct cursor *c = gtrace__order_first(&r->order, &r->info, &err);

		if (!c)
			return err;
		if (c->state == HEAD_LATER) {
			err = gtrace__cursor_load(r, c);
			if (!err)
				gtrace__order_settle(&r->order);
			continue;
		}
		event_fill(r, c, ev);
		err = gtrace__order_apply(&r->order, c, &r->info);
		if (err)
			return err;
		r->info.events++;
		r->info.unknown_events += r->shape[ev->id].novel;
		r->last = c;
		return 1;
	}
	return err;
}

int gtrace_reader_next(struct gtrace_reader *r, struct gtrace_event *ev, struct gtrace_error *err)
{
	int n = reader_next(r, ev);

	if (n < 0) {
		r->failed = n;
		gtrace__error(err, n, UINT64_MAX, "cannot read '%.200s' any further: %s", r->name,
		              strerror(-n));
	}
	return n;
}

const struct gtrace_info *gtrace_reader_info(const struct gtrace_reader *r)
{
	return &r->info;
}

const struct gtrace_site_info *gtrace_reader_site(const struct gtrace_reader *r, uint64_t site)
{
	static const struct gtrace_site_info none = {"", "", "", 0, 0};

	if (!site || site > r->tables.site_count)
		return &none;
	return &r->tables.sites[site - 1]->info;
}

size_t gtrace_reader_stack(const struct gtrace_reader *r, uint64_t stack, const uint64_t **pcs)
{
	*pcs = NULL;
	if (!stack || stack > r->tables.stack_count)
		return 0;
	*pcs = r->tables.stacks[stack - 1].pcs;
	return r->tables.stacks[stack - 1].count;
}

static void cursor_free(struct cursor *c)
{
	for (size_t i = 0; i < c->batch_count; i++)
		free(c->batch[i].memory);
	free(c->batch);
	free(c->buf.bytes);
	gtrace__map_release(&c->sites);
	gtrace__map_release(&c->stacks);
	free(c);
}

void gtrace_reader_close(struct gtrace_reader *r)
{
	if (!r)
		return;
	gtrace__fetch_stop(r->fetch); // before what its threads use goes
	for (size_t i = 0; i < r->cursor_count; i++)
		cursor_free(r->cursors[i]);
	for (unsigned id = 0; id < 256; id++) {
		if (r->file_events[id])
			free(r->file_events[id]->words);
		free(r->file_events[id]);
	}
	gtrace__tables_release(&r->tables);
	gtrace__order_release(&r->order);
	gtrace__map_release(&r->cursor_by_thread);
	gtrace__map_release(&r->seam_by_thread);
	free(r->seams);
	gtrace__frame_release(&r->frame);
	if (r->fd >= 0)
		close(r->fd);
	gtrace__timeline_release(&r->timeline);
	free(r->cursors);
	free(r->header);
	free(r->header_words);
	free(r->end_record);
	free(r->name);
	free(r);
}

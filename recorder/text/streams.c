/* SPDX-License-Identifier: MIT */
/**
 * streams.c: events in order become streams of batches, as a runtime would have written them.
 *
 * The order is that of the times, then that of the lines.  Along it the goroutines' counts are
 * kept, so that a count the text leaves out is what a runtime would have written.  A tick is a
 * nanosecond.
 */
#define _GNU_SOURCE
#include "text/text.h"

#include "writer/rec.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HEADER_ROOM 65536 // for what the library says
#define BATCH_BYTES 61440
#define RECORD_BYTES_MAX (3 * GTRACE__TEXT_ARG_MAX + 256)

struct text_stream {
	uint64_t number;
	uint64_t seq;
	uint64_t g;
	uint64_t batch_g;
	uint64_t first_ticks;
	uint64_t ticks;
	uint64_t events;
	uint64_t lost_events;
	uint64_t lost_batches;
	uint64_t stacks;
	uint8_t *defined;                  // a byte for each site
	uint64_t last[GTRACE_DELTA_COUNT]; // of each kind, in the batch
	size_t len;
	bool begun;
	uint8_t buf[BATCH_BYTES + RECORD_BYTES_MAX];
};

struct text_goroutine {
	uint64_t count;
	uint64_t last_stream; // of its last start, wake, park or yield
};

struct writer {
	struct text *text;
	struct gtrace__file *file;
	struct text_stream **streams;
	size_t stream_count;
	size_t stream_cap;
	struct map stream_by_number;
	struct text_goroutine *goroutines;
	size_t goroutine_count;
	size_t goroutine_cap;
	struct map goroutine_by_id;
	uint64_t batches;
	uint64_t events;
	uint64_t last_ticks;
};

static struct gtrace__clock clock_at(uint64_t ticks)
{
	return (struct gtrace__clock){ticks, ticks, ticks};
}

static struct text_stream *stream_get(struct writer *w, uint64_t number)
{
	uint32_t i = gtrace__map_get(&w->stream_by_number, number);

	if (i && w->streams)
		return w->streams[i - 1];
	if (!w->streams || w->stream_count == w->stream_cap) {
		size_t cap = w->stream_cap ? 2 * w->stream_cap : 8;
		struct text_stream **streams = realloc(w->streams, cap * sizeof(*streams));

		if (!streams)
			return NULL;
		w->streams = streams;
		w->stream_cap = cap;
	}
	struct text_stream *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->number = number;
	s->seq = 1;
	w->streams[w->stream_count++] = s;
	s->defined = calloc(1, w->text->site_count + 1);
	if (!s->defined || gtrace__map_set(&w->stream_by_number, number, (uint32_t)w->stream_count))
		return NULL;
	return s;
}

static struct text_goroutine *goroutine_get(struct writer *w, uint64_t id)
{
	uint32_t i = gtrace__map_get(&w->goroutine_by_id, id);

	if (i && w->goroutines)
		return &w->goroutines[i - 1];
	if (!w->goroutines || w->goroutine_count == w->goroutine_cap) {
		size_t cap = w->goroutine_cap ? 2 * w->goroutine_cap : 64;
		struct text_goroutine *rows = realloc(w->goroutines, cap * sizeof(*rows));

		if (!rows)
			return NULL;
		w->goroutines = rows;
		w->goroutine_cap = cap;
	}
	w->goroutines[w->goroutine_count++] = (struct text_goroutine){0};
	if (gtrace__map_set(&w->goroutine_by_id, id, (uint32_t)w->goroutine_count))
		return NULL;
	return &w->goroutines[w->goroutine_count - 1];
}

static int stream_flush(struct writer *w, struct text_stream *s)
{
	struct gtrace__chunk chunk = {
		.generation = 1,
		.thread = s->number,
		.seq = s->seq,
		.first_ticks = s->first_ticks,
		.last_ticks = s->ticks,
		.g = s->batch_g,
		.events = s->events,
		.lost_events = s->lost_events,
		.lost_batches = s->lost_batches,
		.clock = clock_at(s->ticks),
	};

	if (!s->len && !s->lost_batches)
		return 0;
	int err = gtrace__file_batch(w->file, &chunk, s->buf, s->len, UINT64_MAX);

	w->batches++;
	w->events += s->events;
	s->seq++;
	s->first_ticks = s->ticks;
	s->batch_g = s->g;
	s->events = 0;
	s->lost_events = 0;
	s->lost_batches = 0;
	s->len = 0;
	memset(s->last, 0, sizeof(s->last));
	return err;
}

/** Append a record; of the event only its id and arguments count. */
static void record_put(struct text_stream *s, uint64_t ticks, const struct text_event *ev)
{
	const struct gtrace__shape *shape = &gtrace__shapes()[ev->id];
	uint8_t *p = s->buf + s->len;

	*p++ = (uint8_t)ev->id;
	p = gtrace_put(p, ticks - s->ticks);
	s->ticks = ticks;
	for (unsigned i = 0; i < shape->nargs; i++) {
		uint64_t *last = gtrace__last_of(s->last, shape, i);

		p = last ? gtrace__put_delta(p, last, ev->arg[i]) : gtrace_put(p, ev->arg[i]);
		if (shape->bytes >> i & 1 && ev->bytes[i]) {
			memcpy(p, ev->bytes[i], ev->arg[i]);
			p += ev->arg[i];
		}
	}
	s->len = (size_t)(p - s->buf);
	s->events++;
}

static void site_put(const struct writer *w, struct text_stream *s, uint64_t ticks, uint64_t number)
{
	if (!number || s->defined[number])
		return;
	const struct text_site *site = w->text->sites[number - 1];
	const struct text_event ev = {
		.id = GTRACE_SITE,
		.arg = {number, site->line, site->op, site->file_len, site->func_len, site->text_len},
		.bytes = {NULL, NULL, NULL, site->file, site->func, site->text},
	};

	s->defined[number] = 1;
	record_put(s, ticks, &ev);
}

static void stack_put(struct text_stream *s, const struct text_event *ev)
{
	uint8_t bytes[TEXT_FRAMES_MAX * 10];
	uint8_t *p = bytes;
	uint64_t pc = 0;

	for (unsigned i = 0; i < ev->pc_count; i++) {
		p = gtrace_put(p, gtrace_zigzag((int64_t)(ev->pcs[i] - pc)));
		pc = ev->pcs[i];
	}
	const uint64_t number = ++s->stacks;
	const struct text_event def = {
		.id = GTRACE_STACK_DEF,
		.arg = {number, (uint64_t)(p - bytes)},
		.bytes = {NULL, (const char *)bytes},
	};
	const struct text_event use = {.id = GTRACE_STACK, .arg = {number}};

	record_put(s, (uint64_t)ev->time_ns, &def);
	record_put(s, (uint64_t)ev->time_ns, &use);
}

/* ── counts ── */

/** A start or wake: fills its count unless the text did. */
static int count_move(struct writer *w, const struct text_stream *s, uint64_t id, uint64_t *seq,
                      bool given)
{
	struct text_goroutine *g = goroutine_get(w, id);

	if (!g)
		return -ENOMEM;
	g->count = given && *seq ? *seq : g->count + 1;
	if (!given)
		*seq = g->last_stream == s->number ? 0 : g->count;
	g->last_stream = s->number;
	return 0;
}

static int count_stop(struct writer *w, struct text_stream *s)
{
	struct text_goroutine *g = s->g ? goroutine_get(w, s->g) : NULL;

	if (g)
		g->last_stream = s->number;
	else if (s->g)
		return -ENOMEM;
	s->g = 0;
	return 0;
}

static int count_start(struct writer *w, struct text_stream *s, struct text_event *ev, int arg)
{
	int err = count_move(w, s, ev->arg[arg], &ev->arg[arg + 1], ev->has_seq);

	s->g = ev->arg[arg];
	return err;
}

static int count(struct writer *w, struct text_stream *s, struct text_event *ev)
{
	int err = 0;

	switch (ev->id) {
	case GTRACE_GO_START:
		return count_start(w, s, ev, 0);
	case GTRACE_GO_WAKE:
	case GTRACE_GO_WAKE_BY:
		return count_move(w, s, ev->arg[0], &ev->arg[1], ev->has_seq);
	case GTRACE_GO_PARK:
	case GTRACE_GO_YIELD:
	case GTRACE_GO_END:
		return count_stop(w, s);
	case GTRACE_GO_SWITCH:
		err = count_stop(w, s);
		return err ? err : count_start(w, s, ev, 4);
	case GTRACE_GO_YIELD_TO:
		err = count_stop(w, s);
		return err ? err : count_start(w, s, ev, 1);
	case GTRACE_GO_END_TO:
		err = count_stop(w, s);
		return err ? err : count_start(w, s, ev, 0);
	default:
		return 0;
	}
}

/* ── events ── */

static int gap_write(struct writer *w, struct text_stream *s, const struct text_event *ev)
{
	int err = stream_flush(w, s);

	s->lost_batches = ev->arg[1] ? ev->arg[1] : 1;
	s->lost_events = ev->arg[2];
	s->seq += s->lost_batches;
	s->first_ticks = s->ticks;
	s->begun = true;
	return err;
}

static int event_write(struct writer *w, struct text_event *ev)
{
	struct text_stream *s = stream_get(w, ev->thread);
	uint64_t ticks = (uint64_t)ev->time_ns;
	int err = 0;

	if (!s)
		return -ENOMEM;
	if (ticks > w->last_ticks)
		w->last_ticks = ticks;
	if (ev->id == GTRACE_GAP)
		return gap_write(w, s, ev);
	if (!s->len) {
		s->batch_g = s->lost_batches ? ev->g : s->g;
		s->g = s->batch_g;
		s->first_ticks = s->begun && !s->lost_batches ? s->ticks : ticks;
		s->ticks = s->first_ticks;
	}
	if (!s->begun && ev->id != GTRACE_THREAD_START) {
		const struct text_event start = {
			.id = GTRACE_THREAD_START,
			.arg = {GTRACE_thread_kind_WORKER, s->number},
		};

		record_put(s, ticks, &start);
	}
	s->begun = true;
	err = count(w, s, ev);
	if (err)
		return err;
	if (ev->id == GTRACE_STACK) {
		stack_put(s, ev);
	} else {
		unsigned sites = gtrace__shapes()[ev->id].sites;

		for (int i = 0; i < GTRACE_ARGS_MAX; i++) {
			if (sites >> i & 1)
				site_put(w, s, ticks, ev->arg[i]);
		}
		record_put(s, ticks, ev);
	}
	return s->len >= BATCH_BYTES - RECORD_BYTES_MAX ? stream_flush(w, s) : 0;
}

static int event_compare(const void *a, const void *b)
{
	const struct text_event *x = a;
	const struct text_event *y = b;

	if (x->time_ns != y->time_ns)
		return x->time_ns < y->time_ns ? -1 : 1;
	return x->line < y->line ? -1 : x->line > y->line;
}

static int header_write(struct writer *w)
{
	struct gtrace__chunk chunk = {.kind = GTRACE__HEADER};
	size_t cap = w->text->header_len + HEADER_ROOM;
	char *text = malloc(cap);
	FILE *f = text ? fmemopen(text, cap, "w") : NULL; // a memstream drops what it cannot grow for

	if (!f) {
		free(text);
		return -ENOMEM;
	}
	fprintf(f, "clock=os\ntick_shift=0\n");
	fwrite(w->text->header, 1, w->text->header_len, f);
	fprintf(f, "program=assembled\npid=0\nstart_wall_ns=0\nlevel=sync\nversion=%s\n",
	        GTRACE_VERSION);
	gtrace__header_events(f);
	bool whole = !fflush(f) && !ferror(f);
	size_t len = (size_t)ftell(f);
	int err = whole ? gtrace__file_chunk(w->file, &chunk, text, len) : -ENOMEM;

	fclose(f);
	free(text);
	return err;
}

static int begin_write(struct writer *w)
{
	uint64_t at = (uint64_t)w->text->begin_ns;
	struct gtrace__chunk chunk = {
		.kind = GTRACE__BEGIN, .first_ticks = at, .last_ticks = at, .clock = clock_at(at)};

	return at ? gtrace__file_chunk(w->file, &chunk, "", 0) : 0;
}

static int end_write(struct writer *w)
{
	const struct text *t = w->text;
	uint64_t at = t->end_ns > 0 ? (uint64_t)t->end_ns : w->last_ticks;
	struct gtrace__chunk chunk = {
		.kind = GTRACE__END, .first_ticks = at, .last_ticks = at, .clock = clock_at(at)};
	char text[256];
	int n = snprintf(text, sizeof(text), "end=%s\ncode=%d\nevents=%llu\nbatches=%llu\n",
	                 gtrace__ends[t->end], t->end_code, (unsigned long long)w->events,
	                 (unsigned long long)w->batches);

	return t->has_end ? gtrace__file_chunk(w->file, &chunk, text, (size_t)n) : 0;
}

static int all_write(struct writer *w)
{
	struct text *t = w->text;
	int err = header_write(w);

	if (!err)
		err = begin_write(w);
	if (t->event_count)
		qsort(t->events, t->event_count, sizeof(*t->events), event_compare);
	for (size_t i = 0; i < t->event_count && !err; i++)
		err = event_write(w, &t->events[i]);
	for (size_t i = 0; i < w->stream_count && !err; i++)
		err = stream_flush(w, w->streams[i]);
	return err ? err : end_write(w);
}

int gtrace__text_write(struct text *t, struct gtrace__file *file)
{
	struct writer w = {.text = t, .file = file};
	int err = all_write(&w);

	for (size_t i = 0; i < w.stream_count; i++) {
		free(w.streams[i]->defined);
		free(w.streams[i]);
	}
	free(w.streams);
	free(w.goroutines);
	gtrace__map_release(&w.stream_by_number);
	gtrace__map_release(&w.goroutine_by_id);
	return err;
}

/* SPDX-License-Identifier: MIT */
/**
 * schedule.c: long traces of goroutines that run on threads at random.
 *
 * One thread plays all: at each step some stream's goroutine does something that its state allows,
 * and the record is what a runtime would have written, counts and all.
 */
#include "schedule.h"

#include <gtrace.h>

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#define SITES 64
#define STREAMS_MAX 64
#define OBJECTS 256

struct goroutine {
	uint64_t id;
	uint64_t count; // of starts and wakes
	unsigned last;  // stream of the last start, wake, park or yield, from 1; 0 none
};

/** Some goroutines in no order. */
struct pool {
	struct goroutine **g;
	unsigned count;
};

struct schedule {
	const struct schedule_options *opt;
	struct gtrace_stream *stream[STREAMS_MAX];
	uint64_t skew[STREAMS_MAX];
	struct goroutine *running[STREAMS_MAX];
	struct goroutine *all;
	struct pool runnable;
	struct pool waiting;
	struct gtrace_site site[SITES];
	char file[SITES][16];
	uint64_t ticks;
	uint64_t locks;
	uint64_t seed;
	struct schedule_written written;
};

static uint64_t roll(struct schedule *s)
{
	uint64_t z = (s->seed += 0x9E3779B97F4A7C15u);

	z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
	z = (z ^ z >> 27) * 0x94D049BB133111EBu;
	return z ^ z >> 31;
}

static struct goroutine *pool_take(struct schedule *s, struct pool *p)
{
	unsigned i = (unsigned)(roll(s) % p->count);
	struct goroutine *g = p->g[i];

	p->g[i] = p->g[--p->count];
	return g;
}

static void pool_put(struct pool *p, struct goroutine *g)
{
	p->g[p->count++] = g;
}

/** The count as a runtime writes it: 0 if the stream's own bytes say it. */
static uint64_t seq(struct goroutine *g, unsigned i)
{
	bool here = g->last == i + 1;

	g->last = i + 1;
	g->count++;
	return here ? 0 : g->count;
}

static void run(struct schedule *s, unsigned i, struct goroutine *g)
{
	s->running[i] = g;
	s->stream[i]->g = g ? g->id : 0;
}

static void born(struct schedule *s, unsigned i, uint64_t ticks, struct goroutine *g)
{
	*g = (struct goroutine){.id = ++s->written.goroutines, .last = i + 1};
	GTRACE_EMIT_AT(s->stream[i], ticks, GO_NEW, g->id,
	               gtrace_site_number(s->stream[i], &s->site[0]), 0x5555);
	pool_put(&s->runnable, g);
	s->written.events++;
}

/* ── what a stream's goroutine can do; each returns how many events that is ── */

static unsigned end_and_begin(struct schedule *s, unsigned i, uint64_t ticks)
{
	struct goroutine *me = s->running[i];

	GTRACE_EMIT_AT(s->stream[i], ticks, GO_END);
	run(s, i, NULL);
	born(s, i, ticks, me);
	return 1;
}

static unsigned park(struct schedule *s, unsigned i, uint64_t ticks, uint64_t site)
{
	struct goroutine *me = s->running[i];
	struct goroutine *g;

	me->last = i + 1;
	if (!s->runnable.count) {
		GTRACE_EMIT_AT(s->stream[i], ticks, GO_PARK, GTRACE_reason_CHAN_RECV, roll(s) % OBJECTS,
		               site, 0);
		pool_put(&s->waiting, me);
		run(s, i, NULL);
		return 1;
	}
	g = pool_take(s, &s->runnable);
	GTRACE_EMIT_AT(s->stream[i], ticks, GO_SWITCH, GTRACE_reason_CHAN_RECV, roll(s) % OBJECTS, site,
	               0, g->id, seq(g, i));
	pool_put(&s->waiting, me);
	run(s, i, g);
	return 2;
}

static unsigned yield(struct schedule *s, unsigned i, uint64_t ticks, uint64_t site)
{
	struct goroutine *me = s->running[i];

	if (!s->runnable.count)
		return 0;
	struct goroutine *g = pool_take(s, &s->runnable);

	me->last = i + 1;
	GTRACE_EMIT_AT(s->stream[i], ticks, GO_YIELD_TO, site, g->id, seq(g, i));
	pool_put(&s->runnable, me);
	run(s, i, g);
	return 2;
}

static unsigned wake(struct schedule *s, unsigned i, uint64_t ticks)
{
	if (!s->waiting.count)
		return 0;
	struct goroutine *g = pool_take(s, &s->waiting);

	GTRACE_EMIT_AT(s->stream[i], ticks, GO_WAKE, g->id, seq(g, i), roll(s) % OBJECTS);
	pool_put(&s->runnable, g);
	return 1;
}

static unsigned lock_and_unlock(struct schedule *s, unsigned i, uint64_t ticks, uint64_t site)
{
	uint64_t obj = roll(s) % OBJECTS;

	s->locks++;
	GTRACE_EMIT_AT(s->stream[i], ticks, LOCK, obj, s->locks, GTRACE_op_MUTEX_LOCK, site);
	GTRACE_EMIT_AT(s->stream[i], ticks, UNLOCK, obj, s->locks, GTRACE_op_MUTEX_LOCK, site);
	return 2;
}

static unsigned step(struct schedule *s)
{
	unsigned i = (unsigned)(roll(s) % s->opt->streams);
	if (s->opt->ring_bytes || s->opt->rotate_bytes) // which go by the clock
		s->ticks = gtrace_ticks();
	uint64_t ticks = (s->ticks += roll(s) % 4) + s->skew[i];
	struct gtrace_stream *stream = s->stream[i];

	if (!s->running[i]) {
		if (!s->runnable.count)
			return wake(s, i, ticks);
		struct goroutine *g = pool_take(s, &s->runnable);

		GTRACE_EMIT_AT(stream, ticks, GO_START, g->id, seq(g, i));
		run(s, i, g);
		return 1;
	}
	uint64_t site = gtrace_site_number(stream, &s->site[roll(s) % SITES]);

	if (roll(s) % 100 < s->opt->short_lived)
		return end_and_begin(s, i, ticks);
	switch (roll(s) % 10) {
	case 0:
	case 1:
	case 2:
		return park(s, i, ticks, site);
	case 3:
	case 4:
	case 5:
		return wake(s, i, ticks);
	case 6:
		return yield(s, i, ticks, site);
	case 7:
		return lock_and_unlock(s, i, ticks, site);
	default:
		GTRACE_EMIT_AT(stream, ticks, USE, roll(s) % OBJECTS, GTRACE_op_CHAN_SEND, site);
		return 1;
	}
}

/* ── all of it ── */

static void play(struct schedule *s)
{
	const struct schedule_options *opt = s->opt;

	s->ticks = gtrace_ticks();
	for (unsigned i = 0; i < opt->streams; i++)
		s->skew[i] = opt->skew_ticks ? roll(s) % opt->skew_ticks : 0;
	for (unsigned i = 0; i < opt->goroutines; i++)
		born(s, 0, s->ticks + s->skew[0], &s->all[i]);
	while (s->written.events < opt->events)
		s->written.events += step(s);
}

int schedule_record(const char *path, const struct schedule_options *opt,
                    struct schedule_written *written)
{
	struct schedule s = {.opt = opt, .seed = opt->seed};
	struct gtrace_options options;
	struct gtrace_error err;
	struct gtrace_rec *rec;

	s.all = calloc(opt->goroutines, sizeof(*s.all));
	s.runnable.g = calloc(2 * (size_t)opt->goroutines, sizeof(struct goroutine *));
	s.waiting.g = s.runnable.g + opt->goroutines;
	gtrace_options_init(&options);
	snprintf(options.path, sizeof(options.path), "%s", path);
	options.ring_bytes = opt->ring_bytes;
	options.rotate_bytes = opt->rotate_bytes;
	options.keep = 1000;
	for (unsigned i = 0; i < SITES; i++) {
		snprintf(s.file[i], sizeof(s.file[i]), "file%u.c", i % 5);
		s.site[i] = (struct gtrace_site){s.file[i], "func", "ch", i, GTRACE_op_CHAN_SEND};
	}
	int code = gtrace_rec_open(&rec, &options, NULL, NULL, &err);

	if (!code) {
		for (unsigned i = 0; i < opt->streams; i++)
			s.stream[i] = gtrace_stream_new(rec, GTRACE_thread_kind_WORKER, i);
		play(&s);
		for (unsigned i = 0; i < opt->streams; i++)
			gtrace_stream_end(s.stream[i]);
		s.written.events += 2 * opt->streams;
		code = gtrace_rec_close(rec, GTRACE_END_EXIT, 0);
		gtrace_rec_free(rec);
	}
	*written = s.written;
	free(s.runnable.g);
	free(s.all);
	return code;
}

/* SPDX-License-Identifier: MIT */
/**
 * feed.c: the events of a trace, read ahead by a thread of its own.
 *
 * To decode events and put them in order takes about as long as to make rows of them.  So a thread
 * does it, and hands the events over in batches:
 *
 *     thread: reader ──▶ batch[filled % BATCHES]      batch[taken % BATCHES] ──▶ feed_next()
 *                          being filled                 being taken
 *
 *   F1  taken <= filled < taken + BATCHES: who fills one waits until it has been taken.
 *   F2  From the thread's start until it is over the reader is its own.  What others ask of an
 *       event's call site while events are read is therefore asked by the thread, and goes along.
 *   F3  Whatever was read is handed out, after feed_stop() too: what the reader then says of the
 *       trace as a whole is true of the events that were handed out.
 *
 * To wake a thread takes as long as a hundred events.  So who has to wait waits until half of the
 * batches are full, or empty.
 *
 * A trace of some thousand events has no thread, nor has one if there is a single CPU, no memory
 * for batches, or no thread to be had: then feed_next() reads.
 */
#define _GNU_SOURCE
#include "load/feed.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

enum {
	BATCH_EVENTS = 256,
	HALF = FEED_BATCHES / 2,
	ALONE_EVENTS = 4096,  // before a thread is worth it
	TEXT_BYTES = 1 << 12, // room for texts in a batch, if none is longer
	SITES_MAX = 1 << 24,  // more call sites than any program has
};

struct feed_batch {
	unsigned count;
	size_t text_len, text_cap;
	char *text; // of the events
	struct feed_event event[BATCH_EVENTS];
};

/* ── reading ── */

static unsigned kind_bits(const struct gtrace_event_desc *d, const char *kind)
{
	unsigned bits = 0;

	for (unsigned i = 0; d && i < d->nargs && i < GTRACE_ARGS_MAX; i++)
		bits |= (unsigned)(strcmp(d->kind[i], kind) == 0) << i;
	return bits;
}

static const struct feed_kinds *event_kinds(struct feed *f, const struct gtrace_event *ev)
{
	struct feed_kinds *k = &f->kinds[ev->id % 256];

	if (k->desc != ev->desc)
		*k = (struct feed_kinds){ev->desc, (uint8_t)kind_bits(ev->desc, "site"),
		                         (uint8_t)kind_bits(ev->desc, "bytes")};
	return k;
}

static void sites_seen(struct feed *f, struct feed_event *e, unsigned sites)
{
	const struct gtrace_event *ev = &e->ev;

	for (; sites; sites &= sites - 1) {
		uint64_t site = ev->arg[__builtin_ctz(sites)];
		if (site > f->site_last && site <= SITES_MAX)
			f->site_last = site;
	}
	if (ev->id == GTRACE_ATTEMPTS || ev->id == GTRACE_LOCK)
		e->site_op = gtrace_reader_site(f->reader, ev->arg[ev->id == GTRACE_LOCK ? 3 : 0])->op;
}

/* Returns: as feed_next(), with f->err filled. */
static int event_read(struct feed *f, struct feed_event *e)
{
	bool stop = atomic_load_explicit(&f->stop, memory_order_relaxed);

	if (stop || (f->events_max && f->events >= f->events_max)) {
		f->end = stop ? FEED_STOPPED : FEED_CUT;
		return f->got = 0;
	}
	f->got = gtrace_reader_next(f->reader, &e->ev, &f->err);
	if (f->got > 0) {
		f->events += e->ev.id != GTRACE_GAP;
		sites_seen(f, e, event_kinds(f, &e->ev)->sites);
	}
	return f->got;
}

/* ── the thread ── */

/* The batch to fill, empty.  NULL: none is wanted any more.  Keeps F1. */
static struct feed_batch *batch_empty(struct feed *f)
{
	pthread_mutex_lock(&f->mu);
	if (f->filled - f->taken == FEED_BATCHES) {
		while (f->filled - f->taken > HALF && !f->over)
			pthread_cond_wait(&f->room, &f->mu);
	}
	struct feed_batch *b = f->over ? NULL : f->batch[f->filled % FEED_BATCHES];

	pthread_mutex_unlock(&f->mu);
	if (b)
		b->count = b->text_len = 0;
	return b;
}

/* It is filled; over: it is the last one. */
static void batch_filled(struct feed *f, const struct feed_batch *b, bool over)
{
	pthread_mutex_lock(&f->mu);
	f->filled += b->count > 0;
	f->over |= over;
	if (f->over || f->filled - f->taken >= HALF)
		pthread_cond_signal(&f->more);
	pthread_mutex_unlock(&f->mu);
}

/* Room for texts of that length, in a batch without any.  Returns: 0 or -ENOMEM. */
static int text_grow(struct feed_batch *b, size_t len)
{
	if (len <= b->text_cap)
		return 0;
	free(b->text);
	b->text = malloc(len);
	b->text_cap = b->text ? len : 0;
	return b->text ? 0 : -ENOMEM;
}

static void texts_copy(struct feed_batch *b, struct gtrace_event *ev, unsigned bytes)
{
	for (; bytes; bytes &= bytes - 1) {
		unsigned i = (unsigned)__builtin_ctz(bytes);
		char *text = b->text + b->text_len;
		if (ev->arg[i])
			memcpy(text, ev->bytes[i], ev->arg[i]);
		ev->bytes[i] = text;
		b->text_len += ev->arg[i];
	}
}

/*
 * Have the texts of the event behind the others live as long as its batch.  Returns: the batch that
 * the event is in then, behind the others; NULL: none is wanted any more, or there is no memory.
 */
static struct feed_batch *texts_keep(struct feed *f, struct feed_batch *b, unsigned bytes)
{
	struct feed_event e = b->event[b->count];
	size_t len = 0;

	for (unsigned k = bytes; k; k &= k - 1)
		len += e.ev.arg[__builtin_ctz(k)];
	if (len > b->text_cap - b->text_len && b->text_len) {
		batch_filled(f, b, false);
		b = batch_empty(f);
	}
	if (!b)
		return NULL;
	if (!b->text_len && text_grow(b, len) < 0) {
		f->no_memory = true;
		f->got = 0;
		batch_filled(f, b, true);
		return NULL;
	}
	b->event[b->count] = e;
	texts_copy(b, &b->event[b->count].ev, bytes);
	return b;
}

static void *feed_run(void *feed)
{
	struct feed *f = feed;
	struct feed_batch *b = batch_empty(f);

	while (b && event_read(f, &b->event[b->count]) > 0) {
		unsigned bytes = event_kinds(f, &b->event[b->count].ev)->bytes;
		if (bytes)
			b = texts_keep(f, b, bytes);
		if (b && ++b->count == BATCH_EVENTS) {
			batch_filled(f, b, false);
			b = batch_empty(f);
		}
	}
	if (b)
		batch_filled(f, b, true);
	return NULL;
}

static bool batches_make(struct feed *f)
{
	for (unsigned i = 0; i < FEED_BATCHES; i++) {
		struct feed_batch *b = f->batch[i] = malloc(sizeof *b);
		if (!b)
			return false;
		b->text = malloc(TEXT_BYTES);
		b->text_cap = TEXT_BYTES;
		if (!b->text)
			return false;
	}
	return true;
}

static void batches_free(struct feed *f)
{
	for (unsigned i = 0; i < FEED_BATCHES; i++) {
		if (f->batch[i])
			free(f->batch[i]->text);
		free(f->batch[i]);
		f->batch[i] = NULL;
	}
}

static bool cpus_several(void)
{
	cpu_set_t cpus;

	return sched_getaffinity(0, sizeof cpus, &cpus) != 0 || CPU_COUNT(&cpus) > 1;
}

/* Signals are for the threads of the program. */
static void thread_start(struct feed *f)
{
	sigset_t all, old;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	f->threaded = pthread_create(&f->thread, NULL, feed_run, f) == 0;
	pthread_sigmask(SIG_SETMASK, &old, NULL);
}

/* ── taking ── */

/* The batch that is being taken, with an event left in it.  NULL: all are taken. */
static const struct feed_batch *batch_left(struct feed *f)
{
	const struct feed_batch *b = f->taking ? f->batch[f->taken % FEED_BATCHES] : NULL;

	if (b && f->at < b->count)
		return b;
	f->at = 0;
	pthread_mutex_lock(&f->mu);
	f->taken += b != NULL;
	if (f->filled - f->taken <= HALF)
		pthread_cond_signal(&f->room);
	if (f->filled == f->taken) {
		while (f->filled - f->taken < HALF && !f->over)
			pthread_cond_wait(&f->more, &f->mu);
	}
	f->taking = f->filled != f->taken;
	pthread_mutex_unlock(&f->mu);
	return f->taking ? f->batch[f->taken % FEED_BATCHES] : NULL;
}

void feed_open(struct feed *f, struct gtrace_reader *r, uint64_t events_max)
{
	*f = (struct feed){.reader = r, .events_max = events_max, .alone = !cpus_several()};
	pthread_mutex_init(&f->mu, NULL);
	pthread_cond_init(&f->more, NULL);
	pthread_cond_init(&f->room, NULL);
}

int feed_next(struct feed *f, const struct feed_event **e, struct gtrace_error *err)
{
	if (!f->threaded && !f->alone && f->events >= ALONE_EVENTS) {
		if (batches_make(f))
			thread_start(f);
		f->alone = !f->threaded;
	}
	if (f->threaded) {
		const struct feed_batch *b = batch_left(f);
		if (b) {
			*e = &b->event[f->at++];
			return 1;
		}
	} else if (event_read(f, &f->now) > 0) {
		*e = &f->now;
		return 1;
	}
	if (f->got < 0)
		*err = f->err;
	return f->got;
}

void feed_stop(struct feed *f)
{
	atomic_store(&f->stop, true);
}

void feed_close(struct feed *f)
{
	feed_stop(f);
	if (f->threaded) {
		pthread_mutex_lock(&f->mu);
		f->over = true;
		pthread_cond_signal(&f->room);
		pthread_mutex_unlock(&f->mu);
		pthread_join(f->thread, NULL);
	}
	batches_free(f);
	pthread_mutex_destroy(&f->mu);
	pthread_cond_destroy(&f->more);
	pthread_cond_destroy(&f->room);
}

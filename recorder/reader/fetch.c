/* SPDX-License-Identifier: MIT */
/**
 * fetch.c: batches decompressed ahead of the merge, by other threads.
 *
 * The merge needs batches in the order of their first times, but for those that wait for a
 * goroutine: that order is the plan.  Threads take the next batch of the plan and a free slot,
 * decompress into the slot's buffer, and the reader exchanges it for the one it has done with.  So
 * memory is bounded by the slots, however long the trace.
 *
 *   I1  A batch is planned, in a slot, or taken; it becomes taken once, by the reader.
 *   I2  The buffer of a slot that is not done belongs to the thread that fills it, else to f->lock.
 *   I3  The reader waits only for a slot that a thread is filling: never for the plan.
 *
 * A batch that waits long keeps its slot; with all slots kept so, the reader finds its batches not
 * fetched (I3) and decompresses them by itself, until those that waited are taken.
 */
#define _GNU_SOURCE
#include "reader/fetch.h"

#include "reader/frame.h"
#include "reader/reader.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>

#define THREADS_MAX 4
#define SLOTS_OF_THREAD 3
#define SLOTS_MAX (THREADS_MAX * SLOTS_OF_THREAD)
#define WORTH_BATCHES 8 // fewer are read sooner than threads start

struct slot {
	struct batch *batch; // NULL: free
	struct buffer buf;
	int err;
	bool done;
};

struct fetch {
	const struct gtrace_reader *r; // its file and its shapes
	pthread_t thread[THREADS_MAX];
	unsigned thread_count;
	pthread_mutex_t lock;
	pthread_cond_t room; // slots are free, or all is over
	pthread_cond_t done; // a slot is
	struct batch **plan;
	size_t plan_count;
	size_t plan_next;            // f->lock
	struct slot slot[SLOTS_MAX]; // f->lock, but I2
	unsigned slot_count;
	unsigned free_count; // f->lock
	bool stop;           // f->lock
};

static int by_time(const void *a, const void *b)
{
	const struct batch *x = *(struct batch *const *)a;
	const struct batch *y = *(struct batch *const *)b;

	if (x->first_ticks != y->first_ticks)
		return x->first_ticks < y->first_ticks ? -1 : 1;
	return x->offset < y->offset ? -1 : x->offset > y->offset;
}

static bool plan_make(struct fetch *f, const struct gtrace_reader *r)
{
	size_t n = 0;

	for (size_t i = 0; i < r->cursor_count; i++)
		n += r->cursors[i]->batch_count;
	f->plan = malloc((n + 1) * sizeof(struct batch *));
	for (size_t i = 0; i < r->cursor_count && f->plan; i++) {
		struct cursor *c = r->cursors[i];

		for (size_t b = 0; b < c->batch_count; b++) {
			if (!c->batch[b].memory)
				f->plan[f->plan_count++] = &c->batch[b];
		}
	}
	if (f->plan)
		qsort(f->plan, f->plan_count, sizeof(*f->plan), by_time);
	return f->plan && f->plan_count >= WORTH_BATCHES;
}

/** The next batch of the plan in a slot of its own.  NULL: it is over.  f->lock. */
static struct slot *slot_next(struct fetch *f)
{
	for (;;) {
		while (f->plan_next < f->plan_count && f->plan[f->plan_next]->fetched != 0)
			f->plan_next++;
		if (f->stop || f->plan_next == f->plan_count)
			return NULL;
		if (f->free_count)
			break;
		pthread_cond_wait(&f->room, &f->lock);
	}
	unsigned i = 0;

	while (f->slot[i].batch)
		i++;
	f->slot[i].batch = f->plan[f->plan_next++];
	f->slot[i].batch->fetched = (int8_t)(i + 1); // keeps I1
	f->slot[i].done = false;
	f->free_count--;
	return &f->slot[i];
}

/** Keeps I2: not under f->lock. */
static void slot_fill(const struct fetch *f, struct slot *s, struct frame_reader *frame)
{
	s->err = gtrace__batch_read(f->r, frame, s->batch, &s->buf);
}

static void *fetch_thread(void *arg)
{
	struct frame_reader frame = {0};
	struct fetch *f = arg;
	struct slot *s;

	pthread_mutex_lock(&f->lock);
	while ((s = slot_next(f))) {
		pthread_mutex_unlock(&f->lock);
		slot_fill(f, s, &frame);
		pthread_mutex_lock(&f->lock);
		s->done = true;
		pthread_cond_signal(&f->done); // the reader is the only one who waits for it
	}
	pthread_mutex_unlock(&f->lock);
	gtrace__frame_release(&frame);
	return NULL;
}

int gtrace__fetch_take(struct fetch *f, struct batch *b, struct buffer *buf)
{
	int err = 0;

	pthread_mutex_lock(&f->lock);
	if (b->fetched > 0) {
		struct slot *s = &f->slot[b->fetched - 1];
		struct buffer was = *buf;

		while (!s->done)
			pthread_cond_wait(&f->done, &f->lock);
		err = s->err ? s->err : 1;
		*buf = s->buf;
		s->buf = was;
		s->batch = NULL;
		if (++f->free_count >= f->slot_count / 2) // waking a thread for each is dear
			pthread_cond_broadcast(&f->room);
	}
	b->fetched = -1;
	pthread_mutex_unlock(&f->lock);
	return err;
}

/** As many as there are CPUs beside the reader's own. */
static unsigned threads_wanted(void)
{
	cpu_set_t cpus;
	int n = sched_getaffinity(0, sizeof(cpus), &cpus) ? 1 : CPU_COUNT(&cpus);

	return n - 1 < THREADS_MAX ? (unsigned)(n - 1) : THREADS_MAX;
}

/** Signals are for the threads of the program. */
static void threads_start(struct fetch *f, unsigned wanted)
{
	sigset_t all;
	sigset_t old;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	while (f->thread_count < wanted &&
	       !pthread_create(&f->thread[f->thread_count], NULL, fetch_thread, f))
		f->thread_count++;
	pthread_sigmask(SIG_SETMASK, &old, NULL);
}

struct fetch *gtrace__fetch_start(const struct gtrace_reader *r)
{
	unsigned wanted = threads_wanted();
	struct fetch *f = wanted ? calloc(1, sizeof(*f)) : NULL;

	if (!f)
		return NULL;
	f->r = r;
	f->slot_count = f->free_count = wanted * SLOTS_OF_THREAD;
	pthread_mutex_init(&f->lock, NULL);
	pthread_cond_init(&f->room, NULL);
	pthread_cond_init(&f->done, NULL);
	if (plan_make(f, r))
		threads_start(f, wanted);
	if (f->thread_count)
		return f;
	gtrace__fetch_stop(f);
	return NULL;
}

void gtrace__fetch_stop(struct fetch *f)
{
	if (!f)
		return;
	pthread_mutex_lock(&f->lock);
	f->stop = true;
	pthread_cond_broadcast(&f->room);
	pthread_mutex_unlock(&f->lock);
	for (unsigned i = 0; i < f->thread_count; i++)
		pthread_join(f->thread[i], NULL);
	for (unsigned i = 0; i < f->slot_count; i++)
		free(f->slot[i].buf.bytes);
	pthread_cond_destroy(&f->done);
	pthread_cond_destroy(&f->room);
	pthread_mutex_destroy(&f->lock);
	free(f->plan);
	free(f);
}

/* SPDX-License-Identifier: MIT */
/**
 * timer.c: when something is due.
 *
 * Each p has a heap with four children a node, which is flatter and kinder to the cache than two.
 * Whoever holds a p runs what is due in it; a thread that finds no goroutine also runs the timers
 * of other ps; the last thread to go idle sleeps until the earliest (idle.c); the monitor looks
 * after those that are left.
 *
 * The heap holds the times themselves: comparing touches no timer, most of which lie on cold
 * stacks. For the same reason a timer that nobody deletes (`fixed`: a plain sleep) is not told its
 * place.
 *
 * fire() runs under the heap's lock, so that del(), which takes the same lock, waits for it: a
 * timer on a stack is not touched after its owner has deleted it.
 */
#include <stdlib.h>
#include <string.h>

#include "emit.h"
#include "seed.h"
#include "timer.h"

static void heap_set(struct timers *ts, uint32_t i, struct timed t)
{
	ts->heap[i] = t;
	if (!t.timer->fixed)
		t.timer->slot = i + 1;
}

/** Of two that are due at one time, the one armed first; or as the seed has it. */
static inline bool heap_before(const struct timed *a, const struct timed *b)
{
	return a->when != b->when ? a->when < b->when : a->timer->tie < b->timer->tie;
}

static void heap_up(struct timers *ts, uint32_t i, struct timed t)
{
	while (i > 0 && heap_before(&t, &ts->heap[(i - 1) / 4])) {
		heap_set(ts, i, ts->heap[(i - 1) / 4]);
		i = (i - 1) / 4;
	}
	heap_set(ts, i, t);
}

static void heap_down(struct timers *ts, uint32_t i, struct timed t)
{
	uint32_t n = atomic_load_explicit(&ts->count, memory_order_relaxed);

	for (;;) {
		uint32_t least = 4 * i + 1;
		if (least >= n)
			break;
		for (uint32_t k = least + 1; k < n && k < 4 * i + 5; k++)
			if (heap_before(&ts->heap[k], &ts->heap[least]))
				least = k;
		if (heap_before(&t, &ts->heap[least]))
			break;
		heap_set(ts, i, ts->heap[least]);
		i = least;
	}
	heap_set(ts, i, t);
}

static void heap_publish(struct timers *ts)
{
	uint32_t n = atomic_load_explicit(&ts->count, memory_order_relaxed);

	atomic_store_explicit(&ts->first, n ? ts->heap[0].when : NO_TIMER, memory_order_release);
}

static void heap_remove(struct timers *ts, uint32_t i)
{
	uint32_t n = atomic_load_explicit(&ts->count, memory_order_relaxed) - 1;
	struct timed last = ts->heap[n];

	ts->heap[i].timer->slot = 0;
	atomic_store_explicit(&ts->count, n, memory_order_relaxed);
	if (i < n && i > 0 && heap_before(&last, &ts->heap[(i - 1) / 4]))
		heap_up(ts, i, last);
	else if (i < n)
		heap_down(ts, i, last);
}

/** Memory for one more.  Its first child of each node begins a cache line. */
static bool heap_grow(struct timers *ts)
{
	uint32_t room = ts->room ? 2 * ts->room : 64;
	char *memory = aligned_alloc(64, room * sizeof *ts->heap + 64);

	if (!memory)
		return false;
	struct timed *heap = (struct timed *)(void *)(memory + 64 - sizeof *heap);
	if (ts->room) {
		memcpy(heap, ts->heap, ts->room * sizeof *heap);
		free((char *)(void *)(ts->heap + 1) - 64);
	}
	ts->heap = heap;
	ts->room = room;
	return true;
}

/** Put t, whose when and fire or run are set, into the heap of m's p; the last touch for a run.
 * Returns: 0 or -ENOMEM. */
int gor__timer_add(struct m *m, struct timer *t)
{
	struct timers *ts = &m->p->timers;

	gor__lock(&ts->lock);
	atomic_store_explicit(&t->p, m->p, memory_order_relaxed);
	uint32_t n = atomic_load_explicit(&ts->count, memory_order_relaxed);
	if (n == ts->room && !heap_grow(ts)) {
		gor__unlock(&ts->lock);
		return -1;
	}
	atomic_store_explicit(&ts->count, n + 1, memory_order_relaxed);
	t->tie = gor__seed_tie(m->p);
	heap_up(ts, n, (struct timed){t->when, t});
	bool first = ts->heap[0].timer == t;
	int64_t when = t->when;
	heap_publish(ts);
	atomic_store_explicit(&t->running, false,
	                      memory_order_release); // its run that armed it is over
	gor__unlock(&ts->lock); // from here on t may be fired, armed again, or gone
	if (first)
		gor__timer_moved(m->sched, when);
	return 0;
}

/** Lock the heap that t is in, or was in last. */
static struct timers *timer_heap(struct timer *t)
{
	for (;;) {
		struct p *p = atomic_load_explicit(&t->p, memory_order_relaxed);
		gor__lock(&p->timers.lock);
		if (p == atomic_load_explicit(&t->p, memory_order_relaxed))
			return &p->timers;
		gor__unlock(&p->timers.lock); // a run has armed it elsewhere meanwhile
	}
}

/** Disarm; fire will not be called any more, a run may be under way.  Returns: whether it was
 * armed. */
bool gor__timer_del(struct timer *t)
{
	struct timers *ts = timer_heap(t);
	bool armed = t->slot != 0;

	if (armed) {
		heap_remove(ts, t->slot - 1);
		heap_publish(ts);
	}
	gor__unlock(&ts->lock);
	return armed;
}

/**
 * Disarm a timer that has a run: when this returns, it is not armed and its run is over.  Not from
 * run itself.  Returns: whether it was armed.
 */
bool gor__timer_cancel(struct timer *t)
{
	unsigned round = 0;

	for (;;) {
		while (atomic_load_explicit(&t->running, memory_order_acquire))
			gor__backoff(&round);
		struct timers *ts = timer_heap(t);
		bool running = atomic_load_explicit(&t->running, memory_order_acquire);
		bool armed = !running && t->slot != 0;
		if (armed) {
			heap_remove(ts, t->slot - 1);
			heap_publish(ts);
		}
		gor__unlock(&ts->lock);
		if (!running)
			return armed;
	}
}

/** The last thing that a run does with its timer, unless it arms it again. */
void gor__timer_ran(struct timer *t)
{
	atomic_store_explicit(&t->running, false, memory_order_release);
}

bool gor__timers_due(struct p *p)
{
	int64_t first = atomic_load_explicit(&p->timers.first, memory_order_relaxed);

	return first != NO_TIMER && first <= gor__now();
}

/** What gor__timers_run() takes out of a heap. */
struct due {
	struct g *list, **end;
	unsigned count;
	struct timer *run, **run_end;
};

/** Under the heap's lock. */
static void timers_take(struct timers *ts, int64_t now, struct due *due)
{
	bool more = true;

	while (more && atomic_load_explicit(&ts->count, memory_order_relaxed) &&
	       ts->heap[0].when <= now) {
		struct timer *t = ts->heap[0].timer;
		heap_remove(ts, 0);
		more = !gor__seed_picks(); // which picks again between two timers
		if (t->run) {
			atomic_store_explicit(&t->running, true, memory_order_relaxed);
			*due->run_end = t;
			due->run_end = &t->next;
			continue;
		}
		struct g *g = t->fire(t); // t may be gone after the unlock
		if (!g)
			continue;
		*due->end = g;
		due->end = &g->next;
		due->count++;
	}
	heap_publish(ts);
	*due->end = NULL;
	*due->run_end = NULL;
}

/** Fire what is due in p's heap; m has a p, perhaps another.  Returns whether anything was. */
bool gor__timers_run(struct m *m, struct p *p)
{
	struct timers *ts = &p->timers;
	struct due due = {.end = &due.list, .run_end = &due.run};

	if (!gor__timers_due(p))
		return false;
	int64_t now = gor__now();
	gor__lock(&ts->lock);
	timers_take(ts, now, &due);
	gor__unlock(&ts->lock);
	for (struct g *g = due.list; g; g = g->next)
		emit_wake_by(m, g, 0, GTRACE_waker_TIMER);
	if (due.count)
		gor__ready_list(m, due.list, due.count);
	for (struct timer *t = due.run, *next; t; t = next) {
		next = t->next;
		t->run(m, t); // t may be gone now
	}
	return due.count || due.run;
}

/** When, by the real clock, the earliest timer of all ps is due, or NO_TIMER. */
int64_t gor__timers_first(struct sched *s)
{
	int64_t first = NO_TIMER;

	for (unsigned i = 0; i < s->procs; i++) {
		int64_t when = atomic_load_explicit(&s->ps[i].timers.first, memory_order_acquire);
		first = when < first ? when : first;
	}
	return first == NO_TIMER ? first : gor__seed_real(first);
}

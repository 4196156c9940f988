/* SPDX-License-Identifier: MIT */
/**
 * timerq.c: timers in the order of their times.
 *
 * Two structures side by side, and the earliest of all is the least of their firsts:
 *
 *   heap   for timers that may be deleted.  Four children a node, which is flatter and kinder to
 *          the cache than two.
 *   runs   for those that nobody deletes (`fixed`: a plain sleep).  Goroutines that sleep for the
 *          same time are due in the order in which they fell asleep, so most can be appended to a
 *          row that is in order already, and taken from its front: no comparisons, no moves.  A
 *          timer goes to the run whose last is the latest before it, so each length of sleep soon
 *          has a run of its own.  What fits in none goes to the heap.
 *
 * Both hold the times themselves: comparing touches no timer, most of which lie on cold stacks.
 *
 * Rejected: runs for all timers.  A deadline that is deleted early, as most are, would leave a hole
 * for as long as it would have waited, and closing holes moves what is behind.
 */
#include <stdlib.h>
#include <string.h>

#include "timer.h"

#define ROOM_FIRST 64
#define FETCH_AHEAD 8

static void heap_set(struct timers *ts, uint32_t i, struct timed t)
{
	ts->heap[i] = t;
	if (!t.timer->fixed)
		t.timer->slot = i + 1;
}

/** Of two that are due at one time, the one armed first; or as the seed has it. */
static inline bool timed_before(const struct timed *a, const struct timed *b)
{
	return a->when != b->when ? a->when < b->when : a->timer->tie < b->timer->tie;
}

static void heap_up(struct timers *ts, uint32_t i, struct timed t)
{
	while (i > 0 && timed_before(&t, &ts->heap[(i - 1) / 4])) {
		heap_set(ts, i, ts->heap[(i - 1) / 4]);
		i = (i - 1) / 4;
	}
	heap_set(ts, i, t);
}

static void heap_down(struct timers *ts, uint32_t i, struct timed t)
{
	for (;;) {
		uint32_t least = 4 * i + 1;
		if (least >= ts->heap_count)
			break;
		for (uint32_t k = least + 1; k < ts->heap_count && k < 4 * i + 5; k++)
			if (timed_before(&ts->heap[k], &ts->heap[least]))
				least = k;
		if (timed_before(&t, &ts->heap[least]))
			break;
		heap_set(ts, i, ts->heap[least]);
		i = least;
	}
	heap_set(ts, i, t);
}

static void heap_remove(struct timers *ts, uint32_t i)
{
	uint32_t n = --ts->heap_count;
	struct timed last = ts->heap[n];

	ts->heap[i].timer->slot = 0;
	if (i < n && i > 0 && timed_before(&last, &ts->heap[(i - 1) / 4]))
		heap_up(ts, i, last);
	else if (i < n)
		heap_down(ts, i, last);
}

/** Memory for one more.  Its first child of each node begins a cache line. */
static bool heap_grow(struct timers *ts)
{
	uint32_t room = ts->heap_room ? 2 * ts->heap_room : ROOM_FIRST;
	char *memory = aligned_alloc(64, room * sizeof *ts->heap + 64);

	if (!memory)
		return false;
	struct timed *heap = (struct timed *)(void *)(memory + 64 - sizeof *heap);
	if (ts->heap_room) {
		memcpy(heap, ts->heap, ts->heap_room * sizeof *heap);
		free((char *)(void *)(ts->heap + 1) - 64);
	}
	ts->heap = heap;
	ts->heap_room = room;
	return true;
}

static bool heap_put(struct timers *ts, struct timed t)
{
	if (ts->heap_count == ts->heap_room && !heap_grow(ts))
		return false;
	heap_up(ts, ts->heap_count++, t);
	return true;
}

static inline struct timed *run_at(const struct timer_run *run, uint32_t i)
{
	return &run->ring[i & (run->room - 1)];
}

/** The run that t continues, or an empty one; NULL: there is none. */
static struct timer_run *run_for(struct timers *ts, const struct timed *t)
{
	struct timer_run *best = NULL;
	int64_t last = INT64_MIN;

	for (struct timer_run *run = ts->runs; run < ts->runs + TIMER_RUNS; run++) {
		const struct timed *end = run->head == run->tail ? NULL : run_at(run, run->tail - 1);
		if (!end ? !best : end->when >= last && timed_before(end, t)) {
			best = run;
			last = end ? end->when : INT64_MIN;
		}
	}
	return best;
}

static bool run_grow(struct timer_run *run)
{
	uint32_t n = run->tail - run->head, room = run->room ? 2 * run->room : ROOM_FIRST;
	struct timed *ring = malloc(room * sizeof *ring);

	if (!ring)
		return false;
	for (uint32_t i = 0; i < n; i++)
		ring[i] = *run_at(run, run->head + i);
	free(run->ring);
	run->ring = ring;
	run->room = room;
	run->head = 0;
	run->tail = n;
	return true;
}

static bool run_put(struct timers *ts, struct timed t)
{
	struct timer_run *run = run_for(ts, &t);

	if (!run || (run->tail - run->head == run->room && !run_grow(run)))
		return false;
	*run_at(run, run->tail++) = t;
	return true;
}

/** False: no memory. */
bool gor__timerq_put(struct timers *ts, struct timed t)
{
	if (!(t.timer->fixed && run_put(ts, t)) && !heap_put(ts, t))
		return false;
	uint32_t n = atomic_load_explicit(&ts->count, memory_order_relaxed);
	atomic_store_explicit(&ts->count, n + 1, memory_order_relaxed);
	return true;
}

static void timerq_count_down(struct timers *ts)
{
	uint32_t n = atomic_load_explicit(&ts->count, memory_order_relaxed);
	atomic_store_explicit(&ts->count, n - 1, memory_order_relaxed);
}

/** The run with the earliest timer, if that is before the heap's; *first: that of all. */
static struct timer_run *timerq_least(const struct timers *ts, const struct timed **first)
{
	const struct timer_run *least = NULL;

	*first = ts->heap_count ? ts->heap : NULL;
	for (const struct timer_run *run = ts->runs; run < ts->runs + TIMER_RUNS; run++) {
		if (run->head == run->tail)
			continue;
		const struct timed *t = run_at(run, run->head);
		if (!*first || timed_before(t, *first)) {
			*first = t;
			least = run;
		}
	}
	return (struct timer_run *)(uintptr_t)least;
}

/** The earliest; NULL: there is none. */
const struct timed *gor__timerq_first(const struct timers *ts)
{
	const struct timed *first;

	timerq_least(ts, &first);
	return first;
}

/** Take out the earliest if it is due; NULL: it is not. */
struct timer *gor__timerq_take(struct timers *ts, int64_t now)
{
	const struct timed *first;
	struct timer_run *run = timerq_least(ts, &first);

	if (!first || first->when > now)
		return NULL;
	struct timer *t = first->timer;
	timerq_count_down(ts);
	if (!run)
		heap_remove(ts, 0);
	else if (run->tail - ++run->head > FETCH_AHEAD)
		__builtin_prefetch(run_at(run, run->head + FETCH_AHEAD)->timer, 1);
	return t;
}

/** Take out one that is in and not fixed. */
void gor__timerq_remove(struct timers *ts, struct timer *t)
{
	heap_remove(ts, t->slot - 1);
	timerq_count_down(ts);
}

/* SPDX-License-Identifier: MIT */
/**
 * longest.c: the longest waits, and how long goroutines were ready to run: what would take a pass
 * over all intervals afterwards.
 *
 * The waits are kept in heaps, the shortest on top, to give way to a longer one.
 */
#include <stdlib.h>

#include "load/loader.h"

enum {
	WAITS = 1000,  // of a kind
	STEP_BITS = 7, // of a number count
	STEPS = 1 << STEP_BITS,
	READY_STEPS = (64 - STEP_BITS) * STEPS,
};

struct long_wait {
	int64_t ns;
	struct interval row;
};

struct ready {
	uint64_t count;
	int64_t longest_ns;
};

/* Put one where it belongs, from place i downwards. */
static void heap_down(struct longest *h, size_t i, const struct long_wait *w)
{
	for (size_t child; (child = 2 * i + 1) < h->count; i = child) {
		child += child + 1 < h->count && h->waits[child + 1].ns < h->waits[child].ns;
		if (w->ns <= h->waits[child].ns)
			break;
		h->waits[i] = h->waits[child];
	}
	h->waits[i] = *w;
}

static void heap_up(struct longest *h, size_t i, const struct long_wait *w)
{
	for (; i && w->ns < h->waits[(i - 1) / 2].ns; i = (i - 1) / 2)
		h->waits[i] = h->waits[(i - 1) / 2];
	h->waits[i] = *w;
}

static void wait_seen(struct loader *l, const struct interval *row, int64_t ns)
{
	struct longest *h = &l->longest[row->to_ns < 0][row->reason % LONGEST_REASONS];

	if (h->count == WAITS && ns <= h->waits[0].ns)
		return;
	if (!h->waits)
		h->waits = calloc(WAITS, sizeof *h->waits);
	if (!h->waits)
		l->no_memory = true;
	else if (h->count == WAITS)
		heap_down(h, 0, &(struct long_wait){ns, *row});
	else
		heap_up(h, h->count++, &(struct long_wait){ns, *row});
}

/* The place in the histogram: the seven bits behind the highest one, and where that is. */
static size_t ready_step(uint64_t ns)
{
	int shift = ns < STEPS ? 0 : 63 - STEP_BITS - __builtin_clzll(ns);

	return ns < STEPS ? ns : (size_t)(shift + 1) * STEPS + (ns >> shift & (STEPS - 1));
}

static void ready_seen(struct loader *l, int64_t ns)
{
	if (!l->ready)
		l->ready = calloc(READY_STEPS, sizeof *l->ready);
	if (!l->ready) {
		l->no_memory = true;
		return;
	}
	struct ready *r = &l->ready[ready_step((uint64_t)ns)];

	r->count++;
	r->longest_ns = ns > r->longest_ns ? ns : r->longest_ns;
}

void loader_longest(struct loader *l, const struct interval *row)
{
	int64_t end_ns = row->to_ns < 0 ? l->duration_ns : row->to_ns;
	int64_t ns = end_ns > row->from_ns ? end_ns - row->from_ns : 0;

	if (row->state == GTRACE_state_WAITING)
		wait_seen(l, row, ns);
	else if (row->state == GTRACE_state_RUNNABLE && row->to_ns >= 0)
		ready_seen(l, ns);
}

static void wait_rows(struct loader *l, struct longest *h)
{
	for (size_t i = 0; i < h->count; i++) {
		const struct interval *v = &h->waits[i].row;
		ROWS_PUT(&l->rows, ROWS_LONG_WAIT, db_int((int64_t)v->g), db_int(v->n), db_int(v->from_ns),
		         db_time(v->to_ns), db_id(v->reason), db_id(v->object), db_id(v->site),
		         db_id(v->flags), db_id(v->woken_by), db_id(v->waker), db_id(v->wake_object));
	}
	free(h->waits);
}

void loader_longest_end(struct loader *l)
{
	for (size_t i = 0; i < 2 * LONGEST_REASONS; i++)
		wait_rows(l, &l->longest[i / LONGEST_REASONS][i % LONGEST_REASONS]);
	for (size_t i = 0; l->ready && i < READY_STEPS; i++) {
		if (l->ready[i].count)
			ROWS_PUT(&l->rows, ROWS_READY, db_int(l->ready[i].longest_ns),
			         db_int((int64_t)l->ready[i].count));
	}
	free(l->ready);
}

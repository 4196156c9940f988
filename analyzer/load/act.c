/* SPDX-License-Identifier: MIT */
/**
 * act.c: uses and holds -> rows of use_block and hold_block.
 *
 * So many are collected as fit; the writer puts them in order and packs them, a row for those of a
 * square: a twentieth of the rows, and a quarter of the bytes, of a table with a row each.
 *
 * Most uses repeat one of a moment ago.  A small table of those seen last finds it, or does not:
 * then there are two, and whoever reads them adds them up.
 *
 *   A1  A batch belongs to the loader until it is full, and then to the writer, which frees it.
 */
#include <stdlib.h>

#include "load/loader.h"

enum { ACTS_MAX = 1 << 15, RECENT_BITS = 12, SQUARE_PLACES = 2 * ACTS_MAX, FEW = 48 };

struct acts {
	enum act_kind kind;
	int64_t batch; // its number
	size_t count;
	uint16_t recent[1 << RECENT_BITS]; // where in rows such a use may be
	struct act rows[ACTS_MAX];
};

/* ── packing, by the writer ── */

/** The acts of a square, in a list. */
struct square {
	uint64_t bucket, cell;
	uint16_t first, last;
};

/** A batch by squares. */
struct squares {
	struct acts *acts;
	size_t count;
	uint16_t place[SQUARE_PLACES]; // by hash: in square, from 1; 0: free
	uint16_t next[ACTS_MAX];       // the list, of which the last one is its own next
	struct square square[ACTS_MAX];
	const struct act *order[ACTS_MAX]; // those of the square at hand
};

static int square_order(const void *x, const void *y)
{
	const struct square *a = x, *b = y;

	if (a->bucket != b->bucket)
		return a->bucket < b->bucket ? -1 : 1;
	return (a->cell > b->cell) - (a->cell < b->cell);
}

/* The square of row i, made if there is none. */
static void square_put(struct squares *s, uint16_t i)
{
	const struct act *row = &s->acts->rows[i];
	struct square at = {act_bucket(row->object), act_cell(s->acts->kind, row), i, i};
	uint64_t hash = (at.bucket * 0x9e3779b97f4a7c15u ^ at.cell) * 0xbf58476d1ce4e5b9u >> 32;
	size_t p = hash % SQUARE_PLACES;

	for (; s->place[p]; p = (p + 1) % SQUARE_PLACES) {
		struct square *there = &s->square[s->place[p] - 1];
		if (there->bucket == at.bucket && there->cell == at.cell) {
			s->next[there->last] = i;
			there->last = i;
			return;
		}
	}
	s->square[s->count++] = at;
	s->place[p] = (uint16_t)s->count;
}

static int use_order(const void *x, const void *y)
{
	return act_compare(ACT_USE, *(const struct act *const *)x, *(const struct act *const *)y);
}

static int hold_order(const void *x, const void *y)
{
	return act_compare(ACT_HOLD, *(const struct act *const *)x, *(const struct act *const *)y);
}

/* The rows of a square, in order.  Returns: how many. */
static size_t square_sort(struct squares *s, const struct square *q)
{
	int (*order)(const void *, const void *) = s->acts->kind == ACT_USE ? use_order : hold_order;
	size_t n = 0;

	for (uint16_t i = q->first;; i = s->next[i]) {
		s->order[n++] = &s->acts->rows[i];
		if (i == q->last)
			break;
	}
	if (n > FEW) {
		qsort(s->order, n, sizeof s->order[0], order);
		return n;
	}
	for (size_t i = 1; i < n; i++) {
		const struct act *row = s->order[i];
		size_t to = i;
		for (; to && order(&s->order[to - 1], &row) > 0; to--)
			s->order[to] = s->order[to - 1];
		s->order[to] = row;
	}
	return n;
}

/* Write the next block of a square, from its row i on.  Returns: the row behind it. */
static size_t square_block(struct squares *s, const struct square *q, size_t i, size_t n,
                           struct rows *r, int64_t number)
{
	enum act_kind kind = s->acts->kind;
	struct act was = {.object = act_bucket_object(q->bucket)};
	uint8_t bytes[ACT_BLOCK_BYTES], *p = bytes;

	while (i < n && p - bytes <= ACT_BLOCK_BYTES - ACT_PACKED_MAX) {
		struct act row = *s->order[i++];
		for (; i < n && act_compare(kind, &row, s->order[i]) == 0; i++)
			act_merge(kind, &row, s->order[i]);
		p = act_pack(p, &was, &row);
		was = row;
	}
	ROWS_WRITE(r, kind == ACT_USE ? ROWS_USE_BLOCK : ROWS_HOLD_BLOCK, db_int((int64_t)q->bucket),
	           db_int((int64_t)q->cell), db_int(number), db_blob(bytes, (size_t)(p - bytes)));
	return i;
}

static void acts_write(struct rows *r, void *arg)
{
	struct acts *a = arg;
	struct squares *s = r ? calloc(1, sizeof *s) : NULL;
	int64_t number = a->batch * ACTS_MAX;

	if (r && !s)
		rows_fail(r, SQLITE_NOMEM);
	if (s)
		s->acts = a;
	for (size_t i = 0; s && i < a->count; i++)
		square_put(s, (uint16_t)i);
	if (s)
		qsort(s->square, s->count, sizeof s->square[0], square_order);
	for (size_t q = 0; s && q < s->count; q++) {
		size_t n = square_sort(s, &s->square[q]);
		for (size_t i = 0; i < n;)
			i = square_block(s, &s->square[q], i, n, r, number++);
	}
	free(s);
	free(a);
}

/* ── collecting, by the loader ── */

static void acts_send(struct loader *l, enum act_kind kind)
{
	if (l->acts[kind])
		rows_run(&l->rows, acts_write, l->acts[kind]);
	l->acts[kind] = NULL;
}

/* The batch with room for one more; NULL: no memory. */
static struct acts *acts_room(struct loader *l, enum act_kind kind)
{
	struct acts *a = l->acts[kind];

	if (a && a->count < ACTS_MAX)
		return a;
	acts_send(l, kind);
	a = malloc(sizeof *a);
	if (!a) {
		l->no_memory = true;
		return NULL;
	}
	a->kind = kind;
	a->batch = l->act_batches++;
	a->count = 0;
	for (size_t i = 0; i < sizeof a->recent / sizeof a->recent[0]; i++)
		a->recent[i] = 0;
	return l->acts[kind] = a;
}

void loader_hold(struct loader *l, const struct act *row)
{
	struct acts *a = acts_room(l, ACT_HOLD);

	if (a)
		a->rows[a->count++] = *row;
}

void loader_use(struct loader *l, uint64_t g, uint64_t object, unsigned op, uint64_t site)
{
	if (!g || !object)
		return;
	if (l->pollers)
		loader_poll_ends(l, g, site);
	struct acts *a = acts_room(l, ACT_USE);

	if (!a)
		return;
	uint64_t hash = (g * 0x9e3779b97f4a7c15u ^ (object << 8 | op)) * 0xbf58476d1ce4e5b9u;
	uint16_t *recent = &a->recent[hash >> (64 - RECENT_BITS)];
	struct act *u = &a->rows[*recent];

	if (*recent >= a->count || u->g != g || u->object != object || u->op != op) {
		*recent = (uint16_t)a->count;
		u = &a->rows[a->count++];
		*u = (struct act){.object = object, .g = g, .op = (uint8_t)op, .from_ns = l->now_ns};
	}
	u->count++;
	u->to_ns = l->now_ns;
	u->site = site ? site : u->site;
}

void loader_acts_end(struct loader *l)
{
	for (enum act_kind kind = 0; kind < ACT_KINDS; kind++)
		acts_send(l, kind);
}

/* SPDX-License-Identifier: MIT */
/* shrink.c: see shrink.h. */
#include "shrink.h"
#include <string.h>

/* What a call may be replaced by, if that is plainer. */
static const struct {
	uint8_t call, plainer;
} plain[] = {
	{SEND_UNTIL, SEND_EVER}, {SEND_UNTIL, TRY_SEND}, {SEND_EVER, SEND}, {RECV_UNTIL, RECV},
	{RECV_UNTIL, TRY_RECV},  {TRY_SEND, SEND},       {TRY_RECV, RECV},  {TRYLOCK, LOCK},
	{TRYWLOCK, WLOCK},       {TRYRLOCK, RLOCK},      {WLOCK, LOCK},     {WUNLOCK, UNLOCK},
	{SEM_TRY, SEM_ACQUIRE},  {SLEEP, YIELD},         {BLOCKING, YIELD},
};
enum { PLAIN = sizeof plain / sizeof *plain };

static bool drop_case(struct op *op, int at)
{
	if (op->call != SELECT || op->cases < 2 || at >= op->cases)
		return false;
	memmove(&op->at[at], &op->at[at + 1], (size_t)(--op->cases - at) * sizeof op->at[0]);
	memset(&op->at[op->cases], 0, sizeof op->at[0]);
	return true;
}

/* A select of one case is that case. */
static bool unwrap_select(struct op *op)
{
	if (op->call != SELECT || op->cases != 1 || op->at[0].on > ON_SEND)
		return false;
	*op = (struct op){.call = op->at[0].on == ON_SEND ? SEND : RECV, .obj = op->at[0].chan};
	return true;
}

/* Variant v of a plainer call in op's place.  False: it is none, or the same. */
static bool simplify_op(struct op *op, int v)
{
	if (v < CASES)
		return drop_case(op, v);
	v -= CASES;
	if (v < PLAIN) {
		if (op->call != plain[v].call)
			return false;
		op->call = plain[v].plainer;
		return true;
	}
	switch (v - PLAIN) {
	case 0:
		return unwrap_select(op);
	case 1:
		if (op->n < 2)
			return false;
		op->n = 1;
		return true;
	default:
		if (op->call < SEND || op->call == SELECT || op->call == RESET || op->call == STOP ||
		    op->obj == 0)
			return false;
		op->obj = 0; // fewer objects
		return true;
	}
}
enum { VARIANTS = CASES + PLAIN + 3 };

/* The whole program's settings, one after another. */
static bool simplify_setting(struct program *p, int v)
{
	uint8_t *settings[] = {&p->cap[0], &p->cap[1], &p->cap[2], &p->count, &p->permits};

	if (v < GOROUTINES) {
		bool was = p->pinned[v];
		p->pinned[v] = false;
		return was;
	}
	v -= GOROUTINES;
	if (*settings[v / 2] == 0)
		return false;
	*settings[v / 2] = v % 2 ? (uint8_t)(*settings[v / 2] - 1) : 0;
	return true;
}
enum { SETTINGS = GOROUTINES + 2 * 5 };

enum { PLACES = GOROUTINES * OPS };

static bool drop_place(struct program *p, int place)
{
	if (place % OPS >= p->len[place / OPS])
		return false;
	program_drop_op(p, place / OPS, place % OPS);
	return true;
}

/* Two calls at once: a send and its receive, a lock and its unlock. */
static bool drop_pair(struct program *p, int a, int b)
{
	return a > b && drop_place(p, a) && drop_place(p, b); // the later one first
}

enum { CANDIDATES = GOROUTINES + PLACES + PLACES * VARIANTS + SETTINGS + PLACES * PLACES };

/* Candidate i, made of p itself.  False: there is none of this number. */
static bool simplify(struct program *p, int i)
{
	if (i < GOROUTINES) {
		if (i >= p->goroutines || p->goroutines == 1)
			return false;
		program_drop_goroutine(p, i);
		return true;
	}
	i -= GOROUTINES;
	if (i < PLACES)
		return drop_place(p, i);
	i -= PLACES;
	if (i < PLACES * VARIANTS) {
		int place = i / VARIANTS, g = place / OPS, k = place % OPS;
		return k < p->len[g] && simplify_op(&p->ops[g][k], i % VARIANTS);
	}
	i -= PLACES * VARIANTS;
	if (i < SETTINGS)
		return simplify_setting(p, i);
	i -= SETTINGS;
	return drop_pair(p, i / PLACES, i % PLACES);
}

void shrink(struct program *p, bool (*fails)(void *arg, const struct program *p), void *arg)
{
	for (bool changed = true; changed;) {
		changed = false;
		for (int i = 0; i < CANDIDATES;) {
			struct program candidate = *p;
			if (simplify(&candidate, i) && fails(arg, &candidate)) {
				*p = candidate;
				changed = true;
			} else {
				i++;
			}
		}
	}
}

/* SPDX-License-Identifier: MIT */
/**
 * order.c: locks whose order could have met in a deadlock, in a run in which it did not.
 *
 * A nest is a goroutine that took one lock while it held another (load/nest.c).  A circle is made
 * of nests of different goroutines, each of which takes the lock that the next one holds:
 *
 *   C1  Two that share a lock held by both meanwhile, unless both for reading, cannot be there at
 *       the same time: that lock is a gate.  So a circle has no gate.
 *   C2  No two of them are in an order that something else than locks made (before.c).
 *   C3  Where a lock is waited for, at least one of holder and waiter has it for writing.
 *
 * A lock that is taken for reading twice is a circle by itself, if somebody takes it for writing
 * between whom and the reader nothing makes an order: the writer would wait for the first, and make
 * the second wait.
 *
 * Of circles through the same places of the program one counts.
 */
#include "detect/order.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#include "array.h"
#include "db.h"
#include "detect/before.h"

enum { CIRCLE_MAX = 4, CIRCLES_MAX = 64, GATES_MAX = 4, WORK_MAX = 1 << 20 };

struct lock {
	uint64_t object;
	bool shared; // for reading
};

struct nest {
	int64_t number;
	uint64_t g;
	struct lock outer, inner;
	int64_t outer_site, site, outer_ns, ns;
	struct lock gates[GATES_MAX];
	int gate_count; // -1: not read yet
};

struct circle {
	size_t nests[CIRCLE_MAX];
	int count;
	uint64_t writer; // of a single one
};

struct order {
	sqlite3 *db;
	struct nest *nests; // by outer
	size_t count;
	struct circle circles[CIRCLES_MAX], now;
	int circle_count;
	struct before *before; // when first needed
	sqlite3_stmt *gates, *writers;
	uint64_t work;
	int err;
};

static int nest_row(void *arg, sqlite3_stmt *st)
{
	struct order *o = arg;
	struct nest *nests = array_more(o->nests, o->count, sizeof *nests);

	if (!nests)
		return SQLITE_NOMEM;
	o->nests = nests;
	nests[o->count++] = (struct nest){
		.number = sqlite3_column_int64(st, 0),
		.g = (uint64_t)sqlite3_column_int64(st, 1),
		.outer = {(uint64_t)sqlite3_column_int64(st, 2), sqlite3_column_int(st, 3)},
		.outer_site = sqlite3_column_int64(st, 4),
		.outer_ns = sqlite3_column_int64(st, 5),
		.inner = {(uint64_t)sqlite3_column_int64(st, 6), sqlite3_column_int(st, 7)},
		.site = sqlite3_column_int64(st, 8),
		.ns = sqlite3_column_int64(st, 9),
		.gate_count = -1,
	};
	return SQLITE_OK;
}

/** The first nest whose outer lock is that. */
static size_t nest_first(const struct order *o, uint64_t outer)
{
	size_t low = 0, high = o->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (o->nests[middle].outer.object < outer)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* ── gates ── */

static void nest_gates(struct order *o, struct nest *n)
{
	if (n->gate_count >= 0)
		return;
	n->gate_count = 0;
	sqlite3_bind_int64(o->gates, 1, n->number);
	while (n->gate_count < GATES_MAX && sqlite3_step(o->gates) == SQLITE_ROW)
		n->gates[n->gate_count++] = (struct lock){(uint64_t)sqlite3_column_int64(o->gates, 0),
		                                          sqlite3_column_int(o->gates, 1)};
	sqlite3_reset(o->gates);
}

/** Does n hold that lock, in a way that shuts out who has it likewise? */
static bool nest_shuts(const struct nest *n, struct lock lock)
{
	if (n->outer.object == lock.object && !(n->outer.shared && lock.shared))
		return true;
	for (int i = 0; i < n->gate_count; i++) {
		if (n->gates[i].object == lock.object && !(n->gates[i].shared && lock.shared))
			return true;
	}
	return false;
}

static bool gated(struct order *o, struct nest *a, struct nest *b)
{
	nest_gates(o, a);
	nest_gates(o, b);
	for (int i = 0; i < a->gate_count; i++) {
		if (nest_shuts(b, a->gates[i]))
			return true;
	}
	return nest_shuts(b, a->outer);
}

/* ── order in time ── */

static bool ordered(struct order *o, const struct nest *a, uint64_t g, int64_t from_ns,
                    int64_t to_ns)
{
	if (!o->before)
		o->err = before_open(&o->before, o->db);
	return o->err != SQLITE_OK || before_may(o->before, a->g, a->ns, g, from_ns) ||
	       before_may(o->before, g, to_ns, a->g, a->outer_ns);
}

/* ── circles ── */

static bool same_places(const struct order *o, const struct circle *a, const struct circle *b)
{
	if (a->count != b->count)
		return false;
	for (int i = 0; i < a->count; i++) {
		const struct nest *n = &o->nests[a->nests[i]];
		bool there = false;
		for (int k = 0; k < b->count && !there; k++) {
			const struct nest *m = &o->nests[b->nests[k]];
			there = n->outer_site == m->outer_site && n->site == m->site;
		}
		if (!there)
			return false;
	}
	return true;
}

static void circle_keep(struct order *o)
{
	for (int i = 0; i < o->circle_count; i++) {
		if (same_places(o, &o->now, &o->circles[i]))
			return;
	}
	for (int i = 0; i < o->now.count; i++) {
		const struct nest *a = &o->nests[o->now.nests[i]];
		for (int k = i + 1; k < o->now.count; k++) {
			const struct nest *b = &o->nests[o->now.nests[k]];
			if (ordered(o, a, b->g, b->outer_ns, b->ns))
				return; // breaks C2
		}
	}
	if (o->circle_count < CIRCLES_MAX)
		o->circles[o->circle_count++] = o->now;
}

/** May n come next: another goroutine, no gate, C3? */
static bool circle_takes(struct order *o, struct nest *n)
{
	const struct nest *last = &o->nests[o->now.nests[o->now.count - 1]];
	const struct nest *first = &o->nests[o->now.nests[0]];

	if ((last->inner.shared && n->outer.shared) || n->outer.object <= first->outer.object)
		return false;
	for (int i = 0; i < o->now.count; i++) {
		struct nest *m = &o->nests[o->now.nests[i]];
		if (m->g == n->g || gated(o, m, n))
			return false;
	}
	return true;
}

/** All circles that begin with what o->now has; the first has the lowest lock. */
static void circle_grow(struct order *o)
{
	const struct nest *first = &o->nests[o->now.nests[0]];
	uint64_t next = o->nests[o->now.nests[o->now.count - 1]].inner.object;

	for (size_t i = nest_first(o, next); i < o->count; i++) {
		struct nest *n = &o->nests[i];
		if (n->outer.object != next || ++o->work > WORK_MAX || o->err != SQLITE_OK)
			return;
		if (!circle_takes(o, n))
			continue;
		o->now.nests[o->now.count++] = i;
		if (n->inner.object == first->outer.object && !(n->inner.shared && first->outer.shared))
			circle_keep(o);
		else if (o->now.count < CIRCLE_MAX && n->inner.object != first->outer.object)
			circle_grow(o);
		o->now.count--;
	}
}

/* ── a lock for reading, twice ── */

/** Does the writer take it only under something that the reader holds? */
static bool writer_gated(struct order *o, const struct nest *reader, uint64_t writer)
{
	for (size_t i = 0; i < o->count; i++) {
		const struct nest *n = &o->nests[i];
		if (n->g == writer && n->inner.object == reader->inner.object && !n->inner.shared &&
		    n->outer.object != reader->outer.object && nest_shuts(reader, n->outer))
			return true;
	}
	return false;
}

static void twice(struct order *o, size_t at)
{
	struct nest *n = &o->nests[at];

	nest_gates(o, n);
	sqlite3_bind_int64(o->writers, 1, (int64_t)n->outer.object);
	sqlite3_bind_int64(o->writers, 2, (int64_t)n->g);
	while (o->err == SQLITE_OK && sqlite3_step(o->writers) == SQLITE_ROW) {
		uint64_t writer = (uint64_t)sqlite3_column_int64(o->writers, 0);
		int64_t ns = sqlite3_column_int64(o->writers, 1);
		if (ordered(o, n, writer, ns, ns) || writer_gated(o, n, writer))
			continue;
		o->now = (struct circle){.nests = {at}, .count = 1, .writer = writer};
		circle_keep(o);
		break;
	}
	sqlite3_reset(o->writers);
}

static int circles_clear(const struct order *o)
{
	sqlite3_stmt *st;
	int err = db_prepare(o->db, "sql/order.sql", "clear", &st);

	if (err == SQLITE_OK)
		err = DB_ROW(st, db_int(1));
	sqlite3_finalize(st);
	return err;
}

static int circles_write(const struct order *o)
{
	sqlite3_stmt *st;
	int err = db_prepare(o->db, "sql/order.sql", "circle", &st);

	for (int i = 0; i < o->circle_count; i++) {
		const struct circle *c = &o->circles[i];
		for (int k = 0; k < c->count && err == SQLITE_OK; k++)
			err = DB_ROW(st, db_int(i + 1), db_int(k), db_int(o->nests[c->nests[k]].number),
			             db_id(c->writer));
	}
	sqlite3_finalize(st);
	return err;
}

static void order_search(struct order *o)
{
	for (size_t i = 0; i < o->count && o->err == SQLITE_OK; i++) {
		const struct nest *n = &o->nests[i];
		if (n->outer.object == n->inner.object) {
			if (n->outer.shared && n->inner.shared)
				twice(o, i);
			continue;
		}
		o->now = (struct circle){.nests = {i}, .count = 1};
		circle_grow(o);
	}
}

int order_find(sqlite3 *db)
{
	struct order *o = calloc(1, sizeof *o);

	if (!o)
		return SQLITE_NOMEM;
	o->db = db;
	o->err = db_prepare(db, "sql/order.sql", "gates", &o->gates);
	if (o->err == SQLITE_OK)
		o->err = db_prepare(db, "sql/order.sql", "writers", &o->writers);
	if (o->err == SQLITE_OK)
		o->err = circles_clear(o);
	if (o->err == SQLITE_OK)
		o->err = db_each(db, "sql/order.sql", "nests", nest_row, o);
	if (o->err == SQLITE_OK)
		order_search(o);
	if (o->err == SQLITE_OK)
		o->err = circles_write(o);
	int err = o->err;

	before_close(o->before);
	sqlite3_finalize(o->gates);
	sqlite3_finalize(o->writers);
	free(o->nests);
	free(o);
	return err;
}

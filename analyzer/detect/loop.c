/* SPDX-License-Identifier: MIT */
/**
 * loop.c: cycles of waits that are not of locks alone.
 *
 * The graph has the dead goroutines and what they wait for.  A goroutine points at its objects, an
 * object at who could end the wait for it: a lock at its holders; any other at who has done what
 * ends such a wait, or was given it at birth and has not used it yet.  Of an object nobody is known
 * to have ended a wait for, and of a wait group, whose workers are done once each, nothing better
 * is known than L2; then it points at those who wait for the locks that its waiters hold: a lock
 * held over a wait.
 *
 * A strongly connected component is a loop, named after its first goroutine, if
 *   - two goroutines or more and two objects or more are in it, one of which is no lock;
 *   - main is not: that would be a deadlock of the program;
 *   - of a select that is in it, all objects are: else it waits for somebody outside as well.
 * Who is in a cycle of locks, or behind one, is left out.
 */
#include <stdlib.h>

#include "array.h"
#include "db.h"
#include "detect/dead.h"

struct loop_edge { // from a thing to a node
	size_t o, n;
};

struct loop_vertex {
	size_t order, low; // 0: not visited
	size_t edge;       // next to take
	size_t component;  // 0: none yet
};

struct loop {
	struct graph *gr;
	struct loop_edge *edges; // by thing
	size_t edge_count, *first;
	bool *known;                  // by thing: somebody has ended a wait for it
	struct loop_vertex *vertices; // nodes, then things
	size_t *stack, *path;
	size_t stack_count, path_count, order, components;
	bool no_memory;
};

static bool loop_takes(const struct node *n)
{
	return n && n->dead && !n->ring && !n->behind;
}

static void loop_edge_put(struct loop *lo, size_t o, const struct node *n)
{
	if (!loop_takes(n) || lo->no_memory)
		return;
	struct loop_edge *more = array_more(lo->edges, lo->edge_count, sizeof *more);

	lo->no_memory = !more;
	if (!more)
		return;
	lo->edges = more;
	lo->edges[lo->edge_count++] = (struct loop_edge){o, (size_t)(n - lo->gr->nodes)};
}

static int loop_actor(void *arg, sqlite3_stmt *st)
{
	struct loop *lo = arg;
	size_t o = graph_thing(lo->gr, (uint64_t)sqlite3_column_int64(st, 0));

	if (o) {
		lo->known[o - 1] |= sqlite3_column_int(st, 2);
		loop_edge_put(lo, o - 1, graph_node(lo->gr, (uint64_t)sqlite3_column_int64(st, 1)));
	}
	return SQLITE_OK;
}

/* h holds the lock t, and waits: who waits for t may be who h waits for. */
static void loop_held_over(struct loop *lo, const struct thing *t, const struct node *h)
{
	const struct graph *gr = lo->gr;
	size_t waiters = t->holder_count == 1 ? t->waiter_count : t->waiter_count ? 1 : 0;

	for (size_t i = 0; i < h->wait_count; i++) {
		size_t o = gr->waits[h->wait_first + i].o;
		if (gr->things[o].lock || gr->things[o].old || gr->blind || lo->known[o])
			continue;
		for (size_t w = 0; w < waiters; w++)
			loop_edge_put(lo, o, &gr->nodes[gr->waits[gr->waiters[t->waiter_first + w]].n]);
	}
}

static int loop_edge_compare(const void *x, const void *y)
{
	const struct loop_edge *a = x, *b = y;

	if (a->o != b->o)
		return a->o < b->o ? -1 : 1;
	return a->n < b->n ? -1 : a->n > b->n;
}

static void loop_edges(struct loop *lo)
{
	const struct graph *gr = lo->gr;

	for (size_t o = 0; o < gr->thing_count; o++) {
		const struct thing *t = &gr->things[o];
		for (size_t i = 0; t->lock && i < t->holder_count; i++) {
			const struct node *h = graph_node(gr, gr->holders[t->holder_first + i]);
			loop_edge_put(lo, o, h);
			if (loop_takes(h))
				loop_held_over(lo, t, h);
		}
	}
	if (lo->no_memory)
		return;
	if (lo->edge_count)
		qsort(lo->edges, lo->edge_count, sizeof *lo->edges, loop_edge_compare);
	for (size_t i = 0; i < lo->edge_count; i++)
		lo->first[lo->edges[i].o + 1]++;
	for (size_t o = 0; o < gr->thing_count; o++)
		lo->first[o + 1] += lo->first[o];
}

/* The next successor of v, plus 1; 0: there is none. */
static size_t loop_next(struct loop *lo, size_t v)
{
	const struct graph *gr = lo->gr;
	size_t at = lo->vertices[v].edge++;

	if (v < gr->node_count)
		return at < gr->nodes[v].wait_count
		           ? gr->node_count + gr->waits[gr->nodes[v].wait_first + at].o + 1
		           : 0;
	size_t o = v - gr->node_count;

	return lo->first[o] + at < lo->first[o + 1] ? lo->edges[lo->first[o] + at].n + 1 : 0;
}

/* Does every object that node i waits for belong to its component? */
static bool loop_closed(const struct loop *lo, size_t i)
{
	const struct graph *gr = lo->gr;

	for (size_t w = 0; w < gr->nodes[i].wait_count; w++) {
		size_t v = gr->node_count + gr->waits[gr->nodes[i].wait_first + w].o;
		if (lo->vertices[v].component != lo->vertices[i].component)
			return false;
	}
	return true;
}

/* Take the component of v off the stack. */
static void loop_component(struct loop *lo, size_t v)
{
	struct graph *gr = lo->gr;
	size_t from = lo->stack_count, nodes = 0, things = 0, first = SIZE_MAX;
	bool fits = true, locks = true;

	lo->components++;
	while (lo->stack[--from] != v)
		;
	for (size_t at = from; at < lo->stack_count; at++)
		lo->vertices[lo->stack[at]].component = lo->components;
	for (size_t at = from; at < lo->stack_count; at++) {
		size_t u = lo->stack[at];
		if (u >= gr->node_count) {
			things++;
			locks &= gr->things[u - gr->node_count].lock;
			continue;
		}
		nodes++;
		first = u < first ? u : first;
		fits &= gr->nodes[u].g != 1 && loop_closed(lo, u);
	}
	for (size_t at = from; fits && !locks && nodes > 1 && things > 1 && at < lo->stack_count;
	     at++) {
		if (lo->stack[at] < gr->node_count)
			gr->nodes[lo->stack[at]].loop = first + 1;
	}
	lo->stack_count = from;
}

static void loop_enter(struct loop *lo, size_t v)
{
	lo->vertices[v].order = lo->vertices[v].low = ++lo->order;
	lo->stack[lo->stack_count++] = v;
	lo->path[lo->path_count++] = v;
}

/* Tarjan's, as in ring.c. */
static void loop_walk(struct loop *lo, size_t start)
{
	loop_enter(lo, start);
	while (lo->path_count) {
		size_t v = lo->path[lo->path_count - 1], next = loop_next(lo, v);
		struct loop_vertex *at = &lo->vertices[v];
		if (next) {
			const struct loop_vertex *to = &lo->vertices[next - 1];
			if (!to->order)
				loop_enter(lo, next - 1);
			else if (!to->component && to->order < at->low)
				at->low = to->order;
			continue;
		}
		if (at->low == at->order)
			loop_component(lo, v);
		if (--lo->path_count == 0)
			break;
		struct loop_vertex *up = &lo->vertices[lo->path[lo->path_count - 1]];
		if (at->low < up->low)
			up->low = at->low;
	}
}

/* Whom each of a loop waits for: the first in the loop. */
static int loop_rows(const struct loop *lo, sqlite3 *db)
{
	const struct graph *gr = lo->gr;
	sqlite3_stmt *clear = NULL, *st = NULL;
	int err = db_prepare(db, "sql/dead.sql", "loop_clear", &clear);

	if (err == SQLITE_OK)
		err = db_row(clear, 0, NULL);
	if (err == SQLITE_OK)
		err = db_prepare(db, "sql/dead.sql", "loop_wait", &st);
	for (size_t w = 0; w < gr->wait_count && err == SQLITE_OK; w++) {
		const struct node *n = &gr->nodes[gr->waits[w].n];
		size_t o = gr->waits[w].o, e = lo->first[o];
		while (n->loop && e < lo->first[o + 1] && gr->nodes[lo->edges[e].n].loop != n->loop)
			e++;
		if (n->loop && e < lo->first[o + 1])
			err = DB_ROW(st, db_int((int64_t)n->g), db_int((int64_t)gr->things[o].object),
			             db_int((int64_t)gr->nodes[lo->edges[e].n].g));
	}
	sqlite3_finalize(clear);
	sqlite3_finalize(st);
	return err;
}

int loop_find(struct graph *gr, sqlite3 *db)
{
	size_t count = gr->node_count + gr->thing_count + 1;
	struct loop lo = {
		.gr = gr,
		.first = calloc(gr->thing_count + 2, sizeof *lo.first),
		.known = calloc(gr->thing_count + 1, sizeof *lo.known),
		.vertices = calloc(count, sizeof *lo.vertices),
		.stack = calloc(count, sizeof *lo.stack),
		.path = calloc(count, sizeof *lo.path),
	};
	lo.no_memory = !lo.first || !lo.known || !lo.vertices || !lo.stack || !lo.path;
	int err = lo.no_memory ? SQLITE_NOMEM : db_each(db, "sql/dead.sql", "actors", loop_actor, &lo);

	if (err == SQLITE_OK)
		loop_edges(&lo);
	for (size_t i = 0; err == SQLITE_OK && !lo.no_memory && i < gr->node_count; i++) {
		if (loop_takes(&gr->nodes[i]) && !lo.vertices[i].order)
			loop_walk(&lo, i);
	}
	if (err == SQLITE_OK && !lo.no_memory)
		err = loop_rows(&lo, db);
	free(lo.edges);
	free(lo.first);
	free(lo.known);
	free(lo.vertices);
	free(lo.stack);
	free(lo.path);
	return lo.no_memory ? SQLITE_NOMEM : err;
}

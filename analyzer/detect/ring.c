/* SPDX-License-Identifier: MIT */
/**
 * ring.c: cycles of locks.
 *
 * Edges go from a dead goroutine that waits for a lock to the dead goroutines that hold it.
 * Tarjan's strongly connected components, with the recursion laid out on an array; a component of
 * several, or of one with an edge to itself, is a ring, named after its first goroutine.  Who
 * reaches a ring without being in it waits behind it; Tarjan finishes components in the order that
 * makes this one look at the successors, which are done by then.
 */
#include <stdlib.h>

#include "detect/dead.h"

struct ring_node {
	size_t order, low;             // 0: not visited
	size_t edge_wait, edge_holder; // next edge to take
	bool on_stack, to_itself;
};

struct ring {
	struct graph *gr;
	struct ring_node *nodes;
	size_t *stack, *path; // of the component in the making; of the walk
	size_t stack_count, path_count, order;
};

/* The next dead holder of a lock that node i waits for, or NULL. */
static struct node *ring_next(struct ring *r, size_t i)
{
	const struct graph *gr = r->gr;
	const struct node *n = &gr->nodes[i];
	struct ring_node *rn = &r->nodes[i];

	for (; rn->edge_wait < n->wait_count; rn->edge_wait++, rn->edge_holder = 0) {
		const struct thing *t = &gr->things[gr->waits[n->wait_first + rn->edge_wait].o];
		while (t->lock && rn->edge_holder < t->holder_count) {
			struct node *m = graph_node(gr, gr->holders[t->holder_first + rn->edge_holder++]);
			if (m && m->dead)
				return m;
		}
	}
	return NULL;
}

static void ring_enter(struct ring *r, size_t i)
{
	struct ring_node *rn = &r->nodes[i];

	rn->order = rn->low = ++r->order;
	rn->on_stack = true;
	r->stack[r->stack_count++] = i;
	r->path[r->path_count++] = i;
}

/* Take the component of i off the stack. */
static void ring_component(struct ring *r, size_t i)
{
	struct graph *gr = r->gr;
	size_t from = r->stack_count;

	while (r->stack[--from] != i)
		;
	size_t count = r->stack_count - from, first = i;
	bool ring = count > 1 || r->nodes[i].to_itself;

	for (size_t at = from; at < r->stack_count; at++) {
		if (r->stack[at] < first)
			first = r->stack[at];
	}
	for (size_t at = from; at < r->stack_count; at++) {
		r->nodes[r->stack[at]].on_stack = false;
		if (ring) {
			gr->nodes[r->stack[at]].ring = first + 1;
			gr->nodes[r->stack[at]].behind = 0;
		}
	}
	r->stack_count = from;
}

static void ring_walk(struct ring *r, size_t start)
{
	struct graph *gr = r->gr;

	ring_enter(r, start);
	while (r->path_count) {
		size_t i = r->path[r->path_count - 1];
		struct ring_node *rn = &r->nodes[i];
		const struct node *m = ring_next(r, i);
		if (m) {
			size_t j = (size_t)(m - gr->nodes);
			rn->to_itself |= i == j;
			if (!r->nodes[j].order)
				ring_enter(r, j);
			else if (r->nodes[j].on_stack && r->nodes[j].order < rn->low)
				rn->low = r->nodes[j].order;
			else if (!r->nodes[j].on_stack && !gr->nodes[i].behind)
				gr->nodes[i].behind = m->ring ? m->ring : m->behind;
			continue;
		}
		if (rn->low == rn->order)
			ring_component(r, i);
		if (--r->path_count == 0)
			break;
		size_t up = r->path[r->path_count - 1];
		if (rn->low < r->nodes[up].low)
			r->nodes[up].low = rn->low;
		if (!rn->on_stack && !gr->nodes[up].behind)
			gr->nodes[up].behind = gr->nodes[i].ring ? gr->nodes[i].ring : gr->nodes[i].behind;
	}
}

int ring_find(struct graph *gr)
{
	struct ring r = {
		.gr = gr,
		.nodes = calloc(gr->node_count + 1, sizeof *r.nodes),
		.stack = calloc(gr->node_count + 1, sizeof *r.stack),
		.path = calloc(gr->node_count + 1, sizeof *r.path),
	};
	bool memory = r.nodes && r.stack && r.path;

	for (size_t i = 0; memory && i < gr->node_count; i++) {
		if (gr->nodes[i].dead && !r.nodes[i].order)
			ring_walk(&r, i);
	}
	free(r.nodes);
	free(r.stack);
	free(r.path);
	return memory ? SQLITE_OK : SQLITE_NOMEM;
}

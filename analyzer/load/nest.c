/* SPDX-License-Identifier: MIT */
/**
 * nest.c: locks that were taken while another was held: the order of locks.
 *
 * Of each pair of locks a few goroutines count, and of each its first and its last time: what comes
 * in between adds nothing but work.  A program that nests more pairs than NESTS_MAX is not followed
 * beyond them.
 *
 * A lock that was had by a try is held like any other, but is no nest: who tries does not wait.
 */
#include "load/loader.h"

#include <stdlib.h>

enum { NESTS_MAX = 1 << 16, NEST_GOROUTINES = 4, NEST_GATES = 4 };

struct held {
	uint64_t object, site;
	int64_t from_ns;
	unsigned mode;
};

/** What a goroutine holds, in the order in which it was taken; key: it, 0. */
struct held_list {
	struct map_head head;
	uint32_t count, cap; // cap: of more
	struct held first;   // mostly the only one
	struct held *more;
};

/** One lock taken while another was held. */
struct nest {
	uint64_t g;
	struct held outer, inner;
	struct held gates[NEST_GATES]; // what else was held
	uint32_t gate_count;
	bool told; // it is in the table
};

/** Key: outer, inner. */
struct nest_pair {
	struct map_head head;
	uint32_t count;
	struct nest last[NEST_GOROUTINES];
};

static struct db_value mode_word(unsigned mode)
{
	return db_text(gtrace_name("op", mode));
}

static void nest_row(struct loader *l, struct nest *n)
{
	if (n->told)
		return;
	int64_t number = (int64_t)++l->nest_last;

	n->told = true;
	ROWS_PUT(&l->rows, ROWS_NEST, db_int(number), db_int((int64_t)n->g),
	         db_int((int64_t)n->outer.object), mode_word(n->outer.mode), db_id(n->outer.site),
	         db_int(n->outer.from_ns), db_int((int64_t)n->inner.object), mode_word(n->inner.mode),
	         db_id(n->inner.site), db_int(n->inner.from_ns));
	for (uint32_t i = 0; i < n->gate_count; i++)
		ROWS_PUT(&l->rows, ROWS_NEST_GATE, db_int(number), db_int((int64_t)n->gates[i].object),
		         mode_word(n->gates[i].mode));
}

static void nest_put(struct loader *l, const struct nest *now)
{
	struct nest_pair *pair = l->nests.count < NESTS_MAX
	                             ? map_put(&l->nests, now->outer.object, now->inner.object)
	                             : map_find(&l->nests, now->outer.object, now->inner.object);
	uint32_t i = 0;

	if (!pair) {
		l->no_memory |= l->nests.count < NESTS_MAX;
		return;
	}
	while (i < pair->count && pair->last[i].g != now->g)
		i++;
	if (i == NEST_GOROUTINES)
		return;
	pair->last[i] = *now;
	if (i < pair->count)
		return;
	pair->count++;
	nest_row(l, &pair->last[i]);
}

static struct held *held_at(struct held_list *list, uint32_t i)
{
	return i ? &list->more[i - 1] : &list->first;
}

static void nest_of(struct loader *l, uint64_t g, struct held_list *list, uint32_t outer,
                    const struct held *inner)
{
	struct nest now = {.g = g, .outer = *held_at(list, outer), .inner = *inner};

	for (uint32_t i = 0; i < list->count && now.gate_count < NEST_GATES; i++) {
		if (i != outer)
			now.gates[now.gate_count++] = *held_at(list, i);
	}
	nest_put(l, &now);
}

static bool tried(unsigned op)
{
	return op == GTRACE_op_MUTEX_TRYLOCK || op == GTRACE_op_RWMUTEX_TRYRLOCK ||
	       op == GTRACE_op_RWMUTEX_TRYLOCK;
}

void loader_lock_taken(struct loader *l, uint64_t g, uint64_t object, unsigned mode, uint64_t site)
{
	struct held now = {.object = object, .site = site, .from_ns = l->now_ns, .mode = mode};
	struct held_list *list = map_put(&l->helds, g, 0);

	if (list && list->count > list->cap) {
		uint32_t cap = list->cap ? 2 * list->cap : 2;
		struct held *more = realloc(list->more, cap * sizeof *more);
		if (more) {
			list->more = more;
			list->cap = cap;
		}
	}
	if (!list || list->count > list->cap) {
		l->no_memory = true;
		return;
	}
	for (uint32_t i = tried(l->site_op) ? list->count : 0; i < list->count; i++)
		nest_of(l, g, list, i, &now);
	*held_at(list, list->count++) = now;
}

void loader_lock_released(struct loader *l, uint64_t g, uint64_t object)
{
	struct held_list *list = map_find(&l->helds, g, 0);
	uint32_t i = list ? list->count : 0;

	while (i > 0 && held_at(list, i - 1)->object != object)
		i--;
	if (i == 0)
		return;
	for (; i < list->count; i++)
		*held_at(list, i - 1) = *held_at(list, i);
	if (--list->count)
		return;
	free(list->more);
	map_remove(&l->helds, list);
}

void loader_nests_init(struct loader *l)
{
	l->helds.slot_bytes = sizeof(struct held_list);
	l->nests.slot_bytes = sizeof(struct nest_pair);
}

void loader_nests_end(struct loader *l)
{
	for (struct nest_pair *p = map_next(&l->nests, NULL); p; p = map_next(&l->nests, p)) {
		for (uint32_t i = 0; i < p->count; i++)
			nest_row(l, &p->last[i]);
	}
	for (struct held_list *h = map_next(&l->helds, NULL); h; h = map_next(&l->helds, h))
		free(h->more);
	map_release(&l->nests);
	map_release(&l->helds);
}

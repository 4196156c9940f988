/* SPDX-License-Identifier: MIT */
/** map.c: a hash table with linear probing; removal moves later entries up, so there are no tombs.
 */
#include "map.h"

#include <stdlib.h>
#include <string.h>

static size_t map_home(const struct map *m, uint64_t a, uint64_t b)
{
	uint64_t h = (a ^ (b * 0x9e3779b97f4a7c15u)) * 0xbf58476d1ce4e5b9u;

	h ^= h >> 29;
	h *= 0x94d049bb133111ebu;
	return (size_t)(h >> 32 ^ h) & (m->cap - 1);
}

static struct map_head *map_slot(const struct map *m, size_t i)
{
	return (struct map_head *)(void *)(m->slots + i * m->slot_bytes);
}

/* The slot of (a, b), or the free one where it belongs. */
static struct map_head *map_probe(const struct map *m, uint64_t a, uint64_t b)
{
	size_t i = map_home(m, a, b);

	for (;; i = (i + 1) & (m->cap - 1)) {
		struct map_head *h = map_slot(m, i);
		if (!h->used || (h->a == a && h->b == b))
			return h;
	}
}

static bool map_grow(struct map *m)
{
	struct map bigger = {.slot_bytes = m->slot_bytes, .cap = m->cap ? m->cap * 2 : 64};

	bigger.slots = calloc(bigger.cap, bigger.slot_bytes);
	if (!bigger.slots)
		return false;
	for (struct map_head *h = map_next(m, NULL); h; h = map_next(m, h))
		memcpy(map_probe(&bigger, h->a, h->b), h, m->slot_bytes);
	bigger.count = m->count;
	free(m->slots);
	*m = bigger;
	return true;
}

void *map_find(const struct map *m, uint64_t a, uint64_t b)
{
	if (!m->count)
		return NULL;
	struct map_head *h = map_probe(m, a, b);

	return h->used ? h : NULL;
}

void *map_put(struct map *m, uint64_t a, uint64_t b)
{
	void *there = map_find(m, a, b);

	if (there)
		return there;
	if (m->count * 4 >= m->cap * 3 && !map_grow(m))
		return NULL;
	struct map_head *h = map_probe(m, a, b);

	*h = (struct map_head){.a = a, .b = b, .used = true};
	m->count++;
	return h;
}

void map_remove(struct map *m, void *entry)
{
	size_t mask = m->cap - 1;
	size_t hole = (size_t)((unsigned char *)entry - m->slots) / m->slot_bytes;

	m->count--;
	for (size_t i = (hole + 1) & mask;; i = (i + 1) & mask) {
		struct map_head *h = map_slot(m, i);
		if (!h->used)
			break;
		size_t home = map_home(m, h->a, h->b);
		if (((i - home) & mask) < ((i - hole) & mask))
			continue; // it would leave its run
		memcpy(map_slot(m, hole), h, m->slot_bytes);
		hole = i;
	}
	memset(map_slot(m, hole), 0, m->slot_bytes);
}

void *map_next(const struct map *m, const void *prev)
{
	size_t i = 0;

	if (prev)
		i = (size_t)((const unsigned char *)prev - m->slots) / m->slot_bytes + 1;
	for (; i < m->cap; i++) {
		struct map_head *h = map_slot(m, i);
		if (h->used)
			return h;
	}
	return NULL;
}

void map_clear(struct map *m)
{
	if (m->cap)
		memset(m->slots, 0, m->cap * m->slot_bytes);
	m->count = 0;
}

void map_release(struct map *m)
{
	free(m->slots);
	*m = (struct map){.slot_bytes = m->slot_bytes};
}

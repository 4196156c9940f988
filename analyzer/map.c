/* SPDX-License-Identifier: MIT */
/**
 * map.c: a hash table whose entries lie side by side.
 *
 * The table itself holds places in the array of entries, eight bytes each, with linear probing.  So
 * room that is not in use costs little, however large an entry, and the array grows where it is: a
 * million goroutines take what a million entries take.
 *
 *   I1  entries[0 .. count) are those in the map, in no order: the last one fills a hole.
 *   I2  Each has one place, which is reached from its home without a free one in between: removal
 *       moves later places up, so there are no tombs.
 */
#include "map.h"

#include <stdlib.h>
#include <string.h>

struct map_place {
	uint32_t at;   // in entries, from 1; 0: free
	uint32_t hash; // its home is in the low bits
};

/* Both halves of one product: look-ups are many, and wait for this. */
static inline uint32_t map_hash(uint64_t a, uint64_t b)
{
	unsigned __int128 h = (unsigned __int128)(a ^ 0x9e3779b97f4a7c15u) * (b ^ 0xbf58476d1ce4e5b9u);

	return (uint32_t)(h >> 64 ^ h);
}

static struct map_head *map_entry(const struct map *m, size_t i)
{
	return (struct map_head *)(void *)(m->entries + i * m->slot_bytes);
}

/* The place of (a, b), or the free one where it belongs. */
static inline struct map_place *map_probe(const struct map *m, uint64_t a, uint64_t b,
                                          uint32_t hash)
{
	size_t i = hash & (m->cap - 1);

	for (;; i = (i + 1) & (m->cap - 1)) {
		struct map_place *p = &m->places[i];
		if (!p->at)
			return p;
		if (p->hash != hash)
			continue;
		const struct map_head *h = map_entry(m, p->at - 1);
		if (h->a == a && h->b == b)
			return p;
	}
}

static bool places_grow(struct map *m)
{
	size_t cap = m->cap ? m->cap * 2 : 64;
	struct map_place *places = cap >> 32 ? NULL : calloc(cap, sizeof *places);

	if (!places)
		return false;
	for (size_t i = 0; i < m->cap; i++) {
		size_t to = m->places[i].hash & (cap - 1);
		if (!m->places[i].at)
			continue;
		while (places[to].at)
			to = (to + 1) & (cap - 1);
		places[to] = m->places[i];
	}
	free(m->places);
	m->places = places;
	m->cap = cap;
	return true;
}

static bool entries_grow(struct map *m)
{
	size_t room = m->room ? m->room * 2 : 32;
	unsigned char *entries = realloc(m->entries, room * m->slot_bytes);

	if (!entries)
		return false;
	m->entries = entries;
	m->room = room;
	return true;
}

void *map_find(const struct map *m, uint64_t a, uint64_t b)
{
	if (!m->count)
		return NULL;
	const struct map_place *p = map_probe(m, a, b, map_hash(a, b));

	return p->at ? map_entry(m, p->at - 1) : NULL;
}

void *map_put(struct map *m, uint64_t a, uint64_t b)
{
	if (!m->cap && !places_grow(m))
		return NULL;
	uint32_t hash = map_hash(a, b);
	struct map_place *p = map_probe(m, a, b, hash);

	if (p->at)
		return map_entry(m, p->at - 1);
	if (m->count * 4 >= m->cap * 3) {
		if (!places_grow(m))
			return NULL;
		p = map_probe(m, a, b, hash);
	}
	if (m->count == m->room && !entries_grow(m))
		return NULL;
	struct map_head *h = map_entry(m, m->count++);

	*p = (struct map_place){(uint32_t)m->count, hash};
	memset(h, 0, m->slot_bytes);
	*h = (struct map_head){.a = a, .b = b};
	return h;
}

/* Free a place.  Keeps I2. */
static void place_remove(struct map *m, struct map_place *p)
{
	size_t mask = m->cap - 1, hole = (size_t)(p - m->places);

	for (size_t i = (hole + 1) & mask; m->places[i].at; i = (i + 1) & mask) {
		size_t home = m->places[i].hash & mask;
		if (((i - home) & mask) < ((i - hole) & mask))
			continue; // it would leave its run
		m->places[hole] = m->places[i];
		hole = i;
	}
	m->places[hole] = (struct map_place){0};
}

void *map_remove(struct map *m, void *entry)
{
	struct map_head *h = entry, *last = map_entry(m, m->count - 1);

	place_remove(m, map_probe(m, h->a, h->b, map_hash(h->a, h->b)));
	if (h != last) { // keeps I1
		uint32_t at = (uint32_t)((size_t)((unsigned char *)entry - m->entries) / m->slot_bytes) + 1;
		map_probe(m, last->a, last->b, map_hash(last->a, last->b))->at = at;
		memcpy(h, last, m->slot_bytes);
	}
	m->count--;
	return h != last ? h : NULL;
}

void *map_next(const struct map *m, const void *prev)
{
	size_t i = 0;

	if (prev)
		i = (size_t)((const unsigned char *)prev - m->entries) / m->slot_bytes + 1;
	return i < m->count ? map_entry(m, i) : NULL;
}

void map_clear(struct map *m)
{
	if (m->cap)
		memset(m->places, 0, m->cap * sizeof *m->places);
	m->count = 0;
}

void map_release(struct map *m)
{
	free(m->places);
	free(m->entries);
	*m = (struct map){.slot_bytes = m->slot_bytes};
}

/* SPDX-License-Identifier: MIT */
/** map.h: a hash table of structs by a pair of numbers. */
#ifndef GTRACE_MAP_H
#define GTRACE_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** The first member of what is in a map. */
struct map_head {
	uint64_t a, b;
};

struct map_place;

struct map {
	unsigned char *entries;
	struct map_place *places; // where they are, by hash
	size_t slot_bytes;        // of an entry; set it before first use
	size_t room, cap, count;  // of entries; of places; how many are in use
};

/** The struct of (a, b), or NULL.  Valid until the next map_put() or map_remove(). */
void *map_find(const struct map *m, uint64_t a, uint64_t b);

/** Likewise, but made of zeroes if it is not there; NULL if there is no memory. */
void *map_put(struct map *m, uint64_t a, uint64_t b);

/** Returns: the entry that has its place now; NULL: none has. */
void *map_remove(struct map *m, void *entry);

/** The one after prev, in no order; NULL starts and ends it.  Nothing may be put or removed
 * meanwhile. */
void *map_next(const struct map *m, const void *prev);

/** Empty it, and keep its memory. */
void map_clear(struct map *m);

void map_release(struct map *m);

#endif

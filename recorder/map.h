/* SPDX-License-Identifier: MIT */
/** map.h: numbers to small numbers.  Open addressing; the hash is keyed, since traces may be
 * hostile. */
#ifndef GTRACE_MAP_H
#define GTRACE_MAP_H

#include <stddef.h>
#include <stdint.h>

struct map_row {
	uint64_t key;
	uint32_t value; // 0: empty
};

struct map {
	struct map_row *rows;
	size_t mask; // rows - 1
	size_t count;
};

/** Choose the key of all hashes, once. */
uint64_t gtrace__hash_key(void);

static inline uint64_t gtrace__hash(uint64_t key, uint64_t v)
{
	v = (v ^ key) * 0xFF51AFD7ED558CCDu;
	v = (v ^ v >> 32) * 0xC4CEB9FE1A85EC53u;
	return v ^ v >> 29;
}

/** The value, or 0. */
uint32_t gtrace__map_get(const struct map *m, uint64_t key);

/** Set a value, not 0.  Returns: 0 or -ENOMEM. */
int gtrace__map_set(struct map *m, uint64_t key, uint32_t value);

/** Forget all; keeps the memory if that is little. */
void gtrace__map_clear(struct map *m);

void gtrace__map_release(struct map *m);

#endif

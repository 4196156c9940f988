/* SPDX-License-Identifier: MIT */
/** goroutine.c: a hash table of goroutines; rows of ended ones are closed up, so it stays small. */
#include "reader/goroutine.h"

#include "map.h"

#include <stdlib.h>

#define ROWS_MIN_LOG2 8
#define ROWS_MIN ((size_t)1 << ROWS_MIN_LOG2)

static size_t row_home(const struct order *o, uint64_t id)
{
	return (size_t)(id * o->hash_key >> o->hash_shift); // universal: the key is odd and a secret
}

static struct goroutine *row_find(const struct order *o, uint64_t id)
{
	size_t i = row_home(o, id);

	while (o->rows[i].id && o->rows[i].id != id)
		i = (i + 1) & o->mask;
	return &o->rows[i];
}

struct goroutine *gtrace__goroutine_find(const struct order *o, uint64_t id)
{
	if (!o->rows || !id)
		return NULL;
	struct goroutine *g = row_find(o, id);

	return g->id ? g : NULL;
}

static bool rows_grow(struct order *o)
{
	struct goroutine *old = o->rows;
	size_t old_count = old ? o->mask + 1 : 0;
	size_t count = old ? 2 * old_count : ROWS_MIN;
	struct goroutine *rows = calloc(count, sizeof(*rows));

	if (!rows)
		return false;
	if (!old)
		o->hash_key = gtrace__hash_key() | 1;
	o->hash_shift = old ? o->hash_shift - 1 : 64 - ROWS_MIN_LOG2;
	o->rows = rows;
	o->mask = count - 1;
	for (size_t i = 0; i < old_count; i++) {
		if (old[i].id)
			*row_find(o, old[i].id) = old[i];
	}
	free(old);
	return true;
}

struct goroutine *gtrace__goroutine_get(struct order *o, uint64_t id)
{
	if ((!o->rows || o->row_count * 4 >= (o->mask + 1) * 3) && !rows_grow(o))
		return NULL;
	struct goroutine *g = row_find(o, id);

	if (!g->id) {
		*g = (struct goroutine){.id = id, .epoch = EPOCH_UNDETERMINED};
		o->row_count++;
	}
	return g;
}

void gtrace__goroutine_remove(struct order *o, struct goroutine *g)
{
	size_t hole = (size_t)(g - o->rows);

	// Rows behind the hole move up if their home is not between.
	for (size_t i = (hole + 1) & o->mask; o->rows[i].id; i = (i + 1) & o->mask) {
		size_t home = row_home(o, o->rows[i].id);

		if (((i - home) & o->mask) >= ((i - hole) & o->mask)) {
			o->rows[hole] = o->rows[i];
			hole = i;
		}
	}
	o->rows[hole] = (struct goroutine){0};
	o->row_count--;
}

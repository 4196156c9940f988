/* SPDX-License-Identifier: MIT */
/** map.c: numbers to small numbers. */
#include "map.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define MAP_ROWS_MIN 64

static struct {
	pthread_once_t once;
	uint64_t key;
} hash_state = {.once = PTHREAD_ONCE_INIT};

static void hash_init(void)
{
	if (getrandom(&hash_state.key, sizeof(hash_state.key), GRND_NONBLOCK) < 0)
		hash_state.key = (uint64_t)(uintptr_t)&hash_state;
}

uint64_t gtrace__hash_key(void)
{
	pthread_once(&hash_state.once, hash_init);
	return hash_state.key;
}

static struct map_row *map_find(const struct map *m, uint64_t key)
{
	size_t i = gtrace__hash(hash_state.key, key) & m->mask;

	while (m->rows[i].value && m->rows[i].key != key)
		i = (i + 1) & m->mask;
	return &m->rows[i];
}

uint32_t gtrace__map_get(const struct map *m, uint64_t key)
{
	return m->rows ? map_find(m, key)->value : 0;
}

static int map_grow(struct map *m)
{
	size_t rows = m->rows ? 2 * (m->mask + 1) : MAP_ROWS_MIN;
	struct map bigger = {calloc(rows, sizeof(*m->rows)), rows - 1, m->count};

	if (!bigger.rows)
		return -ENOMEM;
	for (size_t i = 0; m->rows && i <= m->mask; i++) {
		if (m->rows[i].value)
			*map_find(&bigger, m->rows[i].key) = m->rows[i];
	}
	free(m->rows);
	*m = bigger;
	return 0;
}

int gtrace__map_set(struct map *m, uint64_t key, uint32_t value)
{
	gtrace__hash_key();
	if ((!m->rows || m->count * 4 >= (m->mask + 1) * 3) && map_grow(m))
		return -ENOMEM;
	struct map_row *row = map_find(m, key);

	m->count += !row->value;
	row->key = key;
	row->value = value;
	return 0;
}

void gtrace__map_clear(struct map *m)
{
	if (m->rows && m->mask >= 4096)
		gtrace__map_release(m);
	if (m->rows && m->count)
		memset(m->rows, 0, (m->mask + 1) * sizeof(*m->rows));
	m->count = 0;
}

void gtrace__map_release(struct map *m)
{
	free(m->rows);
	memset(m, 0, sizeof(*m));
}

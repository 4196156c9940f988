/* SPDX-License-Identifier: MIT */
/**
 * block.c: intervals -> rows of interval_block.
 *
 * Intervals end in time order, and are asked for by goroutine.  So each goroutine collects its own,
 * packed, and writes them when the block is full or it ends: nothing has to be sorted, and a row is
 * written for some hundred intervals, or for a short life.  Those who live share BLOCKS_BYTES; when
 * these are used up, all write what they have.
 */
#include <stdlib.h>
#include <string.h>

#include "load/loader.h"

enum { BLOCK_BYTES_MIN = 32, BLOCKS_BYTES = 48 << 20 };

static void block_write(struct loader *l, struct goroutine *gr)
{
	struct block *b = &gr->block;

	if (b->len)
		ROWS_PUT(&l->rows, ROWS_INTERVAL_BLOCK, db_int((int64_t)gr->head.a), db_int(b->n),
		         db_int(b->from_ns), db_blob(b->bytes, b->len));
	b->len = 0;
}

static bool block_grow(struct loader *l, struct block *b)
{
	uint16_t cap = b->cap ? b->cap * 2 : BLOCK_BYTES_MIN;
	uint8_t *bytes = realloc(b->bytes, cap);

	if (!bytes) {
		l->no_memory = true;
		return false;
	}
	l->block_bytes += cap - b->cap;
	b->bytes = bytes;
	b->cap = cap;
	return true;
}

static void blocks_write(struct loader *l)
{
	for (struct goroutine *gr = map_next(&l->goroutines, NULL); gr;
	     gr = map_next(&l->goroutines, gr))
		loader_block_end(l, gr);
}

void loader_interval(struct loader *l, struct goroutine *gr, const struct interval *row)
{
	struct block *b = &gr->block;
	uint8_t packed[INTERVAL_PACKED_MAX];
	size_t len = (size_t)(interval_pack(packed, row) - packed);

	if (b->len + len > INTERVAL_BLOCK_BYTES || row->n - b->n == INTERVAL_BLOCK_ROWS)
		block_write(l, gr);
	if (l->block_bytes > BLOCKS_BYTES)
		blocks_write(l);
	while (b->len + len > b->cap) {
		if (!block_grow(l, b))
			return;
	}
	if (!b->len) {
		b->n = row->n;
		b->from_ns = row->from_ns;
	}
	memcpy(b->bytes + b->len, packed, len);
	b->len += (uint16_t)len;
	l->intervals++;
}

void loader_block_end(struct loader *l, struct goroutine *gr)
{
	block_write(l, gr);
	l->block_bytes -= gr->block.cap;
	free(gr->block.bytes);
	gr->block = (struct block){0};
}

/* SPDX-License-Identifier: MIT */
/** heap.h: the C library's heap as blocks that point at each other; see heap.c. */
#ifndef GOR_HEAP_H
#define GOR_HEAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HEAP_REGIONS 64u
#define HEAP_UNITS (UINT32_C(16) << 20) // of 16 bytes, in all regions: 256 MiB, as much as is read
#define HEAP_WINDOW (UINT32_C(1) << 20)
#define HEAP_PENDING (UINT32_C(4) << 20)
/** Address space that gor__heap_init() asks for, of which little is touched. */
#define HEAP_BYTES (HEAP_UNITS / 8 * 3 + HEAP_PENDING * sizeof(uint32_t))

struct heap_region {
	uint64_t low, first, high; // the allocator's own; its first block; where it ends
	uint32_t unit;             // number of first's unit
};

struct heap {
	struct heap_region regions[HEAP_REGIONS];
	unsigned count;
	uint32_t units;
	uint64_t low, span; // of all regions
	uint64_t *starts, *met,
		*free;         // a bit a unit: a block begins there; it is met already, or free; free
	uint32_t *pending; // units of blocks that are met and not looked at
	uint32_t pending_count;
	bool overflow;    // pending was too small
	bool all;         // so all regions are plain memory
	unsigned again;   // gor__heap_changed(): the region
	uint32_t changed; // its blocks that have: first and last units, at the far end of pending
	char *buffer;     // HEAP_WINDOW bytes
};

/** memory: HEAP_BYTES zeros; buffer: HEAP_WINDOW bytes, for the time of a call each. */
void gor__heap_init(struct heap *h, void *memory, void *buffer);

/** Look for heaps in a writable mapping without a file; brk: it is the heap that grows by brk(). */
void gor__heap_find(struct heap *h, uint64_t from, uint64_t to, bool brk);

/** Cut heaps out of the stretch [from, *to).  Returns: where to go on. */
uint64_t gor__heap_skip(const struct heap *h, uint64_t from, uint64_t *to);

/** A word that may be an address: if it lies in a block, that is met. */
void gor__heap_meet(struct heap *h, uint64_t word);

/** A block that was met since and whose words have to be looked at.  Returns: is there one? */
bool gor__heap_next(struct heap *h, uint64_t *from, uint64_t *to);

/**
 * At the end: the next block, or stretch, that is not what it was.  Returns: is there one?  Its
 * bytes, [*from, *to), have to be looked at.
 */
bool gor__heap_changed(struct heap *h, uint64_t *from, uint64_t *to);

/** Is this the content of the allocator's own list of free blocks of a thread? */
bool gor__heap_is_tcache(const uint64_t *words, size_t bytes);

#endif

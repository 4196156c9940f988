/* SPDX-License-Identifier: MIT */
/**
 * heap.c: the C library's heap as blocks that point at each other.
 *
 * A channel whose address lies in a block of malloc() can be got at by whoever can get at the
 * block; if only goroutines that sleep for good can, nobody will.  So blocks are no roots of the
 * search (reach.c).  This finds out where they are, from the chunks of the GNU C library, without
 * its help and while other threads go on:
 *
 *	chunk ──▶ size of the chunk before, if that is free; else its last 8 usable bytes
 *	          own size, a multiple of 16 │ 4: another arena's │ 2: mapped │ 1: the one before is
 *	                                                                         used
 *	block ──▶ bytes of the program ...                                       in use
 *	chunk ──▶ ...
 *
 * The main arena fills the mapping [heap] from its start; other arenas are chains of heaps that lie
 * at multiples of 64 MiB and begin with a heap_info: arena, previous heap, size.  In the first heap
 * of an arena its malloc_state follows, of a size that differs from version to version: the first
 * chunk is the first place from which the chunks lead to the very end of the heap.
 *
 * Nothing of this is promised by the library.  What makes it safe:
 *
 *   H1  A heap is believed only if its chunks lead from the first byte to the last.
 *   H2  They are gone through again when all is done.  Blocks that have come or changed size
 *       meanwhile, by somebody who was not stopped, are plain memory, roots of the search; and from
 *       where the chunks lead nowhere, all of the heap is.
 *   H3  What is not recognised is plain memory from the beginning: another allocator, what is
 *       mapped on its own because it is large, another C library.
 *
 * Free blocks are never looked at: those that the chunks themselves call free, and, since nobody
 * points at them but the allocator, those in a thread's cache, whose list of them is told by its
 * looks.
 *
 * Rejected: taking malloc()'s place, which would know all this; a library that is linked for
 * something else has no business there.
 */
#include "heap.h"

#include <string.h>
#include <unistd.h>

#include "peek.h"

#define ARENA_HEAP (UINT64_C(64) << 20)
#define UNIT 16u
#define FLAGS UINT64_C(7)
#define PREV_USED UINT64_C(1)
#define MAPPED UINT64_C(2)
#define TRIES 4
#define INFO_MOST 0x1000u // bytes before the first chunk of an arena

/** A stretch of the heap, copied. */
struct window {
	struct heap *h;
	uint64_t at;
	size_t len;
	uint64_t next; // chunk
};

struct chunk {
	uint64_t at, bytes;
	bool used;
};

/** The word at an address that is a multiple of 8, below end.  Returns: can it be read? */
static bool window_word(struct window *w, uint64_t at, uint64_t end, uint64_t *word)
{
	if (at < w->at || at + sizeof *word > w->at + w->len) {
		size_t bytes = end - at < HEAP_WINDOW ? (size_t)(end - at) : HEAP_WINDOW;
		w->at = at;
		w->len = gor__peek(w->h->buffer, at, bytes);
		if (w->len < sizeof *word)
			return false;
	}
	memcpy(word, w->h->buffer + (at - w->at), sizeof *word);
	return true;
}

void gor__heap_init(struct heap *h, void *memory, void *buffer)
{
	*h = (struct heap){.buffer = buffer};
	h->starts = memory;
	h->met = h->starts + HEAP_UNITS / 64;
	h->free = h->met + HEAP_UNITS / 64;
	h->pending = (uint32_t *)(h->free + HEAP_UNITS / 64);
}

/* ── chunks ───────────────────────────────────────────────────────────────────────────────────────
 */

static uint32_t heap_unit(const struct heap_region *r, uint64_t at)
{
	return r->unit + (uint32_t)((at - r->first) / UNIT);
}

static bool bit_get(const uint64_t *bits, uint32_t i)
{
	return bits[i / 64] >> (i % 64) & 1;
}

static void bit_set(uint64_t *bits, uint32_t i)
{
	bits[i / 64] |= UINT64_C(1) << (i % 64);
}

/** The last start at or below unit i, which is not below the region's first. */
static uint32_t heap_start(const struct heap *h, uint32_t i)
{
	uint32_t w = i / 64;
	uint64_t bits = h->starts[w] & (UINT64_MAX >> (63 - i % 64));

	while (!bits)
		bits = h->starts[--w];
	return w * 64 + 63 - (uint32_t)__builtin_clzll(bits);
}

/** The next start above unit i, or the region's end. */
static uint32_t heap_end(const struct heap *h, const struct heap_region *r, uint32_t i)
{
	uint32_t last = heap_unit(r, r->high);

	for (i++; i < last && !bit_get(h->starts, i);)
		i = h->starts[i / 64] >> (i % 64) ? i + 1 : (i / 64 + 1) * 64;
	return i < last ? i : last;
}

enum step { STEP_CHUNK, STEP_END, STEP_BROKEN };

/** The chunk at w->next; what is left at the end counts as free. */
static enum step heap_step(struct window *w, const struct heap_region *r, struct chunk *c)
{
	uint64_t size, after, left = r->high - w->next;

	if (!left)
		return STEP_END;
	if (!window_word(w, w->next + 8, r->high, &size))
		return STEP_BROKEN;
	*c = (struct chunk){w->next, size & ~FLAGS, false};
	if (left <= (uint64_t)2 * UNIT && c->bytes <= UNIT)
		return STEP_END; // of a heap that is full
	if ((size & MAPPED) || c->bytes < (uint64_t)2 * UNIT || c->bytes % UNIT || c->bytes > left)
		return STEP_BROKEN;
	w->next += c->bytes;
	if (w->next < r->high) {
		if (!window_word(w, w->next + 8, r->high, &after))
			return STEP_BROKEN;
		c->used = after & PREV_USED;
	}
	return STEP_CHUNK;
}

/** Returns: do the chunks lead from the first byte to the last?  note: note where they are. */
static bool heap_walk(struct heap *h, const struct heap_region *r, bool note)
{
	struct window w = {.h = h, .next = r->first};
	struct chunk c;
	enum step step;

	while ((step = heap_step(&w, r, &c)) == STEP_CHUNK) {
		if (!note)
			continue;
		bit_set(h->starts, heap_unit(r, c.at));
		if (c.used)
			continue;
		bit_set(h->free, heap_unit(r, c.at));
		bit_set(h->met, heap_unit(r, c.at));
	}
	return step == STEP_END;
}

/** H1.  Returns: were blocks found from first on? */
static bool heap_add(struct heap *h, uint64_t low, uint64_t first, uint64_t high)
{
	struct heap_region r = {.low = low, .first = first, .high = high, .unit = h->units};
	uint64_t units = (high - first) / UNIT;

	// regions share no word of bits
	if (h->count == HEAP_REGIONS || units > HEAP_UNITS - h->units - 64 || !heap_walk(h, &r, false))
		return false;
	h->units = (h->units + (uint32_t)units + 63) / 64 * 64;
	if (!heap_walk(h, &r, true))
		return false; // it has changed between the two
	h->regions[h->count++] = r;
	uint64_t end = h->low + h->span;
	h->low = h->low && h->low < r.first ? h->low : r.first;
	h->span = (end > high ? end : high) - h->low;
	return true;
}

/** Returns: is there a heap of an arena at a multiple of 64 MiB, and have its blocks been found? */
static bool heap_of_arena(struct heap *h, uint64_t low)
{
	uint64_t info[4]; // arena, previous heap, size, and how much of it is writable

	if (gor__peek(info, low, sizeof info) != sizeof info || info[2] > ARENA_HEAP ||
	    info[2] % UNIT || info[3] < info[2] || info[2] < INFO_MOST)
		return false;
	bool begins_arena = info[0] - low < INFO_MOST && !info[1];
	bool goes_on = info[1] && info[1] % ARENA_HEAP == 0 && info[0] % UNIT == 0;

	for (uint64_t at = sizeof info; (begins_arena || goes_on) && at < INFO_MOST; at += UNIT)
		if (heap_add(h, low, low + at, low + info[2]))
			return true;
	return false;
}

/** Somebody may be at it: try more than once. */
void gor__heap_find(struct heap *h, uint64_t from, uint64_t to, bool brk)
{
#ifdef __GLIBC__
	if (brk)
		for (int i = 0; i < TRIES && !heap_add(h, from, from, (uint64_t)(uintptr_t)sbrk(0)); i++)
			;
	for (uint64_t at = (from + ARENA_HEAP - 1) & ~(ARENA_HEAP - 1); !brk && at < to;
	     at += ARENA_HEAP)
		for (int i = 0; i < TRIES && !heap_of_arena(h, at); i++)
			;
#else
	(void)h, (void)from, (void)to, (void)brk; // keeps H3
#endif
}

/* ── what points at them ──────────────────────────────────────────────────────────────────────────
 */

uint64_t gor__heap_skip(const struct heap *h, uint64_t from, uint64_t *to)
{
	for (unsigned i = 0; i < h->count; i++) {
		const struct heap_region *r = &h->regions[i];
		if (from >= r->low && from < r->high)
			return r->high < *to ? r->high : *to;
		if (from < r->low && r->low < *to)
			*to = r->low;
	}
	return from;
}

void gor__heap_meet(struct heap *h, uint64_t word)
{
	for (unsigned i = 0; i < h->count; i++) {
		const struct heap_region *r = &h->regions[i];
		if (word < r->first + UNIT || word >= r->high)
			continue;
		uint32_t start = heap_start(h, heap_unit(r, word - UNIT));
		if (bit_get(h->met, start))
			return;
		bit_set(h->met, start);
		if (h->pending_count < HEAP_PENDING)
			h->pending[h->pending_count++] = start;
		else
			h->overflow = true;
		return;
	}
}

bool gor__heap_next(struct heap *h, uint64_t *from, uint64_t *to)
{
	if (!h->pending_count)
		return false;
	uint32_t start = h->pending[--h->pending_count];
	unsigned i = 0;

	while (i + 1 < h->count && h->regions[i + 1].unit <= start)
		i++;
	const struct heap_region *r = &h->regions[i];
	*from = r->first + (uint64_t)(start - r->unit) * UNIT + UNIT;
	*to = r->first + (uint64_t)(heap_end(h, r, start) - r->unit) * UNIT;
	*to += *to < r->high ? 8 : 0; // the last word lies in the next chunk
	return true;
}

bool gor__heap_changed(struct heap *h, uint64_t *from, uint64_t *to)
{
	struct chunk c;

	while (h->again < h->count) {
		const struct heap_region *r = &h->regions[h->again];
		struct window w = {.h = h, .next = h->again_at ? h->again_at : r->first};
		enum step step = h->overflow ? STEP_BROKEN : STEP_CHUNK;
		*from = w.next;
		*to = r->high;
		while (step == STEP_CHUNK && (step = heap_step(&w, r, &c)) == STEP_CHUNK) {
			uint32_t start = heap_unit(r, c.at);
			bool known = bit_get(h->starts, start) && !bit_get(h->free, start) &&
			             heap_end(h, r, start) == heap_unit(r, w.next);
			*from = w.next;
			if (!c.used || known)
				continue;
			h->again_at = w.next;
			*from = c.at;
			*to = w.next < r->high ? w.next + 8 : w.next;
			return true;
		}
		h->again++;
		h->again_at = 0;
		if (step == STEP_BROKEN)
			return true;
	}
	return false;
}

/*
 * 64 counts of two bytes, then as many lists: a list that has no blocks is NULL, and none has more
 * than a few.  Of version 2.30 to 2.41; an older or newer one's is a block like others, and keeps
 * its free blocks in sight.
 */
bool gor__heap_is_tcache(const uint64_t *words, size_t bytes)
{
	enum { LISTS = 64, COUNT_MOST = 128 };
	uint16_t counts[LISTS];

	if (bytes / UNIT != (sizeof counts + LISTS * sizeof *words) / UNIT)
		return false;
	memcpy(counts, words, sizeof counts);
	for (int i = 0; i < LISTS; i++)
		if (counts[i] > COUNT_MOST || !counts[i] != !words[sizeof counts / 8 + i])
			return false;
	return true;
}

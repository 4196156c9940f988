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
 *   H2  They are gone through again when all is done, a heap at a time and without a pause, as
 *       often as it takes to come to its last byte.  Blocks that have come or changed size
 *       meanwhile, by somebody who was not stopped, are plain memory, roots of the search; and if
 *       the chunks lead nowhere time and again, all that is left of the heap is.
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
#define TRIES 16
#define CHANGED_MOST (HEAP_PENDING / 8)
#define INFO_BYTES 32u    // of heap_info that are looked at
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

/** Note where the chunks are.  Returns: do they lead from the first byte to the last? */
static bool heap_walk(struct heap *h, const struct heap_region *r, struct window *w)
{
	struct chunk c;
	enum step step;

	w->next = r->first;
	while ((step = heap_step(w, r, &c)) == STEP_CHUNK) {
		bit_set(h->starts, heap_unit(r, c.at));
		if (c.used)
			continue;
		bit_set(h->free, heap_unit(r, c.at));
		bit_set(h->met, heap_unit(r, c.at));
	}
	return step == STEP_END;
}

/** Forget what a walk noted that came no further than its window says. */
static void heap_forget(struct heap *h, const struct heap_region *r, const struct window *w)
{
	size_t word = r->unit / 64, bytes = (heap_unit(r, w->next) / 64 + 1 - word) * sizeof *h->starts;

	memset(h->starts + word, 0, bytes);
	memset(h->met + word, 0, bytes);
	memset(h->free + word, 0, bytes);
}

/** H1.  Returns: were blocks found from first on? */
static bool heap_add(struct heap *h, struct window *w, uint64_t low, uint64_t first, uint64_t high)
{
	struct heap_region r = {.low = low, .first = first, .high = high, .unit = h->units};
	uint64_t units = (high - first) / UNIT;

	// regions share no word of bits
	if (h->count == HEAP_REGIONS || units > HEAP_UNITS - h->units - 64)
		return false;
	if (!heap_walk(h, &r, w)) {
		heap_forget(h, &r, w);
		return false;
	}
	h->units = (h->units + (uint32_t)units + 63) / 64 * 64;
	h->regions[h->count++] = r;
	uint64_t end = h->low + h->span;
	h->low = h->low && h->low < r.first ? h->low : r.first;
	h->span = (end > high ? end : high) - h->low;
	return true;
}

/** Where a heap ends by now; 0: it is none any more. */
static uint64_t heap_high(uint64_t low, bool brk)
{
	uint64_t info[4]; // arena, previous heap, size, and how much of it is writable

	if (brk)
		return (uint64_t)(uintptr_t)sbrk(0);
	if (gor__peek(info, low, sizeof info) != sizeof info || info[2] > ARENA_HEAP ||
	    info[2] % UNIT || info[3] < info[2] || info[2] < INFO_MOST)
		return 0;
	bool begins_arena = info[0] - low < INFO_MOST && !info[1];
	bool goes_on = info[1] && info[1] % ARENA_HEAP == 0 && info[0] % UNIT == 0;
	return begins_arena || goes_on ? low + info[2] : 0;
}

/** Returns: is there a heap of an arena at a multiple of 64 MiB, and have its blocks been found? */
static bool heap_of_arena(struct heap *h, uint64_t low)
{
	struct window w = {.h = h};
	uint64_t high = heap_high(low, false);

	for (uint64_t at = INFO_BYTES; high && at < INFO_MOST; at += UNIT)
		if (heap_add(h, &w, low, low + at, high))
			return true;
	return false;
}

/** Somebody may be at it: try more than once. */
void gor__heap_find(struct heap *h, uint64_t from, uint64_t to, bool brk)
{
#ifdef __GLIBC__
	bool found = false;

	for (int i = 0; i < TRIES && brk && !found; i++)
		found = heap_add(h, &(struct window){.h = h}, from, from, heap_high(from, brk));
	for (uint64_t at = (from + ARENA_HEAP - 1) & ~(ARENA_HEAP - 1); !brk && at < to;
	     at += ARENA_HEAP, found = false)
		for (int i = 0; i < TRIES && !found; i++)
			found = heap_of_arena(h, at);
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
		if (h->pending_count < HEAP_PENDING - 2 * h->changed)
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

/** Note the used chunks of r, as it is now, that were not there before.  Returns: how far it came.
 */
static uint64_t heap_compare(struct heap *h, const struct heap_region *before,
                             const struct heap_region *r)
{
	uint32_t last = heap_unit(before, before->high);
	struct window w = {.h = h, .next = r->first};
	struct chunk c;
	enum step step;

	h->changed = 0;
	while ((step = heap_step(&w, r, &c)) == STEP_CHUNK) {
		uint32_t start = heap_unit(r, c.at), end = heap_unit(r, w.next);
		bool known = start < last && bit_get(h->starts, start) && !bit_get(h->free, start) &&
		             heap_end(h, before, start) == end;
		if (!c.used || known)
			continue;
		if (h->changed == CHANGED_MOST)
			return c.at;
		h->changed++;
		h->pending[HEAP_PENDING - 2 * h->changed] = start;
		h->pending[HEAP_PENDING - 2 * h->changed + 1] = end;
	}
	return step == STEP_END ? r->high : w.next;
}

bool gor__heap_changed(struct heap *h, uint64_t *from, uint64_t *to)
{
	if (h->overflow && !h->all) { // wherever the block lies that was forgotten
		h->all = true;
		h->again = h->changed = 0;
	}
	while (!h->changed && h->again < h->count) {
		const struct heap_region *before = &h->regions[h->again++];
		struct heap_region r = *before;
		*from = r.first;
		for (int i = 0; i < TRIES && *from < r.high && !h->all; i++) {
			uint64_t high = heap_high(r.low, r.low == r.first);
			r.high = high > r.first ? high : before->high;
			*from = heap_compare(h, before, &r);
		}
		*to = r.high;
		if (*from < r.high)
			return true;
	}
	if (!h->changed)
		return false;
	const struct heap_region *r = &h->regions[h->again - 1];
	const uint32_t *unit = &h->pending[HEAP_PENDING - 2 * h->changed--];
	*from = r->first + (uint64_t)(unit[0] - r->unit) * UNIT;
	*to =
		r->first + (uint64_t)(unit[1] - r->unit) * UNIT + 8; // the last word lies in the next chunk
	return true;
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

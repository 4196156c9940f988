/* SPDX-License-Identifier: MIT */
/**
 * changes.c: sort changes by time, however many there are.
 *
 * The database has intervals in the order of goroutines, so their ends come in no order of time.
 * Each change goes to the cell that its time lies in, and the cells are sorted one after the other,
 * by digits, when they are read: most are small enough for the processor's cache.
 *
 *     cells    for each power of two 64, as wide as a 64th of it: nobody need say beforehand how
 *              long the run is
 *     chunks   a cell's changes are a list of chunks; the first MEMORY_CHUNKS of all lists are in
 *              memory, the others in a temporary file, each at the place that its number says
 *     words    a change is a word: the time since the cell's beginning, and in the lowest byte what
 *              changed and whether by 1 or -1; WHAT_FOLLOWS: the word behind it has both
 *
 * A cell with too many, as of a burst, is spread over a level of narrower cells below it, which is
 * read like the first one, and is forgotten behind its last cell.  Too many of one moment need no
 * sorting.
 *
 *   I1  memory is MEMORY_CHUNKS, a chunk for each cell that is in use, and two arrays of SORT_MAX.
 *   I2  a level below has the last chunks of all, so they are free again when it is.
 *   I3  those of one time stay as they came: in a chunk, in a list, and where they are sorted.
 *
 * Rejected: sorted runs that are merged; the heap alone takes as long as all this.
 */
#include "plot/changes.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "talk.h"

enum {
	CELL_BITS = 6,
	TOP_CELLS = (63 - CELL_BITS + 1) << CELL_BITS,
	SPLIT_BITS = 8,
	CHUNK_WORDS = 511,
	MEMORY_CHUNKS = 2048,
	SORT_MAX = 1 << 18,
	SORT_FEW = 48, // not worth counting digits
	DIGIT_BITS = 11,
	WHAT_BITS = 8,
	WHAT_LESS = 1 << 7, // by -1
	WHAT_FOLLOWS = WHAT_LESS - 1,
};

struct chunk {
	uint32_t next; // its number, unless this is the list's last
	uint32_t words;
	uint64_t word[CHUNK_WORDS];
};

struct cell {
	struct chunk *chunk; // the last one; NULL: there is none
	uint32_t first, last;
	uint64_t count; // changes
};

struct level {
	struct level *up; // NULL: the first one
	int64_t from_ns;
	unsigned bits;   // of the width of a cell; but for the first level
	uint32_t chunks; // that were in use before
	size_t cells, at;
	struct cell cell[];
};

struct changes {
	FILE *file;
	uint32_t chunks; // numbers in use
	struct level *level;
	struct change *now, *other; // what is sorted, and as much room
	size_t count, size, next;
	const struct cell *reading; // the cell at hand; NULL: none, or all of it was read
	uint32_t chunk;             // its next one
	int64_t from_ns;
	struct chunk page;
	struct chunk *memory[MEMORY_CHUNKS];
};

static struct level *level_new(size_t cells)
{
	struct level *l = calloc(1, sizeof *l + cells * sizeof l->cell[0]);

	if (l)
		l->cells = cells;
	return l;
}

struct changes *changes_new(void)
{
	struct changes *c = calloc(1, sizeof *c);

	if (!c)
		return NULL;
	c->level = level_new(TOP_CELLS);
	if (c->level)
		return c;
	free(c);
	return NULL;
}

/* ── writing ── */

static int changes_fail(const char *what)
{
	int err = errno ? errno : EIO;

	talk("cannot %s a temporary file: %s", what, strerror(err));
	return -err;
}

static off_t chunk_at(uint32_t number)
{
	return (off_t)(number - MEMORY_CHUNKS) * (off_t)sizeof(struct chunk);
}

static int chunk_write(struct changes *c, uint32_t number, const struct chunk *chunk)
{
	if (!c->file)
		c->file = tmpfile();
	if (!c->file)
		return changes_fail("make");
	errno = 0;
	ssize_t n = pwrite(fileno(c->file), chunk, sizeof *chunk, chunk_at(number));

	if (n >= 0 && n < (ssize_t)sizeof *chunk)
		errno = ENOSPC;
	return n == (ssize_t)sizeof *chunk ? 0 : changes_fail("write");
}

/** The cell's last chunk is full, or there is none: begin another. */
static int cell_more(struct changes *c, struct cell *cell)
{
	struct chunk *chunk = NULL;
	int err = 0;

	if (cell->chunk) {
		cell->chunk->next = c->chunks;
		if (cell->last >= MEMORY_CHUNKS) {
			err = chunk_write(c, cell->last, cell->chunk);
			chunk = cell->chunk;
		}
	}
	if (!chunk)
		chunk = malloc(sizeof *chunk);
	if (err || !chunk)
		return err ? err : -ENOMEM;
	if (c->chunks < MEMORY_CHUNKS)
		c->memory[c->chunks] = chunk;
	if (!cell->chunk)
		cell->first = c->chunks;
	cell->last = c->chunks++;
	cell->chunk = chunk;
	chunk->words = 0;
	return 0;
}

/** The cell of a time, and how far in it that is. */
static size_t level_cell(const struct level *l, int64_t ns, uint64_t *offset)
{
	uint64_t at = (uint64_t)ns - (uint64_t)l->from_ns;
	unsigned bits = l->bits;

	if (!l->up)
		bits = at >> CELL_BITS ? 63 - CELL_BITS - (unsigned)__builtin_clzll(at) : 0;
	*offset = at & (((uint64_t)1 << bits) - 1);
	return (l->up ? 0 : (size_t)bits << CELL_BITS) + (size_t)(at >> bits);
}

/** The other way round: when cell i begins, and the bits of its width. */
static int64_t level_from(const struct level *l, size_t i, unsigned *bits)
{
	if (l->up) {
		*bits = l->bits;
		return l->from_ns + (int64_t)((uint64_t)i << l->bits);
	}
	*bits = i >> CELL_BITS ? (unsigned)(i >> CELL_BITS) - 1 : 0;
	return (int64_t)((uint64_t)(i - ((size_t)*bits << CELL_BITS)) << *bits);
}

static int level_add(struct changes *c, struct level *l, const struct change *v)
{
	uint64_t offset, what = v->what;
	struct cell *cell = &l->cell[level_cell(l, v->ns, &offset)];
	bool one = what < WHAT_FOLLOWS && (v->step == 1 || v->step == -1);
	struct chunk *k = cell->chunk;

	if (!k || k->words + (one ? 1 : 2) > CHUNK_WORDS) {
		int err = cell_more(c, cell);

		if (err)
			return err;
		k = cell->chunk;
	}
	if (one)
		what |= v->step < 0 ? WHAT_LESS : 0;
	k->word[k->words++] = offset << WHAT_BITS | (one ? what : WHAT_FOLLOWS);
	if (!one)
		k->word[k->words++] = what << 32 | (uint32_t)v->step;
	cell->count++;
	return 0;
}

int changes_add(struct changes *c, int64_t ns, uint32_t what, int32_t step)
{
	struct change v = {ns < 0 ? 0 : ns, what, step};

	return level_add(c, c->level, &v);
}

int changes_add_stretch(struct changes *c, int64_t from_ns, int64_t to_ns, uint32_t what)
{
	int err = changes_add(c, from_ns, what, 1);

	if (!err && to_ns >= 0)
		err = changes_add(c, to_ns, what, -1);
	return err;
}

/* ── sorting ── */

/** Sort by one digit of the time, keeping the order of equals. */
static void sort_digit(struct changes *c, unsigned shift)
{
	uint32_t start[1 << DIGIT_BITS] = {0}, at = 0;
	const uint64_t mask = (1 << DIGIT_BITS) - 1;

	for (size_t i = 0; i < c->count; i++)
		start[(uint64_t)c->now[i].ns >> shift & mask]++;
	for (size_t i = 0; i <= mask; i++) {
		uint32_t n = start[i];

		start[i] = at;
		at += n;
	}
	for (size_t i = 0; i < c->count; i++)
		c->other[start[(uint64_t)c->now[i].ns >> shift & mask]++] = c->now[i];
	struct change *swap = c->now;

	c->now = c->other;
	c->other = swap;
}

static void sort_few(struct changes *c)
{
	for (size_t i = 1; i < c->count; i++) {
		struct change v = c->now[i];
		size_t k = i;

		for (; k > 0 && c->now[k - 1].ns > v.ns; k--)
			c->now[k] = c->now[k - 1];
		c->now[k] = v;
	}
}

/** What was read is within a cell whose width has so many bits. */
static void sort_cell(struct changes *c, unsigned bits)
{
	if (c->count <= SORT_FEW) {
		sort_few(c);
		return;
	}
	for (unsigned shift = 0; shift < bits; shift += DIGIT_BITS)
		sort_digit(c, shift);
}

/* ── reading ── */

static int sort_room(struct changes *c, size_t count)
{
	size_t size = c->size ? c->size : CHUNK_WORDS;

	while (size < count)
		size *= 2;
	if (size == c->size)
		return 0;
	c->size = 0;
	free(c->now);
	free(c->other);
	c->now = malloc(size * sizeof *c->now);
	c->other = malloc(size * sizeof *c->other);
	if (!c->now || !c->other)
		return -ENOMEM;
	c->size = size;
	return 0;
}

static const struct chunk *chunk_read(struct changes *c, uint32_t number)
{
	if (number == c->reading->last)
		return c->reading->chunk;
	if (number < MEMORY_CHUNKS)
		return c->memory[number];
	errno = 0;
	return pread(fileno(c->file), &c->page, sizeof c->page, chunk_at(number)) ==
	               (ssize_t)sizeof c->page
	           ? &c->page
	           : NULL;
}

/** Put the next chunk of the cell at hand behind what was read. */
static int cell_read(struct changes *c)
{
	const struct chunk *k = chunk_read(c, c->chunk);
	struct change *out = &c->now[c->count];

	if (!k)
		return changes_fail("read");
	for (size_t i = 0; i < k->words; i++) {
		uint64_t word = k->word[i];
		uint32_t what = word & WHAT_FOLLOWS;

		*out = (struct change){c->from_ns + (int64_t)(word >> WHAT_BITS), what,
		                       word & WHAT_LESS ? -1 : 1};
		if (what == WHAT_FOLLOWS) {
			out->what = (uint32_t)(k->word[++i] >> 32);
			out->step = (int32_t)(uint32_t)k->word[i];
		}
		out++;
	}
	c->count = (size_t)(out - c->now);
	if (c->chunk == c->reading->last)
		c->reading = NULL;
	else
		c->chunk = k->next;
	return 0;
}

static int cell_sort(struct changes *c, unsigned bits)
{
	int err = sort_room(c, (size_t)c->reading->count);

	while (c->reading && !err)
		err = cell_read(c);
	if (!err)
		sort_cell(c, bits);
	return err;
}

/** Spread the cell at hand over a level below. */
static int cell_split(struct changes *c, unsigned bits)
{
	unsigned less = bits < SPLIT_BITS ? bits : SPLIT_BITS;
	struct level *l = level_new((size_t)1 << less);
	int err = l ? sort_room(c, CHUNK_WORDS) : -ENOMEM;

	if (!l)
		return err;
	l->up = c->level;
	l->from_ns = c->from_ns;
	l->bits = bits - less;
	l->chunks = c->chunks;
	c->level = l;
	while (c->reading && !err) {
		c->count = 0;
		err = cell_read(c);
		for (size_t i = 0; i < c->count && !err; i++)
			err = level_add(c, l, &c->now[i]);
	}
	c->count = 0;
	return err;
}

static int level_next(struct changes *c)
{
	struct level *l = c->level;
	const struct cell *cell = &l->cell[l->at];
	unsigned bits;

	c->from_ns = level_from(l, l->at++, &bits);
	if (!cell->count)
		return 0;
	c->reading = cell;
	c->chunk = cell->first;
	if (cell->count <= SORT_MAX)
		return cell_sort(c, bits);
	return bits ? cell_split(c, bits) : sort_room(c, CHUNK_WORDS);
}

static void level_free(struct changes *c)
{
	struct level *l = c->level;

	for (size_t i = 0; i < l->cells; i++)
		if (l->cell[i].chunk && l->cell[i].last >= MEMORY_CHUNKS)
			free(l->cell[i].chunk);
	for (; c->chunks > l->chunks; c->chunks--)
		if (c->chunks <= MEMORY_CHUNKS)
			free(c->memory[c->chunks - 1]); // keeps I2
	c->level = l->up;
	free(l);
}

int changes_sort(struct changes *c)
{
	while (c->level->up)
		level_free(c);
	c->level->at = 0;
	c->count = c->next = 0;
	c->reading = NULL;
	return 0;
}

/** Have some at hand.  Returns: 1; 0 there are none; a negative errno. */
static int changes_fill(struct changes *c)
{
	int err = 0;

	c->count = c->next = 0;
	while (!c->count && !err) {
		if (c->reading)
			err = cell_read(c); // too many of one moment
		else if (c->level->at < c->level->cells)
			err = level_next(c);
		else if (c->level->up)
			level_free(c);
		else
			return 0;
	}
	return err ? err : 1;
}

int changes_next(struct changes *c, struct change *out)
{
	int got = c->next < c->count ? 1 : changes_fill(c);

	if (got == 1)
		*out = c->now[c->next++];
	return got;
}

void changes_free(struct changes *c)
{
	if (!c)
		return;
	while (c->level)
		level_free(c);
	if (c->file)
		fclose(c->file);
	free(c->now);
	free(c->other);
	free(c);
}

/* SPDX-License-Identifier: MIT */
/**
 * changes.c: sort changes by time, however many there are.
 *
 * The database has intervals in the order of goroutines.  Let SQLite sort their ends and it takes
 * most of a plot's time; here, they are sorted by their digits.  What does not fit into memory goes
 * to a temporary file in sorted runs, which are merged while they are read.
 *
 *   I1  memory is that of two runs in the making, and a page for each run in the file.
 *   I2  the file has whole runs of CHANGES_RUN, but for the last.
 */
#include "plot/changes.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	CHANGES_RUN = 1 << 21,
	CHANGES_PAGE = 1 << 10,
	CHANGES_DIGIT = 11, // bits
};

/** A run in the file, while it is read. */
struct run {
	uint64_t at, end; // what is left in the file, in changes
	size_t next, count;
	struct change page[CHANGES_PAGE];
};

struct changes {
	FILE *file;           // NULL: all fits into memory
	struct change *now;   // the run in the making
	struct change *other; // as long
	size_t count, size, next;
	uint64_t filed;    // in the file
	struct run *run;   // those of the file
	struct run **heap; // by their next change, earliest first
	size_t runs, heap_count;
	bool sorted;
};

struct changes *changes_new(void)
{
	return calloc(1, sizeof(struct changes));
}

/** Sort the run by one digit of the time, keeping the order of equals. */
static void run_by_digit(struct changes *c, unsigned shift)
{
	size_t start[1 << CHANGES_DIGIT] = {0}, at = 0;
	const uint64_t mask = (1 << CHANGES_DIGIT) - 1;

	for (size_t i = 0; i < c->count; i++)
		start[(uint64_t)c->now[i].ns >> shift & mask]++;
	for (size_t i = 0; i <= mask; i++) {
		size_t n = start[i];

		start[i] = at;
		at += n;
	}
	for (size_t i = 0; i < c->count; i++)
		c->other[start[(uint64_t)c->now[i].ns >> shift & mask]++] = c->now[i];
	struct change *swap = c->now;

	c->now = c->other;
	c->other = swap;
}

static void run_sort(struct changes *c)
{
	int64_t last = 0;

	for (size_t i = 0; i < c->count; i++)
		last = c->now[i].ns > last ? c->now[i].ns : last;
	for (unsigned shift = 0; shift < 63 && last >> shift; shift += CHANGES_DIGIT)
		run_by_digit(c, shift);
}

/** Move the run to the file. */
static int run_file(struct changes *c)
{
	if (!c->file)
		c->file = tmpfile();
	if (!c->file)
		return -errno;
	run_sort(c);
	if (fwrite(c->now, sizeof *c->now, c->count, c->file) != c->count)
		return -errno;
	c->filed += c->count;
	c->count = 0;
	return 0;
}

static int run_grow(struct changes *c)
{
	size_t size = c->size ? c->size * 2 : 1024;
	struct change *now = realloc(c->now, size * sizeof *now);

	if (!now)
		return -ENOMEM;
	c->now = now;
	free(c->other);
	c->other = malloc(size * sizeof *now);
	if (!c->other)
		return -ENOMEM;
	c->size = size;
	return 0;
}

int changes_add(struct changes *c, int64_t ns, uint32_t what, int32_t step)
{
	int err = 0;

	if (c->count == CHANGES_RUN)
		err = run_file(c);
	else if (c->count == c->size)
		err = run_grow(c);
	if (!err)
		c->now[c->count++] = (struct change){ns < 0 ? 0 : ns, what, step};
	return err;
}

int changes_add_stretch(struct changes *c, int64_t from_ns, int64_t to_ns, uint32_t what)
{
	int err = changes_add(c, from_ns, what, 1);

	if (!err && to_ns >= 0)
		err = changes_add(c, to_ns, what, -1);
	return err;
}

/** Have a change of the run at hand.  Returns: 1; 0 at its end; a negative errno. */
static int run_read(struct changes *c, struct run *r)
{
	if (r->next < r->count)
		return 1;
	uint64_t left = r->end - r->at;

	r->next = 0;
	r->count = left < CHANGES_PAGE ? (size_t)left : CHANGES_PAGE;
	if (!r->count)
		return 0;
	if (fseeko(c->file, (off_t)(r->at * sizeof r->page[0]), SEEK_SET) < 0)
		return -errno;
	if (fread(r->page, sizeof r->page[0], r->count, c->file) != r->count)
		return ferror(c->file) && errno ? -errno : -EIO;
	r->at += r->count;
	return 1;
}

static int64_t run_ns(const struct run *r)
{
	return r->page[r->next].ns;
}

/** Let the run at place i sink to where it belongs. */
static void heap_sink(struct changes *c, size_t i)
{
	for (;;) {
		size_t least = i;

		for (size_t k = 2 * i + 1; k <= 2 * i + 2 && k < c->heap_count; k++)
			if (run_ns(c->heap[k]) < run_ns(c->heap[least]))
				least = k;
		if (least == i)
			return;
		struct run *swap = c->heap[i];

		c->heap[i] = c->heap[least];
		c->heap[least] = swap;
		i = least;
	}
}

/** The runs of the file, each at its beginning. */
static int heap_fill(struct changes *c)
{
	int err = 1;

	c->heap_count = c->runs;
	for (size_t i = 0; i < c->runs && err == 1; i++) {
		struct run *r = c->heap[i] = &c->run[i];

		r->at = i * CHANGES_RUN;
		r->end = r->at + CHANGES_RUN < c->filed ? r->at + CHANGES_RUN : c->filed;
		r->next = r->count = 0;
		err = run_read(c, r);
	}
	for (size_t i = c->runs / 2; i-- > 0 && err == 1;)
		heap_sink(c, i);
	return err == 1 ? 0 : err ? err : -EIO;
}

static int heap_make(struct changes *c)
{
	c->runs = (size_t)((c->filed + CHANGES_RUN - 1) / CHANGES_RUN);
	c->run = calloc(c->runs, sizeof *c->run);
	c->heap = calloc(c->runs, sizeof(struct run *));
	return c->run && c->heap ? 0 : -ENOMEM;
}

int changes_sort(struct changes *c)
{
	int err = 0;

	if (!c->sorted && c->file)
		err = run_file(c);
	if (!c->sorted && !err && c->file)
		err = heap_make(c);
	if (!c->sorted && !err && !c->file)
		run_sort(c);
	c->sorted = true;
	c->next = 0;
	return err || !c->file ? err : heap_fill(c);
}

int changes_next(struct changes *c, struct change *out)
{
	if (!c->file) {
		if (c->next == c->count)
			return 0;
		*out = c->now[c->next++];
		return 1;
	}
	if (!c->heap_count)
		return 0;
	struct run *r = c->heap[0];

	*out = r->page[r->next++];
	int err = run_read(c, r);

	if (err == 0)
		c->heap[0] = c->heap[--c->heap_count];
	heap_sink(c, 0);
	return err < 0 ? err : 1;
}

void changes_free(struct changes *c)
{
	if (!c)
		return;
	if (c->file)
		fclose(c->file);
	free(c->heap);
	free(c->run);
	free(c->now);
	free(c->other);
	free(c);
}

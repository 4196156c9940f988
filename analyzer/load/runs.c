/* SPDX-License-Identifier: MIT */
/**
 * runs.c: any number of intervals in the order of their key, in bounded memory.
 *
 * Intervals end in time order but their table is clustered by goroutine.  Written as they come,
 * each would land on another page of it, and split it where it is full; in order, each is one more
 * at the end.  So they are sorted first, by runs that fit into memory, which are packed into a file
 * without a name and merged from there:
 *
 *     put ──▶ rows ──full: sort──▶ file: run 0 │ run 1 │ run 2 ...
 *                                          └─────┬┴───────┘
 *                                      heap, by (g, n, run) ──▶ next
 *
 *   I1  Inside a run no key comes twice, and they rise.
 *   I2  Of equal keys the one put first is kept: within a run sorting is stable, and the heap has
 * the earlier run first.  Only a damaged trace has any. I3  A run in the heap has its next row
 * unpacked.
 *
 * A trace that fits into one run needs no file.
 */
#define _GNU_SOURCE
#include "load/runs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "array.h"

enum {
	RUN_ROWS_MIN = 1 << 8,
	RUN_ROWS = 1 << 18,
	PACKED_MAX = 4 + 9 * 10,  // bytes of a row
	READ_BYTES = 16 << 20,    // for all runs together
	READ_BYTES_MIN = 1 << 12, // for one
};

struct run {
	uint64_t at, end; // of what is left of it in the file
	uint8_t *buf;
	size_t cap, pos, len;
	struct interval row; // the next one, and what the one behind it is packed against
};

struct run_key {
	uint64_t g;
	uint32_t n, at;
};

void runs_init(struct runs *r)
{
	*r = (struct runs){.fd = -1};
}

static int runs_fail(struct runs *r, int err)
{
	if (!r->err)
		r->err = err;
	return r->err;
}

/* ── sorting ── */

static int key_compare(const void *x, const void *y)
{
	const struct run_key *a = x, *b = y;

	if (a->g != b->g)
		return a->g < b->g ? -1 : 1;
	if (a->n != b->n)
		return a->n < b->n ? -1 : 1;
	return a->at < b->at ? -1 : 1;
}

/** By one byte of g, from keys to out. */
static void keys_pass(const struct run_key *keys, struct run_key *out, size_t count, unsigned shift)
{
	size_t place[257] = {0};

	for (size_t i = 0; i < count; i++)
		place[(keys[i].g >> shift & 255) + 1]++;
	for (int i = 0; i < 256; i++)
		place[i + 1] += place[i];
	for (size_t i = 0; i < count; i++)
		out[place[keys[i].g >> shift & 255]++] = keys[i];
}

/** Keys of r->rows in order, each once.  Returns how many, in *keys. */
static size_t rows_sort(struct runs *r, struct run_key **keys)
{
	struct run_key *from = r->keys, *to = r->keys + r->cap;
	uint64_t bits = 0;
	bool rise = true;
	size_t kept = 0;

	for (size_t i = 0; i < r->count; i++) {
		from[i] = (struct run_key){r->rows[i].g, r->rows[i].n, (uint32_t)i};
		bits |= from[i].g ^ from[0].g;
	}
	for (unsigned shift = 0; shift < 64 && bits >> shift; shift += 8) {
		if ((bits >> shift & 255) == 0)
			continue;
		keys_pass(from, to, r->count, shift);
		struct run_key *was = from;
		from = to;
		to = was;
	}
	// A goroutine's intervals came in order, but in a damaged trace.
	for (size_t i = 1; i < r->count && rise; i++)
		rise = from[i].g != from[i - 1].g || from[i].n > from[i - 1].n;
	if (!rise)
		qsort(from, r->count, sizeof *from, key_compare);
	for (size_t i = 0; i < r->count; i++) {
		if (!kept || from[i].g != from[kept - 1].g || from[i].n != from[kept - 1].n)
			from[kept++] = from[i]; // keeps I1 and I2
	}
	*keys = from;
	return kept;
}

/* ── packing ── */

static uint8_t *pack(uint8_t *p, uint64_t v)
{
	for (; v >= 0x80; v >>= 7)
		*p++ = (uint8_t)v | 0x80;
	*p++ = (uint8_t)v;
	return p;
}

static const uint8_t *unpack(const uint8_t *p, uint64_t *v)
{
	*v = 0;
	for (unsigned shift = 0;; shift += 7) {
		*v |= (uint64_t)(*p & 0x7f) << shift;
		if (!(*p++ & 0x80))
			return p;
	}
}

static uint8_t *row_pack(uint8_t *p, const struct interval *was, const struct interval *row)
{
	memcpy(p, (const uint8_t[]){row->state, row->reason, row->flags, row->waker}, 4);
	p = pack(p + 4, row->g - was->g);
	p = pack(p, row->n - (uint64_t)was->n);
	p = pack(p, (uint64_t)row->from_ns - (uint64_t)was->to_ns); // mostly 0
	p = pack(p, (uint64_t)row->to_ns - (uint64_t)row->from_ns);
	p = pack(p, row->object);
	p = pack(p, row->site);
	p = pack(p, row->thread);
	p = pack(p, row->woken_by);
	return pack(p, row->wake_object);
}

/** row is the one before, and becomes that at p. */
static const uint8_t *row_unpack(const uint8_t *p, struct interval *row)
{
	uint64_t g, n, from, to;

	row->state = p[0];
	row->reason = p[1];
	row->flags = p[2];
	row->waker = p[3];
	p = unpack(p + 4, &g);
	p = unpack(p, &n);
	p = unpack(p, &from);
	p = unpack(p, &to);
	row->g += g;
	row->n = (uint32_t)(row->n + n);
	row->from_ns = (int64_t)((uint64_t)row->to_ns + from);
	row->to_ns = (int64_t)((uint64_t)row->from_ns + to);
	p = unpack(p, &row->object);
	p = unpack(p, &row->site);
	p = unpack(p, &row->thread);
	p = unpack(p, &row->woken_by);
	return unpack(p, &row->wake_object);
}

/* ── the file ── */

static int file_open(void)
{
	const char *dir = getenv("TMPDIR");
	char path[4096];

	snprintf(path, sizeof path, "%s/gtrace.XXXXXX", dir && *dir ? dir : "/var/tmp");
	int fd = mkostemp(path, O_CLOEXEC);

	if (fd < 0)
		return -errno;
	unlink(path);
	return fd;
}

static int file_write(struct runs *r, const uint8_t *p, size_t len)
{
	while (len) {
		ssize_t n = pwrite(r->fd, p, len, (off_t)r->bytes);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -EIO;
		p += n;
		len -= (size_t)n;
		r->bytes += (uint64_t)n;
	}
	return 0;
}

/** Sort the run in the making and write it behind the others. */
static int runs_spill(struct runs *r)
{
	struct run *run = array_more(r->run, r->run_count, sizeof *run);
	struct run_key *keys;
	struct interval was = {0};
	uint8_t buf[1 << 16];
	size_t len = 0;
	int err = 0;

	if (!run)
		return runs_fail(r, -ENOMEM);
	r->run = run;
	if (r->fd < 0 && (r->fd = file_open()) < 0)
		return runs_fail(r, r->fd);
	run = &run[r->run_count++];
	*run = (struct run){.at = r->bytes};
	size_t count = rows_sort(r, &keys);

	for (size_t i = 0; i < count && !err; i++) {
		const struct interval *row = &r->rows[keys[i].at];
		len = (size_t)(row_pack(buf + len, &was, row) - buf);
		was = *row;
		if (len <= sizeof buf - PACKED_MAX && i + 1 < count)
			continue;
		err = file_write(r, buf, len);
		len = 0;
	}
	run->end = r->bytes;
	r->count = 0;
	return err ? runs_fail(r, err) : 0;
}

static int rows_grow(struct runs *r)
{
	size_t cap = r->cap ? r->cap * 2 : RUN_ROWS_MIN;
	struct interval *rows = realloc(r->rows, cap * sizeof *rows);

	r->rows = rows ? rows : r->rows;
	struct run_key *keys = realloc(r->keys, 2 * cap * sizeof *keys); // sorting needs two

	r->keys = keys ? keys : r->keys;
	if (!rows || !keys)
		return r->cap ? runs_spill(r) : runs_fail(r, -ENOMEM);
	r->cap = cap;
	return 0;
}

int runs_put(struct runs *r, const struct interval *row)
{
	if (r->count == r->cap && !r->err && (r->cap < RUN_ROWS ? rows_grow(r) : runs_spill(r)))
		return r->err;
	if (!r->err) {
		r->rows[r->count++] = *row;
		r->put++;
	}
	return r->err;
}

/* ── merging ── */

/** Unpack the next row of a run.  Returns: 1, 0 there is none, or a negative errno. */
static int run_next(const struct runs *r, struct run *run)
{
	if (run->len - run->pos < PACKED_MAX && run->at < run->end) {
		run->len -= run->pos;
		memmove(run->buf, run->buf + run->pos, run->len);
		run->pos = 0;
		while (run->len < run->cap && run->at < run->end) {
			size_t want = run->cap - run->len;
			if (want > run->end - run->at)
				want = (size_t)(run->end - run->at);
			ssize_t n = pread(r->fd, run->buf + run->len, want, (off_t)run->at);
			if (n < 0 && errno == EINTR)
				continue;
			if (n <= 0)
				return n < 0 ? -errno : -EIO;
			run->len += (size_t)n;
			run->at += (uint64_t)n;
		}
	}
	if (run->pos == run->len)
		return 0;
	run->pos = (size_t)(row_unpack(run->buf + run->pos, &run->row) - run->buf);
	return 1;
}

static bool heap_before(const struct runs *r, size_t x, size_t y)
{
	const struct interval *a = &r->run[x].row, *b = &r->run[y].row;

	if (a->g != b->g)
		return a->g < b->g;
	return a->n != b->n ? a->n < b->n : x < y; // keeps I2
}

/** Put a run where its row belongs, from place i downwards. */
static void heap_down(struct runs *r, size_t i, size_t run)
{
	for (size_t child; (child = 2 * i + 1) < r->heap_count; i = child) {
		if (child + 1 < r->heap_count && heap_before(r, r->heap[child + 1], r->heap[child]))
			child++;
		if (heap_before(r, run, r->heap[child]))
			break;
		r->heap[i] = r->heap[child];
	}
	r->heap[i] = run;
}

static int merge_begin(struct runs *r)
{
	if (r->count && runs_spill(r))
		return r->err;
	free(r->rows);
	free(r->keys);
	r->rows = NULL;
	r->keys = NULL;
	r->heap = calloc(r->run_count, sizeof *r->heap);
	if (!r->heap)
		return runs_fail(r, -ENOMEM);
	size_t cap = READ_BYTES / r->run_count;

	for (size_t i = 0; i < r->run_count; i++) {
		struct run *run = &r->run[i];
		run->cap = cap > READ_BYTES_MIN ? cap : READ_BYTES_MIN;
		run->buf = malloc(run->cap);
		int got = run->buf ? run_next(r, run) : -ENOMEM;
		if (got < 0)
			return runs_fail(r, got);
		if (got)
			r->heap[r->heap_count++] = i;
	}
	for (size_t i = r->heap_count / 2; i-- > 0;)
		heap_down(r, i, r->heap[i]);
	return 0;
}

int runs_begin(struct runs *r)
{
	struct run_key *keys;

	if (r->err)
		return r->err;
	if (r->run_count)
		return merge_begin(r);
	r->count = r->count ? rows_sort(r, &keys) : 0;
	if (r->count && keys != r->keys)
		memcpy(r->keys, keys, r->count * sizeof *keys);
	return 0;
}

static void merge_take(struct runs *r)
{
	struct run *run = &r->run[r->heap[0]];

	r->row = run->row;
	int got = run_next(r, run);

	if (got < 0)
		runs_fail(r, got);
	if (got > 0)
		heap_down(r, 0, r->heap[0]);
	else if (--r->heap_count)
		heap_down(r, 0, r->heap[r->heap_count]);
}

const struct interval *runs_next(struct runs *r)
{
	if (r->err)
		return NULL;
	if (!r->run_count)
		return r->at < r->count ? &r->rows[r->keys[r->at++].at] : NULL;
	uint64_t g = r->row.g;
	uint32_t n = r->row.n;

	do {
		if (!r->heap_count || r->err)
			return NULL;
		merge_take(r);
	} while (r->at && r->row.g == g && r->row.n == n);
	r->at++;
	return r->err ? NULL : &r->row;
}

void runs_release(struct runs *r)
{
	for (size_t i = 0; i < r->run_count; i++)
		free(r->run[i].buf);
	if (r->fd >= 0)
		close(r->fd);
	free(r->run);
	free(r->heap);
	free(r->rows);
	free(r->keys);
	runs_init(r);
}

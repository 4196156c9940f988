/* SPDX-License-Identifier: MIT */
/**
 * scan.c: find all chunks of a file by their headers.
 *
 * No index: each header says where the next one is.  Where it is not, the next sound one is
 * searched byte by byte; its checksum keeps it from being mistaken.  The search begins behind the
 * header that led astray: if bytes of that chunk are missing, the next one stands before its end.
 */
#define _GNU_SOURCE
#include "reader/reader.h"

#include "reader/source.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

#define HEAD_BYTES (GTRACE__SKIP_BYTES + GTRACE__CHUNK_BYTES)
#define SEARCH_BYTES 65536
#define BATCH_FRAME_MAX (2u * GTRACE__BATCH_RAW_MAX)
#define STRANGER_BYTES (1u << 20) // a file that does not begin as a trace gets this much search

enum probe { PROBE_CHUNK, PROBE_CUT, PROBE_BAD, PROBE_NEWER, PROBE_IO };

struct scan {
	struct gtrace_reader *r;
	uint64_t offset;
	uint64_t first_bad; // UINT64_MAX: none
	uint64_t chunks;    // that are whole
	uint64_t behind;    // of the header of the chunk that led here; 0: none did
	int error;
	struct gtrace__chunk chunk; // the one found last
};

struct cursor *gtrace__cursor_get(struct gtrace_reader *r, uint64_t thread)
{
	uint32_t i = gtrace__map_get(&r->cursor_by_thread, thread);

	if (i)
		return r->cursors[i - 1];
	if (r->cursor_count == r->cursor_cap) {
		size_t cap = r->cursor_cap ? 2 * r->cursor_cap : 16;
		struct cursor **cursors = realloc(r->cursors, cap * sizeof(*cursors));

		if (!cursors)
			return NULL;
		r->cursors = cursors;
		r->cursor_cap = cap;
	}
	struct cursor *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->thread = thread;
	r->cursors[r->cursor_count++] = c;
	if (gtrace__map_set(&r->cursor_by_thread, thread, (uint32_t)r->cursor_count)) {
		r->cursor_count--;
		free(c);
		return NULL;
	}
	return c;
}

int gtrace__batch_add(struct gtrace_reader *r, uint64_t thread, const struct batch *b)
{
	struct cursor *c = gtrace__cursor_get(r, thread);

	if (!c)
		return -ENOMEM;
	if (c->batch_count == c->batch_cap) {
		size_t cap = c->batch_cap ? 2 * c->batch_cap : 4;
		struct batch *batch = realloc(c->batch, cap * sizeof(*batch));

		if (!batch)
			return -ENOMEM;
		c->batch = batch;
		c->batch_cap = cap;
	}
	c->batch[c->batch_count++] = *b;
	return 0;
}

/** Look for a whole, sound chunk header at a place. */
static enum probe probe(struct scan *s, uint64_t offset)
{
	uint8_t buf[GTRACE__SKIP_BYTES + GTRACE__CHUNK_BYTES_MAX];
	uint32_t skip[2];
	struct gtrace__chunk *chunk = &s->chunk;
	uint64_t checksum;
	int64_t n = gtrace__source_read(s->r->fd, offset, buf, HEAD_BYTES);

	if (n < 0) {
		s->error = (int)n;
		return PROBE_IO;
	}
	if (n < HEAD_BYTES)
		return PROBE_CUT;
	memcpy(skip, buf, sizeof(skip));
	memcpy(chunk, buf + GTRACE__SKIP_BYTES, sizeof(*chunk));
	if (skip[0] != GTRACE__SKIPPABLE || skip[1] < 24 || skip[1] > GTRACE__CHUNK_BYTES_MAX ||
	    chunk->header_bytes != skip[1] || memcmp(chunk->magic, GTRACE__CHUNK_MAGIC, 4))
		return PROBE_BAD;
	if (skip[1] > GTRACE__CHUNK_BYTES) {
		n = gtrace__source_read(s->r->fd, offset, buf, GTRACE__SKIP_BYTES + skip[1]);
		if (n < (int64_t)(GTRACE__SKIP_BYTES + skip[1]))
			return PROBE_CUT;
	}
	size_t hashed = skip[1] - sizeof(checksum);

	memcpy(&checksum, buf + GTRACE__SKIP_BYTES + hashed, sizeof(checksum));
	if (checksum != XXH64(buf + GTRACE__SKIP_BYTES, hashed, 0))
		return PROBE_BAD;
	if (chunk->major > GTRACE_FORMAT_MAJOR)
		return PROBE_NEWER;
	return chunk->major < 1 || skip[1] < GTRACE__CHUNK_BYTES ? PROBE_BAD : PROBE_CHUNK;
}

/** The next place from `from` on that might be a chunk; UINT64_MAX: none. */
static uint64_t search(struct scan *s, uint64_t from, uint64_t until)
{
	uint8_t buf[SEARCH_BYTES];

	for (uint64_t at = from; at < until;) {
		int64_t n = gtrace__source_read(s->r->fd, at, buf, sizeof(buf));

		if (n < HEAD_BYTES)
			return UINT64_MAX;
		for (const uint8_t *p = buf; (p = memmem(p, (size_t)(buf + n - p), "GTRC", 4)); p++) {
			const uint32_t magic = GTRACE__SKIPPABLE;
			uint64_t place = at + (uint64_t)(p - buf);

			if (p - buf >= GTRACE__SKIP_BYTES && !memcmp(p - GTRACE__SKIP_BYTES, &magic, 4) &&
			    place - GTRACE__SKIP_BYTES < until)
				return place - GTRACE__SKIP_BYTES;
		}
		at += (uint64_t)n - (GTRACE__SKIP_BYTES + 4) + 1;
	}
	return UINT64_MAX;
}

static int take_batch(struct scan *s)
{
	const struct gtrace__chunk *k = &s->chunk;
	struct batch b = {
		.offset = s->offset,
		.seq = k->seq,
		.first_ticks = k->first_ticks,
		.last_ticks = k->last_ticks,
		.g = k->g,
		.events = k->events,
		.lost_events = k->lost_events,
		.lost_batches = k->lost_batches,
		.generation = k->generation,
		.head_bytes = GTRACE__SKIP_BYTES + k->header_bytes,
		.frame_bytes = (uint32_t)k->frame_bytes,
		.raw_bytes = (uint32_t)k->raw_bytes,
		.packed = k->kind == GTRACE__PACKED,
	};

	if (k->raw_bytes > GTRACE__BATCH_RAW_MAX || k->frame_bytes > BATCH_FRAME_MAX || !k->seq ||
	    !k->thread)
		return 0; // not one that this version can write; its number will be missed
	return gtrace__batch_add(s->r, k->thread, &b);
}

static int take_text(struct scan *s)
{
	struct gtrace_reader *r = s->r;
	const struct gtrace__chunk *k = &s->chunk;
	bool header = k->kind == GTRACE__HEADER;

	if (header && !r->has_start) {
		r->start = k->clock;
		r->has_start = true;
		r->recorded_from = k->clock.mono_ns;
	}
	if (header ? r->header != NULL : r->end_record != NULL)
		return 0;
	char *text;
	int err = gtrace__chunk_text(r, s->offset + GTRACE__SKIP_BYTES + k->header_bytes, k, &text);

	if (text && header)
		return gtrace__header_take(r, text);
	if (text)
		gtrace__end_take(r, text, &k->clock);
	return err;
}

void gtrace__begin_take(struct gtrace_reader *r, const struct gtrace__clock *begin)
{
	if (r->middle || (r->has_start && begin->ticks <= r->start.ticks))
		return;
	if (r->has_start)
		r->info.begin_ns = (int64_t)(begin->mono_ns - r->recorded_from);
	r->start = *begin;
	r->has_start = true;
	r->middle = true;
}

/** The first begin chunk counts. */
static int take_begin(struct scan *s)
{
	struct gtrace_reader *r = s->r;
	const struct gtrace__chunk *k = &s->chunk;

	if (r->middle)
		return 0;
	gtrace__begin_take(r, &k->clock);
	if (!r->middle)
		return 0;
	char *text;
	int err = gtrace__chunk_text(r, s->offset + GTRACE__SKIP_BYTES + k->header_bytes, k, &text);

	if (text)
		err = gtrace__begin_lines(r, text);
	free(text);
	return err;
}

/** Use the chunk at s->offset and go behind it.  False: the file ends inside it. */
static bool take(struct scan *s)
{
	const struct gtrace__chunk *k = &s->chunk;
	uint64_t payload = s->offset + GTRACE__SKIP_BYTES + k->header_bytes;
	bool whole = k->frame_bytes <= s->r->file_bytes - payload;

	s->chunks += whole;
	s->behind = payload;
	if (k->kind == GTRACE__BATCH || k->kind == GTRACE__PACKED) // a cut one comes out as damaged
		s->error = take_batch(s);
	else if (k->kind == GTRACE__HEADER || k->kind == GTRACE__END)
		s->error = take_text(s);
	else if (k->kind == GTRACE__BEGIN)
		s->error = take_begin(s);
	else
		s->r->info.unknown_chunks++;
	if (!s->error)
		s->error = gtrace__timeline_add(&s->r->timeline, &k->clock);
	if (whole)
		s->offset = payload + k->frame_bytes;
	return whole;
}

/** After damage: the next sound chunk.  False: there is none. */
static bool resume(struct scan *s, uint64_t until)
{
	uint64_t at = s->behind ? s->behind : s->offset + 1;

	s->behind = 0;
	for (; (at = search(s, at, until)) != UINT64_MAX; at++) {
		enum probe found = probe(s, at);

		if (found == PROBE_CHUNK || found == PROBE_NEWER || found == PROBE_IO) {
			s->offset = at;
			return true;
		}
	}
	return false;
}

/** True if the file begins with bytes that only a trace has. */
static bool begins_as_trace(const struct scan *s)
{
	const uint32_t magic = GTRACE__SKIPPABLE;
	uint8_t buf[12] = {0};
	int64_t n = gtrace__source_read(s->r->fd, 0, buf, sizeof(buf));

	return (n >= 4 && !memcmp(buf, &magic, 4)) || (n >= 12 && !memcmp(buf + 8, "GTRC", 4));
}

static int scan_verdict(const struct scan *s, struct gtrace_error *err)
{
	const char *name = s->r->name;

	if (s->error)
		return gtrace__error(err, s->error, s->offset, "cannot read '%.200s': %s at byte %llu",
		                     name, strerror(-s->error), (unsigned long long)s->offset);
	if (s->chunks)
		return 0;
	if (!s->r->file_bytes)
		return gtrace__error(err, GTRACE_ENOTTRACE, 0, "cannot read '%.200s': the file is empty",
		                     name);
	if (!begins_as_trace(s))
		return gtrace__error(err, GTRACE_ENOTTRACE, 0,
		                     "cannot read '%.200s': not a trace, bad magic at byte 0", name);
	if (s->first_bad != UINT64_MAX)
		return gtrace__error(err, GTRACE_EDAMAGED, s->first_bad,
		                     "cannot read '%.200s': bad chunk header at byte %llu", name,
		                     (unsigned long long)s->first_bad);
	return gtrace__error(err, GTRACE_EDAMAGED, s->r->file_bytes,
	                     "cannot read '%.200s': the file ends inside its first chunk, at byte %llu",
	                     name, (unsigned long long)s->r->file_bytes);
}

int gtrace__scan(struct gtrace_reader *r, struct gtrace_error *err)
{
	struct scan s = {.r = r, .first_bad = UINT64_MAX};
	uint64_t until = begins_as_trace(&s) ? UINT64_MAX : STRANGER_BYTES;

	while (s.offset < r->file_bytes && !s.error) {
		enum probe found = probe(&s, s.offset);

		if (found == PROBE_NEWER)
			return gtrace__error(err, GTRACE_ENEWER, s.offset,
			                     "cannot read '%.200s': format %u.%u is newer than this program's "
			                     "%d.%d, at byte %llu",
			                     r->name, s.chunk.major, s.chunk.minor, GTRACE_FORMAT_MAJOR,
			                     GTRACE_FORMAT_MINOR, (unsigned long long)s.offset);
		if (found == PROBE_CHUNK && !r->info.format_major) {
			r->info.format_major = s.chunk.major;
			r->info.format_minor = s.chunk.minor;
		}
		if (found == PROBE_CHUNK && take(&s)) {
			until = UINT64_MAX;
			continue;
		}
		if (found == PROBE_BAD && s.first_bad == UINT64_MAX)
			s.first_bad = s.offset;
		if (s.error || !resume(&s, until)) {
			r->info.truncated = true;
			break;
		}
	}
	return scan_verdict(&s, err);
}

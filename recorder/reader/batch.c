/* SPDX-License-Identifier: MIT */
/**
 * batch.c: from a stream's batches to its next event.
 *
 * A batch is read when the merge reaches its first time, so memory is one batch for each stream
 * that is in the middle of one.  Whatever is wrong with a batch costs that batch, or what is left
 * of it, and comes out as a GAP.
 */
#include "reader/reader.h"

#include "pack.h"
#include "reader/fetch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ── records ── */

/** No record without texts is longer, but for the bytes that are read beyond its last varint. */
#define QUICK_BYTES (1 + 10 * (1 + GTRACE_ARGS_MAX) + 8)

/** A varint, with eight bytes to read in any case.  NULL: too long. */
static inline const uint8_t *varint_quick(const uint8_t *p, uint64_t *v)
{
	if (*p < 0x80) {
		*v = *p;
		return p + 1;
	}
	uint64_t w;

	memcpy(&w, p, sizeof(w));
	uint64_t ends = ~w & 0x8080808080808080;

	if (!ends)
		return gtrace__varint(p, p + 10, v);
	w &= (ends ^ (ends - 1)) & 0x7f7f7f7f7f7f7f7f; // up to the first byte that ends one
	w = (w & 0x007f007f007f007f) | (w & 0x7f007f007f007f00) >> 1;
	w = (w & 0x00003fff00003fff) | (w & 0x3fff00003fff0000) >> 2;
	*v = (w & 0x000000000fffffff) | (w & 0x0fffffff00000000) >> 4;
	return p + (__builtin_ctzll(ends) >> 3) + 1;
}

/** The arguments of a record that may hold anything, or that may lead out of the batch. */
static const uint8_t *args_decode(struct cursor *c, const struct gtrace__shape *shape,
                                  const uint8_t *p)
{
	struct record *rec = &c->rec;
	const uint8_t *end = c->end;

	for (unsigned i = 0; i < shape->nargs; i++) {
		uint64_t *last = gtrace__last_of(c->last, shape, i);
		uint64_t v;

		p = gtrace__varint(p, end, &v);
		if (!p)
			return NULL;
		if (last)
			v = *last += (uint64_t)gtrace__unzigzag(v);
		if (i < GTRACE_ARGS_MAX) {
			rec->arg[i] = v;
			rec->bytes[i] = (const char *)p;
		}
		if (shape->bytes >> i & 1) {
			if (v > (uint64_t)(end - p))
				return NULL;
			p += v;
		}
	}
	for (unsigned i = shape->nargs; i < shape->handed; i++) {
		rec->arg[i] = 0;
		rec->bytes[i] = "";
	}
	return p;
}

/** Argument i of a record, as it stands there. */
static inline void arg_set(struct cursor *c, const struct gtrace__shape *shape, unsigned i,
                           uint64_t v)
{
	uint64_t *last = gtrace__last_of(c->last, shape, i);

	c->rec.arg[i] = last ? *last += (uint64_t)gtrace__unzigzag(v) : v;
}

/** The time and the arguments of a record without texts, with QUICK_BYTES to read in any case.
 * Returns the byte behind it; NULL: damaged. */
static inline const uint8_t *quick_decode(struct cursor *c, const struct gtrace__shape *shape,
                                          const uint8_t *p, uint64_t *dt)
{
	uint64_t word;

	memcpy(&word, p, sizeof(word));
	// Nearly all: each number a byte.
	if (shape->nargs < sizeof(word) && !(word << 8 * (7 - shape->nargs) & 0x8080808080808080)) {
		*dt = word & 0xff;
		for (unsigned i = 0; i < shape->nargs; i++)
			arg_set(c, shape, i, (word >>= 8) & 0xff);
		return p + 1 + shape->nargs;
	}
	p = varint_quick(p, dt);
	for (unsigned i = 0; p && i < shape->nargs; i++) {
		uint64_t v;

		p = varint_quick(p, &v);
		if (p)
			arg_set(c, shape, i, v);
	}
	return p;
}

/** Decode one record.  Returns the byte behind it; NULL: damaged. */
static const uint8_t *record_decode(const struct gtrace_reader *r, struct cursor *c)
{
	const uint8_t *p = c->pos;
	const struct gtrace__shape *shape = &r->shape[*p];
	struct record *rec = &c->rec;
	uint64_t dt;

	rec->id = *p++;
	rec->nargs = shape->handed;
	if (!shape->known)
		return NULL;
	if (shape->quick && c->end - p >= QUICK_BYTES) {
		p = quick_decode(c, shape, p, &dt);
	} else {
		p = gtrace__varint(p, c->end, &dt);
		p = p ? args_decode(c, shape, p) : NULL;
	}
	c->ticks += p ? dt : 0;
	return p;
}

static struct site_near *near_place(struct cursor *c, uint64_t raw)
{
	return &c->near[raw * 0x9E3779B97F4A7C15u >> 58];
}
_Static_assert(SITES_NEAR == 1 << (64 - 58), "the bits that are left");

/** Consume a record that only fills a table.  Returns: 0 or -ENOMEM. */
static int record_table(struct gtrace_reader *r, struct cursor *c)
{
	const struct record *rec = &c->rec;
	uint32_t number;

	if (rec->id == GTRACE_STACK_DEF) {
		int err =
			gtrace__stack_define(&r->tables, (const uint8_t *)rec->bytes[1], rec->arg[1], &number);

		return number && !err ? gtrace__map_set(&c->stacks, rec->arg[0], number) : err;
	}
	struct site_words words = {
		.line = rec->arg[1],
		.op = rec->arg[2],
		.file = rec->bytes[3],
		.file_len = rec->arg[3],
		.func = rec->bytes[4],
		.func_len = rec->arg[4],
		.text = rec->bytes[5],
		.text_len = rec->arg[5],
	};

	number = gtrace__site_define(&r->tables, rec->arg[0], &words);
	near_place(c, rec->arg[0])->number = 0;
	return number ? gtrace__map_set(&c->sites, rec->arg[0], number) : -ENOMEM;
}

/** The reader's number of a site, not 0.  0: no memory. */
static uint32_t site_number(struct gtrace_reader *r, struct cursor *c, uint64_t raw)
{
	struct site_near *near = near_place(c, raw);

	if (near->number && near->raw == raw)
		return near->number;
	uint32_t number = gtrace__map_get(&c->sites, raw);

	if (!number)
		return gtrace__site_number(&r->tables, raw);
	*near = (struct site_near){raw, number};
	return number;
}

/** The reader's numbers in place of the record's.  Returns: 0 or -ENOMEM. */
static int record_numbers(struct gtrace_reader *r, struct cursor *c)
{
	struct record *rec = &c->rec;
	unsigned sites = r->shape[rec->id].sites;

	for (sites &= (1 << GTRACE_ARGS_MAX) - 1; sites; sites &= sites - 1) { // those handed out
		uint64_t *site = &rec->arg[__builtin_ctz(sites)];

		if (*site && !(*site = site_number(r, c, *site)))
			return -ENOMEM;
	}
	if (rec->id == GTRACE_STACK)
		rec->arg[0] = gtrace__map_get(&c->stacks, rec->arg[0]);
	c->ended |= rec->id == GTRACE_THREAD_END;
	return 0;
}

/** Is the record that was decoded last from before the trace's beginning? */
static inline bool record_before(const struct gtrace_reader *r, const struct cursor *c)
{
	return r->part ? c->decoded <= c->from : c->ticks < r->start.ticks;
}

/** A record from before the trace's beginning: all it leaves is the context. */
static void record_pass(struct cursor *c)
{
	const uint64_t *a = c->rec.arg;

	switch (c->rec.id) {
	case GTRACE_GO_START:
	case GTRACE_GO_END_TO:
		c->g = a[0];
		break;
	case GTRACE_GO_YIELD_TO:
		c->g = a[1];
		break;
	case GTRACE_GO_SWITCH:
		c->g = a[4];
		break;
	case GTRACE_GO_PARK:
	case GTRACE_GO_YIELD:
	case GTRACE_GO_END:
		c->g = 0;
		break;
	default:
		break;
	}
}

/* ── parts: compound records are several events ── */

/** How many; 0: one that starts or wakes nobody. */
static const uint8_t record_parts[256] = {
	[GTRACE_GO_START] = 1,  [GTRACE_GO_WAKE] = 1,     [GTRACE_GO_WAKE_BY] = 1,
	[GTRACE_GO_SWITCH] = 2, [GTRACE_GO_YIELD_TO] = 2, [GTRACE_GO_END_TO] = 2,
};

static void part_move(struct cursor *c, uint16_t id, uint64_t g, uint64_t seq)
{
	c->id = id;
	c->move_g = g;
	c->move_seq = seq;
}

/** Part k of the record is the head. */
static void part_set(struct cursor *c)
{
	const uint64_t *a = c->rec.arg;
	bool last = c->k + 1 == c->nparts;

	switch (c->rec.id) {
	case GTRACE_GO_SWITCH:
		part_move(c, last ? GTRACE_GO_START : GTRACE_GO_PARK, last ? a[4] : 0, a[5]);
		break;
	case GTRACE_GO_YIELD_TO:
		part_move(c, last ? GTRACE_GO_START : GTRACE_GO_YIELD, last ? a[1] : 0, a[2]);
		break;
	case GTRACE_GO_END_TO:
		part_move(c, last ? GTRACE_GO_START : GTRACE_GO_END, last ? a[0] : 0, a[1]);
		break;
	default:
		part_move(c, c->rec.id, a[0], a[1]);
		break;
	}
}

/** The arguments of a part of a compound record.  Returns how many. */
static unsigned part_args(const struct cursor *c, uint64_t *arg)
{
	switch (c->id) {
	case GTRACE_GO_START:
		arg[0] = c->move_g;
		arg[1] = c->move_seq;
		return 2;
	case GTRACE_GO_PARK:
		memcpy(arg, c->rec.arg, 4 * sizeof(*arg));
		return 4;
	case GTRACE_GO_YIELD:
		arg[0] = c->rec.arg[0];
		return 1;
	default:
		return 0;
	}
}

void gtrace__cursor_event(const struct gtrace_reader *r, const struct cursor *c,
                          struct gtrace_event *ev)
{
	ev->id = c->id;
	ev->desc = r->desc[c->id];
	if (c->nparts == 1) {
		ev->nargs = c->rec.nargs;
		for (unsigned i = 0; i < ev->nargs; i++) // mostly too few for more at once
			ev->arg[i] = c->rec.arg[i];
		if (r->shape[c->rec.id].bytes)
			memcpy(ev->bytes, c->rec.bytes, sizeof(ev->bytes));
		return;
	}
	ev->nargs = ev->desc->nargs; // the trace's own list may have more
	for (unsigned i = part_args(c, ev->arg); i < ev->nargs; i++) {
		ev->arg[i] = 0;
		ev->bytes[i] = "";
	}
}

/* ── batches ── */

static void head_record(struct cursor *c)
{
	unsigned parts = record_parts[c->rec.id];

	c->k = 0;
	c->nparts = parts ? parts : 1;
	if (parts)
		part_set(c);
	else
		part_move(c, c->rec.id, 0, 0);
}

static void head_gap(struct cursor *c, uint64_t batches, uint64_t events)
{
	c->rec = (struct record){GTRACE_GAP, 3, {c->thread, batches, events}, {NULL}};
	head_record(c);
	c->state = HEAD_PART;
	c->after_gap = true;
}

/** What is left of the batch cannot be read. */
static void batch_damaged(struct gtrace_reader *r, struct cursor *c)
{
	uint64_t events = c->current->events > c->decoded ? c->current->events - c->decoded : 0;

	c->pos = NULL;
	r->info.lost_batches++;
	r->info.lost_events += events;
	head_gap(c, 1, events);
}

/** The next record of the batch becomes the head.  Returns: 1, 0 the batch is over, or -ENOMEM. */
static int batch_next(struct gtrace_reader *r, struct cursor *c)
{
	while (c->pos < c->end) {
		const uint8_t *p = record_decode(r, c);

		if (!p) {
			batch_damaged(r, c);
			return 1;
		}
		c->pos = p;
		c->decoded++;
		if (c->rec.id <= GTRACE_STACK_DEF) {
			if (record_table(r, c))
				return -ENOMEM;
			continue;
		}
		if (record_numbers(r, c))
			return -ENOMEM;
		if (r->middle && record_before(r, c)) {
			record_pass(c);
			continue;
		}
		head_record(c);
		c->state = HEAD_PART;
		return 1;
	}
	c->pos = NULL;
	return 0;
}

int gtrace__batch_read(const struct gtrace_reader *r, struct frame_reader *frame,
                       const struct batch *b, struct buffer *out)
{
	struct buffer *payload = b->packed ? &frame->packed : out;

	if (gtrace__buffer_reserve(payload, b->raw_bytes))
		return -ENOMEM;
	int err = gtrace__frame_read(frame, r->fd, b->offset + b->head_bytes, b->frame_bytes,
	                             payload->bytes, b->raw_bytes);

	if (err || !b->packed)
		return err;
	size_t room = gtrace__unpack_room(payload->bytes, payload->len);

	if (gtrace__buffer_reserve(out, room + 1))
		return -ENOMEM;
	out->bytes[0] = 0; // the beginning of no record
	out->len = room ? gtrace__unpack(r->shape, payload->bytes, out->bytes) : 1;
	return 0;
}

/** Fetched by another thread, or read here.  Returns: 0, -EBADMSG if damaged, or a negative errno.
 */
static int payload_read(struct gtrace_reader *r, struct cursor *c, struct batch *b)
{
	int got = r->fetch ? gtrace__fetch_take(r->fetch, b, &c->buf) : 0;

	if (got)
		return got < 0 ? got : 0;
	return gtrace__batch_read(r, &r->frame, b, &c->buf);
}

/** How many of the batch's records are another file's. */
static uint64_t batch_from(const struct gtrace_reader *r, const struct cursor *c)
{
	const struct seam *seam = r->part ? gtrace__seam(r, c->thread) : NULL;

	return seam && seam->seq == c->current->seq ? seam->records : 0;
}

int gtrace__cursor_load(struct gtrace_reader *r, struct cursor *c)
{
	struct batch *b = &c->batch[c->batch_next++];
	int err = 0;

	c->current = b;
	c->decoded = 0;
	memset(c->last, 0, sizeof(c->last));
	if (!b->memory)
		err = payload_read(r, c, b);
	if (err == -EBADMSG) {
		batch_damaged(r, c);
		return 0;
	}
	if (err)
		return err;
	if (c->after_gap)
		c->g = b->g;
	c->after_gap = false;
	if (b->generation != c->generation) {
		gtrace__map_clear(&c->sites);
		gtrace__map_clear(&c->stacks);
		memset(c->near, 0, sizeof(c->near));
	}
	c->generation = b->generation;
	c->pos = b->memory ? b->memory : c->buf.bytes;
	c->end = c->pos + (b->memory ? b->raw_bytes : c->buf.len);
	c->from = batch_from(r, c);
	return gtrace__cursor_advance(r, c);
}

int gtrace__cursor_advance(struct gtrace_reader *r, struct cursor *c)
{
	if (c->state == HEAD_PART && ++c->k < c->nparts) {
		part_set(c);
		return 0;
	}
	c->state = HEAD_NONE;
	c->move_g = 0;
	if (c->pos) {
		int n = batch_next(r, c);

		if (n)
			return n < 0 ? n : 0;
	}
	if (c->batch_next == c->batch_count) {
		free(c->buf.bytes);
		c->buf = (struct buffer){0};
		gtrace__map_release(&c->sites);
		gtrace__map_release(&c->stacks);
		return 0;
	}
	const struct batch *b = &c->batch[c->batch_next];
	uint64_t missing = b->seq - c->seq_next;

	if (missing) {
		c->seq_next = b->seq;
		head_gap(c, missing, b->lost_events);
		return 0;
	}
	c->seq_next = b->seq + 1;
	c->state = HEAD_LATER;
	c->ticks = b->first_ticks;
	return 0;
}

/* SPDX-License-Identifier: MIT */
/**
 * batch.c: from a stream's batches to its next event.
 *
 * A batch is read when the merge reaches its first time, so memory is one batch for each stream
 * that is in the middle of one.  Whatever is wrong with a batch costs that batch, or what is left
 * of it, and comes out as a GAP.
 */
#include "reader/reader.h"

#include "reader/fetch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ── records to parts ── */

/** Decode one record into part[0].  Returns the byte behind it; NULL: damaged. */
static const uint8_t *record_decode(struct gtrace_reader *r, struct cursor *c)
{
	const uint8_t *p = c->pos;
	struct part *part = &c->part[0];
	const struct gtrace__shape *shape = &r->shape[*p];
	uint64_t dt;

	part->id = *p++;
	part->nargs = shape->handed;
	if (!shape->known)
		return NULL;
	p = gtrace__varint(p, c->end, &dt);
	for (unsigned i = 0; p && i < shape->nargs; i++) {
		uint64_t v;

		p = gtrace__varint(p, c->end, &v);
		if (!p)
			return NULL;
		if (i < GTRACE_ARGS_MAX) {
			part->arg[i] = v;
			part->bytes[i] = (const char *)p;
		}
		if (i < 16 && shape->bytes >> i & 1) {
			if (v > (uint64_t)(c->end - p))
				return NULL;
			p += v;
		}
	}
	for (unsigned i = shape->nargs; i < shape->handed; i++) {
		part->arg[i] = 0;
		part->bytes[i] = "";
	}
	c->ticks += p ? dt : 0;
	return p;
}

/** Consume a record that only fills a table.  Returns: 1 it was one, 0 it was not, or -ENOMEM. */
static int record_table(struct gtrace_reader *r, struct cursor *c)
{
	const struct part *p = &c->part[0];

	if (p->id == GTRACE_SITE) {
		struct site_words words = {
			.line = p->arg[1],
			.op = p->arg[2],
			.file = p->bytes[3],
			.file_len = p->arg[3],
			.func = p->bytes[4],
			.func_len = p->arg[4],
			.text = p->bytes[5],
			.text_len = p->arg[5],
		};

		uint32_t number = gtrace__site_define(&r->tables, p->arg[0], &words);

		return number && !gtrace__map_set(&c->sites, p->arg[0], number) ? 1 : -ENOMEM;
	}
	if (p->id == GTRACE_STACK_DEF) {
		uint32_t number = gtrace__stack_define(&r->tables, (const uint8_t *)p->bytes[1], p->arg[1]);

		if (number && gtrace__map_set(&c->stacks, p->arg[0], number))
			return -ENOMEM;
		return 1;
	}
	return 0;
}

static void part_set(struct part *p, uint16_t id, uint16_t nargs, const uint64_t *args)
{
	p->id = id;
	p->nargs = nargs;
	memcpy(p->arg, args, nargs * sizeof(*args));
}

/** A compound record becomes its parts. */
static void record_split(struct cursor *c)
{
	const struct part whole = c->part[0];
	const uint64_t *a = whole.arg;
	unsigned n = 0;

	switch (whole.id) {
	case GTRACE_GO_HANDOFF:
		part_set(&c->part[n++], GTRACE_GO_WAKE, 3, (const uint64_t[]){a[4], a[5], a[6]});
		part_set(&c->part[n++], GTRACE_GO_PARK, 4, a);
		part_set(&c->part[n++], GTRACE_GO_START, 2, (const uint64_t[]){a[4], 0});
		break;
	case GTRACE_GO_SWITCH:
		part_set(&c->part[n++], GTRACE_GO_PARK, 4, a);
		part_set(&c->part[n++], GTRACE_GO_START, 2, a + 4);
		break;
	case GTRACE_GO_YIELD_TO:
		part_set(&c->part[n++], GTRACE_GO_YIELD, 1, a);
		part_set(&c->part[n++], GTRACE_GO_START, 2, a + 1);
		break;
	case GTRACE_GO_END_TO:
		part_set(&c->part[n++], GTRACE_GO_END, 0, a);
		part_set(&c->part[n++], GTRACE_GO_START, 2, a);
		break;
	default:
		n = 1;
		break;
	}
	c->nparts = n;
	c->k = 0;
}

static uint32_t site_number(struct gtrace_reader *r, const struct cursor *c, uint64_t raw)
{
	uint32_t number = raw ? gtrace__map_get(&c->sites, raw) : 0;

	return number ? number : gtrace__site_number(&r->tables, raw);
}

static void record_numbers(struct gtrace_reader *r, struct cursor *c)
{
	struct part *p = &c->part[0];
	unsigned sites = r->shape[p->id].sites;

	for (unsigned i = 0; sites >> i; i++) {
		if (sites >> i & 1)
			p->arg[i] = site_number(r, c, p->arg[i]);
	}
	if (p->id == GTRACE_STACK)
		p->arg[0] = gtrace__map_get(&c->stacks, p->arg[0]);
	if (p->id == GTRACE_THREAD_END)
		c->ended = true;
}

/* ── batches ── */

static void head_gap(struct cursor *c, uint64_t batches, uint64_t events)
{
	part_set(&c->part[0], GTRACE_GAP, 3, (const uint64_t[]){c->thread, batches, events});
	c->nparts = 1;
	c->k = 0;
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
		int table = record_table(r, c);

		if (table < 0)
			return table;
		if (table)
			continue;
		record_numbers(r, c);
		record_split(c);
		c->state = HEAD_PART;
		return 1;
	}
	c->pos = NULL;
	return 0;
}

/** Fetched by another thread, or read here.  Returns: 0, -EBADMSG if damaged, or a negative errno.
 */
static int payload_read(struct gtrace_reader *r, struct cursor *c, struct batch *b)
{
	int got = r->fetch ? gtrace__fetch_take(r->fetch, b, &c->buf, &c->buf_cap) : 0;

	if (got)
		return got < 0 ? got : 0;
	if (b->raw_bytes > c->buf_cap || !c->buf) {
		free(c->buf);
		c->buf = malloc(b->raw_bytes + 1);
		c->buf_cap = c->buf ? b->raw_bytes : 0;
		if (!c->buf)
			return -ENOMEM;
	}
	return gtrace__frame_read(&r->frame, r->fd, b->offset + b->head_bytes, b->frame_bytes, c->buf,
	                          b->raw_bytes);
}

int gtrace__cursor_load(struct gtrace_reader *r, struct cursor *c)
{
	struct batch *b = &c->batch[c->batch_next++];
	int err = 0;

	c->current = b;
	c->decoded = 0;
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
	}
	c->generation = b->generation;
	c->pos = b->memory ? b->memory : c->buf;
	c->end = c->pos + b->raw_bytes;
	return gtrace__cursor_advance(r, c);
}

int gtrace__cursor_advance(struct gtrace_reader *r, struct cursor *c)
{
	if (c->state == HEAD_PART && ++c->k < c->nparts)
		return 0;
	c->state = HEAD_NONE;
	if (c->pos) {
		int n = batch_next(r, c);

		if (n)
			return n < 0 ? n : 0;
	}
	if (c->batch_next == c->batch_count) {
		free(c->buf);
		c->buf = NULL;
		c->buf_cap = 0;
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

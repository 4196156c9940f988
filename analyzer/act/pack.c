/* SPDX-License-Identifier: MIT */
/**
 * pack.c: acts as bytes.
 *
 * The acts of a square (act_bucket() by act_cell()) lie in blocks, in the order of their keys.
 * Numbers are varints, seven bits a byte, lowest first; differences are to the row before, and
 * those that may be less than 0 are zigzag.
 *
 *     head     bits 0-4  the object's difference
 *              bit 5     a site follows; bit 6: a to_site; bit 7: it has no end
 *     op       a byte
 *     g, count, from_ns   their differences
 *     to_ns    how much later than from_ns, unless bit 7
 *     site, to_site       if there are any
 */
#include "act/pack.h"

#include "varint.h"

enum { OBJECT_BITS = 5, CELL_BITS = 7, ALONE = 4096 };
enum { HEAD_OBJECT = (1 << OBJECT_BITS) - 1, HEAD_SITE = 32, HEAD_TO_SITE = 64, HEAD_OPEN = 128 };

/* What is made first is used most: each of these has a bucket of its own, and no neighbours that
 * have to be unpacked for it.  Buckets are in the order of their objects. */
uint64_t act_bucket(uint64_t object)
{
	return object < ALONE ? object : (object >> OBJECT_BITS) + (ALONE - (ALONE >> OBJECT_BITS));
}

uint64_t act_bucket_object(uint64_t bucket)
{
	return bucket < ALONE ? bucket : (bucket - (ALONE - (ALONE >> OBJECT_BITS))) << OBJECT_BITS;
}

uint64_t act_cell(enum act_kind kind, const struct act *row)
{
	return (kind == ACT_USE ? row->g : row->count) >> CELL_BITS;
}

static int order(uint64_t a, uint64_t b)
{
	return (a > b) - (a < b);
}

int act_compare(enum act_kind kind, const struct act *a, const struct act *b)
{
	int by = order(a->object, b->object);

	if (!by && kind == ACT_HOLD)
		by = order(a->count, b->count);
	if (!by)
		by = order(a->g, b->g);
	return by || kind == ACT_HOLD ? by : order(a->op, b->op);
}

void act_merge(enum act_kind kind, struct act *a, const struct act *b)
{
	if (kind == ACT_HOLD) {
		*a = b->from_ns < a->from_ns ? *b : *a;
		return;
	}
	if (b->site && (!a->site || b->to_ns >= a->to_ns))
		a->site = b->site;
	a->from_ns = b->from_ns < a->from_ns ? b->from_ns : a->from_ns;
	a->to_ns = b->to_ns > a->to_ns ? b->to_ns : a->to_ns;
	a->count += b->count;
}

static uint8_t *put_difference(uint8_t *p, uint64_t v, uint64_t was)
{
	uint64_t d = v - was;

	return varint_put(p, d << 1 ^ (d >> 63 ? UINT64_MAX : 0));
}

uint8_t *act_pack(uint8_t *p, const struct act *was, const struct act *row)
{
	*p++ = (uint8_t)((row->object - was->object) | (row->site ? HEAD_SITE : 0) |
	                 (row->to_site ? HEAD_TO_SITE : 0) | (row->to_ns < 0 ? HEAD_OPEN : 0));
	*p++ = row->op;
	p = put_difference(p, row->g, was->g);
	p = put_difference(p, row->count, was->count);
	p = put_difference(p, (uint64_t)row->from_ns, (uint64_t)was->from_ns);
	if (row->to_ns >= 0)
		p = varint_put(p, (uint64_t)row->to_ns - (uint64_t)row->from_ns);
	if (row->site)
		p = varint_put(p, row->site);
	return row->to_site ? varint_put(p, row->to_site) : p;
}

static uint64_t take_difference(struct varint_rest *r, uint64_t was)
{
	uint64_t v = varint_take(r);

	return was + (v >> 1 ^ (v & 1 ? UINT64_MAX : 0));
}

const uint8_t *act_unpack(const uint8_t *p, const uint8_t *end, struct act *row)
{
	struct varint_rest r = {p, end};
	uint8_t head = varint_byte(&r);

	row->object += head & HEAD_OBJECT;
	row->op = varint_byte(&r);
	row->g = take_difference(&r, row->g);
	row->count = take_difference(&r, row->count);
	row->from_ns = (int64_t)take_difference(&r, (uint64_t)row->from_ns);
	row->to_ns = head & HEAD_OPEN ? -1 : (int64_t)((uint64_t)row->from_ns + varint_take(&r));
	row->site = head & HEAD_SITE ? varint_take(&r) : 0;
	row->to_site = head & HEAD_TO_SITE ? varint_take(&r) : 0;
	return r.p;
}

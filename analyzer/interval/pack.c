/* SPDX-License-Identifier: MIT */
/**
 * pack.c: intervals as bytes.
 *
 * Those of one goroutine follow upon each other without a break, so of its times only the lengths
 * are kept.  Numbers are varints, seven bits a byte, lowest first.
 *
 *     head      bits 0, 1  the state; 0: a call outside
 *               bit 2      it is open: no length follows
 *               bit 3      it was woken
 *       waiting  bit 4     flags follow; bit 5: waker follows; bit 6: woken through the object it
 * waited for others   bits 4-7  the thread; 15: it follows length    in nanoseconds, unless open
 *       waiting  reason, object, site; flags if bit 4
 *       others   thread if 15
 *     if woken  waker, if bit 5 or another state; woken_by; wake_object, unless bit 6
 */
#include "interval/pack.h"

#include "varint.h"

#include <stdbool.h>
#include <stddef.h>

enum { STATE_BITS = 3, STATE_WAITING = 3 };
enum {
	HEAD_OPEN = 1 << 2,
	HEAD_WOKEN = 1 << 3,
	HEAD_FLAGS = 1 << 4,
	HEAD_WAKER = 1 << 5,
	HEAD_SAME = 1 << 6,
	THREAD_SHIFT = 4,
	THREAD_FOLLOWS = 15,
};

static uint8_t head_of(const struct interval *row)
{
	unsigned head = row->state == STATE_SYSCALL ? 0 : row->state & STATE_BITS;

	head |= row->to_ns < 0 ? HEAD_OPEN : 0;
	head |= row->woken_by || row->waker || row->wake_object ? HEAD_WOKEN : 0;
	if (row->state != STATE_WAITING)
		return (uint8_t)(head |
		                 (row->thread < THREAD_FOLLOWS ? (unsigned)row->thread : THREAD_FOLLOWS)
		                     << THREAD_SHIFT);
	head |= row->flags ? HEAD_FLAGS : 0;
	head |= row->waker ? HEAD_WAKER : 0;
	head |= row->wake_object == row->object ? HEAD_SAME : 0;
	return (uint8_t)head;
}

uint8_t *interval_pack(uint8_t *p, const struct interval *row)
{
	bool waiting = row->state == STATE_WAITING;
	uint8_t head = head_of(row);

	*p++ = head;
	if (row->to_ns >= 0)
		p = varint_put(p, (uint64_t)row->to_ns - (uint64_t)row->from_ns);
	if (waiting) {
		*p++ = row->reason;
		p = varint_put(p, row->object);
		p = varint_put(p, row->site);
		if (head & HEAD_FLAGS)
			*p++ = row->flags;
	} else if (head >> THREAD_SHIFT == THREAD_FOLLOWS) {
		p = varint_put(p, row->thread);
	}
	if (!(head & HEAD_WOKEN))
		return p;
	if (!waiting || head & HEAD_WAKER)
		*p++ = row->waker;
	p = varint_put(p, row->woken_by);
	return waiting && head & HEAD_SAME ? p : varint_put(p, row->wake_object);
}

const uint8_t *interval_unpack(const uint8_t *p, const uint8_t *end, struct interval *row)
{
	struct varint_rest r = {p, end};
	uint8_t head = varint_byte(&r);
	bool waiting = (head & STATE_BITS) == STATE_WAITING;
	uint64_t ns = head & HEAD_OPEN ? 0 : varint_take(&r);

	if (row->to_ns < 0 || ns > INT64_MAX - (uint64_t)row->to_ns)
		return NULL; // behind an open one, or later than any time
	*row = (struct interval){.g = row->g, .n = row->n + 1, .from_ns = row->to_ns};
	row->to_ns = head & HEAD_OPEN ? -1 : row->from_ns + (int64_t)ns;
	row->state = head & STATE_BITS ? head & STATE_BITS : STATE_SYSCALL;
	if (waiting) {
		row->reason = varint_byte(&r);
		row->object = varint_take(&r);
		row->site = varint_take(&r);
		row->flags = head & HEAD_FLAGS ? varint_byte(&r) : 0;
	} else {
		row->thread = head >> THREAD_SHIFT;
		if (row->thread == THREAD_FOLLOWS)
			row->thread = varint_take(&r);
	}
	if (head & HEAD_WOKEN) {
		row->waker = !waiting || head & HEAD_WAKER ? varint_byte(&r) : 0;
		row->woken_by = varint_take(&r);
		row->wake_object = waiting && head & HEAD_SAME ? row->object : varint_take(&r);
	}
	return r.p;
}

/* SPDX-License-Identifier: MIT */
/** varint.h: numbers of seven bits a byte, lowest first, in what the database has packed. */
#ifndef GTRACE_VARINT_H
#define GTRACE_VARINT_H

#include <stddef.h>
#include <stdint.h>

/** Returns: the end of what was put there, ten bytes at most. */
static inline uint8_t *varint_put(uint8_t *p, uint64_t v)
{
	for (; v >= 0x80; v >>= 7)
		*p++ = (uint8_t)v | 0x80;
	*p++ = (uint8_t)v;
	return p;
}

/** What is left of a block; p NULL: something was wrong, and from then on all are 0. */
struct varint_rest {
	const uint8_t *p, *end;
};

static inline uint8_t varint_byte(struct varint_rest *r)
{
	if (r->p == r->end)
		r->p = NULL;
	return r->p ? *r->p++ : 0;
}

static inline uint64_t varint_take(struct varint_rest *r)
{
	uint64_t v = 0;

	for (unsigned shift = 0; r->p && r->p < r->end && shift < 64; shift += 7) {
		uint8_t byte = *r->p++;
		v |= (uint64_t)(byte & 0x7f) << shift;
		if (byte < 0x80)
			return v;
	}
	r->p = NULL;
	return 0;
}

#endif

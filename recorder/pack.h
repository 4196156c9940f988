/* SPDX-License-Identifier: MIT */
/** pack.h: the records of a batch, taken apart so that they compress well. */
#ifndef GTRACE_PACK_H
#define GTRACE_PACK_H

#include "record.h"

#include <stddef.h>

/** The lengths of the columns. */
#define GTRACE__PACK_HEAD (GTRACE__COLUMN_COUNT * sizeof(uint32_t))

/** Room that gtrace__pack() needs for records of so many bytes; it returns 4 * len and the head at
 * most. */
static inline size_t gtrace__pack_room(size_t len)
{
	return GTRACE__PACK_HEAD + (GTRACE__COLUMN_COUNT + 3) * len;
}

struct gtrace__packed {
	size_t bytes;
	uint64_t events;
	uint64_t ticks; // from the batch's first to the last record
};

/** Pack the records that are whole and, of the first ticks, not more than `ticks` later. */
struct gtrace__packed gtrace__pack(const struct gtrace__shape *shapes, const uint8_t *p, size_t len,
                                   uint64_t ticks, uint8_t *out);

/** The most that gtrace__unpack() writes; 0: that is no packed batch. */
size_t gtrace__unpack_room(const uint8_t *in, size_t len);

/** Put records together again.  Behind the last one that is whole there is a byte that begins none
 * if something is wrong with the next.  Returns: the bytes in out. */
size_t gtrace__unpack(const struct gtrace__shape *shapes, const uint8_t *in, uint8_t *out);

#endif

/* SPDX-License-Identifier: MIT */
/** pack.h: intervals as bytes. */
#ifndef INTERVAL_PACK_H
#define INTERVAL_PACK_H

#include <stdint.h>

/** A row of the table interval; its key is g, n. */
struct interval {
	uint64_t g, object, site, thread, woken_by, wake_object;
	int64_t from_ns, to_ns; // to_ns < 0: open
	uint32_t n;
	uint8_t state, reason, flags, waker;
};

enum {
	STATE_SYSCALL = 5,           // beside GTRACE_state_*
	INTERVAL_PACKED_MAX = 64,    // bytes of one
	INTERVAL_BLOCK_BYTES = 1024, // of a row of interval_block, at most: it fits into a page
	INTERVAL_BLOCK_ROWS = 256,   // in it, at most
};

/** Put one behind the others of its goroutine: it begins where they end.  Returns: the end. */
uint8_t *interval_pack(uint8_t *p, const struct interval *row);

/**
 * Take out the next one.  row is the one before, and becomes that; before the first one its to_ns
 * is where the block begins, its n one less than the block's.
 *
 * Returns: the end; NULL: no interval looks like that.
 */
const uint8_t *interval_unpack(const uint8_t *p, const uint8_t *end, struct interval *row);

#endif

/* SPDX-License-Identifier: MIT */
/** pack.h: acts, which are what goroutines did to objects, as bytes: rows of the tables use and
 * hold.
 */
#ifndef ACT_PACK_H
#define ACT_PACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum act_kind { ACT_USE, ACT_HOLD, ACT_KINDS };

/** A row of use, whose key is object, g, op; or of hold, whose key is object, count, g. */
struct act {
	uint64_t object, g, count;
	uint64_t site, to_site; // a use has no to_site
	int64_t from_ns, to_ns; // a use: the first time and the last; to_ns < 0: held at the end
	uint8_t op;             // GTRACE_op_*
};

enum {
	ACT_PACKED_MAX = 80,    // bytes of one
	ACT_BLOCK_BYTES = 1024, // of a row of use_block or hold_block, at most
};

/** The square of the table that an act belongs to: some objects by so many goroutines, or
 * counts. */
uint64_t act_bucket(uint64_t object);
uint64_t act_cell(enum act_kind kind, const struct act *row);

/** The first object of a bucket. */
uint64_t act_bucket_object(uint64_t bucket);

/** By key. */
int act_compare(enum act_kind kind, const struct act *a, const struct act *b);

/** Make one of two rows with one key: uses add up; of two holds, which only a damaged trace has,
 * the earlier one counts. */
void act_merge(enum act_kind kind, struct act *a, const struct act *b);

/** Put one behind the others of its block, whose keys are less; was is the one before it, and of
 * the first one
 * {.object = act_bucket_object()}.  Returns: the end. */
uint8_t *act_pack(uint8_t *p, const struct act *was, const struct act *row);

/** Take out the next one; row is the one before, and becomes that.  Returns: the end; NULL: no act
 * looks like that.
 */
const uint8_t *act_unpack(const uint8_t *p, const uint8_t *end, struct act *row);

#endif

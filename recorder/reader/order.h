/* SPDX-License-Identifier: MIT */
/** order.h: merge the streams into one order that could have happened. */
#ifndef GTRACE_READER_ORDER_H
#define GTRACE_READER_ORDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cursor;
struct goroutine;
struct gtrace_info;
struct timeline;

/** What a cursor has to do with the order. */
struct order_place {
	struct cursor *wait_next; // others that wait for the same goroutine, or that were woken
	uint64_t wait_g;          // the goroutine it waits for
	size_t blocked_index;     // its place among the blocked, if it is
	uint64_t blocked_at;      // events handed out when it began to wait
	size_t context_row;       // where the row of its context was
	bool was_blocked;         // the head did wait
	bool forced;              // the head goes whether it fits or not
	bool lossy;               // inside a gap
};

/** A stream by the time of its head. */
struct order_head {
	uint64_t ticks;
	struct cursor *cursor;
};

struct order {
	struct order_head *heap;
	size_t heap_count;
	struct cursor *woken; // neither blocked nor in the heap yet
	struct cursor **blocked;
	size_t blocked_count;
	struct goroutine *rows; // open addressing by id
	size_t mask;
	size_t row_count;
	unsigned hash_shift;
	uint64_t hash_key;       // odd
	struct goroutine *found; // the one that the first head needs, if it is there
	uint32_t epoch;          // gap ends and beginnings so far
	unsigned lossy_count;    // cursors inside a gap
	unsigned cut_count;      // streams that are over without a THREAD_END
	uint64_t ticks_max;      // of what was handed out
	uint64_t handed_out;
	const struct timeline *timeline;
	bool middle;         // the trace begins in the middle
	bool beginning;      // and this is its first moment: a gap
	int64_t look_ns;     // a head later than this has the blocked looked at ...
	uint64_t look_count; // ... and so have as many events handed out
};

/** Room for n streams; the timeline has to live as long.  Returns: 0 or -ENOMEM. */
int gtrace__order_init(struct order *o, size_t n, const struct timeline *timeline, bool middle);

/** A stream has its first head. */
void gtrace__order_push(struct order *o, struct cursor *c);

/**
 * The stream whose head comes next: a HEAD_LATER to load, or a part that fits.  NULL: all are
 * exhausted.  *err is set to -ENOMEM if there is no memory.
 */
struct cursor *gtrace__order_first(struct order *o, struct gtrace_info *info, int *err);

/** The stream that came first has its next head, or no more. */
void gtrace__order_settle(struct order *o);

/** The head of c happens: note the states and c's context.  Returns: 0 or -ENOMEM. */
int gtrace__order_apply(struct order *o, struct cursor *c, struct gtrace_info *info);

void gtrace__order_release(struct order *o);

#endif

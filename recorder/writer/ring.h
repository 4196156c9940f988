/* SPDX-License-Identifier: MIT */
/** ring.h: a flight recorder: the last batches, kept in the sidecar until somebody wants them. */
#ifndef GTRACE_WRITER_RING_H
#define GTRACE_WRITER_RING_H

#include "format.h"

#include <gtrace.h>

struct slot;
struct stream;

#define RING_FREE UINT64_MAX // of `keep`: any batch may be overwritten

/** Part of struct gtrace_rec; its lock is that one's. */
struct ring {
	uint32_t slots; // set before the recording begins: full batches that are kept; 0: it is none
	struct gtrace__clock begin;  // lock: what was overwritten is not later than this
	uint64_t given;              // lock: batches that became full so far; they are numbered from 0
	uint32_t full;               // lock: of those, the last that are there
	uint64_t keep;               // lock: from this number on they may not be overwritten now
	struct dump_request *wanted; // lock: oldest first
	bool due;                    // lock: half of the ring was written since the last list
	uint64_t listed; // lock: the number of the batch that was next when the last list began
	/* the writer thread's own */
	unsigned number; // of the last dump's file
	uint32_t answered;
	_Atomic(const char *) async; // why somebody who does not wait wants a dump
};

/** After the file and its sidecar are there.  Returns: 0 or a negative errno. */
int gtrace__ring_init(struct gtrace_rec *rec);

/** A slot for one more batch of s, which has none.  Lock held, given up while waiting.  NULL: none.
 */
struct slot *gtrace__ring_slot(struct gtrace_rec *rec, struct stream *s);

/** The slot's batch is about to be put behind the other full ones.  Lock held. */
void gtrace__ring_closed(struct gtrace_rec *rec, struct slot *slot);

/** Lists and dumps that are due; by the writer thread. */
void gtrace__ring_work(struct gtrace_rec *rec);

/** A list of all goroutines into the ring, which keeps R4.  For a dump, what is there now stays
 * from here on. */
void gtrace__ring_list(struct gtrace_rec *rec, unsigned why);

/** The end: all there is goes to the recording's file.  Returns: 0 or a negative errno. */
int gtrace__ring_finish(struct gtrace_rec *rec);

#endif

/* SPDX-License-Identifier: MIT */
/**
 * reference.h: what a program may do, told without the runtime.
 *
 * The reference is a machine of explicit states: the queues, buffers and owners of all objects and
 * where each goroutine is.  One step of it is one call taking effect.  It answers whether there is
 * an order of steps that leads to what was seen; and it can run a program by itself, with mistakes
 * if asked, as a runtime to be caught.
 */
#ifndef REFERENCE_H
#define REFERENCE_H

#include "program.h"

/** Mistakes for a fake runtime to make. */
enum fault {
	CLOSE_FORGETS_SENDERS = 1 << 0,
	CLOSE_WAKES_ONE_RECEIVER = 1 << 1,
	BUFFER_NEWEST_FIRST = 1 << 2,
	FULL_BUFFER_FORGETS_SENDER = 1 << 3,
	BUFFER_ONE_TOO_MANY = 1 << 4,
	TIMEOUT_STAYS_QUEUED = 1 << 5,
	SELECT_PREFERS_DEFAULT = 1 << 6,
	SELECT_STAYS_QUEUED = 1 << 7,
	UNLOCK_WAKES_NOBODY = 1 << 8,
	LAST_READER_WAKES_NOBODY = 1 << 9,
	WG_WAKES_ONE = 1 << 10,
	SIGNAL_IS_LOST = 1 << 11,
	RELEASE_WAKES_ONE = 1 << 12,
	COND_KEEPS_MUTEX = 1 << 13,
	STOP_LEAVES_THE_TIME = 1 << 14,
	FAULTS = 15
};

enum verdict { IMPOSSIBLE, POSSIBLE, TOO_LARGE };

/** Could the program have come to this outcome?  *states: how many were looked at. */
enum verdict reference_judge(const struct program *p, const struct outcome *seen,
                             unsigned long *states);

/** Run the program in thought, in an order that *random draws, to a quiet end. */
void reference_run(const struct program *p, unsigned faults, uint64_t *random, struct outcome *out);

#endif

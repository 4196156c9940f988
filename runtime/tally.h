/* SPDX-License-Identifier: MIT */
/**
 * tally.h: events counted by place, for the profiles of threads and of contention; see tally.c.
 */
#ifndef GOR_TALLY_H
#define GOR_TALLY_H

#include "scheduler.h"

struct out;

/** Where something happens that is counted. */
struct tally_place {
	const struct gor_site *site; // NULL: none
	unsigned why, frames;
	const uint64_t *pc; // of the stack, innermost first
};

enum tally_kind { TALLY_THREADS, TALLY_BLOCK, TALLY_MUTEX, TALLY_KINDS };

/** Count so many events that took so long in all; from any thread, without a lock. */
void gor__tally_add(enum tally_kind kind, const struct tally_place *place, uint64_t count,
                    uint64_t ns);

/** The wait of g, which is the caller's, has taken so long: sampled as blockprofile= says. */
void gor__tally_blocked(const struct g *g, int64_t ns);

/**
 * At site the caller's goroutine gave a lock to somebody who has waited since then: sampled as
 * mutexprofile= says.
 */
void gor__tally_contended(const struct gor_site *site, int64_t since_ns);

/** Returns: 0, -ENOSYS no module, for debug 0; -ENOMEM; or what gor__out_flush() does. */
int gor__tally_write(enum tally_kind kind, struct out *out, int debug, unsigned procs);

#endif

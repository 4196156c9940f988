/* SPDX-License-Identifier: MIT */
/** tally.h: events counted by call site, for the profiles of threads and of contention; see
 * tally.c. */
#ifndef GOR_TALLY_H
#define GOR_TALLY_H

#include "scheduler.h"

struct out;
struct module;

#define TALLY_SITES 1024u // a power of two

struct tally_entry {
	_Atomic uint64_t key; // site and why; 0: free
	_Atomic uint64_t count, ns;
};

/** What is counted of a kind of event. */
struct tally {
	_Atomic uint64_t lost; // there were too many sites
	struct tally_entry entry[TALLY_SITES];
};

enum tally_kind { TALLY_THREADS, TALLY_BLOCK, TALLY_MUTEX, TALLY_KINDS };

/** Count so many events that took so long in all; from any thread, without a lock. */
void gor__tally_add(enum tally_kind kind, const struct gor_site *site, unsigned why, uint64_t count,
                    uint64_t ns);

/** A goroutine's wait at its site, for that reason, has taken so long: sampled as blockprofile=
 * says. */
void gor__tally_blocked(const struct gor_site *site, unsigned reason, int64_t ns);

/** At site a lock was given to somebody who has waited since then: sampled as mutexprofile= says.
 */
void gor__tally_contended(const struct gor_site *site, int64_t since_ns);

/** Returns: 0, -ENOSYS no module, for debug 0; -ENOMEM; or what gor__out_flush() does. */
int gor__tally_write(enum tally_kind kind, struct out *out, int debug, unsigned procs);

#endif

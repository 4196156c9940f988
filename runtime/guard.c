/* SPDX-License-Identifier: MIT */
/**
 * guard.c: what stands below a stack, and what is said of one that overflows.
 *
 * In this order, as long as each can be had:
 *
 *   MADV_GUARD_INSTALL  Linux 6.13: a fault at the touch, no mapping of its own
 *   mprotect            the same fault, but it splits the mapping, of which the kernel allows a
 *                       process 65,530: so for GUARDS_BY_MPROTECT stacks
 *   nothing             the place of the guard stays empty and is nobody's memory.  Whether it is
 *                       still all zero is looked at when the goroutine ends or has been parked for
 *                       long: late, but the end then names the one who did it, and not the
 *                       goroutine below, whose memory broke.  A page that nobody touches costs
 *                       none, which is why the zeros are the canary: a mark would have to be
 *                       written.
 *
 * A frame larger than the guard may step over it, if the compiler does not touch every page on the
 * way (-fstack-clash-protection).  So the guard is as large as a usual buffer: GUARD_MOST costs
 * address space only.  On AArch64 GCC touches every 64 KiB and presumes that guards are as large.
 *
 * An emulator may take MADV_GUARD_INSTALL for advice and do nothing: the first one is tried.
 */
#define _GNU_SOURCE
#include <sys/mman.h>

#include "scheduler.h"
#include "slab.h"

#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL 102
#endif
#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22
#endif
#define GUARDS_BY_MPROTECT 16000
#if defined(__aarch64__)
#define GUARD_MOST (64u << 10)
#else
#define GUARD_MOST (16u << 10)
#endif

enum { BY_UNKNOWN, BY_MADVISE, BY_MPROTECT };

static struct {
	_Atomic uint32_t by;
	_Atomic int32_t mprotected; // about: those that go with a mapping may have been of either kind
	_Atomic int32_t mprotect_most;
} guard = {.mprotect_most = GUARDS_BY_MPROTECT};

_Atomic bool gor__guard_short; // some stack has none

/** Of a stack that takes stride bytes in all: small ones need the room themselves. */
size_t gor__guard_bytes(size_t stride)
{
	size_t quarter = stride / 4 / SLAB_PAGE * SLAB_PAGE;

	return quarter >= GUARD_MOST ? GUARD_MOST : quarter >= SLAB_PAGE ? quarter : SLAB_PAGE;
}

static uint32_t guard_try(char *low, size_t bytes)
{
	if (SAN_GUARD_BY_MPROTECT || madvise(low, bytes, MADV_GUARD_INSTALL) != 0)
		return BY_MPROTECT;
	// a page that is guarded cannot be read in
	return madvise(low, SLAB_PAGE, MADV_POPULATE_READ) == 0 ? BY_MPROTECT : BY_MADVISE;
}

/** False: stack i of slab has to do without. */
bool gor__guard_install(const struct stack_slab *slab, uint32_t i)
{
	char *low = slab->base + i * slab->stride;
	uint32_t by = atomic_load_explicit(&guard.by, memory_order_relaxed);

	if (by == BY_UNKNOWN) {
		by = guard_try(low, slab->guard);
		atomic_store_explicit(&guard.by, by, memory_order_relaxed);
	}
	if (by == BY_MADVISE) {
		if (madvise(low, slab->guard, MADV_GUARD_INSTALL) == 0)
			return true;
		atomic_store_explicit(&guard.by, BY_MPROTECT, memory_order_relaxed);
	}
	int32_t most = atomic_load_explicit(&guard.mprotect_most, memory_order_relaxed);
	if (atomic_load_explicit(&guard.mprotected, memory_order_relaxed) < most &&
	    mprotect(low, slab->guard, PROT_NONE) == 0) {
		atomic_fetch_add_explicit(&guard.mprotected, 1, memory_order_relaxed);
		return true;
	}
	atomic_store_explicit(&gor__guard_short, true, memory_order_relaxed);
	return false;
}

/** So many guards went with their mappings. */
void gor__guard_gone(uint32_t guards)
{
	if (atomic_load_explicit(&guard.by, memory_order_relaxed) == BY_MPROTECT)
		atomic_fetch_sub_explicit(&guard.mprotected, (int32_t)guards, memory_order_relaxed);
}

/** For tests: mprotect alone, and only so often. */
void gor__guard_limit(uint32_t most)
{
	atomic_store_explicit(&guard.by, BY_MPROTECT, memory_order_relaxed);
	atomic_store_explicit(&guard.mprotect_most, (int32_t)most, memory_order_relaxed);
}

__attribute__((no_sanitize("address", "thread"))) static bool guard_all_zero(const char *page)
{
	const uint64_t *words = (const uint64_t *)(const void *)page;

	for (size_t i = 0; i < SLAB_PAGE / sizeof *words; i++)
		if (words[i])
			return false;
	return true;
}

/** End the program if stack i, which nobody is on, was larger than it is and has no guard. */
void gor__guard_check(const struct stack_slab *slab, uint32_t i)
{
	char *low = slab->base + i * slab->stride;
	unsigned char resident[GUARD_MOST / SLAB_PAGE];

	if (!slab_bit(slab->open, i) || mincore(low, slab->guard, resident) != 0)
		return;
	for (size_t page = 0; page < slab->guard / SLAB_PAGE; page++)
		if (resident[page] & 1 && !guard_all_zero(low + page * SLAB_PAGE))
			gor__stack_overflow(slab_g(slab, i));
}

/** Say what happened and what helps, and end the program. */
void gor__stack_overflow(const struct g *g)
{
	gor__say("gor: stack of goroutine %llu exceeds %zu bytes (created at %s:%u)\n"
	         "gor: give it more: gor_go_opt with .stack_bytes, or GOR_DEBUG=stack=\n",
	         (unsigned long long)g->id, gor__stack_room(g), g->born->file, g->born->line);
	gor__fatal(NULL, "stack overflow");
}

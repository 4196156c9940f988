/* SPDX-License-Identifier: MIT */
/**
 * lock.h: the lock inside channels, timers and the scheduler.
 *
 * Held for some tens of instructions, never over a switch or a system call.  A holder may still
 * lose its CPU, so a waiter gives its own away after a while.
 */
#ifndef GOR_LOCK_H
#define GOR_LOCK_H

#include <sched.h>
#include <stdatomic.h>
#include <stdint.h>

struct lock {
	_Atomic uint32_t held;
};

static inline void gor__relax(void)
{
#if defined(__x86_64__)
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	__asm__ volatile("yield");
#endif
}

/** Wait a little longer each round; from the 64th on let other threads run. */
static inline void gor__backoff(unsigned *round)
{
	if (++*round < 64)
		gor__relax();
	else
		sched_yield();
}

static inline void gor__lock(struct lock *l)
{
	unsigned round = 0;

	while (atomic_exchange_explicit(&l->held, 1, memory_order_acquire))
		do {
			gor__backoff(&round);
		} while (atomic_load_explicit(&l->held, memory_order_relaxed));
}

static inline void gor__unlock(struct lock *l)
{
	atomic_store_explicit(&l->held, 0, memory_order_release);
}

#endif

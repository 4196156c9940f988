/* SPDX-License-Identifier: MIT */
/** futex.h: sleep until a word changes; see futex(2). */
#ifndef GOR_FUTEX_H
#define GOR_FUTEX_H

#include <linux/futex.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/**
 * Sleep while *word is value, at most until the monotonic time until_ns (negative: for ever).  May
 * return early.
 */
static inline void gor__futex_wait(_Atomic uint32_t *word, uint32_t value, int64_t until_ns)
{
	struct timespec ts = {.tv_sec = until_ns / 1000000000, .tv_nsec = until_ns % 1000000000};

	// FUTEX_WAIT_BITSET takes an absolute time
	syscall(SYS_futex, word, FUTEX_WAIT_BITSET | FUTEX_PRIVATE_FLAG, value,
	        until_ns < 0 ? NULL : &ts, NULL, FUTEX_BITSET_MATCH_ANY);
}

static inline void gor__futex_wake(_Atomic uint32_t *word)
{
	syscall(SYS_futex, word, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, 1, NULL, NULL, 0);
}

static inline void gor__futex_wake_all(_Atomic uint32_t *word)
{
	syscall(SYS_futex, word, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, INT32_MAX, NULL, NULL, 0);
}

#endif

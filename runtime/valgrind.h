/* SPDX-License-Identifier: MIT */
/**
 * valgrind.h: tells valgrind where stacks are, if it was there when this was compiled.
 *
 * It then takes a switch for what it is, and not for a frame of that many bytes.  Stacks are never
 * unmapped, so each is registered once and for ever.
 *
 * What lies below a stack pointer is nobody's memory to it.  A dead goroutine's stack pointer stood
 * somewhere, and a new one's first values may be written below.
 */
#ifndef GOR_VALGRIND_H
#define GOR_VALGRIND_H

#include <stdbool.h>
#include <stddef.h>

#if __has_include(<valgrind/memcheck.h>)
#include <valgrind/memcheck.h>

static inline void gor__valgrind_stack(const char *low, const char *end)
{
	(void)VALGRIND_STACK_REGISTER(low, end - 1);
}

static inline bool gor__valgrind_runs(void)
{
	return RUNNING_ON_VALGRIND != 0;
}

/** These bytes of a stack are about to be written. */
static inline void gor__valgrind_written(const char *low, size_t bytes)
{
	(void)VALGRIND_MAKE_MEM_UNDEFINED(low, bytes); // elsewhere: a few instructions
}

#else

static inline void gor__valgrind_stack(const char *low, const char *end)
{
	(void)low, (void)end;
}

static inline bool gor__valgrind_runs(void)
{
	return false;
}

static inline void gor__valgrind_written(const char *low, size_t bytes)
{
	(void)low, (void)bytes;
}

#endif

#endif

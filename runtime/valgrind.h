/* SPDX-License-Identifier: MIT */
/**
 * valgrind.h: tells valgrind where stacks are, if it was there when this was compiled.
 *
 * It then takes a switch for what it is, and not for a frame of that many bytes.  Stacks are never
 * unmapped, so each is registered once and for ever.  Outside valgrind: a few instructions.
 */
#ifndef GOR_VALGRIND_H
#define GOR_VALGRIND_H

#include <stdbool.h>
#include <stddef.h>

#if __has_include(<valgrind/valgrind.h>)
#include <valgrind/valgrind.h>

static inline void gor__valgrind_stack(const char *low, const char *end)
{
	(void)VALGRIND_STACK_REGISTER(low, end - 1);
}

static inline bool gor__valgrind_runs(void)
{
	return RUNNING_ON_VALGRIND != 0;
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

#endif

#endif

/* SPDX-License-Identifier: MIT */
/** apart.h: see apart.c. */
#ifndef GOR_APART_H
#define GOR_APART_H

#include <stdbool.h>
#include <stdint.h>

/**
 * Call fn(arg) in a copy of this process that has the calling thread alone, by the end of which
 * nothing but what it has written to files is left.  Takes no lock and no memory of the heap.  If
 * that copy comes to a standstill, fn is called again in another one, three times at most.
 *
 * Returns: did it return true?  False also if it crashed, or took longer.
 */
bool gor__apart(bool (*fn)(void *arg), void *arg, int64_t ns_max);

/** In the copy: the process it is of, which has the other threads.  Else 0. */
int gor__apart_of(void);

#endif

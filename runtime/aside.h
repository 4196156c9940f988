/* SPDX-License-Identifier: MIT */
/** aside.h: see aside.c. */
#ifndef GOR_ASIDE_H
#define GOR_ASIDE_H

#include <stdbool.h>

/** Call fn(arg) on a thread of its own, and wait for it.  False: there is none to be had. */
bool gor__aside_thread(void (*fn)(void *), void *arg);

/** The same, or on the caller's thread if no other can be had. */
void gor__aside(void (*fn)(void *), void *arg);

#endif

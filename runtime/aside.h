/* SPDX-License-Identifier: MIT */
/** aside.h: see aside.c. */
#ifndef GOR_ASIDE_H
#define GOR_ASIDE_H

#include <stdbool.h>

void gor__aside(void (*fn)(void *), void *arg);
bool gor__aside_thread(void (*fn)(void *), void *arg);

#endif

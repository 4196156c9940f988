/* SPDX-License-Identifier: MIT */
/** aside.h: see aside.c. */
#ifndef GOR_ASIDE_H
#define GOR_ASIDE_H

void gor__aside(void (*fn)(void *), void *arg);

#endif

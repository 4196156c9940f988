/* SPDX-License-Identifier: MIT */
/** kept.h: addresses that the kernel keeps for the program; see kept.c. */
#ifndef GOR_KEPT_H
#define GOR_KEPT_H

#include <stdbool.h>
#include <stdint.h>

/** Call each for every such word.  Returns: are those all? */
bool gor__kept(void (*each)(void *arg, uint64_t word), void *arg);

#endif

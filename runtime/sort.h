/* SPDX-License-Identifier: MIT */
/** sort.h: qsort() without memory of its own, of which it would leave copies behind. */
#ifndef GOR_SORT_H
#define GOR_SORT_H

#include <stddef.h>

/** As qsort(); count times the logarithm of it, whatever the order was.  size: at most 128. */
void gor__sort(void *base, size_t count, size_t size, int (*compare)(const void *, const void *));

#endif

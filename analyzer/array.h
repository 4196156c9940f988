/* SPDX-License-Identifier: MIT */
/** array.h: arrays that grow by one at a time. */
#ifndef GTRACE_ARRAY_H
#define GTRACE_ARRAY_H

#include <stddef.h>
#include <stdlib.h>

/** Room for one more in an array of count, made by this alone: it holds a power of two, two at
 * least. NULL: no memory, and the array is as it was. */
static inline void *array_more(void *array, size_t count, size_t bytes)
{
	if (count & (count - 1) || count == 1)
		return array;
	return realloc(array, (count ? count * 2 : 2) * bytes);
}

#endif

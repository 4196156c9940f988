/* SPDX-License-Identifier: MIT */
/** sort.c: heapsort. */
#include "sort.h"

#include <string.h>

#define SIZE_MOST 128

static void sort_swap(char *a, char *b, size_t size)
{
	char copy[SIZE_MOST];

	memcpy(copy, a, size);
	memcpy(a, b, size);
	memcpy(b, copy, size);
}

/** The element at i goes down until none below it is greater. */
static void sort_sink(char *at, size_t i, size_t count, size_t size,
                      int (*compare)(const void *, const void *))
{
	for (size_t child; (child = 2 * i + 1) < count; i = child) {
		if (child + 1 < count && compare(at + child * size, at + (child + 1) * size) < 0)
			child++;
		if (compare(at + i * size, at + child * size) >= 0)
			return;
		sort_swap(at + i * size, at + child * size, size);
	}
}

void gor__sort(void *base, size_t count, size_t size, int (*compare)(const void *, const void *))
{
	for (size_t i = count / 2; i-- > 0;)
		sort_sink(base, i, count, size, compare);
	for (size_t left = count; left-- > 1;) {
		sort_swap(base, (char *)base + left * size, size);
		sort_sink(base, 0, left, size, compare);
	}
}

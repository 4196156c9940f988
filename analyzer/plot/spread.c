/* SPDX-License-Identifier: MIT */
/** spread.c: a histogram whose classes grow with the time. */
#include "plot/spread.h"

#include <math.h>

size_t spread_class(int64_t ns)
{
	double n = ns < 1 ? 0 : log2((double)ns) * SPREAD_OCTAVE;

	return n < SPREAD_CLASSES - 1 ? (size_t)n : SPREAD_CLASSES - 1;
}

double spread_ns(size_t class)
{
	return exp2((double)class / SPREAD_OCTAVE);
}

void spread_add(struct spread *s, int64_t ns)
{
	s->count[spread_class(ns)]++;
	s->total++;
	if (ns > s->max_ns)
		s->max_ns = ns;
}

double spread_at(const struct spread *s, unsigned per_mille)
{
	uint64_t rank = (s->total * per_mille + 999) / 1000, seen = 0;
	size_t i = 0;

	for (; i < SPREAD_CLASSES; i++) {
		seen += s->count[i];
		if (seen && seen >= rank)
			break;
	}
	double ns = spread_ns(i) * exp2(0.5 / SPREAD_OCTAVE); // the middle of the class

	return ns < (double)s->max_ns ? ns : (double)s->max_ns;
}

/* SPDX-License-Identifier: MIT */
/** spread.c: a histogram whose classes grow with the time. */
#include "plot/spread.h"

#include <math.h>

size_t spread_class(int64_t ns)
{
	// Where the classes of an octave begin that ends at 2 to the 64th: 2 to the 63 1/8th, and so
	// on.
	static const uint64_t begin[SPREAD_OCTAVE - 1] = {0x8b95c1e3ea8bd6e7, 0x9837f0518db8a970,
	                                                  0xa5fed6a9b15138eb, 0xb504f333f9de6485,
	                                                  0xc5672a115506dade, 0xd744fccad69d6af5,
	                                                  0xeac0c6e7dd24392f};
	unsigned zeroes = ns < 1 ? 63 : (unsigned)__builtin_clzll((uint64_t)ns);
	uint64_t n = (ns < 1 ? 1 : (uint64_t)ns) << zeroes;
	size_t class = (size_t)(63 - zeroes) * SPREAD_OCTAVE;

	for (size_t i = 0; i < SPREAD_OCTAVE - 1; i++)
		class += n >= begin[i];
	return class;
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

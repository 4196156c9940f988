/* SPDX-License-Identifier: MIT */
/** spread.h: how times are spread: a histogram whose classes grow with the time. */
#ifndef PLOT_SPREAD_H
#define PLOT_SPREAD_H

#include <stddef.h>
#include <stdint.h>

enum {
	SPREAD_OCTAVE = 8, // classes from a time to twice it: within 5 %
	SPREAD_CLASSES = 63 * SPREAD_OCTAVE,
};

struct spread {
	uint32_t count[SPREAD_CLASSES];
	uint64_t total;
	int64_t max_ns;
};

void spread_add(struct spread *s, int64_t ns);

/** The class of a time, and the time a class begins with. */
size_t spread_class(int64_t ns);
double spread_ns(size_t class);

/** The time that so many in a thousand do not exceed; it errs by at most a class. */
double spread_at(const struct spread *s, unsigned per_mille);

#endif

/* SPDX-License-Identifier: MIT */
/**
 * series.h: a count over time, reduced as it arrives to what a picture of so many columns can show.
 */
#ifndef PLOT_SERIES_H
#define PLOT_SERIES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** The count became `value` at `ns`. */
struct series_point {
	int64_t ns;
	int64_t value;
};

struct series;

/**
 * A series over 0..end_ns that starts at 0.
 *
 * `columns` is how many columns the picture has; it has to be a power of two.
 * Returns: the series, to be freed with series_free(); NULL if there is no memory.
 */
struct series *series_new(int64_t end_ns, size_t columns);

/** The count is `value` from `ns` on.  Times do not go back; those outside of 0..end_ns are moved
 * in. */
void series_add(struct series *s, int64_t ns, int64_t value);

/** The count after the last series_add(), and the highest ever. */
int64_t series_last(const struct series *s);
int64_t series_peak(const struct series *s);

/** How many points series_draw() gives out. */
size_t series_drawn(const struct series *s);

/** Halve the number of columns; false if there is only one. */
bool series_coarsen(struct series *s);

/**
 * Give out the points of the line to draw, in order of time: where the count changes, the old value
 * and the new, so that straight lines between them make the steps.
 */
void series_draw(const struct series *s, void (*point)(void *arg, struct series_point p),
                 void *arg);

void series_free(struct series *s);

#endif

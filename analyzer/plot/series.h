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

enum { SERIES_DASHES = 85 }; // a line is on or off for that part of the width

/** What the points are drawn as. */
enum series_way {
	SERIES_LINE, // a line
	SERIES_DASH, // a line that may begin and end at every 85th of the width
	SERIES_TOP   // the upper edge of an area: the highest of each column, as wide as it
};

/**
 * A series over 0..end_ns that begins with the value at time 0, or with 0.
 *
 * `columns` is how many columns the picture has; it can be halved as long as it is even.
 * Returns: the series, to be freed with series_free(); NULL if there is no memory.
 */
struct series *series_new(int64_t end_ns, size_t columns);

/** The count is `value` from `ns` on.  Times do not go back; those outside of 0..end_ns are moved
 * in. */
void series_add(struct series *s, int64_t ns, int64_t value);

/** The count after the last series_add(), and the highest ever. */
int64_t series_last(const struct series *s);
int64_t series_peak(const struct series *s);

/** The count at the end of the column that holds ns. */
int64_t series_at(const struct series *s, int64_t ns);

/** How many points series_draw() gives out. */
size_t series_drawn(const struct series *s, enum series_way way);

/** When the column ends that holds ns: the first moment in the next one; INT64_MAX for the last. */
int64_t series_end(const struct series *s, int64_t ns);

/** The number of columns. */
size_t series_columns(const struct series *s);

/** Halve the number of columns; false if it is odd. */
bool series_coarsen(struct series *s);

/**
 * Give out the points to draw, in order of time: where the count changes, the old value and the
 * new, so that straight lines between them make the steps.
 */
void series_draw(const struct series *s, enum series_way way,
                 void (*point)(void *arg, struct series_point p), void *arg);

/** When column i of a picture begins. */
int64_t series_edge(int64_t end_ns, size_t columns, size_t i);

void series_free(struct series *s);

#endif

/* SPDX-License-Identifier: MIT */
/** timeline.h: ticks to nanoseconds since the start of the trace. */
#ifndef GTRACE_READER_TIMELINE_H
#define GTRACE_READER_TIMELINE_H

#include "format.h"

#include <stdbool.h>

struct point {
	uint64_t ticks;
	uint64_t mono_ns;
	int64_t ns;         // since the start
	double ns_per_tick; // from here to the next
};

struct timeline {
	struct point *points;
	size_t count;
	size_t cap;
	bool exact; // ticks are nanoseconds, shifted
	unsigned shift;
	uint64_t start_ticks;
};

/** Note one snapshot of the clocks, in any order.  Returns: 0 or -ENOMEM. */
int gtrace__timeline_add(struct timeline *t, const struct gtrace__clock *clock);

/** After all of them.  ns_per_tick is a hint, 0 none.  Returns: 0 or -ENOMEM. */
int gtrace__timeline_build(struct timeline *t, const struct gtrace__clock *start,
                           double ns_per_tick);

/** *segment is the caller's memory of where it was. */
int64_t gtrace__timeline_ns(const struct timeline *t, uint64_t ticks, size_t *segment);

#endif

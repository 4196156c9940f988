/* SPDX-License-Identifier: MIT */
/** timeline.h: ticks to nanoseconds since the start of the trace. */
#ifndef GTRACE_READER_TIMELINE_H
#define GTRACE_READER_TIMELINE_H

#include "format.h"

#include <stdbool.h>
#include <stddef.h>

#define GTRACE__TIME_MAX INT64_C(4000000000000000000) // no sum of times overflows below

struct reading {
	uint64_t ticks;
	uint64_t mono_ns;
};

/** From a reading that counts to the next one; the last one goes on. */
struct line {
	uint64_t ticks;
	uint64_t rate; // ns a tick, times 2^32
	int64_t ns;    // since the start
	uint64_t near; // so many ticks from here no other line begins, and no time is too great
};

struct timeline {
	struct reading *readings;
	size_t reading_count;
	size_t reading_cap;
	struct line *lines;
	size_t line_count;
	bool exact; // ticks are nanoseconds, shifted
	unsigned shift;
	uint64_t start_ticks;
};

/** Note one reading of the clocks, in the order of the file.  Returns: 0 or -ENOMEM. */
int gtrace__timeline_add(struct timeline *t, const struct gtrace__clock *clock);

/** After all of them.  ps_per_tick is a hint as text, or NULL.  Returns: 0 or -ENOMEM. */
int gtrace__timeline_build(struct timeline *t, const struct gtrace__clock *start,
                           const char *ps_per_tick);

int64_t gtrace__timeline_far(const struct timeline *t, uint64_t ticks, size_t *line);

/** *line is the caller's memory of where it was. */
static inline int64_t gtrace__timeline_ns(const struct timeline *t, uint64_t ticks, size_t *line)
{
	const struct line *l = &t->lines[*line];
	uint64_t behind = ticks - l->ticks;

	if (behind < l->near)
		return l->ns + (int64_t)((unsigned __int128)behind * l->rate >> 32);
	return gtrace__timeline_far(t, ticks, line);
}

void gtrace__timeline_release(struct timeline *t);

#endif

/* SPDX-License-Identifier: MIT */
/** gaps.h: which stretches of which threads a trace has lost. */
#ifndef GTRACE_GAPS_H
#define GTRACE_GAPS_H

#include <gtrace.h>
#include <stdio.h>

#include "map.h"

#define GAPS_SHOWN 20

struct gap {
	uint64_t thread, batches, events; // events 0: unknown
	int64_t from_ns, to_ns;           // to_ns < from_ns: nothing of the thread came after
};

/** Zero is ready to use. */
struct gaps {
	struct map threads; // of struct gap_thread: where each thread is
	struct gap shown[GAPS_SHOWN];
	uint64_t count;
};

/** Take note of an event.  False: no memory. */
bool gaps_event(struct gaps *gaps, const struct gtrace_event *ev);

/** One line `gap=...` for each, the first GAPS_SHOWN of them, and how many more. */
void gaps_print(const struct gaps *gaps, FILE *out);

void gaps_release(struct gaps *gaps);

#endif

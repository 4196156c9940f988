/* SPDX-License-Identifier: MIT */
/** progress.h: one line on a terminal that says how far a long analysis is. */
#ifndef GTRACE_PROGRESS_H
#define GTRACE_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct progress {
	bool on;
	bool shown;       // the line is there
	const char *step; // the present one
	int64_t began_ns; // the first step,
	int64_t step_ns;  // the present one
	int64_t next_ns;  // not drawn again before
};

/** How far a step is. */
struct progress_at {
	const char *unit; // of count: "events"
	uint64_t count;
	uint64_t done, total; // of something that passes evenly; total 0: unknown
	bool bytes;           // that something is bytes, worth showing
};

/** Nothing is ever shown if quiet is set, or if stderr is no terminal. */
void progress_begin(struct progress *p, bool quiet);

/** A step, such as "reading", is at that point; at may be NULL.  NULL for p: nobody wants to know.
 */
void progress_show(struct progress *p, const char *step, const struct progress_at *at);

/** Take the line away. */
void progress_end(struct progress *p);

#endif

/* SPDX-License-Identifier: MIT */
/** stamp.h: what the results in a report's folder were made from, so that they are not made twice.
 */
#ifndef GTRACE_STAMP_H
#define GTRACE_STAMP_H

#include <stdbool.h>

#include "analyze.h"

enum { STAMP_BYTES = 8192 };

/** Everything the results depend on, as text: this program, the trace, the options. */
struct stamp {
	char text[STAMP_BYTES]; // empty: they depend on more than that, or it cannot be told
};

/** Take the stamp of an analysis to come. */
void stamp_take(struct stamp *s, const char *trace, const struct analyze_args *args);

/** Are there results of such an analysis in dir, all of them? */
bool stamp_fits(const struct stamp *s, const char *dir);

/** The results in dir are about to change. */
void stamp_remove(const char *dir);

/** They are complete. */
void stamp_put(const struct stamp *s, const char *dir);

#endif

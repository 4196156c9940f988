/* SPDX-License-Identifier: MIT */
/** detect.h: rows of a trace -> findings. */
#ifndef GTRACE_DETECT_H
#define GTRACE_DETECT_H

#include <sqlite3.h>
#include <stdint.h>

struct detect_options {
	int64_t spin_ns, poll_ns, starve_ns, call_ns; // 0: leave the default
};

/** Find the dead set, run every detector, number the findings.  Returns: an SQLite code. */
int detect_all(sqlite3 *db, const struct detect_options *opt);

#endif

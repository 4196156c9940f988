/* SPDX-License-Identifier: MIT */
/** analyze.h: the verb analyze, for run to use as well. */
#ifndef GTRACE_ANALYZE_H
#define GTRACE_ANALYZE_H

#include <stdbool.h>
#include <stdint.h>

#include "triage/triage.h"

struct analyze_args {
	const char *dir;    // of the report; NULL: beside the trace
	const char *format; // of stdout; NULL: text
	const char *colour; // auto, always, never; NULL: auto
	int64_t spin_ns;    // 0: a second
	int64_t poll_ns;    // 0: a second
	int64_t starve_ns;  // 0: a second
	int64_t call_ns;    // 0: ten seconds
	const char *rules;  // a folder of further detectors
	struct triage_options triage;
	bool no_plots;
	bool fresh; // results that are there already do not count
	bool quiet; // no progress
};

/**
 * Load a trace, look for findings, write the report's directory and print the report on stdout.
 *
 * Returns: an exit code of cmd.h.
 */
int analyze_trace(const char *path, const struct analyze_args *args);

#endif

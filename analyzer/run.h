/* SPDX-License-Identifier: MIT */
/** run.h: what starts a program to be recorded. */
#ifndef GTRACE_RUN_H
#define GTRACE_RUN_H

enum {
	RUN_CANNOT = 126,  // as a shell: it is there, and cannot be run
	RUN_MISSING = 127, // it is not there
	RUN_SIGNAL = 128,  // added to the signal's number
};

/** Set GTRACE as it was, with path for its file.  Returns: 0 or a negative errno. */
int run_environment(const char *path);

#endif

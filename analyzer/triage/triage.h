/* SPDX-License-Identifier: MIT */
/** triage.h: which findings count for the exit status, and which are reported. */
#ifndef GTRACE_TRIAGE_H
#define GTRACE_TRIAGE_H

#include <sqlite3.h>

struct triage_options {
	const char *fail_on; // proven, probable, suspect, never; NULL: probable
};

/** Fill in the table finding_status.  Returns: 0; or -1 after talk(). */
int triage(sqlite3 *db, const struct triage_options *opt);

#endif

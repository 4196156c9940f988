/* SPDX-License-Identifier: MIT */
/** triage.h: which findings count for the exit status, and which are reported. */
#ifndef GTRACE_TRIAGE_H
#define GTRACE_TRIAGE_H

#include <sqlite3.h>
#include <stdint.h>

/** Zero is the default: everything is reported, and counts from probable on. */
struct triage_options {
	const char *fail_on;        // proven, probable, suspect, never
	const char *baseline;       // file of findings that are known
	const char *write_baseline; // file to write those of this run to
	const char *suppress;       // file of patterns
	int64_t since_ns;           // leave out what began before,
	const char *until;          // or after, a duration,
	int64_t min_wait_ns;        // or lasted for less until the end,
	const char *goroutine;      // or has not this one
};

struct triage;

/**
 * Read the files that the options name.
 *
 * Returns: 0; after talk() an exit code of cmd.h: CMD_USAGE for what they say, CMD_INPUT if they
 * cannot be read, and *out is NULL then.
 */
int triage_open(struct triage **out, const struct triage_options *opt);

/** Fill in the table finding_status, and number the findings anew.  Returns: 0; or -1 after talk().
 */
int triage_apply(struct triage *t, sqlite3 *db);

/** The level of finding_status from which on a finding counts, for a word of --fail-on. */
int triage_least(const char *fail_on);

/** NULL is fine. */
void triage_close(struct triage *t);

#endif

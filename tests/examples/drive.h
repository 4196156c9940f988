/* SPDX-License-Identifier: MIT */
/* drive.h: run a program as a user would, in a directory of its own. */
#ifndef DRIVE_H
#define DRIVE_H

#include <stddef.h>
#include <sys/types.h>

/** cmocka set-up and tear-down: make a new directory and go there; go back and remove it. */
int drive_set_up(void **state);
int drive_tear_down(void **state);

struct drive {
	pid_t pid;
	int out; // its stdout
};

/** Start $<place>/<name> with up to two arguments (NULL: none) and GTRACE=trace (NULL: not
 * recorded). */
void drive_start(struct drive *d, const char *place, const char *name, const char *const args[2],
                 const char *trace);

/** One line of its stdout, without the newline.  Returns its length, or -1 at the end. */
long drive_line(struct drive *d, char *line, size_t room);

/** Wait for its end.  Returns its exit status, or 128 + the signal's number. */
int drive_wait(struct drive *d);

/** `gtrace analyze --no-plots trace -o out`; returns its exit status. */
int drive_analyze(const char *trace, const char *out);

/** The number of the first line of an example's source that holds this text. */
int drive_source_line(const char *file, const char *text);

#endif

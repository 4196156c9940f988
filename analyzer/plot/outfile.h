/* SPDX-License-Identifier: MIT */
/** outfile.h: write a file so that nobody ever sees half of it. */
#ifndef PLOT_OUTFILE_H
#define PLOT_OUTFILE_H

#include <limits.h>
#include <stdio.h>

struct outfile {
	FILE *file;
	char path[PATH_MAX];
	char temp[PATH_MAX]; // what is written, until it is whole
};

/** Begin dir/name.  Returns: 0, or a negative errno after talk(). */
int outfile_open(struct outfile *out, const char *dir, const char *name);

/**
 * Put the file in its place if `err` is 0 and all of it was written; otherwise leave no trace of
 * it.
 *
 * Returns: err, or a negative errno after talk().
 */
int outfile_close(struct outfile *out, int err);

#endif

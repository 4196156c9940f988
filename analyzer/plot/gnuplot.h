/* SPDX-License-Identifier: MIT */
/**
 * gnuplot.h: run gnuplot on a script, and write text into one safely.
 */
#ifndef PLOT_GNUPLOT_H
#define PLOT_GNUPLOT_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

struct gnuplot_job {
	const char *dir;    // runs in there
	const char *script; // a file name in dir
	int out_fd;         // its standard output
	int64_t limit_ns;   // then it is killed
};

/** One that runs. */
struct gnuplot {
	pid_t pid;
	int err_fd; // what it says
	int64_t limit_ns, until_ns;
};

/**
 * Start gnuplot on a script; never through a shell, and without the user's own start files.
 *
 * Returns: 0, and gnuplot_end() has to follow; or a negative errno, with one line in `why` that
 *          says what went wrong, -ENOENT if it is not installed.
 */
int gnuplot_start(struct gnuplot *g, const struct gnuplot_job *job, char *why, size_t why_size);

/**
 * Wait for it.
 *
 * Blocks:  until it has ended, or was killed because it took too long since its start.
 * Returns: 0; or a negative errno, with one line in `why` that says what went wrong.
 */
int gnuplot_end(struct gnuplot *g, char *why, size_t why_size);

/** Both. */
int gnuplot_run(const struct gnuplot_job *job, char *why, size_t why_size);

/**
 * Write text as a gnuplot string.
 *
 * Inside single quotes gnuplot expands nothing: no backticks, no escapes, no @macros.  A quote in
 * the text becomes a typographic one: gnuplot 5.4 does not read a doubled one that begins a string,
 * and so nothing in the text can end it.  Control characters and bytes that are not UTF-8 become a
 * question mark; what is longer than `chars_max` characters ends in "...".
 */
void gnuplot_quote(FILE *out, const char *text, size_t chars_max);

/** Write text as the rest of a comment's line: what would break the line becomes a question mark.
 */
void gnuplot_comment(FILE *out, const char *text);

/** The length of the UTF-8 character at s, 1 to 4, or 0 if there is none: a stray byte, or a
 * control. */
size_t gnuplot_char(const char *s);

#endif

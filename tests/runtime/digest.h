/* SPDX-License-Identifier: MIT */
/* digest.h: what happened in a trace, without when: to compare two of them. */
#ifndef DIGEST_H
#define DIGEST_H

/**
 * The events of a trace as lines, thread after thread, without times and addresses, and without
 * what the monitor and the search of memory saw meanwhile.  The caller frees it.
 */
char *digest_of(const char *path);

/** The value of a key of its header; "" if it has none.  The caller frees it. */
char *digest_header(const char *path, const char *key);

/** Fail, with the first lines that differ, unless both are equal. */
void digest_equal(const char *a, const char *b, const char *what);

#endif

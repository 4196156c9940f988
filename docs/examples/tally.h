/* SPDX-License-Identifier: MIT */
/* tally.h: how often each word occurs, for wordcount.c.  Nothing here knows of goroutines. */
#ifndef TALLY_H
#define TALLY_H

struct tally;

/** An empty tally, or NULL. */
struct tally *tally_new(void);

/** The lines and words of one file (none if it cannot be read), or NULL.  Frees path. */
struct tally *tally_file(char *path);

/** Add one tally to another, and free it.  It may be NULL. */
void tally_merge(struct tally *into, struct tally *from);

/** Print the totals and the `top` most frequent words, and free it. */
void tally_finish(struct tally *t, int top);

#endif

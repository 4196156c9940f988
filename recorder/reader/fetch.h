/* SPDX-License-Identifier: MIT */
/** fetch.h: batches decompressed ahead of the merge, by other threads. */
#ifndef GTRACE_READER_FETCH_H
#define GTRACE_READER_FETCH_H

#include <stddef.h>
#include <stdint.h>

struct batch;
struct buffer;
struct fetch;
struct gtrace_reader;

/**
 * Begin to fetch the batches of a reader, whose lists of them must not change any more.  Returns
 * NULL if it is not worth it, or cannot be: then the reader does it all.
 */
struct fetch *gtrace__fetch_start(const struct gtrace_reader *r);

/**
 * The records of a batch.  If it was fetched, *buf is exchanged for a buffer that holds them.
 *
 * Blocks:  while another thread is at it.
 * Returns: 1 it is in *buf; 0 nobody fetches it, and nobody will; -EBADMSG, damaged; or a negative
 *          errno.
 */
int gtrace__fetch_take(struct fetch *f, struct batch *b, struct buffer *buf);

/** End the threads.  NULL is fine. */
void gtrace__fetch_stop(struct fetch *f);

#endif

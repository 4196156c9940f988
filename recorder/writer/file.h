/* SPDX-License-Identifier: MIT */
/** file.h: append chunks to a trace file. */
#ifndef GTRACE_WRITER_FILE_H
#define GTRACE_WRITER_FILE_H

#include "format.h"

struct gtrace__file {
	int fd;
	uint64_t bytes; // whole chunks
	struct ZSTD_CCtx_s *zstd;
	uint8_t *buf; // one chunk
	size_t cap;
	uint8_t *packed; // one batch
	size_t packed_cap;
};

/**
 * Create a file.  Its descriptor is none of the three that a program takes for its streams, even if
 * it was started without them: it would write to the file, or put something in its place.
 *
 * Returns: the descriptor, or a negative errno.
 */
int gtrace__file_create(const char *path, int flags);

/** Returns: 0 or a negative errno.  The descriptor becomes the file's in either case. */
int gtrace__file_open(struct gtrace__file *f, int fd, int zstd_level);

/**
 * Append one chunk; fills in magic, version, lengths and checksum.  If it cannot be written whole,
 * the file is cut back to the chunks before it.
 *
 * Returns: 0 or a negative errno.
 */
int gtrace__file_chunk(struct gtrace__file *f, struct gtrace__chunk *chunk, const void *payload,
                       size_t len);

/**
 * Append, packed, the records that are whole and not later than `until`; fills in how many they are
 * and the last one's time, too.  If there are neither records nor losses, there is no chunk, and
 * its raw_bytes are 0.
 *
 * Returns: 0 or a negative errno.
 */
int gtrace__file_batch(struct gtrace__file *f, struct gtrace__chunk *chunk, const uint8_t *records,
                       size_t len, uint64_t until);

/** Accepts a file of zeros with fd -1. */
void gtrace__file_close(struct gtrace__file *f);

/** Have a write beyond RLIMIT_FSIZE fail instead of raising SIGXFSZ.  Pairs with _allow. */
void gtrace__sigxfsz_block(void *saved_mask);
void gtrace__sigxfsz_allow(const void *saved_mask);

#endif

/* SPDX-License-Identifier: MIT */
/** source.h: the bytes of a trace: a file, or a spooled stream. */
#ifndef GTRACE_READER_SOURCE_H
#define GTRACE_READER_SOURCE_H

#include <gtrace.h>

/** Open for reading at any place.  Returns: a descriptor, or a negative code with *err filled. */
int gtrace__source_open(const char *path, uint64_t *bytes, struct gtrace_error *err);

/** Read up to len bytes.  Returns: how many, less only at the end of the file; or a negative errno.
 */
int64_t gtrace__source_read(int fd, uint64_t offset, void *buf, size_t len);

#endif

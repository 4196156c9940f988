/* SPDX-License-Identifier: MIT */
/** frame.h: one zstd frame of a file. */
#ifndef GTRACE_READER_FRAME_H
#define GTRACE_READER_FRAME_H

#include <stddef.h>
#include <stdint.h>

struct ZSTD_DCtx_s;

/** Bytes in a buffer that is used again and again.  Zero is ready to use. */
struct buffer {
	uint8_t *bytes;
	size_t len;
	size_t cap;
};

/** What decompressing takes; one a thread.  Zero is ready to use. */
struct frame_reader {
	struct ZSTD_DCtx_s *zstd;
	struct buffer frame;
	struct buffer packed;
};

/** Read and decompress a frame.  Returns: 0, -EBADMSG if it is damaged, or a negative errno. */
int gtrace__frame_read(struct frame_reader *f, int fd, uint64_t offset, size_t frame_bytes,
                       uint8_t *out, size_t raw_bytes);

/** Have a buffer hold that much, whatever was in it.  Returns: 0 or -ENOMEM. */
int gtrace__buffer_reserve(struct buffer *b, size_t len);

void gtrace__frame_release(struct frame_reader *f);

#endif

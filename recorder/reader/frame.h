/* SPDX-License-Identifier: MIT */
/** frame.h: one zstd frame of a file. */
#ifndef GTRACE_READER_FRAME_H
#define GTRACE_READER_FRAME_H

#include <stddef.h>
#include <stdint.h>

struct ZSTD_DCtx_s;

/** What decompressing takes; one a thread.  Zero is ready to use. */
struct frame_reader {
	struct ZSTD_DCtx_s *zstd;
	uint8_t *frame;
	size_t cap;
};

/** Read and decompress a frame.  Returns: 0, -EBADMSG if it is damaged, or a negative errno. */
int gtrace__frame_read(struct frame_reader *f, int fd, uint64_t offset, size_t frame_bytes,
                       uint8_t *out, size_t raw_bytes);

void gtrace__frame_release(struct frame_reader *f);

#endif

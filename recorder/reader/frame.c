/* SPDX-License-Identifier: MIT */
/** frame.c: one zstd frame of a file. */
#include "reader/frame.h"

#include "reader/source.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>
#include <zstd_errors.h>

int gtrace__buffer_reserve(struct buffer *b, size_t len)
{
	b->len = len;
	if (b->bytes && len <= b->cap)
		return 0;
	free(b->bytes);
	b->bytes = malloc(len + 1); // of none, too
	b->cap = b->bytes ? len : 0;
	return b->bytes ? 0 : -ENOMEM;
}

int gtrace__frame_read(struct frame_reader *f, int fd, uint64_t offset, size_t frame_bytes,
                       uint8_t *out, size_t raw_bytes)
{
	if (!f->zstd)
		f->zstd = ZSTD_createDCtx();
	if (!f->zstd || gtrace__buffer_reserve(&f->frame, frame_bytes))
		return -ENOMEM;
	int64_t n = gtrace__source_read(fd, offset, f->frame.bytes, frame_bytes);

	if (n < 0)
		return (int)n;
	if ((size_t)n < frame_bytes)
		return -EBADMSG;
	size_t got = ZSTD_decompressDCtx(f->zstd, out, raw_bytes, f->frame.bytes, frame_bytes);

	if (ZSTD_getErrorCode(got) == ZSTD_error_memory_allocation)
		return -ENOMEM;
	return got == raw_bytes ? 0 : -EBADMSG;
}

void gtrace__frame_release(struct frame_reader *f)
{
	ZSTD_freeDCtx(f->zstd);
	free(f->frame.bytes);
	free(f->packed.bytes);
	memset(f, 0, sizeof(*f));
}

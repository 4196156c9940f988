/* SPDX-License-Identifier: MIT */
/** file.c: append chunks to a trace file. */
#include "writer/file.h"

#include "pack.h"

#include <errno.h>
#include <fcntl.h>
#include <gtrace.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#define XXH_INLINE_ALL
#include <xxhash.h>
#include <zstd.h>

#define HEAD_BYTES (GTRACE__SKIP_BYTES + GTRACE__CHUNK_BYTES)

int gtrace__file_create(const char *path, int flags)
{
	int fd = open(path, flags | O_CREAT | O_CLOEXEC, 0666), low = fd;

	if (fd < 0 || fd > STDERR_FILENO)
		return fd < 0 ? -errno : fd;
	fd = fcntl(low, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
	int err = fd < 0 ? -errno : 0;

	close(low);
	if (!err)
		return fd;
	unlink(path);
	return err;
}

int gtrace__file_open(struct gtrace__file *f, int fd, int zstd_level)
{
	memset(f, 0, sizeof(*f));
	f->fd = fd;
	f->zstd = ZSTD_createCCtx();
	if (!f->zstd)
		return -ENOMEM;
	if (ZSTD_isError(ZSTD_CCtx_setParameter(f->zstd, ZSTD_c_compressionLevel, zstd_level)) ||
	    ZSTD_isError(ZSTD_CCtx_setParameter(f->zstd, ZSTD_c_checksumFlag, 1)))
		return -EINVAL;
	return 0;
}

/** Have *buf hold that much. */
static int reserve(uint8_t **buf, size_t *cap, size_t need)
{
	if (need <= *cap)
		return 0;
	uint8_t *longer = realloc(*buf, need);

	if (!longer)
		return -ENOMEM;
	*buf = longer;
	*cap = need;
	return 0;
}

static int file_write(int fd, const uint8_t *p, size_t len)
{
	while (len) {
		ssize_t n = write(fd, p, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -EIO;
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

int gtrace__file_chunk(struct gtrace__file *f, struct gtrace__chunk *chunk, const void *payload,
                       size_t len)
{
	uint32_t skip[2] = {GTRACE__SKIPPABLE, GTRACE__CHUNK_BYTES};
	int err = reserve(&f->buf, &f->cap, HEAD_BYTES + ZSTD_compressBound(len));

	if (err)
		return err;
	size_t frame = ZSTD_compress2(f->zstd, f->buf + HEAD_BYTES, f->cap - HEAD_BYTES, payload, len);

	if (ZSTD_isError(frame))
		return -ENOMEM;
	memcpy(chunk->magic, GTRACE__CHUNK_MAGIC, sizeof(chunk->magic));
	chunk->major = GTRACE_FORMAT_MAJOR;
	chunk->minor = GTRACE_FORMAT_MINOR;
	chunk->header_bytes = GTRACE__CHUNK_BYTES;
	chunk->frame_bytes = frame;
	chunk->raw_bytes = len;
	chunk->checksum = XXH64(chunk, offsetof(struct gtrace__chunk, checksum), 0);
	memcpy(f->buf, skip, sizeof(skip));
	memcpy(f->buf + GTRACE__SKIP_BYTES, chunk, sizeof(*chunk));
	err = file_write(f->fd, f->buf, HEAD_BYTES + frame);
	if (!err) {
		f->bytes += HEAD_BYTES + frame;
	} else if (!ftruncate(f->fd, (off_t)f->bytes)) {
		// A device that takes no truncation keeps the torn chunk; the reader says so.
		lseek(f->fd, (off_t)f->bytes, SEEK_SET);
	}
	return err;
}

int gtrace__file_batch(struct gtrace__file *f, struct gtrace__chunk *chunk, const uint8_t *records,
                       size_t len, uint64_t until)
{
	// At once for the longest: zstd remembers where it read last, and a block that has moved since
	// would lead a search of memory to whatever lies there now.
	size_t most = len > GTRACE__SLOT_BYTES ? len : GTRACE__SLOT_BYTES;
	int err = reserve(&f->packed, &f->packed_cap, gtrace__pack_room(most));

	if (err)
		return err;
	struct gtrace__packed packed =
		gtrace__pack(gtrace__shapes(), records, len, until - chunk->first_ticks, f->packed);

	chunk->kind = GTRACE__PACKED;
	chunk->events = packed.events;
	chunk->last_ticks = chunk->first_ticks + packed.ticks;
	if (!packed.events && !chunk->lost_batches)
		return 0;
	return gtrace__file_chunk(f, chunk, f->packed, packed.bytes);
}

void gtrace__file_close(struct gtrace__file *f)
{
	if (f->fd >= 0)
		close(f->fd);
	ZSTD_freeCCtx(f->zstd);
	free(f->buf);
	free(f->packed);
	f->fd = -1;
	f->zstd = NULL;
	f->buf = NULL;
	f->packed = NULL;
}

void gtrace__sigxfsz_block(void *saved_mask)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGXFSZ);
	pthread_sigmask(SIG_BLOCK, &set, saved_mask);
}

void gtrace__sigxfsz_allow(const void *saved_mask)
{
	const struct timespec now = {0};
	sigset_t set;

	if (!sigismember(saved_mask, SIGXFSZ)) {
		sigemptyset(&set);
		sigaddset(&set, SIGXFSZ);
		while (sigtimedwait(&set, NULL, &now) < 0 && errno == EINTR)
			;
	}
	pthread_sigmask(SIG_SETMASK, saved_mask, NULL);
}

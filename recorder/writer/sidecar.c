/* SPDX-License-Identifier: MIT */
/**
 * sidecar.c: the mapped file that holds the batches that are not in the trace yet.
 *
 * The pages of a MAP_SHARED mapping belong to the kernel: they outlive the process, whatever kills
 * it. The mapping is reserved once, larger than the file, and the file grows below it, so that no
 * slot ever moves.  A slot's disk space is allocated before it is used: a store to a hole of a full
 * disk would raise SIGBUS in the middle of the program.
 */
#include "writer/sidecar.h"

#include "writer/file.h"

#include <errno.h>
#include <fcntl.h>
#include <gtrace.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static int side_extend(int fd, uint64_t offset, uint64_t bytes)
{
	sigset_t saved;
	int err;

	gtrace__sigxfsz_block(&saved);
	do {
		// Not fallocate(): the C library's form fills the file where the file system cannot.
		err = posix_fallocate(fd, (off_t)offset, (off_t)bytes);
	} while (err == EINTR);
	gtrace__sigxfsz_allow(&saved);
	return -err;
}

static void side_fill(struct gtrace__side *page, uint64_t id, const struct gtrace__clock *start)
{
	page->major = GTRACE_FORMAT_MAJOR;
	page->minor = GTRACE_FORMAT_MINOR;
	page->header_bytes = GTRACE__SIDE_BYTES;
	page->id = id;
	page->pid = (uint64_t)getpid();
	page->slot_bytes = GTRACE__SLOT_BYTES;
	page->slot_header_bytes = GTRACE__SLOT_HEADER;
	page->tick_shift = GTRACE_TICK_SHIFT;
	page->clock_os = gtrace_clock_os;
	page->start = *start;
	page->last[0] = *start;
	memcpy(page->magic, GTRACE__SIDE_MAGIC, sizeof(page->magic));
}

int gtrace__sidecar_open(struct sidecar *s, const char *path, uint64_t id,
                         const struct gtrace__clock *start)
{
	void *map = MAP_FAILED;
	int err;

	memset(s, 0, sizeof(*s));
	s->fd = gtrace__file_create(path, O_RDWR | O_EXCL);
	if (s->fd < 0)
		return s->fd;
	err = side_extend(s->fd, 0, GTRACE__SIDE_BYTES);
	if (err)
		goto out;
	s->mapped_bytes = GTRACE__SIDE_BYTES + (size_t)GTRACE__SLOT_COUNT_MAX * GTRACE__SLOT_BYTES;
	// A limited address space may leave room for less.
	while (map == MAP_FAILED && s->mapped_bytes > (1u << 20)) {
		map = mmap(NULL, s->mapped_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, s->fd, 0);
		if (map == MAP_FAILED)
			s->mapped_bytes /= 2;
	}
	if (map == MAP_FAILED) {
		err = -errno;
		goto out;
	}
	s->page = map;
	side_fill(s->page, id, start);
out:
	if (err) {
		close(s->fd);
		unlink(path);
	}
	return err;
}

struct slot *gtrace__sidecar_grow(struct sidecar *s, int *err)
{
	uint64_t offset = GTRACE__SIDE_BYTES + (uint64_t)s->count * GTRACE__SLOT_BYTES;

	*err = -ENOMEM;
	if (offset + GTRACE__SLOT_BYTES > s->mapped_bytes)
		return NULL;
	if (!(s->count & (s->count - 1))) { // it doubles
		struct slot **slots = realloc(s->slots, (s->count ? 2 * s->count : 1) * sizeof(*slots));
		if (!slots)
			return NULL;
		s->slots = slots;
	}
	struct slot *slot = calloc(1, sizeof(*slot));

	if (!slot)
		return NULL;
	*err = side_extend(s->fd, offset, GTRACE__SLOT_BYTES);
	if (*err) {
		free(slot);
		return NULL;
	}
	slot->head = (void *)((uint8_t *)s->page + offset);
	slot->head->magic = GTRACE__SLOT_MAGIC;
	s->slots[s->count++] = slot;
	atomic_store_explicit(&s->page->slot_count, s->count, memory_order_release);
	return slot;
}

int gtrace__sidecar_reserve(struct sidecar *s, uint64_t bytes)
{
	return side_extend(s->fd, 0, bytes);
}

void gtrace__sidecar_begin(struct sidecar *s, const struct gtrace__clock *begin)
{
	uint32_t next = !atomic_load_explicit(&s->page->begin_index, memory_order_relaxed);

	s->page->begin[next] = *begin;
	atomic_store_explicit(&s->page->begin_index, next, memory_order_release);
}

void gtrace__sidecar_clock(struct sidecar *s, const struct gtrace__clock *now)
{
	uint32_t next = !atomic_load_explicit(&s->page->last_index, memory_order_relaxed);

	s->page->last[next] = *now;
	atomic_store_explicit(&s->page->last_index, next, memory_order_release);
}

void gtrace__sidecar_leave(struct sidecar *s)
{
	munmap(s->page, s->mapped_bytes);
	close(s->fd);
	s->page = NULL;
}

void gtrace__sidecar_close(struct sidecar *s)
{
	for (uint32_t i = 0; i < s->count; i++)
		free(s->slots[i]);
	free(s->slots);
	s->slots = NULL;
	s->count = 0;
	if (!s->page)
		return;
	munmap(s->page, s->mapped_bytes);
	close(s->fd);
	s->page = NULL;
}

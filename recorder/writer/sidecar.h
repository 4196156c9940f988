/* SPDX-License-Identifier: MIT */
/** sidecar.h: the mapped file that holds the batches that are not in the trace yet. */
#ifndef GTRACE_WRITER_SIDECAR_H
#define GTRACE_WRITER_SIDECAR_H

#include "format.h"

struct stream;

/** A slot as the writer side knows it; the batch is behind *head. */
struct slot {
	struct gtrace__slot *head;
	struct stream *owner; // who filled it; its share of the buffer counts it
	struct slot *next;    // on the queue of full ones, or on the list of free ones
	uint64_t events;      // of a full one: what its owner counted; 0: nobody did
	uint64_t last_ticks;  // likewise: the time of the last of them
};

struct sidecar {
	struct gtrace__side *page; // NULL: closed
	size_t mapped_bytes;
	int fd;
	uint32_t count;
	struct slot **slots; // count of them
};

/** Create it, exclusively.  Returns: 0 or a negative errno; *s is then of no use. */
int gtrace__sidecar_open(struct sidecar *s, const char *path, uint64_t id,
                         const struct gtrace__clock *start);

/** One more slot, with its disk space.  NULL: there is no room, and *err is a negative errno. */
struct slot *gtrace__sidecar_grow(struct sidecar *s, int *err);

/** Have the disk space of a file of so many bytes.  Returns: 0 or a negative errno. */
int gtrace__sidecar_reserve(struct sidecar *s, uint64_t bytes);

/** Note where a ring begins. */
void gtrace__sidecar_begin(struct sidecar *s, const struct gtrace__clock *begin);

/** Note the time, for the reader of what a killed program leaves. */
void gtrace__sidecar_clock(struct sidecar *s, const struct gtrace__clock *now);

/** In a forked child: unmap the parent's, and touch nothing else. */
void gtrace__sidecar_leave(struct sidecar *s);

/** Unmap and forget; the file itself is the caller's to remove. */
void gtrace__sidecar_close(struct sidecar *s);

static inline uint8_t *gtrace__slot_base(const struct slot *slot)
{
	return (uint8_t *)slot->head + GTRACE__SLOT_HEADER;
}

#endif

/* SPDX-License-Identifier: MIT */
/**
 * format.h: the bytes of a trace file and of its sidecar.  docs/trace-format.md is the
 * specification; this header and record.h are all that the writer and the reader share.
 *
 * Everything is little-endian; the structures below are the bytes.
 */
#ifndef GTRACE_FORMAT_H
#define GTRACE_FORMAT_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the format's structures are the bytes");

/** Points in time by all clocks at once. */
struct gtrace__clock {
	uint64_t ticks;   // of the trace's own clock
	uint64_t mono_ns; // CLOCK_MONOTONIC
	uint64_t wall_ns; // Unix time
};

/* ── the file: chunks ── */

#define GTRACE__SKIPPABLE 0x184D2A57u // a zstd skippable frame holds the chunk's header
#define GTRACE__SKIP_BYTES 8          // its magic and its length
#define GTRACE__CHUNK_MAGIC "GTRC"
#define GTRACE__CHUNK_BYTES 128
#define GTRACE__CHUNK_BYTES_MAX 4096     // of a header that a later minor version has lengthened
#define GTRACE__BATCH_RAW_MAX (1u << 20) // a batch may not be longer
#define GTRACE__TEXT_RAW_MAX (16u << 20) // nor a header or end record
#define GTRACE__TEXT_ARG_MAX 4096        // an argument of kind bytes, as written

enum gtrace__kind {
	GTRACE__HEADER = 1,
	GTRACE__BATCH = 2,
	GTRACE__END = 3,
	GTRACE__BEGIN = 4,
	GTRACE__PACKED = 5 // a batch, too
};

/** A chunk's header.  The first twelve bytes and the checksum at its end are the same in every
 * version. */
struct gtrace__chunk {
	char magic[4];
	uint16_t major;
	uint16_t minor;
	uint16_t kind;
	uint16_t header_bytes; // of all this
	uint32_t generation;
	uint64_t frame_bytes; // of the zstd frame behind it
	uint64_t raw_bytes;   // of the payload, decompressed
	uint64_t thread;
	uint64_t seq;         // of the batch in its thread, from 1
	uint64_t first_ticks; // the first event's time is relative to this
	uint64_t last_ticks;  // time of the last event
	uint64_t g;           // the context before the first event
	uint64_t events;
	uint64_t lost_events; // dropped just before this batch
	uint64_t lost_batches;
	struct gtrace__clock clock; // when the chunk was written
	uint64_t checksum;          // XXH64, seed 0, of the bytes before it
};
_Static_assert(sizeof(struct gtrace__chunk) == GTRACE__CHUNK_BYTES, "no padding");
_Static_assert(offsetof(struct gtrace__chunk, clock) == 96, "as in the specification");

/* ── the sidecar: a page, then slots ── */

#define GTRACE__SIDE_MAGIC "GTRCLIVE"
#define GTRACE__SIDE_BYTES 4096
#define GTRACE__SIDE_PLAIN 136         // of the page that matter, if it is no ring's
#define GTRACE__SIDE_RING 192          // likewise, if it is
#define GTRACE__SLOT_MAGIC 0x4C535447u // "GTSL"
#define GTRACE__SLOT_BYTES 65536
#define GTRACE__SLOT_HEADER 128
#define GTRACE__SLOT_COUNT_MAX 16384
#define GTRACE__ANSWER_MAX 1024

enum gtrace__slot_state { GTRACE__SLOT_FREE, GTRACE__SLOT_OPEN, GTRACE__SLOT_FULL };

/** The sidecar's first page. */
struct gtrace__side {
	char magic[8];
	uint16_t major;
	uint16_t minor;
	uint32_t header_bytes; // where the slots begin
	uint64_t id;           // the same as the `id` of the file's header
	uint64_t pid;
	uint32_t slot_bytes;
	uint32_t slot_header_bytes;
	_Atomic uint32_t slot_count;
	uint32_t tick_shift;
	uint32_t clock_os;           // 1: ticks are of the OS clock
	_Atomic uint32_t end_signal; // the signal that is ending the program, or 0
	struct gtrace__clock start;  // as in the file's header
	_Atomic uint32_t last_index; // which of the two is whole
	uint32_t pad;
	struct gtrace__clock last[2]; // refreshed now and then
	// what follows, a recording that keeps everything leaves at 0
	uint32_t ring;                 // batches that are kept
	_Atomic uint32_t begin_index;  // which of the two is whole
	struct gtrace__clock begin[2]; // nothing later is missing
	_Atomic uint32_t wake;         // futex: counts reasons for the writer thread to look
	_Atomic uint32_t request;      // dumps that other processes asked for
	_Atomic uint32_t answer;       // futex: so many of them are done
	int32_t answer_error;          // of the last one: 0 or a negative errno
	char answer_path[GTRACE__ANSWER_MAX];
};
_Static_assert(offsetof(struct gtrace__side, ring) == GTRACE__SIDE_PLAIN, "no padding");
_Static_assert(offsetof(struct gtrace__side, answer_path) == 208, "no padding");

/** The head of a slot: a batch that is not in the file yet. */
struct gtrace__slot {
	uint32_t magic;
	_Atomic uint32_t state;
	_Atomic uint32_t used; // bytes of whole records
	uint32_t generation;
	uint64_t thread;
	uint64_t seq;
	uint64_t first_ticks;
	uint64_t g;
	uint64_t lost_events;
	uint64_t lost_batches;
	struct gtrace__clock closed; // in a ring: when it became full
	uint8_t pad[40];
};
_Static_assert(sizeof(struct gtrace__slot) == GTRACE__SLOT_HEADER, "no padding");

#endif

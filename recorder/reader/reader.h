/* SPDX-License-Identifier: MIT */
/** reader.h: a trace being read, inside. */
#ifndef GTRACE_READER_READER_H
#define GTRACE_READER_READER_H

#include "format.h"
#include "map.h"
#include "reader/frame.h"
#include "reader/order.h"
#include "reader/tables.h"
#include "reader/timeline.h"
#include "record.h"

#include <gtrace.h>

/** Where a batch is and what its header says. */
struct batch {
	uint64_t offset; // of its chunk in the file, or of its slot in the sidecar
	uint64_t seq;
	uint64_t first_ticks;
	uint64_t last_ticks;
	uint64_t g;
	uint64_t events;
	uint64_t lost_events; // just before it
	uint64_t lost_batches;
	uint32_t generation;
	uint32_t head_bytes; // from offset to the frame
	uint32_t frame_bytes;
	uint32_t raw_bytes;
	bool packed;
	int8_t fetched;  // fetch.c's: its slot from 1, 0 planned, -1 taken
	uint8_t *memory; // its records, if it came from the sidecar
};

/** As it stands in a batch, but for sites and stacks, which have the reader's numbers. */
struct record {
	uint16_t id;
	uint16_t nargs;
	uint64_t arg[GTRACE_ARGS_MAX];
	const char *bytes[GTRACE_ARGS_MAX]; // behind each argument; matters for that kind alone
};

enum head_state {
	HEAD_NONE,  // nothing more
	HEAD_LATER, // a batch that is not read yet; the time is its first
	HEAD_PART   // part k of the current record: most have one, compound ones several
};

/** In a file of a recording that rotates: the batch that its stream had open when it began, and how
 * many of its records are an older file's. */
struct seam {
	uint64_t seq;
	uint64_t records;
};

#define SITES_NEAR 64

struct site_near {
	uint64_t raw;
	uint32_t number; // 0: none
};

/** A stream being read: its batches, and its next event, the head. */
struct cursor {
	uint64_t thread;
	struct batch *batch;
	size_t batch_count;
	size_t batch_cap;
	size_t batch_next;
	uint64_t seq_next; // the batch that has to come next

	const struct batch *current;
	struct buffer buf;
	const uint8_t *pos; // NULL: between batches
	const uint8_t *end;
	uint64_t from;                     // so many records of this batch are another file's
	uint64_t last[GTRACE_DELTA_COUNT]; // of each kind, in the batch
	uint64_t decoded;                  // records of this batch
	size_t line;                       // of the timeline
	uint32_t generation;
	struct map sites;                  // the records' site numbers to the reader's
	struct map stacks;                 // likewise
	struct site_near near[SITES_NEAR]; // some of sites

	enum head_state state;
	unsigned k, nparts;
	uint16_t id;       // of the head
	uint64_t ticks;    // likewise
	uint64_t move_g;   // whom the head starts or wakes; 0: nobody
	uint64_t move_seq; // its count then, as the record says
	struct record rec;
	uint64_t g;     // the context before the head
	bool after_gap; // the context is to be taken from the next batch
	bool ended;     // THREAD_END was read
	struct order_place place;
};

/** An event id as this file has it. */
struct file_event {
	struct gtrace_event_desc desc;
	char *words;
};

struct gtrace_reader {
	int fd;
	char *name;          // for messages
	uint64_t file_bytes; // of the trace alone
	struct gtrace_info info;
	char *header; // info.header
	char *end_record;
	char *header_words; // the same cut into key, value, key, value ... by zeros
	size_t header_words_len;
	struct gtrace__clock start;
	bool has_start;
	bool middle; // it begins in the middle of a recording: at start
	bool part;   // of one that rotates: seams say what is from before, and not the time
	struct seam *seams;
	size_t seam_count;
	size_t seam_cap;
	struct map seam_by_thread; // place in seams + 1
	uint64_t recorded_from;    // mono_ns of the header
	uint64_t id;               // of the recording
	bool has_id;
	uint64_t end_batches; // as the end record has it
	uint64_t end_ticks;
	bool has_end;

	struct cursor **cursors;
	size_t cursor_count;
	size_t cursor_cap;
	struct map cursor_by_thread;

	struct frame_reader frame;
	struct fetch *fetch; // NULL: none ahead

	struct gtrace__shape shape[256];
	const struct gtrace_event_desc *desc[256];
	struct file_event *file_events[256];
	struct tables tables;
	struct timeline timeline;
	struct order order;
	struct cursor *last; // its head was handed out; NULL when failed
	int failed;          // why it cannot be read any further: a negative errno, or 0
};

/* scan.c */

/** Find all chunks.  Returns: 0 or a negative code with *err filled. */
int gtrace__scan(struct gtrace_reader *r, struct gtrace_error *err);

/** The trace begins in the middle, there: unless it was said before, or is the recording's start.
 */
void gtrace__begin_take(struct gtrace_reader *r, const struct gtrace__clock *begin);

/** The cursor of a thread, made if new.  NULL: no memory. */
struct cursor *gtrace__cursor_get(struct gtrace_reader *r, uint64_t thread);

/** Returns: 0 or -ENOMEM. */
int gtrace__batch_add(struct gtrace_reader *r, uint64_t thread, const struct batch *b);

/* side.c */

struct side;

/** Read a sidecar into memory; *out is NULL if there is none that makes sense.  Returns: 0 or
 * -ENOMEM. */
int gtrace__side_load(struct side **out, const char *path);

/** Add what is not in the file.  Returns: 0 or a negative errno. */
int gtrace__side_merge(struct side *side, struct gtrace_reader *r);

void gtrace__side_free(struct side *side);

/* header.c */

/** Take the text of a header chunk, which becomes the reader's.  Returns: 0 or -ENOMEM. */
int gtrace__header_take(struct gtrace_reader *r, char *text);

/** Take the text of a begin chunk: the seams, if it is of a recording that rotates.  Returns: 0 or
 * -ENOMEM. */
int gtrace__begin_lines(struct gtrace_reader *r, const char *text);

/** Of a stream, or NULL. */
const struct seam *gtrace__seam(const struct gtrace_reader *r, uint64_t thread);

/** Take the text of an end record, which becomes the reader's. */
void gtrace__end_take(struct gtrace_reader *r, char *text, const struct gtrace__clock *when);

/** Decompress the text of a chunk, at offset; *out is NULL if it is damaged.  Returns: 0, or a
 * negative errno. */
int gtrace__chunk_text(struct gtrace_reader *r, uint64_t offset, const struct gtrace__chunk *k,
                       char **out);

/* batch.c */

/** Find the head after the present one.  Returns: 0, or a negative errno. */
int gtrace__cursor_advance(struct gtrace_reader *r, struct cursor *c);

/** Fill an event's id and arguments from the head. */
void gtrace__cursor_event(const struct gtrace_reader *r, const struct cursor *c,
                          struct gtrace_event *ev);

/** Decompress and unpack the records of a batch that is in the file.  Returns: 0, -EBADMSG if
 * damaged, or a negative errno. */
int gtrace__batch_read(const struct gtrace_reader *r, struct frame_reader *frame,
                       const struct batch *b, struct buffer *out);

/** Decompress the batch a HEAD_LATER stands for and find the head.  Returns: likewise. */
int gtrace__cursor_load(struct gtrace_reader *r, struct cursor *c);

#endif

/* SPDX-License-Identifier: MIT */
/**
 * rec.h: a recording, inside.
 *
 *   RUNNING ──write fails──▶ FAILED ──close──┐
 *      └─────────close──▶ CLOSING ──written──┴──▶ DONE
 *
 * Streams find out at the end of their batch; from then on they are dead: they write to a few bytes
 * of their own, over and over.
 */
#ifndef GTRACE_WRITER_REC_H
#define GTRACE_WRITER_REC_H

#include "writer/file.h"
#include "writer/keyframe.h"
#include "writer/ring.h"
#include "writer/rotate.h"
#include "writer/sidecar.h"

#include <gtrace.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>

#define REC_PATH_BYTES (PATH_MAX + 32) // of a file's absolute name, or one made of it

enum rec_state { REC_RUNNING, REC_FAILED, REC_CLOSING, REC_DONE };

#define STREAM_FAR 256    // far call sites remembered
#define STREAM_MARGIN 128 // the longest record without bytes, and some
#define STREAM_DEAD 512   // at least twice the margin
#define STREAM_STACKS 512 // stacks remembered

/** A stack that the batch's generation has; the hash is trusted to tell two apart. */
struct stack_seen {
	uint64_t hash;
	uint64_t number; // 0: none
};

/** A stream: what GTRACE_EMIT sees, and behind it what the slow paths need. */
struct stream {
	struct gtrace_stream pub; // first: they are cast to each other
	const struct gtrace__shape *shapes;
	struct stream *next;      // of all; set before it is published
	struct stream *next_free; // rec->lock
	struct slot *slot;        // owner thread; NULL: dead
	unsigned held;            // rec->lock: slots open or full
	unsigned held_max;
	bool stalls;              // rec->lock: waits for a slot
	uint64_t seq;             // owner thread: of the open batch
	uint32_t generation;      // owner thread: of the open batch
	uint32_t far_count;       // owner thread
	uint32_t kind;            // set before it is handed out
	uint64_t tid;             // likewise
	uint64_t far[STREAM_FAR]; // owner thread: hash set of numbers + 1
	uint64_t seen[GTRACE_SITE_NEAR / 64];
	struct stack_seen *stacks; // owner thread: STREAM_STACKS, by hash; NULL before the first
	uint64_t stack_count;      // owner thread
	uint8_t *end; // owner thread: an event may begin below this, wherever it is written
	_Alignas(_Atomic uint32_t) uint8_t dead[GTRACE__SLOT_HEADER + STREAM_DEAD];
};

struct rec_stats { // rec->lock
	uint64_t batches;
	uint64_t events;
	uint64_t raw_bytes;
	uint64_t stalls;
	uint64_t stall_ns;
	uint64_t lost_events;
	uint64_t lost_batches;
};

struct gtrace_rec {
	struct gtrace_options opt;
	char path[sizeof(((struct gtrace_options *)0)->path) + 16];
	char side_path[sizeof(((struct gtrace_options *)0)->path) + 24];
	char base[PATH_MAX]; // the file's absolute name
	void (*notify)(const char *line);
	struct gtrace_rec *next; // the list of recordings, for fork

	// set before it runs: what each file's header says, and how batches are written
	struct gtrace__clock start;
	uint64_t id;
	char *info; // further lines
	bool apart; // each batch is read without those before it

	pthread_t thread;
	bool joined;              // lock: somebody joins it, or has
	struct gtrace__file file; // the writer thread
	uint64_t generation_ns;   // the writer thread: when the next one is due
	uint64_t clock_ns;        // the writer thread: when the clocks are noted next
	uint64_t clock_step_ns;   // the writer thread

	pthread_mutex_t lock;
	pthread_cond_t room;              // a slot became free, or the state changed
	pthread_cond_t done;              // state is DONE
	enum rec_state state;             // lock
	int error;                        // lock: what stopped it, negative errno
	bool ends;                        // lock: somebody has asked for the end
	enum gtrace_end end;              // lock: if so
	int end_code;                     // lock
	uint64_t end_ticks;               // lock: what is later is not written
	struct sidecar side;              // lock; page and slot contents as in rec.c
	struct slot *free;                // lock
	struct slot *full;                // lock: oldest first
	struct slot **full_tail;          // lock
	unsigned full_count;              // lock: of them, and those being written
	struct stream *free_streams;      // lock
	uint64_t stream_count;            // lock
	uint64_t stream_used;             // lock: of threads that have not ended theirs
	struct rec_stats stats;           // lock
	struct ring ring;                 // as there
	struct rotate rotate;             // as there
	struct keyframes keyframes;       // as there
	struct gtrace__clock begin;       // lock: gtrace_rec_begin()
	bool begins;                      // lock: the writer thread is to write it down
	_Atomic(struct stream *) streams; // pushed under lock, never removed
	_Atomic uint32_t generation;
	_Atomic uint32_t wake; // futex: counts reasons to look; a ring's is in its sidecar
	_Atomic int signo;     // a signal handler asks for the end
	_Atomic int faulted;   // who set signo raises it: the writer thread does not
	_Atomic uint32_t gone; // futex: the writer thread looks at signo no more
	_Atomic int tid;       // of the writer thread, once it runs
	_Atomic int forked;    // this is a child: leave everything alone
	int other_fd;          // recs.lock: a dump's, or the next file's; -1: none
};

/* rec.c */

/** FILE.gtrace -> FILE.0001.gtrace, with so many digits at least. */
void gtrace__numbered_path(const struct gtrace_rec *rec, char out[REC_PATH_BYTES], int digits,
                           unsigned number);

/** Held while the descriptor of a recording's file changes: no fork() in between. */
void gtrace__recs_lock(void);
void gtrace__recs_unlock(void);

/**
 * Create a second file besides the one that is being written; one at a time.
 *
 * Returns: its descriptor, which is not there in a forked child, or a negative errno.
 */
int gtrace__other_create(struct gtrace_rec *rec, const char *path, int flags);

/** Close it. */
void gtrace__other_close(struct gtrace_rec *rec, struct gtrace__file *f);

/* stream.c */

/** Point a stream at its dead bytes. */
void gtrace__stream_kill(struct stream *s);

/** Room for records of so many bytes, in this batch or the next.  False: the stream is dead. */
bool gtrace__stream_room(struct stream *s, size_t bytes);

/* thread.c */

/** The recording is over, since path cannot be written; the program is not.  Says so, once. */
void gtrace__rec_fail(struct gtrace_rec *rec, const char *path, int err);

/** Has it been given up? */
bool gtrace__rec_failed(struct gtrace_rec *rec);

/** The writer thread. */
void *gtrace__writer_main(void *rec);

/** A write to the file has failed. */
void gtrace__writer_fail(struct gtrace_rec *rec, int err);

/** Write a full batch, off the queue, and free its slot; once a write has failed, free it only. */
void gtrace__writer_full(struct gtrace_rec *rec, struct slot *slot);

/** Write the full batches, oldest first. */
void gtrace__writer_drain(struct gtrace_rec *rec);

/** Append a slot's batch up to `until` and count it; an empty one is none. */
int gtrace__batch_write(struct gtrace__file *f, const struct slot *slot, uint64_t until,
                        const struct gtrace__clock *clock, struct rec_stats *stats);

/** The end record of a file, with more lines.  Returns: 0 or a negative errno. */
int gtrace__end_write(struct gtrace__file *f, const struct rec_stats *stats, enum gtrace_end end,
                      int code, const char *more);

/** Have the writer thread look.  Async-signal-safe. */
void gtrace__writer_wake(struct gtrace_rec *rec);

/** Wait until the writer thread is through, at most so long.  Async-signal-safe. */
bool gtrace__writer_await(struct gtrace_rec *rec, int64_t ns);

/** Set the signal's default action and raise it in this thread.  Async-signal-safe. */
void gtrace__reraise(int signo);

/* header.c */

/** The header of one of the recording's files.  Returns: 0 or a negative errno. */
int gtrace__header_write(const struct gtrace_rec *rec, struct gtrace__file *f);

/** The list of events, as lines of the header. */
void gtrace__header_events(FILE *f);

/** The program's own name for itself. */
const char *gtrace__program_name(void);

#endif

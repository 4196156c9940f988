/* SPDX-License-Identifier: MIT */
/** keyframe.h: lists of all goroutines, for traces that begin in the middle. */
#ifndef GTRACE_WRITER_KEYFRAME_H
#define GTRACE_WRITER_KEYFRAME_H

#include <gtrace.h>

#define LIST_SHARE 4 // a list has at most that part of what it is in

struct stream;

/** Part of struct gtrace_rec; its lock is that one's. */
struct keyframes {
	int (*list)(void *arg, const struct gtrace_keyframe *keyframe); // lock
	void *arg;                                                      // lock
	bool busy;                                                      // lock: `list` is being called
	/* the writer thread's */
	bool told;                    // that a list is too long
	bool drains;                  // full batches may go to the file while a list is written
	uint64_t due_ns, step_ns;     // of a recording that keeps everything: the next list
	struct gtrace_stream *stream; // changed under the lock
};

/**
 * Have a list written, by the writer thread, to a stream of its own; its time is now.  of[] is what
 * a list may not fill more than a quarter of, bytes.  Returns false if nobody has a list to give.
 */
bool gtrace__keyframe_write(struct gtrace_rec *rec, unsigned why, uint64_t bytes, const char *of);

/** The same for a recording that keeps everything, whose batches go to the file meanwhile. */
void gtrace__keyframe_all(struct gtrace_rec *rec, unsigned why);

/** The writer thread: what gtrace_rec_begin() waits for.  Returns: 0 or a negative errno. */
int gtrace__begin_work(struct gtrace_rec *rec);

/** What is due of a recording that keeps everything: lists at doubling intervals.  Returns when the
 * next one is. */
uint64_t gtrace__keyframe_tick(struct gtrace_rec *rec, uint64_t now_ns);

/** Is it the stream of these lists?  It waits for nothing. */
bool gtrace__keyframe_own(const struct stream *s);

#endif

/* SPDX-License-Identifier: MIT */
/** runs.h: any number of intervals in the order of their key, in bounded memory. */
#ifndef GTRACE_RUNS_H
#define GTRACE_RUNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** A row of the table interval; its key is g, n. */
struct interval {
	uint64_t g, object, site, thread, woken_by, wake_object;
	int64_t from_ns, to_ns; // to_ns < 0: open
	uint32_t n;
	uint8_t state, reason, flags, waker;
};

struct run;
struct run_key;

struct runs {
	struct interval *rows; // the run in the making
	struct run_key *keys;  // room to sort it
	size_t count, cap;
	uint64_t put;    // how many in all
	struct run *run; // those in the file
	size_t run_count;
	int fd;
	uint64_t bytes; // of the file
	size_t *heap;   // runs, that with the next row first
	size_t heap_count, at;
	struct interval row; // handed out last
	int err;             // a negative errno; nothing is kept or handed out after it
};

void runs_init(struct runs *r);

/** Keep one.  Returns: 0, or a negative errno. */
int runs_put(struct runs *r, const struct interval *row);

/** Begin to hand them out: nothing can be put any more.  Returns: likewise. */
int runs_begin(struct runs *r);

/** The next one, good until the next call; of those with the same key the first that was put. NULL:
 * it was the last, or r->err. */
const struct interval *runs_next(struct runs *r);

void runs_release(struct runs *r);

#endif

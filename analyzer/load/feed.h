/* SPDX-License-Identifier: MIT */
/** feed.h: the events of a trace, read ahead. */
#ifndef GTRACE_FEED_H
#define GTRACE_FEED_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <gtrace.h>

enum { FEED_BATCHES = 8 };

struct feed_batch;

struct feed_event {
	// Of the call site of ATTEMPTS and LOCK, as far as the trace had told it by then.
	unsigned site_op;
	struct gtrace_event ev;
};

/** Which arguments of an event are sites, and which are bytes: a bit each. */
struct feed_kinds {
	const struct gtrace_event_desc *desc; // NULL: not known yet
	uint8_t sites, bytes;
};

enum feed_end {
	FEED_ALL,     // no more events, or an error
	FEED_CUT,     // there were events_max
	FEED_STOPPED, // it was told to
};

struct feed {
	struct gtrace_reader *reader;
	uint64_t events_max; // 0: all
	atomic_bool stop;

	// Theirs who read; yours once feed_next() has said that there are no more.
	uint64_t events, site_last;
	enum feed_end end;
	bool no_memory;
	int got; // by the last event_read()
	struct gtrace_error err;
	struct feed_kinds kinds[256];

	struct feed_event now; // as long as there is no thread
	struct feed_batch *batch[FEED_BATCHES];
	uint64_t filled, taken; // batches; under mu, as over is
	bool over;
	pthread_mutex_t mu;
	pthread_cond_t more, room;
	pthread_t thread;
	bool threaded, alone; // there is a thread; there will be none
	bool taking;          // batch[taken % BATCHES] has events left, from at on
	unsigned at;
};

/** Begin with a reader, which is the feed's until feed_next() has said that there are no more, or
 * feed_close(). */
void feed_open(struct feed *f, struct gtrace_reader *r, uint64_t events_max);

/**
 * The next event; *e is valid until the next call.
 *
 * Returns: 1; 0 no more; or a negative errno with *err filled.
 */
int feed_next(struct feed *f, const struct feed_event **e, struct gtrace_error *err);

/** Read no more.  What was read is still handed out. */
void feed_stop(struct feed *f);

void feed_close(struct feed *f);

#endif

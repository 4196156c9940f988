/* SPDX-License-Identifier: MIT */
/** loader.h: what the files of load/ share while a trace is read. */
#ifndef GTRACE_LOADER_H
#define GTRACE_LOADER_H

#include <gtrace.h>

#include "act/pack.h"
#include "map.h"
#include "load/load.h"
#include "load/rows.h"

/** A number of a list of words, gtrace_name()'s; UINT8_MAX: a later version's, which has no word
 * here. */
static inline unsigned loader_word(uint64_t number)
{
	return number < UINT8_MAX ? (unsigned)number : UINT8_MAX;
}

/** One object of a wait: an entry of a select, or the only one. */
struct wait_case {
	uint64_t object;
	unsigned op;
};

enum { POLLS = 4 };

/** Failed tries in a row at one site, or yields there with nothing else between. */
struct poll {
	uint64_t site, count; // count 0: the slot is free
	int64_t from_ns, last_ns;
	bool yields;
};

/** Intervals of a goroutine that are not yet in the table. */
struct block {
	uint8_t *bytes;
	int64_t from_ns; // of the first one
	uint32_t n;      // of it
	uint16_t len, cap;
};

/** A goroutine that is alive, in the map goroutines under (g, 0). */
struct goroutine {
	struct map_head head;
	uint64_t parent, born_site, entry;
	uint64_t object, site, thread; // of the state it is in
	uint64_t foreign_thread;       // that it is; 0: none
	uint64_t stack;                // seen in this state; 0: none
	int64_t born_ns, since_ns;
	int64_t until_ns;  // the wait ends by itself then; < 0: it does not
	int64_t waited_ns; // in all, but for the wait at hand
	char *name;
	struct block block;
	struct poll *polls;      // POLLS of them, or NULL: it never polled
	struct wait_case *cases; // of the select it is about to wait in, or waits in
	uint32_t case_count, case_cap;
	uint32_t intervals, depth; // depth: generations since the first
	uint8_t state, reason, flags;
	bool listed; // known from a list of goroutines alone
	bool older;  // its birth is not in the trace
};

/** A thread, in the map threads under (number, 0). */
struct thread {
	struct map_head head;
	int64_t last_ns;     // last event
	int64_t gap_from_ns; // < 0: no gap waits for its end
	uint64_t gap_batches, gap_events;
	uint64_t stack_of; // the goroutine that a STACK would be of; 0: none
	bool stack_waits;  // it waits, or it runs
	uint8_t kind;      // GTRACE_thread_kind_*
};

struct acts;
struct long_wait;
struct ready;

/** The longest waits of a reason. */
struct longest {
	struct long_wait *waits;
	size_t count;
};

enum { LONGEST_REASONS = 32 };

enum { GOROUTINES_NEAR = 256 };

struct loader {
	struct rows rows;
	struct gtrace_reader *reader;
	struct map goroutines, threads, objects, holds, readers, timers, helds, nests;
	struct map object_waits, site_waits, spawns;
	struct acts *acts[ACT_KINDS]; // that are being collected
	int64_t act_batches;
	struct goroutine *near[GOROUTINES_NEAR]; // of goroutines, by the low bits of the number
	struct thread *thread;                   // of the event at hand; NULL: it has none
	int64_t now_ns;                          // of the event at hand; never less than 0
	unsigned site_op;                        // of its call site, if it is one of ATTEMPTS or LOCK
	int64_t over_ns; // the end of the program's own events, if the recorder says so; < 0
	uint64_t events, older, started, ended, alive, peak;
	int64_t peak_ns, last_wake_ns, main_ended_ns;
	uint64_t pollers; // goroutines that have polls
	uint64_t intervals;
	struct longest longest[2][LONGEST_REASONS]; // [1]: of those that last until the end
	struct ready *ready;                        // the histogram
	size_t block_bytes;                         // that all blocks have room for
	uint64_t object_waits_max;
	int64_t duration_ns; // of the trace, once it is read
	uint64_t handoffs, snaps, reaches, gaps, marks, site_last, nest_last;
	uint64_t stack_last;
	char *panic;
	int64_t panic_ns;
	uint64_t panic_g, panic_site;
	bool no_memory, partial;
	bool cut;    // it was not to be read any further
	bool middle; // the trace begins in the middle of a recording
};

/* goroutine.c: states -> intervals.  The _event() functions return true if no other has to see it.
 */
bool loader_goroutine_event(struct loader *l, const struct gtrace_event *ev);
/** Write the rows of those still alive. */
void loader_goroutines_end(struct loader *l);
/** The one of that number, which is made if it is not there.  Valid until one is made or ends.
 * NULL: no memory. */
struct goroutine *loader_goroutine(struct loader *l, uint64_t g);
/** Likewise; NULL: it is not there. */
struct goroutine *loader_goroutine_find(struct loader *l, uint64_t g);

/* block.c: intervals on their way into the database */
void loader_interval(struct loader *l, struct goroutine *gr, const struct interval *row);
/** Write what there is, and free it. */
void loader_block_end(struct loader *l, struct goroutine *gr);

/* longest.c: the longest waits, and the delays */
void loader_longest(struct loader *l, const struct interval *row);
void loader_longest_end(struct loader *l);

/* poll.c: tries and yields */
void loader_poll(struct loader *l, uint64_t g, uint64_t site, uint64_t count, bool yields);
/** Tries at site that failed, or yields with nobody else to run. */
void loader_attempts(struct loader *l, uint64_t g, uint64_t site, uint64_t count);
/** The goroutine got something at site; 0: it did something else than to yield. */
void loader_poll_ends(struct loader *l, uint64_t g, uint64_t site);
void loader_poll_rows(struct loader *l, const struct goroutine *gr);

/* wait.c: waits, summed up */
/** It begins to wait, if for one object alone. */
void loader_wait_begins(struct loader *l, const struct goroutine *gr);
/** It has waited or been outside for ns, or does so still; if for no time at all, there was no
 * wait. */
void loader_waited(struct loader *l, struct goroutine *gr, int64_t ns, bool still);
void loader_waits_init(struct loader *l);
void loader_waits_end(struct loader *l);

/* spawn.c: goroutines, summed up by the place that spawned them */
/** Its row is written; ended_ns < 0: it is alive at the end. */
void loader_spawned(struct loader *l, const struct goroutine *gr, int64_t ended_ns);
void loader_spawns_end(struct loader *l);

/* object.c: objects, locks, timers */
bool loader_object_event(struct loader *l, const struct gtrace_event *ev);
void loader_objects_init(struct loader *l);
void loader_objects_end(struct loader *l);

/* act.c: uses and holds on their way into the database */
/** A goroutine acted on an object, or was about to. */
void loader_use(struct loader *l, uint64_t g, uint64_t object, unsigned op, uint64_t site);
/** A lock was held; or is, at the end. */
void loader_hold(struct loader *l, const struct act *row);
/** Write those that are left. */
void loader_acts_end(struct loader *l);

/* nest.c: the order of locks */
void loader_lock_taken(struct loader *l, uint64_t g, uint64_t object, unsigned mode, uint64_t site);
void loader_lock_released(struct loader *l, uint64_t g, uint64_t object);
void loader_nests_init(struct loader *l);
void loader_nests_end(struct loader *l);

/* stack.c: stacks of goroutines that wait or run for long */
/** For every event of a thread, before it is handled. */
void loader_stack_event(struct loader *l, struct thread *t, const struct gtrace_event *ev);
/** The stack of the stretch that ends now. */
void loader_stack_row(struct loader *l, struct goroutine *gr);
void loader_stacks_end(struct loader *l);

/* thread.c: threads, handoffs, samples, gaps */
/** For every event, before it is handled. */
void loader_thread_seen(struct loader *l, const struct gtrace_event *ev);
bool loader_thread_event(struct loader *l, const struct gtrace_event *ev);
void loader_threads_end(struct loader *l);

#endif

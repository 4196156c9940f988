/* SPDX-License-Identifier: MIT */
/** snapshot.h: all goroutines of a run as a list; see snapshot.c. */
#ifndef GOR_SNAPSHOT_H
#define GOR_SNAPSHOT_H

#include "scheduler.h"

#define SNAPSHOT_FRAMES SHOT_FRAMES

/** What a snapshot takes beside the goroutines' descriptors. */
enum snapshot_what {
	SNAPSHOT_STACKS = 1 << 0,  // of those that do not run, and the caller's own
	SNAPSHOT_RUNNING = 1 << 1, // of those that do, by the sampling signal
	SNAPSHOT_HOLDERS = 1 << 2, // who holds the lock that one waits for
	SNAPSHOT_OWN = 1 << 3,     // only the caller's own row
};

enum snapshot_state { SNAPSHOT_RUNS, SNAPSHOT_RUNNABLE, SNAPSHOT_WAITS, SNAPSHOT_IN_CALL };

/** A goroutine. */
struct snapshot_row {
	uint64_t id;
	uint64_t parent; // 0: none
	uint64_t obj;    // of WAITS: its id in traces, 0 none
	uint64_t holder; // of WAITS for a lock: the goroutine that has it, 0 none or not asked for
	const struct gor_site *site, *born;
	const void *on; // of WAITS: the object, the cases of a select; may be gone
	const void *fn; // what it was started with
	int64_t wait_ns;
	uint32_t cases;
	uint32_t frames;     // how many
	size_t frame;        // the first one's place in pc[]
	uint8_t state;       // enum snapshot_state
	uint8_t reason;      // of WAITS: a GTRACE_reason_*
	uint8_t flags;       // of WAITS: GTRACE_WAIT_*
	bool pinned, leaked; // leaked: goroutineleak found that nothing can wake it
	bool current;        // the caller's own
	char name[G_NAME_MAX];
};

/** A row's place in an order. */
struct snapshot_index {
	uint64_t key;
	size_t row;
};

/** Who asks. */
struct snapshot_caller {
	struct g *g;       // its goroutine, which waits for the snapshot; NULL: none
	const void *frame; // the one whose caller is the first of g's that is shown
};

struct snapshot {
	struct sched *sched;
	struct snapshot_caller caller;
	unsigned what;
	int64_t now_ns;            // of the clock that wait_ns is of
	struct snapshot_row *rows; // in no order
	size_t count, room;
	struct snapshot_index *index; // of all rows: the caller's own first, then by id
	size_t index_room;
	uint64_t *pc; // innermost first
	size_t pc_count, pc_room;
	int err;
};

int gor__snapshot(struct snapshot *s, struct sched *sched, unsigned what,
                  const struct snapshot_caller *caller);
void gor__snapshot_sort(struct snapshot *s); // after the keys have changed
void gor__snapshot_free(struct snapshot *s);

/** Room for one more in an array of mapped memory.  NULL, and the array is as it was: no memory. */
void *gor__snapshot_more(void *array, size_t *room, size_t count, size_t bytes);
void gor__snapshot_unmap(void *array, size_t room, size_t bytes);

#endif

/* SPDX-License-Identifier: MIT */
/** graph.h: who is alive at the end of a trace, who waits for what, and who could help. */
#ifndef GTRACE_GRAPH_H
#define GTRACE_GRAPH_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "map.h"

enum node_kind {
	NODE_PARKED, // waits for somebody
	NODE_ACTIVE, // running, runnable, or in a call
	NODE_TIMED   // sleeps, has a deadline, waits for a file or has a cancel handle: will go on by
	             // itself
};

/** A goroutine alive at the end. */
struct node {
	uint64_t g, parent;
	int64_t born_ns, since_ns;
	size_t wait_first, wait_count; // in graph.waits
	size_t ring, behind, loop;     // index of the node a cycle is named after, plus 1; 0 none
	enum node_kind kind;
	bool never;   // nil channel, select without cases
	bool spins;   // for spin_ns or longer without a scheduling event
	bool foreign; // a thread that the program made: what it knows of is not recorded
	bool young;   // its wait is no longer than such waits take that end
	bool member;  // SUPPOSE_REPEATS: it goes round, and counts as parked
	bool mere;    // SUPPOSE_ROLES: it waits for something that it never did anything else to
	bool dead, sure, main;
};

/** Node n waits for object o. */
struct wait {
	size_t n, o;
	int64_t from_ns;
	bool mere; // SUPPOSE_ROLES: and never did anything else to it
};

/** What to take for granted that nothing is proof of: detect/suppose.c. */
enum graph_suppose {
	SUPPOSE_NOTHING,
	SUPPOSE_REPEATS, // who repeats itself (table repeat) goes on to: it waits for all that it uses
	SUPPOSE_ROLES    // who waits for something now, and never did anything else to it, never will
};

/** An object that somebody waits for. */
struct thing {
	uint64_t object;
	size_t waiter_first, waiter_count; // in graph.waiters: indexes of waits
	size_t holder_first, holder_count; // in graph.holders
	int64_t made_ns;
	int64_t reach_ns; // when a snapshot looked for it; < 0: none did
	bool reached;     // and found it
	bool still;       // nobody ran meanwhile
	bool shared;      // a lock, and held for reading: anybody may end that
	bool lock, timed; // timed: an armed timer acts on it
	bool old;         // made before the trace's beginning: who used it then is not known
	bool long_waited; // by somebody who is not young
	bool acted;       // dead.c: its waiters are taken out already
	bool walked;      // dead.c: who touched it is known to keep main waiting
};

#define TOUCH_HOLDS INT64_MAX // a touch's from_ns if g holds o, a lock: only holders touch locks

/** Goroutine g, alive or not, has had to do with object o since from_ns. */
struct touch {
	uint64_t g;
	size_t o;
	int64_t from_ns;
};

struct graph {
	struct node *nodes; // by g
	struct wait *waits; // by node
	struct thing *things;
	size_t *waiters;
	struct touch *touches; // by g, then from_ns
	uint64_t *holders;     // goroutines, by thing
	size_t node_count, wait_count, thing_count, touch_count, holder_count, timer_count;
	struct map thing_index; // object -> index + 1
	int64_t last_wake_ns, gap_ns;
	bool exited, deadlocked, blind, main_ended; // blind: uses were not recorded
	bool awake;                                 // a goroutine runs, or is in a call outside
	bool middle; // nor anything that was before the trace's beginning
	enum graph_suppose suppose;
	bool no_memory;
};

/** Read it.  Returns: an SQLite code; the caller releases it in any case. */
int graph_read(struct graph *gr, sqlite3 *db, enum graph_suppose suppose);
void graph_release(struct graph *gr);

/** The node of a goroutine, or NULL if it is not alive. */
struct node *graph_node(const struct graph *gr, uint64_t g);

/** The index of a thing, plus 1; 0: nobody waits for that object. */
size_t graph_thing(const struct graph *gr, uint64_t object);

/** The first touch of a goroutine, and how many there are. */
const struct touch *graph_touches(const struct graph *gr, uint64_t g, size_t *count);

#endif

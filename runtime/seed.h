/* SPDX-License-Identifier: MIT */
/** seed.h: runs that can be repeated, and virtual time; see seed.c. */
#ifndef GOR_SEED_H
#define GOR_SEED_H

#include "scheduler.h"

#define PCT_DEPTH_MAX 64u

/* How the next goroutine is chosen; OFF: no seed. */
enum seed_policy { SEED_OFF, SEED_NATURAL, SEED_RANDOM, SEED_PCT };
enum seed_clock { CLOCK_UNREAD, CLOCK_REAL, CLOCK_VIRTUAL }; // UNREAD: the environment was not

struct seed {
	/* what the environment said; constant once it was read */
	enum seed_policy policy;
	bool given;        // number counts
	bool vtime;        // time is virtual
	uint64_t number;   // N
	uint32_t depth;    // of pct: its D
	uint64_t length;   // of pct: operations the run is thought to have; 0: drawn
	bool bounded;      // of random: only the first `length` operations may give way
	_Atomic int clock; // enum seed_clock; written last: release, acquire in gor_now()
	/* of this run; whoever holds its p reads and writes it */
	_Atomic uint64_t points; // operations so far; the monitor looks at it
	_Atomic uint32_t count;  // of runnable; gor__runq_empty() looks at it
	uint32_t room;
	struct g **runnable; // taken out of the queues; with pct a heap, the highest first
	bool at_point;       // the yield under way is of gor__seed_point(), not of the program
	bool timers_turn;    // picked: a timer
	uint32_t slice_tick; // m->tick when the slice began
	uint64_t slice_point;
	uint64_t low;                       // of pct: below all priorities so far
	uint64_t timers_priority;           // of pct
	uint32_t timers_streak;             // of pct: fired in a row while goroutines could run
	uint64_t change[PCT_DEPTH_MAX - 1]; // of pct: points where the running one's priority drops
	/* the virtual clock, which goes on over all runs */
	_Atomic int64_t now;    // written by the p's holder, and by any goroutine that looks at it
	_Atomic uint64_t looks; // operations and looks since it last jumped
	int64_t outside_ns;     // p's holder: when, by the real clock, idle time last passed; 0 never
	/* the monitor's notes */
	uint64_t seen_points;
	int64_t seen_ns; // when they were first so many
};

extern struct seed gor__seed;

/** Is this a run to be repeated? */
static inline bool gor__seeded(void)
{
	return gor__seed.policy != SEED_OFF;
}

/** And one whose next goroutine seed.c picks? */
static inline bool gor__seed_picks(void)
{
	return gor__seed.policy >= SEED_RANDOM;
}

/* config.c asks these */
bool gor__seed_set_number(const char *text);
bool gor__seed_set_policy(const char *text);
void gor__seed_settle(void);

void gor__seed_text(char *text, size_t room);
void gor__seed_begin(struct p *p);
void gor__seed_point(struct m *m);
struct g *gor__seed_get(struct p *p);
struct g *gor__seed_look(struct m *m);
uint64_t gor__seed_tie(struct p *p);
bool gor__seed_keeps(int64_t now, int64_t stretch);
int64_t gor__seed_now(void);
int64_t gor__seed_real(int64_t when);

#endif

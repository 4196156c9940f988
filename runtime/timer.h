/* SPDX-License-Identifier: MIT */
/** timer.h: timers of the runtime; public ones are made of these. */
#ifndef GOR_TIMER_H
#define GOR_TIMER_H

#include "scheduler.h"

/**
 * A timer.  It may lie on a goroutine's stack: once gor__timer_del() has returned,
 * nobody touches it.
 */
struct timer {
	int64_t when;          // its p's timers->lock
	uint64_t tie;          // likewise: the lower goes first of those with one `when`
	uint32_t slot;         // place in the heap, from 1; 0: in none
	bool fixed;            // never deleted; slot is not kept
	_Atomic bool running;  // run is under way
	_Atomic(struct p *) p; // whose timers it is among; written under their lock
	/**
	 * Called when it is due, taken out already, under the lock of its p's timers: must not block,
	 * park or add a timer.  Returns the goroutine to make runnable, or NULL.
	 */
	struct g *(*fire)(struct timer *t);
	/**
	 * If set, called in place of fire and without the lock, by m, which has a p but runs no
	 * goroutine.  It may send, close, make ready and add timers.  Its last touch of t is to clear
	 * t->running, which gor__timer_cancel() waits for.
	 */
	void (*run)(struct m *m, struct timer *t);
	struct timer *next; // of those that are due
	void *arg;
};

/* time.c: the real clock, and the one that timers go by, which may be a virtual one */
int64_t gor__clock(void);

/** The clock as of the monitor's last look, at most 5 ms ago while any goroutine runs. */
struct coarse {
	_Alignas(64) _Atomic int64_t ns;
};
extern struct coarse gor__coarse;
int64_t gor__now(void);

int gor__timer_add(struct m *m, struct timer *t);
bool gor__timer_del(struct timer *t); // not a fixed one
bool gor__timer_cancel(struct timer *t);
void gor__timer_ran(struct timer *t);
bool gor__timers_due(struct p *p);
bool gor__timers_run(struct m *m, struct p *p);
int64_t gor__timers_first(struct sched *s);

#endif

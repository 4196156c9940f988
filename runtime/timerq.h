/* SPDX-License-Identifier: MIT */
/** timerq.h: the timers of one p in the order of their times; see timerq.c. */
#ifndef GOR_TIMERQ_H
#define GOR_TIMERQ_H

#include "lock.h"

#include <stdbool.h>

#define TIMER_RUNS 4

struct timer;

/** A timer and when it is due. */
struct timed {
	int64_t when;
	struct timer *timer;
};

/** Timers that came in the order of their times: a ring. */
struct timer_run {
	uint32_t head, tail; // taken and put so far
	uint32_t room;       // a power of 2, or 0
	struct timed *ring;
};

struct timers {
	struct lock lock;
	_Atomic int64_t first;  // when the earliest is due, or NO_TIMER; written under lock
	_Atomic uint32_t count; // written under lock
	uint64_t ties;          // lock: timers armed so far
	// the rest under lock
	uint32_t heap_count, heap_room;
	struct timed *heap;
	struct timer_run runs[TIMER_RUNS];
};

bool gor__timerq_put(struct timers *ts, struct timed t);
const struct timed *gor__timerq_first(const struct timers *ts);
struct timer *gor__timerq_take(struct timers *ts, int64_t now);
void gor__timerq_remove(struct timers *ts, struct timer *t);

#endif

/* SPDX-License-Identifier: MIT */
/* machine.h: the states of the reference, and the steps between them; see machine.c. */
#ifndef MACHINE_H
#define MACHINE_H

#include "program.h"

enum { UNBORN, READY, BLOCKED, OVER };
enum { NOBODY_HAS_IT = 0xff };
/* Of a step; otherwise the number of the case it does. */
enum { FIRE = 0xfd, PLAIN, TIME_IS_UP };

/* COND_WAIT has steps of its own. */
enum { BEFORE, QUEUED, QUEUED_SIGNALLED, WAITING, LOCKING };

struct queue {
	uint8_t len, who[GOROUTINES];
};

/* All bytes, so that states can be compared and hashed as such. */
struct state {
	uint8_t pc[GOROUTINES], phase[GOROUTINES], status[GOROUTINES];
	struct {
		uint8_t closed, len, buf[CAP_MAX + 1];
		struct queue recvq, sendq;
	} chan[ENDS];
	uint8_t armed; // the timer
	struct {
		uint8_t owner;
		struct queue q;
	} mutex[MUTEXES];
	uint8_t writer, readers;
	int8_t count;
	uint8_t permits;
	struct queue rw, wg, cond, sem;
	uint8_t panicked; // of an outcome that is a panic: it has happened
};

struct machine {
	const struct program *p;
	const struct outcome *want; // answers must be these; or
	struct outcome *out;        // are written here
	unsigned faults;
	bool cut; // calls under way at the end may have taken effect or not
	uint8_t done[GOROUTINES];
	uint8_t need[GOROUTINES][OPS][GOROUTINES]; // before g's call: how many of h's came before
};

struct step {
	uint8_t g, choice;
};

enum { STEPS_MAX = GOROUTINES * CASES + 1 };

/** The first state of a program. */
void machine_begin(const struct machine *m, struct state *st);

/** The steps that a state allows; how many. */
int machine_steps(const struct machine *m, const struct state *st, struct step *out);

/** Take one.  False: it leads to an answer that was not seen. */
bool machine_step(const struct machine *m, struct state *st, struct step s);

/** Does g wait, and only another can end that? */
bool machine_waits_for_good(const struct machine *m, const struct state *st, int g);

#endif

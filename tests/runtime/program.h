/* SPDX-License-Identifier: MIT */
/**
 * program.h: small concurrent programs as data, and what was seen when one ran.
 *
 * A program is up to four goroutines with up to five calls each, over a few objects.  Goroutine g
 * is started at the beginning, unless a GO call names it.
 */
#ifndef PROGRAM_H
#define PROGRAM_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { GOROUTINES = 4, OPS = 5, CASES = 3, CHANS = 3, CAP_MAX = 2, MUTEXES = 2 };

/* What a receive may be from: a channel of the program's, or */
enum { NIL = CHANS, TIMER, ENDS };

enum call {
	YIELD,
	SLEEP,
	BLOCKING,
	GO, // goroutine obj
	EXIT,
	SEND, // channel obj; a value of its own
	TRY_SEND,
	SEND_UNTIL,
	SEND_EVER, // gor_send_until() without a limit: -EPIPE in place of a panic
	RECV,
	TRY_RECV,
	RECV_UNTIL,
	CLOSE,
	RESET, // the timer, which is not running at first
	STOP,
	SELECT,
	LOCK, // mutex obj
	TRYLOCK,
	UNLOCK,
	WLOCK,
	TRYWLOCK,
	WUNLOCK,
	RLOCK,
	TRYRLOCK,
	RUNLOCK,
	WG_ADD, // n
	WG_DONE,
	WG_WAIT,
	COND_WAIT, // with mutex obj
	COND_SIGNAL,
	COND_BROADCAST,
	SEM_ACQUIRE, // n
	SEM_TRY,
	SEM_RELEASE,
	CALLS
};

enum on { ON_RECV, ON_SEND, ON_TIMEOUT, ON_DEFAULT };

struct op {
	uint8_t call, obj, n;
	uint8_t cases; // of a SELECT; no two have the same channel and direction
	struct {
		uint8_t on, chan;
	} at[CASES];
};

struct program {
	uint8_t goroutines;
	uint8_t cap[CHANS];
	uint8_t count, permits; // of the wait group and the semaphore, at the beginning
	uint8_t len[GOROUTINES];
	bool pinned[GOROUTINES];
	struct op ops[GOROUTINES][OPS];
};

/** Panics, by the beginning of their words. */
enum panic {
	SEND_ON_CLOSED,
	CLOSE_OF_CLOSED,
	CLOSE_OF_NIL,
	NEGATIVE_COUNTER,
	UNLOCK_UNLOCKED,
	UNLOCK_FOREIGN,
	WUNLOCK_UNLOCKED,
	WUNLOCK_FOREIGN,
	RUNLOCK_UNLOCKED,
	PANICS
};
extern const char *const panic_words[PANICS];

enum progress { NOT_BEGUN, BEGUN, DONE, PANICKED };

#define UNTOUCHED (-7) // what a variable that nothing was received into holds
#define TICK 99        // received from the timer: some time

struct answer {
	_Atomic uint8_t progress;
	int16_t code;               // what the call returned; of PANICKED: enum panic
	int16_t value;              // what was received
	uint64_t invoked, returned; // ticks of one clock; 0 not taken
};

enum ending {
	QUIET,    // nobody could go on; watched from inside
	ASLEEP,   // the process ended: all goroutines are asleep
	NOBODY,   // ... no goroutines (main called runtime.Goexit)
	RETURNED, // ... goroutine 0 returned, whatever the others were doing
	PANIC,    // ... a panic, whatever the others were doing
};

struct outcome {
	enum ending ending;
	int panic; // of PANIC
	struct answer at[GOROUTINES][OPS];
};

/** A random program. */
void program_random(struct program *p, uint64_t seed);

/** Is goroutine g started by a GO call? */
bool program_is_child(const struct program *p, int g);

/** The value that this call sends, in a select by this case. */
int program_value(int g, int op, int at);

/** Calls in all. */
int program_size(const struct program *p);

/** Take out a call, or a goroutine and the calls that name it. */
void program_drop_op(struct program *p, int g, int op);
void program_drop_goroutine(struct program *p, int g);

/** The program as C-like text, with what was seen if seen is given; cut at the buffer's end. */
void program_print(const struct program *p, const struct outcome *seen, char *text, size_t room);

#endif

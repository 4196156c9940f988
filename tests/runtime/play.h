/* SPDX-License-Identifier: MIT */
/**
 * play.h: programs (program.h) on the real runtime.
 *
 * play_watched() sees the end of a program from inside: its goroutines start, and the caller parks
 * until the runtime itself finds that all goroutines are asleep.  The linker puts a function of
 * ours in the place of the runtime's last step then (--wrap=gor__deadlock), which wakes the caller.
 * So nothing is waited for by time, every program ends, and each is a test of the deadlock
 * detector.  A panic likewise ends its goroutine only (--wrap=gor__panic, gor__fatal).
 *
 * play_for_real() has none of this: goroutine 0 is main, and the process ends as it ends.
 */
#ifndef PLAY_H
#define PLAY_H

#include "program.h"

/** One program on its way; whoever makes it keeps it as long as the process lives. */
struct play;
struct play *play_new(void);

/** In a goroutine: run p to its quiet end.  noise: 0 none, else a seed for it. */
void play_watched(struct play *play, const struct program *p, struct outcome *out, uint64_t noise);

/** gor_run p with goroutine 0 as main; out is filled as it goes, ending and panic are not. */
int play_for_real(struct play *play, const struct program *p, struct outcome *out, uint64_t noise);

/** If set, goroutines now and then keep their threads for up to so long, busy or asleep. */
extern int64_t play_keeps_ns;

/** If set, called before each call of a program: a test plants a crash or a hang here. */
extern void (*play_before_call)(const struct op *op);

#endif

/* SPDX-License-Identifier: MIT */
/** clock.h: which clock the ticks are of, and all clocks read at once. */
#ifndef GTRACE_CLOCK_H
#define GTRACE_CLOCK_H

#include "format.h"

/** Choose the OS clock if the TSC is not to be trusted.  Before the first recording. */
void gtrace__clock_choose(void);

/** All clocks at one moment, as near as can be read. */
struct gtrace__clock gtrace__clock_now(void);

/** Picoseconds a tick has, as seen since the library was loaded; 0 if that is too short to say. */
uint64_t gtrace__clock_ps_per_tick(void);

#endif

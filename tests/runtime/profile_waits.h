/* SPDX-License-Identifier: MIT */
/* profile_waits.h: goroutines that wait in every way there is; see profile_waits.c. */
#ifndef PROFILE_WAITS_H
#define PROFILE_WAITS_H

/** By goroutine 1: start them, and return when all wait.  Returns: how many there are, with it. */
int profile_waits(void);
void profile_waits_end(void); // let the one go that blocks its thread

#endif

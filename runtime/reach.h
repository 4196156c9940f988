/* SPDX-License-Identifier: MIT */
/** reach.h: see reach.c. */
#ifndef GOR_REACH_H
#define GOR_REACH_H

#include "scheduler.h"

void gor__reach(struct sched *s, struct gtrace_stream *stream, unsigned snap,
                const struct gtrace_keyframe *list);
int gor__reach_leaked(struct sched *s);

#endif

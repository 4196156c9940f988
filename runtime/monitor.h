/* SPDX-License-Identifier: MIT */
/** monitor.h: see monitor.c. */
#ifndef GOR_MONITOR_H
#define GOR_MONITOR_H

#include "scheduler.h"

void gor__monitor(struct sched *s);
void gor__monitor_kick(struct sched *s);
void gor__coarse_set(int64_t now);
bool gor__thread_sleeps(int tid);
bool gor__process_sleeps(int pid);

#endif

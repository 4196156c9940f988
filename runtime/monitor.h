/* SPDX-License-Identifier: MIT */
/** monitor.h: see monitor.c. */
#ifndef GOR_MONITOR_H
#define GOR_MONITOR_H

#include "scheduler.h"

void gor__monitor(struct sched *s);
void gor__monitor_kick(struct sched *s);

#endif

/* SPDX-License-Identifier: MIT */
/** schedtrace.h: see schedtrace.c. */
#ifndef GOR_SCHEDTRACE_H
#define GOR_SCHEDTRACE_H

#include "scheduler.h"

void gor__schedtrace(struct sched *s, int64_t now);
int64_t gor__schedtrace_due(const struct sched *s);
void gor__schedtrace_threads(void);

#endif

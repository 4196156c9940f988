/* SPDX-License-Identifier: MIT */
/** handoff.h: see handoff.c. */
#ifndef GOR_HANDOFF_H
#define GOR_HANDOFF_H

#include "scheduler.h"

bool gor__membarrier_init(void);
void gor__wait_stopped(struct sched *s);
int64_t gor__thread_cpu_ns(const struct m *m);
struct p *gor__idle_return(struct m *m, struct g *g);
bool gor__idle_give_up(struct sched *s, struct p *p, struct handoff handoff);

#endif

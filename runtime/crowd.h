/* SPDX-License-Identifier: MIT */
/** crowd.h: the receivers of a closed channel, woken when their turn comes; see crowd.c. */
#ifndef GOR_CROWD_H
#define GOR_CROWD_H

#include "wait.h"

#define CROWD_WEIGHT 1024u // in sched->global_count: as much as some batches

struct crowd;

bool gor__crowd_put(struct sched *s, struct waitq *q, uint32_t elem_bytes);
struct crowd *gor__crowd_next(struct sched *s);
struct g *gor__crowd_wake(struct p *p, struct crowd *c, unsigned most);

#endif

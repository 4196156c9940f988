/* SPDX-License-Identifier: MIT */
/** global.h: the list of runnable goroutines of no p, and the memory for it; see global.c. */
#ifndef GOR_GLOBAL_H
#define GOR_GLOBAL_H

#include <stdint.h>

#define BATCH 254u
#define BATCH_BYTES 2048u

/** Memory for `left` batches, to be touched when needed. */
struct batch_reserve {
	struct batch_reserve *next;
	char *memory; // 16-byte aligned
	uint32_t left;
};

struct sched;
struct g;
struct p;

void gor__global_reserve(struct batch_reserve *range);
void gor__global_put(struct sched *s, struct g *const *gs, uint32_t n);
void gor__global_put_locked(struct sched *s, struct g *g);
void gor__global_put_waiting(struct sched *s, struct g *list);
struct g *gor__global_get(struct p *p, unsigned most);

#endif

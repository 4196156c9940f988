/* SPDX-License-Identifier: MIT */
/** slab.h: where stacks and descriptors lie; see stack.c. */
#ifndef GOR_SLAB_H
#define GOR_SLAB_H

#include "g.h"
#include "global.h"

#define SLAB_COLOURS 16u
#define SLAB_LINE 64u
#define SLAB_G_BYTES ((sizeof(struct g) + SLAB_LINE - 1) / SLAB_LINE * SLAB_LINE)

struct stack_slab {
	char *base;
	size_t stride;
	uint32_t stacks;
	_Atomic uint32_t used;        // stacks ever handed out; release: their g is set up
	bool own;                     // of one stack with a size of its own
	struct batch_reserve batches; // for its goroutines in the global list
	_Atomic(struct stack_slab *) next;
};

/** All of them, the newest first; only ever added to, under the lock in stack.c. */
extern _Atomic(struct stack_slab *) gor__slabs;

static inline struct g *slab_g(const struct stack_slab *slab, uint32_t i)
{
	char *top = slab->base + (size_t)(i + 1) * slab->stride;

	return (struct g *)(top - SLAB_G_BYTES - i % SLAB_COLOURS * SLAB_LINE);
}

#endif

/* SPDX-License-Identifier: MIT */
/** slab.h: where stacks and descriptors lie; see stack.c. */
#ifndef GOR_SLAB_H
#define GOR_SLAB_H

#include "g.h"
#include "global.h"

#define SLAB_PAGE 4096u
#define SLAB_COLOURS 16u
#define SLAB_LINE 64u
#define SLAB_G_BYTES ((sizeof(struct g) + SLAB_LINE - 1) / SLAB_LINE * SLAB_LINE)

struct stack_slab {
	char *base;
	size_t stride;
	size_t guard; // bytes at the low end of each stack that are no stack
	uint32_t stacks;
	_Atomic uint32_t used;        // stacks ever handed out; release: their g is set up
	uint32_t cold_count;          // stack.c's lock
	uint32_t cold_hint;           // stack.c's lock: the word of cold[] to look at first
	bool own;                     // of one stack with a size of its own
	struct batch_reserve batches; // for its goroutines in the global list
	_Atomic(struct stack_slab *) next;
	// A bit a stack, both written under stack.c's lock:
	_Atomic uint64_t *cold; // gave up its pages, the descriptor among them; free to be taken
	_Atomic uint64_t *open; // has no guard
};

/** All of them, the newest first; only ever added to, under the lock in stack.c. */
extern _Atomic(struct stack_slab *) gor__slabs;

static inline struct g *slab_g(const struct stack_slab *slab, uint32_t i)
{
	char *top = slab->base + (size_t)(i + 1) * slab->stride;

	return (struct g *)(top - SLAB_G_BYTES - i % SLAB_COLOURS * SLAB_LINE);
}

/** The lowest byte of its stack. */
static inline char *slab_low(const struct stack_slab *slab, uint32_t i)
{
	return slab->base + i * slab->stride + slab->guard;
}

/** Which one of slab an address lies in. */
static inline uint32_t slab_index(const struct stack_slab *slab, const void *address)
{
	return (uint32_t)((size_t)((const char *)address - slab->base) / slab->stride);
}

static inline bool slab_bit(const _Atomic uint64_t *bits, uint32_t i)
{
	return atomic_load_explicit(&bits[i / 64], memory_order_relaxed) >> i % 64 & 1;
}

/** Under stack.c's lock. */
static inline void slab_set_bit(_Atomic uint64_t *bits, uint32_t i, bool to)
{
	uint64_t was = atomic_load_explicit(&bits[i / 64], memory_order_relaxed);
	uint64_t bit = UINT64_C(1) << i % 64;

	atomic_store_explicit(&bits[i / 64], to ? was | bit : was & ~bit, memory_order_relaxed);
}

/* guard.c */
extern _Atomic bool gor__guard_short;
size_t gor__guard_bytes(size_t stride);
bool gor__guard_install(const struct stack_slab *slab, uint32_t i);
void gor__guard_gone(uint32_t guards);
void gor__guard_check(const struct stack_slab *slab, uint32_t i);
void gor__guard_limit(uint32_t most);
void gor__stack_overflow(const struct g *g) __attribute__((noreturn));

#endif

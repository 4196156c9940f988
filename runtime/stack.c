/* SPDX-License-Identifier: MIT */
/**
 * stack.c: stacks, and the goroutine descriptors on top of them.
 *
 * A slab is one mapping that holds many stacks, each `stride` bytes of address space of which the
 * kernel commits what is touched:
 *
 *	slab->base                                                       + stride
 *	│ guard │ grows down ◀──────────────────────── stack │ struct g │ colour │
 *
 * guard.c says what the guard is.  Descriptors would all fall on the same few cache sets, since
 * stacks are a power of two apart: the colour, 0 to 15 cache lines by the stack's number, spreads
 * them.
 *
 * Dead goroutines are kept with their stacks warm: last in, first out, G_CACHE_MAX per p, then in
 * one list of the run.  A stack of a size of its own (gor_opt) gets a mapping of its own, gives its
 * pages back at its end, and is used again for the same size.
 *
 * Slabs are never unmapped, so that a dump may walk them at any time; they outlive the run, and the
 * next run starts with its stacks.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "scheduler.h"
#include "slab.h"
#include "valgrind.h"

#define SLAB_FIRST 64
#define SLAB_MOST 65536

static struct {
	struct lock lock;
	struct stack_slab *filling; // lock: the slab of usual stacks being handed out
	struct g *left_over;        // lock: dead goroutines of runs that are over
	struct g *own_free;         // lock: dead ones with a stack of their own size
} stacks;

static struct stack_slab *slab_new(size_t stride, uint32_t count, bool own)
{
	size_t bytes = stride * count, words = (count + 63) / 64;
	void *base = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
	                  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
	struct stack_slab *slab;

	if (base == MAP_FAILED)
		return NULL;
	uint32_t batches = count / (BATCH / 2) + 1; // keeps B2 of global.c
	size_t own_bytes = (sizeof *slab + words * sizeof *slab->open + 63) / 64 * 64;
	slab = mmap(NULL, own_bytes + (size_t)batches * BATCH_BYTES, PROT_READ | PROT_WRITE,
	            MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (slab == MAP_FAILED) {
		munmap(base, bytes);
		return NULL;
	}
	madvise(base, bytes, MADV_NOHUGEPAGE); // one touched page must not cost 2 MiB
	san_region(base, bytes);
	*slab = (struct stack_slab){.base = base,
	                            .stride = stride,
	                            .guard = gor__guard_bytes(stride),
	                            .stacks = count,
	                            .own = own,
	                            .open = (_Atomic uint64_t *)(slab + 1)};
	slab->batches.memory = (char *)slab + own_bytes;
	slab->batches.left = batches;
	gor__global_reserve(&slab->batches);
	gor__lock(&stacks.lock);
	atomic_store_explicit(&slab->next, atomic_load_explicit(&gor__slabs, memory_order_relaxed),
	                      memory_order_relaxed);
	atomic_store_explicit(&gor__slabs, slab, memory_order_release);
	gor__unlock(&stacks.lock);
	return slab;
}

/** Hand out slab's next stack. */
static struct g *slab_take(struct stack_slab *slab)
{
	uint32_t i = atomic_load_explicit(&slab->used, memory_order_relaxed);
	struct g *g = slab_g(slab, i);

	slab_set_bit(slab->open, i, !gor__guard_install(slab, i));
	g->slab = slab;
	g->stack_low = slab_low(slab, i);
	gor__valgrind_stack(g->stack_low, (const char *)g);
	atomic_store_explicit(&g->state, G_DEAD, memory_order_relaxed);
	atomic_store_explicit(&slab->used, i + 1, memory_order_release);
	return g;
}

static struct g *stack_usual(void)
{
	struct g *g = NULL;

	gor__lock(&stacks.lock);
	g = stacks.left_over;
	if (g)
		stacks.left_over = g->next;
	struct stack_slab *slab = stacks.filling;
	bool full = !g && (!slab || slab->used == slab->stacks);
	if (!g && !full)
		g = slab_take(slab);
	gor__unlock(&stacks.lock);
	if (!full)
		return g;

	uint32_t count = !slab ? SLAB_FIRST : slab->stacks < SLAB_MOST ? slab->stacks * 2 : SLAB_MOST;
	do {
		slab = slab_new(gor__config.stack_bytes, count, false);
	} while (!slab && (count /= 2) > 0);
	if (!slab)
		return NULL;
	gor__lock(&stacks.lock);
	if (!stacks.filling || stacks.filling->used == stacks.filling->stacks)
		stacks.filling =
			slab; // else another thread was faster, and ours waits empty: harmless, and rare
	g = slab_take(slab);
	gor__unlock(&stacks.lock);
	return g;
}

/**
 * A stack of its own size: one that was used before and is not more than twice too large, or a new
 * one.
 */
static struct g *stack_own(size_t bytes)
{
	size_t stride = bytes + SLAB_G_BYTES + SLAB_COLOURS * SLAB_LINE + gor__guard_bytes(SIZE_MAX);
	struct g *g;

	stride = (stride + SLAB_PAGE - 1) / SLAB_PAGE * SLAB_PAGE;
	gor__lock(&stacks.lock);
	for (struct g **link = &stacks.own_free; (g = *link); link = &g->next)
		if (g->slab->stride >= stride && g->slab->stride <= 2 * stride) {
			*link = g->next;
			break;
		}
	gor__unlock(&stacks.lock);
	if (g)
		return g;
	struct stack_slab *slab = slab_new(stride, 1, true);
	return slab ? slab_take(slab) : NULL;
}

/** The bytes that a usual stack has for its goroutine, at least. */
static size_t stack_usual_room(void)
{
	size_t stride = gor__config.stack_bytes;

	return stride - gor__guard_bytes(stride) - SLAB_G_BYTES - SLAB_COLOURS * SLAB_LINE;
}

struct g *gor__g_new(struct p *p, size_t stack_bytes)
{
	struct g *g = NULL;

	if (stack_bytes && stack_bytes > stack_usual_room()) {
		g = stack_own(stack_bytes);
	} else if (p->free_count) {
		g = p->free[--p->free_count];
		if (p->free_count)
			__builtin_prefetch(p->free[p->free_count - 1], 1);
	} else {
		struct sched *s = p->sched;
		if (atomic_load_explicit(&s->free,
		                         memory_order_relaxed)) { // looked at again under the lock
			gor__lock(&s->free_lock);
			g = s->free;
			if (g)
				s->free = g->next;
			gor__unlock(&s->free_lock);
		}
		if (!g)
			g = stack_usual();
	}
	if (!g)
		return NULL;
	g_set_state(g, G_NEW);
	san_new(&g->san, g->stack_low, (size_t)((char *)g - g->stack_low));
	return g;
}

/** A goroutine has ended and its stack is not in use any more. */
void gor__g_free(struct p *p, struct g *g)
{
	san_free(&g->san);
	if (__builtin_expect(atomic_load_explicit(&gor__guard_short, memory_order_relaxed), 0))
		gor__guard_check(g->slab, slab_index(g->slab, g));
	if (g->slab->own) {
		madvise(g->stack_low, gor__stack_room(g) / SLAB_PAGE * SLAB_PAGE, MADV_DONTNEED);
		gor__lock(&stacks.lock);
		g->next = stacks.own_free;
		stacks.own_free = g;
		gor__unlock(&stacks.lock);
		return;
	}
	if (p->free_count < G_CACHE_MAX) {
		p->free[p->free_count++] = g;
		return;
	}
	gor__lock(&p->sched->free_lock);
	g->next = p->sched->free;
	p->sched->free = g;
	gor__unlock(&p->sched->free_lock);
}

void gor__g_each(void (*fn)(void *arg, struct g *g), void *arg)
{
	struct stack_slab *slab = atomic_load_explicit(&gor__slabs, memory_order_acquire);

	for (; slab; slab = atomic_load_explicit(&slab->next, memory_order_acquire)) {
		uint32_t used = atomic_load_explicit(&slab->used, memory_order_acquire);
		for (uint32_t i = 0; i < used; i++) {
			struct g *g = slab_g(slab, i);
			if (g_state(g) != G_DEAD && g_state(g) != G_NEW)
				fn(arg, g);
		}
	}
}

/** The goroutine on whose stack an address lies; *guard: in the guard below it. */
struct g *gor__g_of_address(const void *address, bool *guard)
{
	const char *a = address;
	struct stack_slab *slab = atomic_load_explicit(&gor__slabs, memory_order_acquire);

	for (; slab; slab = atomic_load_explicit(&slab->next, memory_order_acquire)) {
		uint32_t used = atomic_load_explicit(&slab->used, memory_order_acquire);
		if (a < slab->base || a >= slab->base + used * slab->stride)
			continue;
		uint32_t i = slab_index(slab, a);
		*guard = a < slab_low(slab, i);
		return slab_g(slab, i);
	}
	return NULL;
}

/** Cut slabs out of the stretch [from, *to): as reach_skip() in reach.c. */
uint64_t gor__stack_skip(uint64_t from, uint64_t *to)
{
	struct stack_slab *slab = atomic_load_explicit(&gor__slabs, memory_order_acquire);

	for (; slab; slab = atomic_load_explicit(&slab->next, memory_order_acquire)) {
		uint64_t low = (uint64_t)(uintptr_t)slab->base, high = low + slab->stacks * slab->stride;
		if (from >= low && from < high)
			return high < *to ? high : *to;
		if (from<low && * to> low)
			*to = low;
	}
	return from;
}

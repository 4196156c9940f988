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
 * A dead goroutine is kept, the later it ended the sooner it is used again:
 *
 *	              p->free            of each p: G_CACHE_MAX with their pages, warm
 *	   overflows  sched->free        one list of the run; pages below the first go when it has
 *	      │                          been unused for long (shrink.c)
 *	      ▼       cold               the monitor takes half of those that were not needed since it
 *	   in time                       last looked: all pages go, and with them the descriptor; a bit
 *	                                 in the slab remembers.  When eight neighbours are cold, the 2
 *	                                 MiB they lie in are mapped anew, which gives back the page of
 *	                                 page tables too, and the guards are installed when they are
 *	                                 taken again.
 *
 * A stack of a size of its own (gor_opt) gets a mapping of its own, gives its pages back at its
 * end, and is used again for the same size.
 *
 * Slabs are never unmapped, so that a dump may walk them at any time; they outlive the run, and the
 * next run starts with its dead goroutines.
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
#define GROUP 8u                      // stacks
#define GROUP_BYTES ((size_t)2 << 20) // one page of page tables
#define MAP_STACKS (MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK)

static struct {
	struct lock lock;
	struct stack_slab *filling; // lock: the slab of usual stacks being handed out
	struct g *own_free;         // lock: dead ones with a stack of their own size
	_Atomic uint32_t cold;      // written under lock: in all slabs
} stacks;

/** Address space for stacks; where that is possible, groups of them are aligned. */
static char *slab_map(size_t bytes)
{
	size_t more = bytes < GROUP_BYTES ? 0 : GROUP_BYTES;
	char *at = mmap(NULL, bytes + more, PROT_READ | PROT_WRITE, MAP_STACKS, -1, 0);

	if (at == MAP_FAILED)
		return NULL;
	size_t before = more ? -(uintptr_t)at % GROUP_BYTES : 0;
	if (before)
		munmap(at, before);
	if (more - before)
		munmap(at + before + bytes, more - before);
	madvise(at + before, bytes, MADV_NOHUGEPAGE); // one touched page must not cost 2 MiB
	return at + before;
}

static struct stack_slab *slab_new(size_t stride, uint32_t count, bool own)
{
	size_t bytes = stride * count, words = (count + 63) / 64;
	struct stack_slab *slab;
	char *base = slab_map(bytes);

	if (!base)
		return NULL;
	uint32_t batches = count / (BATCH / 2) + 1; // keeps B2 of global.c
	size_t own_bytes = (sizeof *slab + 2 * words * sizeof *slab->cold + 63) / 64 * 64;
	slab = mmap(NULL, own_bytes + (size_t)batches * BATCH_BYTES, PROT_READ | PROT_WRITE,
	            MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (slab == MAP_FAILED) {
		munmap(base, bytes);
		return NULL;
	}
	san_region(base, bytes);
	*slab = (struct stack_slab){.base = base,
	                            .stride = stride,
	                            .guard = gor__guard_bytes(stride),
	                            .stacks = count,
	                            .own = own,
	                            .cold = (_Atomic uint64_t *)(slab + 1),
	                            .open = (_Atomic uint64_t *)(slab + 1) + words};
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

/** Hand out a stack whose descriptor is all zero. */
static struct g *slab_begin(struct stack_slab *slab, uint32_t i)
{
	struct g *g = slab_g(slab, i);

	g->slab = slab;
	g->stack_low = slab_low(slab, i);
	g->stack_high = (char *)g;
	atomic_store_explicit(&g->state, G_DEAD, memory_order_relaxed);
	return g;
}

/** Hand out slab's next stack. */
static struct g *slab_take(struct stack_slab *slab)
{
	uint32_t i = atomic_load_explicit(&slab->used, memory_order_relaxed);
	struct g *g = slab_begin(slab, i);

	slab_set_bit(slab->open, i, !gor__guard_install(slab, i));
	gor__valgrind_stack(g->stack_low, (const char *)g);
	atomic_store_explicit(&slab->used, i + 1, memory_order_release);
	return g;
}

/* ── cold stacks; all under stacks.lock but where it says otherwise ───────────────────────────────
 */

static struct g *cold_take(void)
{
	struct stack_slab *slab = atomic_load_explicit(&gor__slabs, memory_order_relaxed);

	if (!atomic_load_explicit(&stacks.cold, memory_order_relaxed))
		return NULL;
	while (!slab->cold_count)
		slab = atomic_load_explicit(&slab->next, memory_order_relaxed);
	uint32_t w = slab->cold_hint;
	while (!atomic_load_explicit(&slab->cold[w], memory_order_relaxed))
		w = (w + 1) % ((slab->stacks + 63) / 64);
	slab->cold_hint = w;
	uint32_t i = w * 64 + (uint32_t)__builtin_ctzll(slab->cold[w]);
	slab->cold_count--;
	atomic_fetch_sub_explicit(&stacks.cold, 1, memory_order_relaxed);
	struct g *g = slab_begin(slab, i);
	if (slab_bit(slab->open, i))
		slab_set_bit(slab->open, i, !gor__guard_install(slab, i));
	slab_set_bit(slab->cold, i, false);
	return g;
}

/** Those from i on, n of them, are cold or, for a moment, taken. */
static void cold_set(struct stack_slab *slab, uint32_t i, uint32_t n, bool to)
{
	for (uint32_t k = i; k < i + n; k++)
		slab_set_bit(slab->cold, k, to);
	slab->cold_count += to ? n : -n;
	atomic_fetch_add_explicit(&stacks.cold, to ? n : -n, memory_order_relaxed);
}

/** Map the stacks from i on anew: they are in the caller's hands.  Not under the lock. */
static void cold_map(struct stack_slab *slab, uint32_t i)
{
	char *at = slab->base + i * slab->stride;

	if (mmap(at, GROUP_BYTES, PROT_READ | PROT_WRITE, MAP_STACKS | MAP_FIXED, -1, 0) != at)
		gor__fatal(NULL, "gor: no memory to map stacks");
	madvise(at, GROUP_BYTES, MADV_NOHUGEPAGE);
}

/** A dead goroutine that nobody has: all its pages go.  Takes the lock itself. */
static void cold_put(struct g *g)
{
	struct stack_slab *slab = g->slab;
	uint32_t i = slab_index(slab, g), first = i / GROUP * GROUP, guards = 0;

	if (madvise(slab_low(slab, i), slab->stride - slab->guard, MADV_DONTNEED) != 0)
		memset((void *)g, 0, sizeof *g); // locked into memory, by the program's wish
	gor__lock(&stacks.lock);
	cold_set(slab, i, 1, true);
	bool all = slab->stride * GROUP == GROUP_BYTES &&
	           (atomic_load_explicit(&slab->cold[i / 64], memory_order_relaxed) >> first % 64 &
	            0xff) == 0xff;
	if (all)
		cold_set(slab, first, GROUP, false);
	gor__unlock(&stacks.lock);
	if (!all)
		return;
	cold_map(slab, first);
	gor__lock(&stacks.lock);
	for (uint32_t k = first; k < first + GROUP; k++) {
		guards += !slab_bit(slab->open, k);
		slab_set_bit(slab->open, k, true);
	}
	cold_set(slab, first, GROUP, true);
	gor__unlock(&stacks.lock);
	gor__guard_gone(guards);
}

/* ── taking and giving back ───────────────────────────────────────────────────────────────────────
 */

static struct g *stack_usual(void)
{
	struct g *g;

	gor__lock(&stacks.lock);
	g = cold_take();
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

static struct g *stack_shared(struct sched *s)
{
	struct g *g = NULL;

	if (!atomic_load_explicit(&s->free, memory_order_relaxed)) // looked at again under the lock
		return NULL;
	gor__lock(&s->free_lock);
	g = s->free;
	if (g) {
		s->free = g->next;
		if (--s->free_count < s->free_least)
			s->free_least = s->free_count;
	}
	gor__unlock(&s->free_lock);
	return g;
}

static inline struct g *stack_begin(struct g *g)
{
	g_set_state(g, G_NEW);
	atomic_signal_fence(memory_order_seq_cst); // S4: its other half is a membarrier
	if (__builtin_expect(atomic_load_explicit(&g->on_cpu, memory_order_acquire), 0))
		gor__shrink_wait(g);
	san_new(&g->san, g->stack_low, gor__stack_room(g));
	return g;
}

static void stack_share(struct sched *s, struct g *g)
{
	gor__lock(&s->free_lock);
	g->next = s->free;
	s->free = g;
	s->free_count++;
	gor__unlock(&s->free_lock);
}

struct g *gor__g_new(struct p *p, size_t stack_bytes)
{
	struct g *g;

	if (stack_bytes && stack_bytes > stack_usual_room()) {
		g = stack_own(stack_bytes);
	} else if (p->free_count) {
		g = p->free[--p->free_count];
		if (p->free_count)
			__builtin_prefetch(p->free[p->free_count - 1], 1);
	} else if (!(g = stack_shared(p->sched))) {
		g = stack_usual();
	}
	return g ? stack_begin(g) : NULL;
}

/** A descriptor and a stack for a thread that has no p. */
struct g *gor__g_new_outside(void)
{
	struct g *g = stack_usual();

	return g ? stack_begin(g) : NULL;
}

/** Its way back. */
void gor__g_free_outside(struct g *g)
{
	san_free(&g->san);
	atomic_store_explicit(&g->on_cpu, ON_CPU_NONE, memory_order_release);
	stack_share(gor__sched_now(), g);
}

/** A goroutine has ended and its stack is not in use any more. */
void gor__g_free(struct p *p, struct g *g)
{
	san_free(&g->san);
	if (__builtin_expect(atomic_load_explicit(&gor__guard_short, memory_order_relaxed), 0))
		gor__guard_check(g->slab, slab_index(g->slab, g));
	atomic_store_explicit(&g->on_cpu, 0, memory_order_release);
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
	stack_share(p->sched, g);
}

/** So many dead goroutines of s, or all there are, become cold.  Any thread. */
void gor__stack_cool(struct sched *s, uint32_t most)
{
	struct g *g;

	for (; most && (g = stack_shared(s)); most--)
		cold_put(g);
}

/** The dead goroutines of the run before s, which is over, are those of s. */
void gor__stack_inherit(struct sched *s)
{
	struct sched *old = s->before;

	if (!old)
		return;
	gor__lock(&old->free_lock); // foreign threads still let go of theirs
	for (unsigned i = 0; i < old->procs; i++)
		for (struct p *p = &old->ps[i]; p->free_count;) {
			struct g *g = p->free[--p->free_count];
			g->next = old->free;
			old->free = g;
			old->free_count++;
		}
	s->free = old->free;
	s->free_count = old->free_count;
	old->free = NULL;
	old->free_count = 0;
	gor__unlock(&old->free_lock);
}

void gor__g_each(void (*fn)(void *arg, struct g *g), void *arg)
{
	struct stack_slab *slab = atomic_load_explicit(&gor__slabs, memory_order_acquire);

	for (; slab; slab = atomic_load_explicit(&slab->next, memory_order_acquire)) {
		uint32_t used = atomic_load_explicit(&slab->used, memory_order_acquire);
		for (uint32_t i = 0; i < used; i++) {
			struct g *g = slab_g(slab, i);
			if (!slab_bit(slab->cold, i) && g_state(g) != G_DEAD && g_state(g) != G_NEW)
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

/** Cut slabs out of the stretch [from, *to): as search_skip() in search.c. */
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

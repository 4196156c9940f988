/* SPDX-License-Identifier: MIT */
/** spawn.c: the birth and the death of a goroutine, its id and its name. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "context.h"
#include "emit.h"
#include "leak.h"
#include "seed.h"
#include "slab.h"
#include "spawn.h"
#include "valgrind.h"

#define ID_BLOCK 16      // ids a p takes at a time
#define CLEAN_BYTES 1024 // of a stack, for the frames of most goroutines until they wait

_Static_assert(SLAB_G_BYTES + SLAB_COLOURS * SLAB_LINE + CLEAN_BYTES <= SLAB_PAGE,
               "a parked goroutine touches one page");

static uint64_t spawn_id(struct p *p)
{
	if (p->g_id == p->g_id_end) {
		p->g_id = atomic_fetch_add_explicit(p->sched->next_g_id, ID_BLOCK, memory_order_relaxed);
		p->g_id_end = p->g_id + ID_BLOCK;
	}
	return p->g_id++;
}

static void spawn_end(void)
{
	struct m *m = gor__enter();
	gor_waitgroup *wg = m->cur->wg;

	if (wg) {
		m->cur->wg = NULL;
		gor_wg_add_at(wg, -1, m->cur->born);
		m = gor__enter();
	}
	if (__builtin_expect(m->cur->scope != NULL, 0))
		gor__leak_ended(m->cur);
	gor__end(m);
}

/** The first code on a new stack. */
void gor__spawn_main(void *arg)
{
	struct g *g = arg;

	san_first(NULL);
	gor__arrive();
	gor__leave();
	g->fn(g->arg);
	spawn_end();
}

/** What is the same for all new goroutines: nothing has happened to it. */
void gor__spawn_init(struct g *g, struct sched *s, uint64_t id, const struct spawn *spawn)
{
	g->fn = spawn->fn;
	g->id = id;
	g->born = spawn->site;
	g->site = NULL;
	g->parent = 0;
	g->wg = spawn->wg;
	g->sched = s;
	g->trace_seq = 0;
	g->priority = 0;
	g->home = NULL;
	g->pins = 0;
	g->once = NULL;
	g->attempts = 0;
	g->attempts_most = ATTEMPTS_FIRST;
	g->name[0] = 0;
	if (spawn->name)
		snprintf(g->name, sizeof g->name, "%s", spawn->name);
	atomic_store_explicit(&g->look, 0, memory_order_relaxed);
}

/**
 * A goroutine ready to be made runnable, not yet known to the trace; value is copied to its stack
 * if bytes > 0.
 */
struct g *gor__spawn(struct m *m, const struct spawn *spawn)
{
	struct g *g = gor__g_new(m->p, spawn->stack_bytes);

	if (!g)
		return NULL;
	char *top = (char *)((uintptr_t)g & ~(uintptr_t)63);
	g->arg = spawn->arg;
	if (spawn->value_bytes) {
		top -= (spawn->value_bytes + 63) & ~(size_t)63;
		gor__valgrind_written(top - 192, spawn->value_bytes + 192); // and the context below
		memcpy(top, spawn->value, spawn->value_bytes);
		g->arg = top;
	}
	// Frames have holes.  What an earlier goroutine left in one would count as an address that this
	// one has (reach.c), of a channel that was given the same block, say.
	if (__builtin_expect(m->stream != NULL, 0) && !SAN_KEEPS_COPIES)
		memset(top - CLEAN_BYTES, 0, CLEAN_BYTES);
	__atomic_store_n(&g->sp, gor__context_make(top, gor__spawn_main, g), __ATOMIC_RELAXED);
	gor__spawn_init(g, m->sched, spawn_id(m->p), spawn);
	const struct g *parent = m->cur;
	g->parent = parent ? parent->id : 0;
	g->scope = parent ? parent->scope : gor__leak_thread;
	if (__builtin_expect(g->scope != NULL, 0))
		gor__leak_born(g->scope); // keeps K1
	atomic_store_explicit(&m->p->alive,
	                      atomic_load_explicit(&m->p->alive, memory_order_relaxed) + 1,
	                      memory_order_relaxed);
	return g;
}

/** Tell the trace of a new goroutine. */
void gor__spawn_emit(struct m *m, struct g *g)
{
	if (__builtin_expect(m->stream == NULL, 1))
		return;
	uint64_t site = emit_site(m, g->born);

	g->trace_stream = (uint32_t)m->stream->number;
	GTRACE_EMIT(m->stream, GO_NEW, g->id, site, (uint64_t)(uintptr_t)g->fn);
	if (g->name[0]) {
		const char *name = g->name;
		size_t len = strlen(name);
		gtrace_stream_text(m->stream, GTRACE_GO_NAME, (const uint64_t[]){g->id, 0}, &name, &len);
	}
}

/**
 * After so many goroutines in a row the spawner lets them run, while their stacks are in the cache:
 * a loop that starts a million short ones then takes as many stacks, not a million.
 * Rejected: yielding whenever the ring is long; it makes a tree of goroutines, which runs child
 * first and needs few stacks, run level by level.
 */
#define BURST_MAX 64

static bool spawn_is_burst(struct m *m)
{
	struct p *p = m->p;

	if (p->burst_g != m->cur->id) {
		p->burst_g = m->cur->id;
		p->burst = 0;
	}
	if (++p->burst < BURST_MAX || m->cur->home || gor__seeded())
		return false;
	p->burst = 0;
	return true;
}

static uint64_t spawn_go(const struct spawn *spawn)
{
	struct m *m = gor__enter_if();
	if (!m)
		return 0;
	struct g *g = gor__spawn(m, spawn);
	uint64_t id = 0;

	if (g) {
		id = g->id;
		gor__spawn_emit(m, g);
		gor__ready(m, g);
		if (__builtin_expect(spawn_is_burst(m), 0))
			gor__yield(m, spawn->site);
	}
	gor__leave();
	return id;
}

uint64_t gor_go_at(void (*fn)(void *), void *arg, const gor_opt *opt, const struct gor_site *site)
{
	return spawn_go(&(struct spawn){.fn = fn,
	                                .arg = arg,
	                                .site = site,
	                                .name = opt ? opt->name : NULL,
	                                .stack_bytes = opt ? opt->stack_bytes : 0});
}

uint64_t gor_go_copy_at(void (*fn)(void *), const void *value, size_t bytes,
                        const struct gor_site *site)
{
	return spawn_go(&(struct spawn){.fn = fn, .value = value, .value_bytes = bytes, .site = site});
}

uint64_t gor_wg_go_at(gor_waitgroup *wg, void (*fn)(void *), void *arg, const struct gor_site *site)
{
	gor_wg_add_at(wg, 1, site);
	uint64_t id = spawn_go(&(struct spawn){.fn = fn, .arg = arg, .wg = wg, .site = site});
	if (!id)
		gor_wg_add_at(wg, -1, site);
	return id;
}

void gor_exit(void)
{
	struct m *m = gor__self();

	if (!m || m->foreign)
		gor__panic(NULL, "gor_exit: called outside a goroutine");
	gor__once_unwind(m->cur);
	spawn_end();
	__builtin_unreachable();
}

uint64_t gor_id(void)
{
	struct m *m = gor__here();

	return m && m->cur ? m->cur->id : 0;
}

void gor_set_name(const char *fmt, ...)
{
	struct m *m = gor__enter_if();
	if (!m)
		return;
	struct g *g = m->cur;
	va_list args;

	va_start(args, fmt);
	vsnprintf(g->name, sizeof g->name, fmt, args);
	va_end(args);
	if (m->stream) {
		const char *name = g->name;
		size_t len = strlen(name);
		gtrace_stream_text(m->stream, GTRACE_GO_NAME, (const uint64_t[]){g->id, 0}, &name, &len);
	}
	gor__leave();
}

void gor_yield_at(const struct gor_site *site)
{
	struct m *m = gor__enter_if();

	if (!m)
		return;
	gor__yield(m, site);
	gor__leave();
}

void gor_pin(void)
{
	struct m *m = gor__enter();

	if (m->cur->pins++ == 0) {
		m->cur->home = m;
		m->guest = m->cur;
	}
	gor__leave();
}

void gor_unpin(void)
{
	struct m *m = gor__enter_if();
	if (!m)
		return;
	struct g *g = m->cur;

	if (g->pins == 0)
		gor__panic(g->site, "gor_unpin: not pinned");
	if (--g->pins == 0 && !m->foreign) {
		g->home = NULL;
		m->guest = NULL;
	}
	gor__leave();
}

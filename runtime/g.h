/* SPDX-License-Identifier: MIT */
/**
 * g.h: the goroutine.
 *
 *	NEW ──go──▶ RUNNABLE ──pick──▶ RUNNING ──end──▶ DEAD ──reuse──▶ NEW
 *	               ▲  ▲              │  │
 *	               │  └────yield─────┘  │ park
 *	               └────ready──── WAITING ◀
 *
 * The descriptor lies at the top of its own stack, so that a parked goroutine costs one page.
 */
#ifndef GOR_G_H
#define GOR_G_H

#include <gor.h>
#include <stdatomic.h>

#include "san.h"

enum g_state {
	G_NEW,      // on no queue            stack belongs to the spawner
	G_RUNNABLE, // on exactly one queue   stack belongs to nobody, once on_cpu is clear
	G_RUNNING,  // on no queue, a thread's cur   stack belongs to the goroutine
	G_WAITING,  // in wait queues         only its wait records may be written, under their queue's
	            // lock
	G_DEAD,     // on a free list         stack belongs to the list
};

/** on_cpu */
#define ON_CPU_NONE 0u
#define ON_CPU_RUNS 1u    // a thread is on it, or on its way there or away
#define ON_CPU_SHRINKS 2u // its unused pages are being dropped; see shrink.c

struct sched;
struct stack_slab;

#define G_NAME_MAX 32

struct g {
	void *sp;       // its context while it is switched out
	struct g *next; // link of the one queue or list it is on
	uint64_t id;
	// ON_CPU_*: its stack is in use; who picks it from a queue, or takes it for a new goroutine,
	// waits for 0 (release, acquire)
	_Atomic uint32_t on_cpu;
	_Atomic uint8_t state;       // enum g_state
	uint8_t reason;              // of WAITING: a GTRACE_reason_*
	uint8_t wait_flags;          // GTRACE_WAIT_*
	_Atomic uint8_t look;        // enum g_look: what shrink.c knows; 0 at each park and birth
	uint32_t trace_stream;       // stream of its last start, wake, park or yield
	uint32_t starts;             // each time it was switched to, whoever had the descriptor
	uint64_t trace_seq;          // starts and wakes so far
	uint64_t wait_obj;           // of WAITING: object id, 0 if several or none
	const void *wait_on;         // of WAITING: the object, the cases of a select; NULL others
	uint32_t wait_cases;         // how many cases; 0 a channel or a lock
	_Atomic uint32_t leaked;     // starts + 1 when it was found that nothing can wake it
	int64_t wait_ns;             // of WAITING: since when, by gor__coarse
	const struct gor_site *site; // where it last parked or yielded
	const struct gor_site *born;
	uint64_t parent;
	uint64_t priority; // seed.c, of policy pct: higher runs first; 0 none yet
	void (*fn)(void *);
	void *arg;
	gor_waitgroup *wg;       // to be counted down at its end
	struct once_frame *once; // own: the gor_once_do() calls it is in
	char *stack_low;         // lowest byte above the guard
	char *stack_high;        // and the first byte past it: a foreign thread's is not below this
	struct stack_slab *slab;
	struct sched *sched;
	// own: tries that failed, of non-blocking operations at one site, which the trace has not yet
	const struct gor_site *attempt_site;
	uint32_t attempts, attempts_most;
	struct m *home; // pinned, or a foreign thread's: the only thread that may run it; NULL any
	uint32_t pins;  // own: gor_pin() less gor_unpin()
	// of the leak test that it, or one above it, was started in; NULL none.  Own
	struct gor_leak_scope *scope;
	struct san san;
	char name[G_NAME_MAX];
};

/** Bytes of its stack. */
static inline size_t gor__stack_room(const struct g *g)
{
	return (size_t)(g->stack_high - g->stack_low);
}

static inline enum g_state g_state(const struct g *g)
{
	return atomic_load_explicit(&g->state, memory_order_relaxed);
}

/** The one place that changes a goroutine's state; debug builds check that the step is legal. */
static inline void g_set_state(struct g *g, enum g_state to)
{
#ifndef NDEBUG
	static const uint8_t legal[] = {
		[G_NEW] = 1 << G_RUNNABLE | 1 << G_DEAD, // nothing came of it
		[G_RUNNABLE] = 1 << G_RUNNING,
		[G_RUNNING] = 1 << G_RUNNABLE | 1 << G_WAITING | 1 << G_DEAD,
		[G_WAITING] = 1 << G_RUNNABLE,
		[G_DEAD] = 1 << G_NEW,
	};
	if (!(legal[g_state(g)] >> to & 1))
		__builtin_trap();
#endif
	atomic_store_explicit(&g->state, (uint8_t)to, memory_order_relaxed);
}

#endif

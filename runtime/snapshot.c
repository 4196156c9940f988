/* SPDX-License-Identifier: MIT */
/**
 * snapshot.c: all goroutines as they are, while they go on.
 *
 * Nobody is stopped.  Each goroutine's row is taken at a moment of its own, and the list is not one
 * state that the program was in: a value may be on its way in neither of two rows.  But each row
 * by itself is true:
 *
 *   N1  Descriptors are never unmapped.  What is read of one counts only if `starts` is the same
 *       afterwards: sched_start() counts it up before the goroutine can change anything, and state
 *       and on_cpu tell whether it was switched out at all.  So the stack of a goroutine that does
 *       not run, and what it waits for, are of one moment.  One that moves again and again has its
 *       last call in place of its stack.
 *   N2  Who was alive when the walk began and still is at its end has a row; who was born or ended
 *       meanwhile may have one.  Nobody has two.
 *   N3  A running goroutine's stack is read by its own thread, in a signal handler.  The threads
 *       are all asked at once, before the walk, and waited for no longer than SHOT_WAIT; one that
 *       sleeps in a system call is not asked, as that would end the call.  Code without frame
 *       pointers, and ThreadSanitizer, which calls handlers late, may lead the walk astray: what
 *       no module has ends it, and no number that is met on the way is more than a wrong frame.
 *   N4  What may be unmapped is read by the kernel (peek.c): a foreign thread's stack, and locks.
 *
 *	snapshot                              thread that starts the goroutine
 *	────────────────────────────          ────────────────────────────────
 *	starts, state, on_cpu                 state = RUNNING; starts + 1
 *	frames                                (fence)
 *	(fence)                               on_cpu = 1; switches to its stack
 *	starts again                          writes to it
 *
 * If a frame was read that was written after the start, then starts was, too.
 *
 * Rows and frames lie in memory of their own that grows in place, so that a million goroutines are
 * no burden to the program's malloc(), which a dying program may hold locked.
 */
#define _GNU_SOURCE
#include "snapshot.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "backtrace.h"
#include "context.h"
#include "monitor.h"
#include "peek.h"
#include "signals.h"
#include "slab.h"
#include "sort.h"
#include "timer.h"

#define SHOT_WAIT GOR_MILLISECOND
#define TRIES 4
#define ROOM_FIRST 256u

static pthread_mutex_t snapshot_shots = PTHREAD_MUTEX_INITIALIZER;

void *gor__snapshot_more(void *array, size_t *room, size_t count, size_t bytes)
{
	size_t more = *room ? 2 * *room : ROOM_FIRST;
	void *at;

	if (count < *room)
		return array;
	if (*room)
		at = mremap(array, *room * bytes, more * bytes, MREMAP_MAYMOVE);
	else
		at = mmap(NULL, more * bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (at == MAP_FAILED)
		return NULL;
	*room = more;
	return at;
}

void gor__snapshot_unmap(void *array, size_t room, size_t bytes)
{
	if (room)
		munmap(array, room * bytes);
}

/* ── stacks ───────────────────────────────────────────────────────────────────────────────────────
 */

/** A foreign thread's frames: the stack may go with the thread, N4. */
static unsigned snapshot_foreign(const struct g *g, const void *sp, uint64_t *pc)
{
	uint64_t low = (uint64_t)(uintptr_t)sp, high = (uint64_t)(uintptr_t)g->stack_high;
	char context[CONTEXT_BYTES];
	unsigned n = 0;
	uint64_t fp, frame[2];

	if (gor__peek(context, low, sizeof context) != sizeof context)
		return 0;
	n = gor__frames_parked(context, context, pc, 1); // the first one, no further
	memcpy(&fp, context + CONTEXT_FP, sizeof fp);
	while (n < SNAPSHOT_FRAMES && fp >= low && fp < high &&
	       gor__peek(frame, fp, sizeof frame) == sizeof frame && frame[1]) {
		pc[n++] = frame[1] - 1;
		if (frame[0] <= fp)
			break;
		fp = frame[0];
	}
	return n;
}

/** The frames of a goroutine that was switched out a moment ago. */
__attribute__((no_sanitize("address", "thread"))) static unsigned snapshot_parked(const struct g *g,
                                                                                  uint64_t *pc)
{
	const char *sp = __atomic_load_n(&g->sp, __ATOMIC_RELAXED), *top = (const char *)g;

	if (!sp || (uintptr_t)sp % 8)
		return 0;
	if (sp >= top || sp < top - g->slab->stride) // not on the stack below its descriptor
		return snapshot_foreign(g, sp, pc);
	return sp + CONTEXT_BYTES <= top ? gor__frames_parked(sp, top, pc, SNAPSHOT_FRAMES) : 0;
}

/** The thread that runs g. */
static struct m *snapshot_thread(const struct snapshot *s, uint64_t id)
{
	struct m *m = atomic_load_explicit(&s->sched->all_m, memory_order_acquire);

	while (m && atomic_load_explicit(&m->running, memory_order_relaxed) != id)
		m = m->all_next;
	return m;
}

static void snapshot_ask(const struct snapshot *s)
{
	struct m *first = atomic_load_explicit(&s->sched->all_m, memory_order_acquire);
	int64_t until = gor__clock() + SHOT_WAIT;
	uint64_t own = s->caller.g ? s->caller.g->id : 0;

	if (!gor__signals_sample())
		return;
	for (struct m *m = first; m; m = m->all_next) {
		int tid = atomic_load_explicit(&m->tid, memory_order_acquire);
		uint64_t g = atomic_load(&m->running);
		if (!tid || !g || g == own || gor__thread_sleeps(tid)) // N3
			continue;
		atomic_store(&m->shot.asked, atomic_load(&m->shot.done) + 1);
		if (syscall(SYS_tgkill, getpid(), tid, SAMPLE_SIGNAL) != 0)
			atomic_store(&m->shot.asked, atomic_load(&m->shot.done));
	}
	for (struct m *m = first; m; m = m->all_next)
		for (unsigned round = 0; atomic_load(&m->shot.asked) !=
		                             atomic_load_explicit(&m->shot.done, memory_order_acquire) &&
		                         gor__clock() < until;)
			gor__backoff(&round);
}

/** The frames that a thread's handler has found. */
static unsigned snapshot_shot(const struct snapshot *s, const struct snapshot_row *row,
                              uint64_t *pc)
{
	const struct m *m = snapshot_thread(s, row->id);

	if (!(s->what & SNAPSHOT_RUNNING) || !m ||
	    atomic_load(&m->shot.asked) != atomic_load_explicit(&m->shot.done, memory_order_acquire) ||
	    m->shot.g != row->id)
		return 0;
	memcpy(pc, m->shot.pc, m->shot.count * sizeof *pc);
	return m->shot.count;
}

/** The caller's own, from the frame that the caller named. */
static unsigned snapshot_own(const struct snapshot *s, const struct g *g, uint64_t *pc)
{
	return gor__frames((uint64_t)(uintptr_t)s->caller.frame, g->stack_low, g->stack_high, pc, 0,
	                   SNAPSHOT_FRAMES);
}

/* ── rows ─────────────────────────────────────────────────────────────────────────────────────────
 */

/** Who has the lock. */
static uint64_t snapshot_holder(unsigned reason, const void *on)
{
	uint64_t at = (uint64_t)(uintptr_t)on;
	gor_mutex mu;
	gor_rwmutex rw;

	if (reason == GTRACE_reason_MUTEX_LOCK)
		return gor__peek(&mu, at, sizeof mu) == sizeof mu ? mu.word >> 1 : 0;
	if (reason == GTRACE_reason_RWMUTEX_LOCK || reason == GTRACE_reason_RWMUTEX_RLOCK)
		return gor__peek(&rw, at, sizeof rw) == sizeof rw ? rw.writer : 0;
	return 0;
}

/** A foreign thread in its own code, or one in a call that blocks it. */
static bool snapshot_in_call(const struct snapshot *s, const struct snapshot_row *row)
{
	const struct m *m = row->current ? NULL : snapshot_thread(s, row->id);

	return m && atomic_load(&m->handed) &&
	       (m->foreign || (row->site && row->site->op == GOR_OP_BLOCKING) ||
	        gor__thread_sleeps(atomic_load(&m->tid)));
}

/** What is read of g; pc has room for SNAPSHOT_FRAMES.  False: it was not the same throughout. */
__attribute__((no_sanitize("thread"))) static bool snapshot_read(const struct snapshot *s,
                                                                 const struct g *g,
                                                                 struct snapshot_row *row,
                                                                 uint64_t *pc)
{
	uint32_t starts = __atomic_load_n(&g->starts, __ATOMIC_ACQUIRE);
	bool stays = atomic_load_explicit(&g->on_cpu, memory_order_acquire) != ON_CPU_RUNS;
	enum g_state state = g_state(g);

	*row = (struct snapshot_row){.id = g->id,
	                             .parent = g->parent,
	                             .site = g->site,
	                             .born = g->born,
	                             .fn = (const void *)(uintptr_t)g->fn,
	                             .pinned = g->home != NULL,
	                             .current = g == s->caller.g};
	memcpy(row->name, g->name, sizeof row->name - 1);
	row->state = row->current         ? SNAPSHOT_RUNS // a fatal error may come on the way to a wait
	             : state == G_WAITING ? SNAPSHOT_WAITS
	             : state == G_RUNNABLE ? SNAPSHOT_RUNNABLE
	                                   : SNAPSHOT_RUNS;
	if (row->state == SNAPSHOT_WAITS) {
		row->reason = g->reason;
		row->flags = g->wait_flags;
		row->obj = g->wait_obj;
		row->on = g->wait_on;
		row->cases = g->wait_cases;
		row->wait_ns = g->wait_ns;
		row->leaked = atomic_load(&g->leaked) == starts + 1;
	}
	if (s->what & SNAPSHOT_STACKS && stays && state != G_RUNNING &&
	    (state == G_WAITING || g->site)) // one that has never run has no frames yet
		row->frames = snapshot_parked(g, pc);
	atomic_thread_fence(memory_order_acquire);
	return __atomic_load_n(&g->starts, __ATOMIC_RELAXED) == starts && g_state(g) == state &&
	       g->id == row->id && g->site == row->site;
}

/** Is it one of this run, and not on its way into or out of the world? */
__attribute__((no_sanitize("thread"))) static bool snapshot_counts(const struct snapshot *s,
                                                                   const struct g *g)
{
	enum g_state state = g_state(g);

	return g->sched == s->sched && state != G_DEAD && state != G_NEW && g->id && g->born;
}

static void snapshot_keep_frames(struct snapshot *s, struct snapshot_row *row, const uint64_t *pc)
{
	uint64_t *more =
		gor__snapshot_more(s->pc, &s->pc_room, s->pc_count + SNAPSHOT_FRAMES, sizeof *more);

	if (!more) {
		s->err = -ENOMEM;
		return;
	}
	s->pc = more;
	row->frame = s->pc_count;
	memcpy(s->pc + s->pc_count, pc, row->frames * sizeof *pc);
	s->pc_count += row->frames;
}

__attribute__((no_sanitize("thread"))) static void snapshot_row(void *arg, struct g *g)
{
	struct snapshot *s = arg;
	struct snapshot_row row;
	uint64_t pc[SNAPSHOT_FRAMES];
	bool whole = false;

	if (s->err || (!snapshot_counts(s, g) && g != s->caller.g))
		return;
	for (int i = 0; i < TRIES && !whole; i++)
		whole = snapshot_read(s, g, &row, pc);
	if (g->id != row.id || (!snapshot_counts(s, g) && g != s->caller.g))
		return; // N2
	if (!whole)
		row.frames = 0; // N1
	if (row.state == SNAPSHOT_RUNS) {
		row.frames = !(s->what & SNAPSHOT_STACKS) ? 0
		             : row.current                ? snapshot_own(s, g, pc)
		                                          : snapshot_shot(s, &row, pc);
		if (snapshot_in_call(s, &row))
			row.state = SNAPSHOT_IN_CALL;
	} else if (s->what & SNAPSHOT_HOLDERS && row.on) {
		row.holder = snapshot_holder(row.reason, row.on);
	}
	struct snapshot_row *more = gor__snapshot_more(s->rows, &s->room, s->count, sizeof *more);
	if (!more) {
		s->err = -ENOMEM;
		return;
	}
	s->rows = more;
	if (row.frames)
		snapshot_keep_frames(s, &row, pc);
	s->rows[s->count++] = row;
}

static int snapshot_by_key(const void *a, const void *b)
{
	const struct snapshot_index *x = a, *y = b;

	return x->key != y->key ? (x->key < y->key ? -1 : 1) : (x->row > y->row) - (x->row < y->row);
}

/** Put s->index in order. */
void gor__snapshot_sort(struct snapshot *s)
{
	gor__sort(s->index, s->count, sizeof *s->index, snapshot_by_key); // qsort() may take memory
}

static void snapshot_by_id(struct snapshot *s)
{
	for (size_t i = 0; !s->err && i < s->count; i++) {
		struct snapshot_index *more = gor__snapshot_more(s->index, &s->index_room, i, sizeof *more);
		if (!more) {
			s->err = -ENOMEM;
			return;
		}
		s->index = more;
		more[i] = (struct snapshot_index){s->rows[i].current ? 0 : s->rows[i].id, i};
	}
	if (s->count)
		gor__snapshot_sort(s);
}

/**
 * Fill *s, whatever it holds, which is the caller's then, for gor__snapshot_free().
 *
 * Returns: 0 or -ENOMEM, with nothing to be freed.
 */
int gor__snapshot(struct snapshot *s, struct sched *sched, unsigned what,
                  const struct snapshot_caller *caller)
{
	*s = (struct snapshot){.sched = sched, .what = what, .caller = *caller, .now_ns = gor__clock()};
	if (what & SNAPSHOT_RUNNING) {
		pthread_mutex_lock(&snapshot_shots);
		snapshot_ask(s);
	}
	if (!(what & SNAPSHOT_OWN))
		gor__g_each(snapshot_row, s);
	else if (s->caller.g)
		snapshot_row(s, s->caller.g);
	if (what & SNAPSHOT_RUNNING)
		pthread_mutex_unlock(&snapshot_shots);
	snapshot_by_id(s);
	int err = s->err;
	if (err)
		gor__snapshot_free(s);
	return err;
}

void gor__snapshot_free(struct snapshot *s)
{
	gor__snapshot_unmap(s->rows, s->room, sizeof *s->rows);
	gor__snapshot_unmap(s->index, s->index_room, sizeof *s->index);
	gor__snapshot_unmap(s->pc, s->pc_room, sizeof *s->pc);
	*s = (struct snapshot){0};
}

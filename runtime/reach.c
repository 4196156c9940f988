/* SPDX-License-Identifier: MIT */
/**
 * reach.c: can anybody still get at what goroutines wait for?
 *
 * A goroutine that waits for something whose address lies nowhere but on the stacks of goroutines
 * that wait likewise can never be woken.  This looks for what goroutines wait for without a time
 * limit in all of memory (search.c), on the stacks and in the registers of goroutines that are not
 * parked for good, and, since what is found makes its waiters alive, on their stacks too, until
 * nothing new is found.  What makes a waiter alive:
 *
 *   a channel         its address
 *   a context's       the context's address, or that of one above it: who has it may cancel.  The
 *                     links of the tree are not seen (ctx.c)
 *   a wait group,     which the program has where it likes: that the memory around it can be used,
 *   a condition,      because it is global, or in a block whose address was found, or on the stack
 *   a semaphore       of somebody alive; or an address on that stack
 *   a lock            that its holder is alive, or not known
 *
 * Who waits for nothing at all, a nil channel or a select without a case, is never alive.
 *
 * What it finds of all but locks goes into the trace, and what it does not find anywhere does too;
 * the analyzer concludes.  Or, for a profile (gor__reach_leaked), the goroutines get a mark.
 *
 * The other threads go on meanwhile.  So parked for good is who was so at the beginning and has not
 * started or been woken since (starts, trace_seq); all others count as alive, whatever they are at
 * the moment when they are looked at, and so does whoever is found to have moved, up to the end.
 * Only of what one of the others waits for is it said that it was not found.  An address that moves
 * from where we have not been to where we have been may be missed: not found is strong evidence, no
 * proof.  A stale copy on a stack or in a block may be found: then a leak goes unseen, and no false
 * alarm is raised.
 *
 * Not under a sanitizer: it keeps copies of everything.
 */
#include "reach.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "chan.h"
#include "emit.h"
#include "peek.h"
#include "search.h"
#include "sort.h"

#define SLEEPERS_MAX 65536u
#define CASES_MAX 64u
#define ABOVE_MAX 64u
#define POINTER 8u // bytes of an object that its address may point at: some hide a tag there

/** What a sleeper waits for. */
struct object {
	uint64_t id, address;
	uint64_t stack; // lowest byte of the goroutine's stack that it lies on
	bool is_chan;
	bool wanted; // by a sleeper that is not alive
};

struct objects {
	struct object *at; // by address and id, once they are sorted: ids are for traces only
	uint32_t count;
};

/** A goroutine that is parked for good, as far as it alone can tell. */
struct sleeper {
	struct g *g;
	uint64_t id, seq; // when it was first seen
	uint32_t starts;  // likewise
	bool alive;       // something it waits for was found; its stack was looked at
};

struct reach {
	struct search search;
	struct sched *sched;
	struct sleeper *sleepers; // by g, once they are sorted
	struct sleeper **by_id;
	uint32_t sleeper_count;
	struct objects objects;
	bool hit;                  // one of the functions for reach_wants() found something
	const struct place *found; // by reach_better()
};

/* ── who sleeps, and what for ─────────────────────────────────────────────────────────────────────
 */

enum sleep { AWAKE, ON_CHANNELS, ON_OBJECT, ON_LOCK, ON_NOTHING };

/** SELECT_NONE if what g waits for can never be, NONE if that is not known. */
static unsigned reach_nothing(const struct g *g)
{
	bool nil = g->reason == GTRACE_reason_CHAN_RECV_NIL || g->reason == GTRACE_reason_CHAN_SEND_NIL;

	return nil || g->reason == GTRACE_reason_SELECT_NONE ? GTRACE_reason_SELECT_NONE
	                                                     : GTRACE_reason_NONE;
}

static enum sleep reach_sleep(const struct g *g)
{
	if (g_state(g) != G_WAITING || (g->wait_flags & (GTRACE_WAIT_DEADLINE | GTRACE_WAIT_CANCEL)))
		return AWAKE;
	switch (g->wait_on ? g->reason : reach_nothing(g)) {
	case GTRACE_reason_SELECT_NONE:
		return ON_NOTHING;
	case GTRACE_reason_CHAN_RECV:
	case GTRACE_reason_CHAN_SEND:
	case GTRACE_reason_SELECT:
		return ON_CHANNELS;
	case GTRACE_reason_WAITGROUP_WAIT:
	case GTRACE_reason_COND_WAIT:
	case GTRACE_reason_SEM_ACQUIRE:
		return ON_OBJECT;
	case GTRACE_reason_MUTEX_LOCK:
	case GTRACE_reason_RWMUTEX_LOCK:
	case GTRACE_reason_RWMUTEX_RLOCK:
		return ON_LOCK;
	default:
		return AWAKE;
	}
}

/** The objects that g waits for, but a lock. */
static void reach_wants(struct reach *r, const struct g *g,
                        void (*each)(struct reach *, struct object))
{
	gor_case cases[CASES_MAX];
	uint32_t n = g->wait_cases;
	uint64_t on = (uint64_t)(uintptr_t)g->wait_on, id = g->wait_obj;
	enum sleep sleep = reach_sleep(g);

	if (sleep != ON_CHANNELS || n == 0) {
		if (sleep == ON_CHANNELS || sleep == ON_OBJECT)
			each(r, (struct object){id, on, .is_chan = sleep == ON_CHANNELS});
		return;
	}
	n = n < CASES_MAX ? n : CASES_MAX;
	if (gor__peek(cases, on, n * sizeof *cases) != n * sizeof *cases)
		return;
	for (uint32_t i = 0; i < n; i++) {
		uint64_t chan = (uint64_t)(uintptr_t)cases[i].chan;
		if ((cases[i].kind == GOR_CASE_RECV || cases[i].kind == GOR_CASE_SEND) && chan &&
		    gor__peek(&id, chan + offsetof(struct gor_hchan, id), sizeof id) == sizeof id)
			each(r, (struct object){id, chan, .is_chan = true});
	}
}

static void reach_timed(struct reach *r, struct object o)
{
	bool timed;

	if (o.is_chan && gor__peek(&timed, o.address + offsetof(struct gor_hchan, timed),
	                           sizeof timed) == sizeof timed)
		r->hit |= timed;
}

static void reach_collect(void *arg, struct g *g)
{
	struct reach *r = arg;

	gor__search_rest(&r->search, 0);
	if (g->sched != r->sched || reach_sleep(g) == AWAKE)
		return;
	r->hit = false;
	reach_wants(r, g, reach_timed);
	if (r->hit)
		return; // a timer will wake it
	if (r->sleeper_count == SLEEPERS_MAX) {
		r->search.whole = false;
		return;
	}
	r->sleepers[r->sleeper_count++] =
		(struct sleeper){.g = g, .id = g->id, .seq = g->trace_seq, .starts = g->starts};
}

static int sleeper_by_g(const void *a, const void *b)
{
	uintptr_t x = (uintptr_t)((const struct sleeper *)a)->g;
	uintptr_t y = (uintptr_t)((const struct sleeper *)b)->g;

	return x < y ? -1 : x > y;
}

static int sleeper_by_id(const void *a, const void *b)
{
	uint64_t x = (*(struct sleeper *const *)a)->id, y = (*(struct sleeper *const *)b)->id;

	return x < y ? -1 : x > y;
}

static void reach_sort(struct reach *r)
{
	gor__sort(r->sleepers, r->sleeper_count, sizeof *r->sleepers, sleeper_by_g);
	for (uint32_t i = 0; i < r->sleeper_count; i++)
		r->by_id[i] = &r->sleepers[i];
	gor__sort(r->by_id, r->sleeper_count, sizeof *r->by_id, sleeper_by_id);
}

/** Has it not moved since it was first seen? */
static bool reach_sleeps_still(const struct sleeper *s)
{
	return s->g->id == s->id && s->g->starts == s->starts && s->g->trace_seq == s->seq &&
	       reach_sleep(s->g) != AWAKE;
}

/* ── objects ──────────────────────────────────────────────────────────────────────────────────────
 */

/** Call each for the addresses of a channel's context and of those above it, if it has one. */
static void reach_contexts(struct reach *r, uint64_t chan,
                           void (*each)(struct reach *, uint64_t address))
{
	uint64_t address = gor__ctx_of(chan);

	for (unsigned i = 0; address; i++, address = gor__ctx_above(address)) {
		if (i == ABOVE_MAX) {
			r->search.whole = false;
			return;
		}
		each(r, address);
	}
}

static void reach_add_pointed(struct reach *r, uint64_t address)
{
	gor__search_add(&r->search, &r->search.pointed, address, POINTER);
}

/** The goroutine's or thread's stack that an address lies on.  Returns: is there one? */
static bool reach_stack_around(const struct reach *r, uint64_t address, uint64_t *low,
                               uint64_t *high)
{
	bool guard;
	const struct g *g = gor__g_of_address((const void *)(uintptr_t)address, &guard); // NOLINT
	const struct m *m = atomic_load_explicit(&r->sched->all_m, memory_order_acquire);

	if (g) {
		*low = (uint64_t)(uintptr_t)g->stack_low;
		*high = (uint64_t)(uintptr_t)g->stack_high;
		return true;
	}
	for (; m; m = m->all_next) {
		*high = (uint64_t)(uintptr_t)atomic_load_explicit(&m->hide_high, memory_order_acquire);
		*low = (uint64_t)(uintptr_t)atomic_load_explicit(&m->hide_low, memory_order_acquire);
		if (*high && address >= *low && address < *high)
			return *high - *low <= UINT32_MAX;
	}
	return false;
}

static void reach_add(struct reach *r, struct object o)
{
	uint64_t high;

	if (r->objects.count == PLACES_MAX) {
		r->search.whole = false;
		return;
	}
	if (o.is_chan) {
		reach_add_pointed(r, o.address);
		reach_contexts(r, o.address, reach_add_pointed);
	} else {
		gor__search_add(&r->search, &r->search.lying, o.address, 1);
		if (reach_stack_around(r, o.address, &o.stack, &high))
			gor__search_add(&r->search, &r->search.pointed, o.stack, (uint32_t)(high - o.stack));
	}
	r->objects.at[r->objects.count++] = o;
}

static int object_compare(const void *a, const void *b)
{
	const struct object *x = a, *y = b;

	if (x->address != y->address)
		return x->address < y->address ? -1 : 1;
	return x->id < y->id ? -1 : x->id > y->id;
}

static void objects_sort(struct objects *o)
{
	uint32_t kept = 0;

	gor__sort(o->at, o->count, sizeof *o->at, object_compare);
	for (uint32_t i = 0; i < o->count; i++)
		if (!kept || object_compare(&o->at[kept - 1], &o->at[i]) != 0)
			o->at[kept++] = o->at[i];
	o->count = kept;
}

/** Of several witnesses the one that says most: data of the program before somebody's stack. */
static void reach_better(struct reach *r, const struct place *p)
{
	if (p && p->where && (!r->found || p->where < r->found->where))
		r->found = p;
}

static void reach_found_context(struct reach *r, uint64_t address)
{
	reach_better(r, gor__search_place(&r->search.pointed, address));
}

/** Where an object, or what leads to it, was found; NULL: nowhere. */
static const struct place *reach_where(struct reach *r, const struct object *o)
{
	const struct search *s = &r->search;

	r->found = NULL;
	reach_better(r, gor__search_place(o->is_chan ? &s->pointed : &s->lying, o->address));
	if (o->is_chan)
		reach_contexts(r, o->address, reach_found_context);
	if (o->stack)
		reach_better(r, gor__search_place(&s->pointed, o->stack));
	return r->found;
}

static void reach_found(struct reach *r, struct object o)
{
	const struct object *known =
		bsearch(&o, r->objects.at, r->objects.count, sizeof o, object_compare);

	r->hit |= known && reach_where(r, known);
}

/* ── who is alive ─────────────────────────────────────────────────────────────────────────────────
 */

/** A goroutine that runs, or may: what is on its stack, and in its registers as far as known. */
static void reach_stack(struct reach *r, struct g *g)
{
	struct search *s = &r->search;
	enum g_state state = g_state(g);
	uint64_t sp = state == G_RUNNING ? 0 : (uint64_t)(uintptr_t)g->sp;
	uint64_t low = (uint64_t)(uintptr_t)g->stack_low, high = (uint64_t)(uintptr_t)g->stack_high;
	char what[40];

	for (const struct m *m = atomic_load(&r->sched->all_m); m && state == G_RUNNING;
	     m = m->all_next) {
		if (atomic_load(&m->running) != g->id || !atomic_load(&m->sample.count))
			continue;
		gor__search_at(s, IN_REGISTERS, "registers of a running goroutine");
		for (unsigned i = 0; i < SAMPLE_REGS; i++)
			gor__search_word(s, m->sample.regs[i]);
		sp = m->sample.sp - 128; // the red zone
	}
	snprintf(what, sizeof what, "stack of goroutine %llu", (unsigned long long)g->id);
	gor__search_at(s, IN_GOROUTINE, what);
	gor__search_word(s, (uint64_t)(uintptr_t)g->arg);
	gor__search_word(s, (uint64_t)(uintptr_t)g->wg);
	if (g->wg)
		gor__search_lie(s, (uint64_t)(uintptr_t)g->wg); // it will be done
	bool known = sp >= low && sp < high, parked = state == G_WAITING || state == G_RUNNABLE;
	uint64_t from = (known ? sp : low) & ~UINT64_C(7);
	if (known && parked && high == (uint64_t)(uintptr_t)g) // in its slab: no foreign thread's
		gor__search_mapped(s, from, high);
	else
		gor__search_range(s, from, high);
	gor__search_blocks(s);
}

/** Goroutines that are not parked for good can use what is on their stacks. */
static void reach_live(void *arg, struct g *g)
{
	struct reach *r = arg;
	struct sleeper key = {.g = g};
	struct sleeper *sleeper =
		bsearch(&key, r->sleepers, r->sleeper_count, sizeof key, sleeper_by_g);

	gor__search_rest(&r->search, 0);
	if (g->sched != r->sched || (sleeper && reach_sleeps_still(sleeper)))
		return;
	if (sleeper)
		sleeper->alive = true;
	reach_stack(r, g);
}

/** May the holder of the lock that g waits for let go of it? */
static bool reach_holder_lives(const struct reach *r, const struct g *g)
{
	uint64_t holder = 0, on = (uint64_t)(uintptr_t)g->wait_on;
	gor_mutex mu;
	gor_rwmutex rw;

	if (g->reason == GTRACE_reason_MUTEX_LOCK) {
		if (gor__peek(&mu, on, sizeof mu) == sizeof mu && mu.id == g->wait_obj)
			holder = mu.word >> 1;
	} else if (gor__peek(&rw, on, sizeof rw) == sizeof rw && rw.id == g->wait_obj) {
		holder = rw.writer;
	}
	struct sleeper key = {.id = holder}, *at = &key,
				   **held = bsearch(&at, r->by_id, r->sleeper_count, sizeof at, sleeper_by_id);

	return !held || (*held)->alive;
}

/** A sleeper that has moved, or for what it waits for was found, can use what it holds. */
static void reach_spread(struct reach *r)
{
	for (bool again = true; again;) {
		again = false;
		for (uint32_t i = 0; i < r->sleeper_count; i++) {
			struct sleeper *sleeper = &r->sleepers[i];
			if (sleeper->alive)
				continue;
			r->hit = !reach_sleeps_still(sleeper);
			if (!r->hit && reach_sleep(sleeper->g) == ON_LOCK)
				r->hit = reach_holder_lives(r, sleeper->g);
			else if (!r->hit)
				reach_wants(r, sleeper->g, reach_found);
			if (!r->hit)
				continue;
			sleeper->alive = again = true;
			reach_stack(r, sleeper->g);
		}
	}
}

/* ── what comes of it ─────────────────────────────────────────────────────────────────────────────
 */

static void reach_wanted(struct reach *r, struct object o)
{
	struct object *known = bsearch(&o, r->objects.at, r->objects.count, sizeof o, object_compare);

	if (known)
		known->wanted = true;
}

static void reach_emit(struct reach *r, struct gtrace_stream *stream, unsigned snap)
{
	for (uint32_t i = 0; i < r->sleeper_count; i++)
		if (!r->sleepers[i].alive)
			reach_wants(r, r->sleepers[i].g, reach_wanted);
	GTRACE_EMIT(stream, SNAP_BEGIN, snap, 0);
	for (uint32_t i = 0; i < r->objects.count; i++) {
		const struct object *o = &r->objects.at[i];
		const struct place *p = reach_where(r, o);
		const char *what = p ? p->what : "";
		size_t len = strlen(what);
		if (o->id && (p || (r->search.whole && o->wanted)))
			gtrace_stream_text(stream, GTRACE_REACH, (const uint64_t[]){o->id, p ? p->where : 0, 0},
			                   &what, &len);
	}
	GTRACE_EMIT(stream, SNAP_END);
}

/** Returns: could memory be searched? */
static bool reach_search(struct reach *r)
{
	if (!gor__search_heap(&r->search))
		return false;
	reach_sort(r);
	for (uint32_t i = 0; i < r->sleeper_count; i++)
		reach_wants(r, r->sleepers[i].g, reach_add);
	objects_sort(&r->objects);
	if (!gor__search_memory(&r->search))
		return false;
	gor__g_each(reach_live, r);
	reach_spread(r);
	gor__search_changed(&r->search);
	reach_spread(r);
	return true;
}

/** Collect who sleeps.  False: no memory. */
static bool reach_begin(struct reach *r, struct sched *s, const struct gtrace_keyframe *list)
{
	size_t sleepers = SLEEPERS_MAX * sizeof(struct sleeper),
		   ids = SLEEPERS_MAX * sizeof(struct sleeper *),
		   objects = PLACES_MAX * sizeof(struct object);
	void *memory;

	*r = (struct reach){.sched = s};
	if (!gor__search_begin(&r->search, s, sleepers + ids + objects, &memory))
		return false;
	r->search.list = list;
	r->sleepers = memory;
	r->by_id = (struct sleeper **)(void *)((char *)memory + sleepers);
	r->objects.at = (struct object *)(void *)((char *)memory + sleepers + ids);
	gor__g_each(reach_collect, r);
	return true;
}

/**
 * Search, and write the result to stream, which is the calling thread's.  Takes about 0.6 ms a
 * resident MiB.  list: what it is done for, by the recorder's thread; NULL: by another.
 */
void gor__reach(struct sched *s, struct gtrace_stream *stream, unsigned snap,
                const struct gtrace_keyframe *list)
{
	struct reach r;

	if (SAN_KEEPS_COPIES || !reach_begin(&r, s, list))
		return;
	if (r.sleeper_count && reach_search(&r))
		reach_emit(&r, stream, snap);
	gor__search_end(&r.search);
}

/** Nothing was found that could wake them: true until their next start. */
static void reach_mark(const struct reach *r)
{
	for (uint32_t i = 0; i < r->sleeper_count; i++) {
		const struct sleeper *sleeper = &r->sleepers[i];
		if (!sleeper->alive && reach_sleeps_still(sleeper))
			atomic_store(&sleeper->g->leaked, sleeper->starts + 1);
	}
}

/**
 * Search, and mark those that nothing can wake, as far as can be told.  On a thread of its own, of
 * which nothing counts.
 *
 * Returns: 0; -ENOMEM; -ENOTSUP under a sanitizer; -E2BIG too much memory, or too many goroutines
 * that wait, for a search of all of it.
 */
int gor__reach_leaked(struct sched *s)
{
	static pthread_mutex_t one = PTHREAD_MUTEX_INITIALIZER; // another's notes are full of addresses
	struct reach r;
	int err = 0;

	if (SAN_KEEPS_COPIES)
		return -ENOTSUP;
	pthread_mutex_lock(&one);
	if (!reach_begin(&r, s, NULL)) {
		pthread_mutex_unlock(&one);
		return -ENOMEM;
	}
	gor__search_hide_thread(&r.search);
	if (r.sleeper_count && (!reach_search(&r) || !r.search.whole))
		err = -E2BIG;
	if (!err)
		reach_mark(&r);
	gor__search_end(&r.search);
	pthread_mutex_unlock(&one);
	return err;
}

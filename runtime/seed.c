/* SPDX-License-Identifier: MIT */
/**
 * seed.c: runs that can be repeated, GOR_DEBUG=seed=N,policy=...,vtime=1.
 *
 * There is one processor, and whatever could go one way or another is drawn from one generator that
 * begins at N.  So a program that depends on nothing else takes the same steps each time.
 *
 *	what                              where
 *	───────────────────────────────   ───────────────────────────────────────────────────────
 *	does another one run now?         gor__seed_point(), at each call of the API
 *	who runs next                     gor__seed_get(), where others look into the queue
 *	a goroutine, or a timer's turn    there as well, if one is due; they fire one at a time
 *	timers due at the same time       gor__seed_tie(), when they are armed
 *	cases of a select                 gor__rand() in select.c
 *	does time pass?                   seed_time_passes(): with vtime, when nothing else can happen
 *
 * Why it repeats:
 *   D1  one p; what is here belongs to whoever holds it, so nothing happens beside anything.
 *   D2  p->rng counts and gor__rand() mixes the count: the nth draw depends on N and n only, and
 *       each gor_run begins at N again.
 *   D3  whether and what to draw depends on queues, states and the number of operations; never on
 *       a clock, an address, a goroutine's number, the thread, or on whether a trace is written.
 *   D4  the monitor ends no slice, and takes the p from no goroutine, busy or in the kernel, before
 *       `handoff=` (here one second, if not given) has passed without any call of the runtime.
 *
 * Where it ends: at a clock (without vtime timers go by the real one), at input, at other threads,
 * at a program that looks at addresses, and at a goroutine that keeps silent for longer than D4
 * says: then the p is handed over after all, since to hang where others could run would be worse.
 * That is in the trace, as HANDOFF.  gor_blocking() hands nothing over before.
 *
 * The way in: every mark rests at 1 (sched->marked), so that each entry takes gor__enter_slow(),
 * which comes here; the way to the pick is runnext_streak, at a value that it never counts to.  A
 * run without a seed tests nothing more for all this.
 *
 * Policies
 *
 *   natural  the queue's own order; a goroutine that does SLICE_OPS operations in a row goes to its
 *            end (what is a time slice elsewhere).
 *   random   at each operation the next one is drawn from all that can run, the current one and the
 *            timers that are due included, each with the same chance.
 *   pct:D    probabilistic concurrency testing (Burckhardt et al., ASPLOS 2010): each goroutine has
 *            a random priority, the highest runs, and at D - 1 random operations the running one
 *            falls below all others.  With n goroutines and k operations each bug that needs D
 *            ordered steps shows with a chance of at least 1 / (n k^(D-1)) a run.  k is not known
 *            beforehand; unless given, each seed takes another power of two from 16 to 16,384, so
 *            that a fair share of all seeds suits a program, be it short or long.  Who yields, or
 *            does SLICE_OPS operations in a row, falls below all others, or two that poll for each
 *            other's progress would do so for ever.  Timers count as one more goroutine, to which
 *            that happens after TIMERS_SLICE.
 *
 * What can run is taken out of the queues first, so that a draw is one step and the highest is on
 * top of a heap, however many there are.
 *
 * Virtual time
 *
 * The clock begins at one day and stands while anything can run; then it jumps to the first timer.
 * So a sleep of an hour takes an hour exactly, and no time.  But who polls for the end of a while
 * (a loop around gor_now(), a try or a yield) would do so for ever: from the LOOKS_FREEth operation
 * or look at the clock after a jump, each moves it on by LOOK_NS, about what it takes in truth.
 * While a goroutine is out without a p (D4), nobody knows how long for: idle time then passes as
 * outside.
 *
 * Rejected: drawing at switches only; the lost update and the lost wake-up need one where nobody
 * blocks.  A random slot of the ring, with no list of its own: wrong as soon as more can run than
 * fit into the ring.
 */
#include "seed.h"
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "poll.h"
#include "runq.h"
#include "timer.h"

#define SLICE_OPS 10000
#define TIMERS_SLICE 64
#define LOOKS_FREE 1000
#define LOOK_NS 100
#define CLOCK_START (24 * GOR_HOUR)
#define PCT_LENGTHS 11 // 16 << 0 to 16 << 10

/* Priorities with pct: those that nothing has happened to are at least BORN, those that a change
 * point has met are CHANGED and a little more, and what gave way lies below that. */
#define PRIORITY_BORN (UINT64_C(1) << 63)
#define PRIORITY_CHANGED (UINT64_C(1) << 62)

struct seed gor__seed;

/* ── what the environment says ────────────────────────────────────────────────────────────────────
 */

/** A number at text that goes up to *end; negative ones and 0x... too. */
static bool seed_parse(const char *text, const char **end, uint64_t *number)
{
	const char *digits = text + (*text == '-');
	bool hex = digits[0] == '0' && (digits[1] == 'x' || digits[1] == 'X');
	char *stop;

	if (!isdigit((unsigned char)*digits))
		return false;
	errno = 0;
	*number = strtoull(text, &stop, hex ? 16 : 10);
	*end = stop;
	return errno == 0 && (digits == text || (int64_t)*number < 0 || *number == 0);
}

/** seed=.  False: text is no number of 64 bits. */
bool gor__seed_set_number(const char *text)
{
	uint64_t number;
	const char *end;

	if (!seed_parse(text, &end, &number) || *end)
		return false;
	gor__seed.number = number;
	gor__seed.given = true;
	return true;
}

static bool seed_set_pct(const char *text)
{
	uint64_t depth, length = 0;

	if (!seed_parse(text, &text, &depth) || depth < 1 || depth > PCT_DEPTH_MAX)
		return false;
	if (*text == ':' && (!seed_parse(text + 1, &text, &length) || length < 1))
		return false;
	if (*text)
		return false;
	gor__seed.policy = SEED_PCT;
	gor__seed.bounded = false;
	gor__seed.depth = (uint32_t)depth;
	gor__seed.length = length;
	return true;
}

static bool seed_set_random(const char *text)
{
	uint64_t length;

	if (!seed_parse(text, &text, &length) || *text || length > INT64_MAX)
		return false;
	gor__seed.policy = SEED_RANDOM;
	gor__seed.length = length;
	gor__seed.bounded = true;
	return true;
}

/** policy=.  False: there is none of this name. */
bool gor__seed_set_policy(const char *text)
{
	if (strncmp(text, "pct:", 4) == 0)
		return seed_set_pct(text + 4);
	if (strncmp(text, "random:", 7) == 0)
		return seed_set_random(text + 7);
	if (strcmp(text, "natural") != 0 && strcmp(text, "random") != 0)
		return false;
	gor__seed.policy = *text == 'n' ? SEED_NATURAL : SEED_RANDOM;
	gor__seed.bounded = false;
	return true;
}

/**
 * All of the environment was read.  A policy or virtual time alone means a seeded run too, with a
 * seed that is drawn, and said so that the run can be repeated.
 */
void gor__seed_settle(void)
{
	struct seed *sd = &gor__seed;

	if (!sd->given && (sd->policy != SEED_OFF || sd->vtime)) {
		sd->number = gor__mix((uint64_t)gor__clock() ^ (uint64_t)getpid() << 32) >> 32;
		sd->given = true;
		gor__say("gor: GOR_DEBUG: no seed is given; drawn: seed=%" PRIu64 "\n", sd->number);
	}
	if (sd->given && sd->policy == SEED_OFF)
		sd->policy = SEED_RANDOM;
	if (sd->vtime)
		atomic_store(&sd->now, CLOCK_START);
	atomic_store_explicit(&sd->clock, sd->vtime ? CLOCK_VIRTUAL : CLOCK_REAL, memory_order_release);
}

/** What a trace's header says of it, as key=value lines; none without a seed. */
void gor__seed_text(char *text, size_t room)
{
	const struct seed *sd = &gor__seed;
	char policy[64] = "random";

	*text = 0;
	if (!gor__seeded())
		return;
	if (sd->policy == SEED_NATURAL)
		snprintf(policy, sizeof policy, "natural");
	else if (sd->bounded)
		snprintf(policy, sizeof policy, "random:%" PRIu64, sd->length);
	else if (sd->policy == SEED_PCT && sd->length)
		snprintf(policy, sizeof policy, "pct:%u:%" PRIu64, sd->depth, sd->length);
	else if (sd->policy == SEED_PCT)
		snprintf(policy, sizeof policy, "pct:%u", sd->depth);
	snprintf(text, room, "seed=%" PRIu64 "\npolicy=%s\nvtime=%d\n", sd->number, policy, sd->vtime);
}

/* ── the run ──────────────────────────────────────────────────────────────────────────────────────
 */

/** A run begins: p is its only processor. */
void gor__seed_begin(struct p *p)
{
	struct seed *sd = &gor__seed;

	p->rng = gor__mix(sd->number);
	p->runnext_streak = gor__seed_picks() ? STREAK_SEEDED : 0;
	atomic_store(&sd->points, 0);
	atomic_store(&sd->count, 0);
	atomic_store(&sd->looks, 0);
	sd->at_point = sd->timers_turn = false;
	sd->slice_tick = 0;
	sd->slice_point = 0;
	sd->outside_ns = 0;
	sd->low = PRIORITY_CHANGED;
	sd->timers_streak = 0;
	if (sd->policy != SEED_PCT)
		return;
	uint64_t length = sd->length ? sd->length : UINT64_C(16) << gor__rand(p) % PCT_LENGTHS;
	for (uint32_t i = 0; i < sd->depth - 1; i++)
		sd->change[i] = 1 + gor__rand(p) % length;
	sd->timers_priority = gor__rand(p) | PRIORITY_BORN;
}

/** A place among timers that are due at the same time. */
uint64_t gor__seed_tie(struct p *p)
{
	return gor__seed_picks() ? gor__rand(p) : p->timers.ties++;
}

/** The clock was looked at, or an operation begins. */
static void seed_look_at_clock(void)
{
	struct seed *sd = &gor__seed;

	if (atomic_fetch_add_explicit(&sd->looks, 1, memory_order_relaxed) >= LOOKS_FREE)
		atomic_fetch_add_explicit(&sd->now, LOOK_NS, memory_order_relaxed);
}

/** pct, at operation n of g: does its priority fall? */
static void seed_change(struct g *g, uint64_t n, bool slice_over)
{
	struct seed *sd = &gor__seed;

	for (uint32_t i = 0; i < sd->depth - 1; i++)
		if (sd->change[i] == n)
			g->priority = PRIORITY_CHANGED + i;
	if (slice_over)
		g->priority = --sd->low;
}

/** m's goroutine begins an operation; perhaps it is another's turn first. */
void gor__seed_point(struct m *m)
{
	struct seed *sd = &gor__seed;
	struct p *p = m->p;
	struct g *g = m->cur;
	uint64_t n = atomic_load_explicit(&sd->points, memory_order_relaxed) + 1;
	uint32_t tick = atomic_load_explicit(&m->tick, memory_order_relaxed);

	atomic_store_explicit(&sd->points, n, memory_order_relaxed);
	sd->outside_ns = 0;
	if (sd->vtime)
		seed_look_at_clock();
	if (tick != sd->slice_tick) { // it came to run since
		sd->slice_tick = tick;
		sd->slice_point = n;
	}
	bool slice_over = n - sd->slice_point >= SLICE_OPS;
	if (slice_over)
		sd->slice_point = n;
	if (sd->policy == SEED_PCT)
		seed_change(g, n, slice_over);
	else if ((sd->policy == SEED_NATURAL || (sd->bounded && n > sd->length)) && !slice_over)
		return;
	if (gor__runq_empty(p) && !gor__timers_due(p) &&
	    !atomic_load_explicit(&p->sched->global_count, memory_order_relaxed))
		return;
	sd->at_point = true;
	gor__yield(m, g->site ? g->site : g->born);
}

/* ── who runs next ────────────────────────────────────────────────────────────────────────────────
 */

static void seed_grow(struct seed *sd)
{
	uint32_t room = sd->room ? 2 * sd->room : 256;
	struct g **list = realloc(sd->runnable, room * sizeof *list);

	if (!list)
		gor__fatal(NULL, "gor: out of memory for a list of goroutines");
	sd->runnable = list;
	sd->room = room;
}

static void seed_put(struct seed *sd, struct g *g)
{
	uint32_t i = atomic_load_explicit(&sd->count, memory_order_relaxed);

	if (i == sd->room)
		seed_grow(sd);
	atomic_store_explicit(&sd->count, i + 1, memory_order_relaxed);
	if (sd->policy == SEED_PCT)
		for (; i > 0 && sd->runnable[(i - 1) / 2]->priority < g->priority; i = (i - 1) / 2)
			sd->runnable[i] = sd->runnable[(i - 1) / 2];
	sd->runnable[i] = g;
}

/** Everything from p's queues into the list. */
static void seed_collect(struct seed *sd, struct p *p)
{
	const struct m *m = atomic_load_explicit(&p->m, memory_order_relaxed);
	const struct g *gave_way = sd->at_point ? NULL : m->cur; // if it is in a queue at all

	sd->at_point = false;
	for (struct g *g; (g = gor__runq_take(p));) {
		if (sd->policy == SEED_PCT && g == gave_way)
			g->priority = --sd->low;
		else if (sd->policy == SEED_PCT && !g->priority)
			g->priority = gor__rand(p) | PRIORITY_BORN;
		seed_put(sd, g);
	}
}

/** Of all goroutines, and the timers if one is due, with the same chance. */
static struct g *seed_any(struct seed *sd, struct p *p, bool due)
{
	uint32_t count = atomic_load_explicit(&sd->count, memory_order_relaxed), n = count + due;
	uint32_t i = n > 1 ? (uint32_t)(gor__rand(p) % n) : 0;

	if (i == count) {
		sd->timers_turn = due;
		return NULL;
	}
	struct g *g = sd->runnable[i];
	sd->runnable[i] = sd->runnable[--count];
	atomic_store_explicit(&sd->count, count, memory_order_relaxed);
	return g;
}

/** The goroutine of the highest priority, unless it is below that of timers that are due. */
static struct g *seed_highest(struct seed *sd, bool due)
{
	uint32_t n = atomic_load_explicit(&sd->count, memory_order_relaxed), i = 0;

	if (n == 0 || (due && sd->runnable[0]->priority < sd->timers_priority)) {
		sd->timers_turn = due;
		if (due && n > 0 && ++sd->timers_streak == TIMERS_SLICE) // they may never come to an end
			sd->timers_priority = --sd->low;
		return NULL;
	}
	sd->timers_streak = 0;
	struct g *top = sd->runnable[0], *last = sd->runnable[--n];
	for (uint32_t child; (child = 2 * i + 1) < n; i = child) {
		if (child + 1 < n && sd->runnable[child + 1]->priority > sd->runnable[child]->priority)
			child++;
		if (last->priority >= sd->runnable[child]->priority)
			break;
		sd->runnable[i] = sd->runnable[child];
	}
	sd->runnable[i] = last;
	atomic_store_explicit(&sd->count, n, memory_order_relaxed);
	return top;
}

/** The goroutine that p's holder runs next; NULL: none, or a timer comes first (timers_turn). */
struct g *gor__seed_get(struct p *p)
{
	struct seed *sd = &gor__seed;

	seed_collect(sd, p);
	bool due = gor__timers_due(p);
	return sd->policy == SEED_PCT ? seed_highest(sd, due) : seed_any(sd, p, due);
}

/** Can something happen that takes its time outside: a call, a foreign thread, a descriptor? */
static bool seed_outside(const struct sched *s)
{
	return atomic_load_explicit(&s->handed, memory_order_relaxed) ||
	       atomic_load_explicit(&s->outside, memory_order_relaxed) || gor__poll_waits(s);
}

/**
 * Nothing can run: let virtual time pass, up to the first timer.  False: there is none, or real
 * time has to pass first.
 */
static bool seed_time_passes(struct seed *sd, struct p *p)
{
	int64_t first = atomic_load_explicit(&p->timers.first, memory_order_relaxed);

	if (!sd->vtime || first == NO_TIMER)
		return false;
	if (!seed_outside(p->sched)) {
		sd->outside_ns = 0;
	} else {
		int64_t real = gor__clock(), now = gor__now();
		int64_t passed = sd->outside_ns ? real - sd->outside_ns : 0;
		sd->outside_ns = real;
		if (passed < first - now) {
			atomic_store_explicit(&sd->now, now + passed, memory_order_relaxed);
			return false;
		}
	}
	atomic_store_explicit(&sd->now, first, memory_order_relaxed);
	atomic_store_explicit(&sd->looks, 0, memory_order_relaxed);
	return true;
}

/** As idle_look(): what m, which has a p, is to run; NULL: nothing, for now. */
struct g *gor__seed_look(struct m *m)
{
	struct seed *sd = &gor__seed;
	struct p *p = m->p;
	struct g *g = NULL;

	do {
		if (sd->timers_turn || !gor__seed_picks())
			gor__timers_run(m, p);
		sd->timers_turn = false;
		if (!gor__seed_picks() && p->tick % 61 == 0)
			g = gor__global_get(p, 1);
		if (!g)
			g = gor__runq_get(p);
		if (!g && !gor__seed_picks())
			g = gor__global_get(p, RING_SIZE / 2);
	} while (!g && (sd->timers_turn || gor__timers_due(p) || seed_time_passes(sd, p)));
	return g;
}

/* ── what others ask ──────────────────────────────────────────────────────────────────────────────
 */

/**
 * The monitor, at each look at a thread that has started no goroutine for `stretch`: does that
 * thread keep its p?  D4.
 */
bool gor__seed_keeps(int64_t now, int64_t stretch)
{
	struct seed *sd = &gor__seed;
	uint64_t points = atomic_load_explicit(&sd->points, memory_order_relaxed);

	if (!gor__seeded())
		return false;
	if (points != sd->seen_points) {
		sd->seen_points = points;
		sd->seen_ns = now;
	}
	return stretch < gor__config.slice_ns || now - sd->seen_ns < gor__config.slice_ns;
}

/** gor_now(), if it is not just the clock. */
int64_t gor__seed_now(void)
{
	const struct m *m = gor__self();

	gor__config_read();
	if (!gor__seed.vtime)
		return gor__clock();
	if (m && m->cur && !atomic_load_explicit(&m->sched->stopped, memory_order_relaxed))
		seed_look_at_clock();
	return gor__now();
}

/** When, by the real clock, it is `when` if nothing can run until then. */
int64_t gor__seed_real(int64_t when)
{
	int64_t real;

	if (!gor__seed.vtime)
		return when;
	if (__builtin_add_overflow(gor__clock(), when - gor__now(), &real))
		return NO_TIMER - 1;
	return real;
}

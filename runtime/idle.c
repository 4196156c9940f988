/* SPDX-License-Identifier: MIT */
/**
 * idle.c: looking for work, and sleeping when there is none.
 *
 * At most one thread at a time is woken to look ("spinning"); once it finds something and sees
 * more, it wakes the next.  So a burst of work wakes threads one after another, and a trickle wakes
 * none.
 *
 * Invariants, under sched->lock:
 *   L1  a p is on the idle list, or one thread has it (p->m), or it is on its way to a thread
 *       (next_p).
 *   L2  a thread on the idle list has no p.
 *   L3  if all ps are idle, no thread is handed off, no foreign thread is attached and outside, no
 *       queue holds a goroutine, no timer is armed and no goroutine waits for a descriptor, then
 *       nothing can ever run again: deadlock.
 *   L4  if goroutines wait for descriptors and all ps are idle, then a thread sleeps in
 *       epoll_wait() (poll_m), or is on its way there.
 *   L5  a deadlock is told once: `told` is set by who sees it, and cleared by who runs a goroutine.
 *       Without it, a thread that the monitor woke for work that was gone by then would give its p
 *       back, be the last, and see the same deadlock again.
 *
 * The producer does not order its queue write against its look at idle_p_count with a fence; it
 * would cost more than a switch.  What is missed that way is only a thread woken too few: the
 * producer has a p and will run the goroutine itself, and the monitor looks as well.  L3 is not
 * touched: a p is put on the idle list by its owner, who has seen its own queue empty.
 *
 * Stealing costs: what moves to another core brings its stack and its descriptor along, some
 * hundred nanoseconds a goroutine, and the stacks of those that end there are warm there.  So a
 * thread whose loot was done in less than that makes it rarer: it sleeps instead of stealing again,
 * and the next so many goroutines are made ready without waking anyone, twice as many each time in
 * a row.  The monitor still wakes a thread for work that waits.
 *
 * Timers of sleeping ps: the thread that goes to sleep last, in effect, sleeps only until the
 * earliest (the timer keeper).  If the keeper is woken for other work, the monitor keeps the time.
 *
 * Descriptors likewise: whoever goes to sleep while there is a free p and nobody is poll_m becomes
 * poll_m; most often it is the timer keeper as well.  L4 holds since each p that is put on the idle
 * list is put there by a thread that comes by idle_sleep() next, or by one that goes on without it
 * and makes somebody else come by (gor__idle_give_up).  A poll_m that was woken for other work
 * clears itself, and has a p then; when it gives that up, one of the two applies again.
 */
#include "emit.h"
#include "futex.h"
#include "global.h"
#include "handoff.h"
#include "monitor.h"
#include "poll.h"
#include "runq.h"
#include "seed.h"
#include "timer.h"

static void idle_push_p(struct sched *s, struct p *p)
{
	atomic_store_explicit(&p->m, NULL, memory_order_release);
	p->idle_next = s->idle_p;
	s->idle_p = p;
	atomic_fetch_add_explicit(&s->idle_p_count, 1, memory_order_seq_cst);
}

static struct p *idle_pop_p(struct sched *s)
{
	struct p *p = s->idle_p;

	if (!p)
		return NULL;
	s->idle_p = p->idle_next;
	atomic_fetch_sub_explicit(&s->idle_p_count, 1, memory_order_relaxed);
	return p;
}

static void idle_attach(struct m *m, struct p *p)
{
	m->p = p;
	atomic_store_explicit(&p->m, m, memory_order_release);
}

/**
 * Is there anything in the global list or a ring?  runnext is left out: its owner is about to run
 * it.
 */
static bool idle_any_ring(struct sched *s)
{
	if (atomic_load_explicit(&s->global_count, memory_order_acquire))
		return true;
	for (unsigned i = 0; i < s->procs; i++)
		if (gor__runq_ring(&s->ps[i]))
			return true;
	return false;
}

static bool idle_any_work(struct sched *s)
{
	if (atomic_load_explicit(&s->global_count, memory_order_acquire))
		return true;
	for (unsigned i = 0; i < s->procs; i++)
		if (!gor__runq_empty(&s->ps[i]))
			return true;
	return false;
}

/**
 * m->wake was set: end its sleep, in whichever way it sleeps.  Both sides are seq_cst: it becomes
 * poll_m first and looks at wake then, we set wake first and look at poll_m then.
 */
static void idle_rouse(struct m *m)
{
	if (atomic_load(&m->sched->poll_m) == m)
		gor__poll_interrupt(m->sched);
	else
		gor__futex_wake(&m->wake);
}

static void idle_wake(struct m *m)
{
	atomic_store(&m->wake, 1);
	idle_rouse(m);
}

/** Under sched->lock: a thread that sleeps, out of the list; rather not the one that polls. */
static struct m *idle_pop_m(struct sched *s)
{
	struct m **link = &s->idle_m, *m = *link;

	if (m && m->idle_next && m == atomic_load_explicit(&s->poll_m, memory_order_relaxed)) {
		link = &m->idle_next;
		m = *link;
	}
	if (!m)
		return NULL;
	*link = m->idle_next;
	m->sleeping = false;
	if (s->timer_keeper == m)
		s->timer_keeper = NULL;
	return m;
}

/**
 * Give p to a sleeping thread or a new one.  False: there is no thread to be had, and p is idle;
 * if goroutines wait in it, the monitor tries again.
 */
bool gor__thread_give(struct sched *s, struct p *p, struct handoff handoff)
{
	gor__lock(&s->lock);
	struct m *m = idle_pop_m(s);
	if (m) {
		m->next_p = p;
		m->handoff = handoff;
	}
	gor__unlock(&s->lock);
	if (m) {
		idle_wake(m);
	} else if (!gor__thread_new(s, p, handoff)) {
		gor__lock(&s->lock);
		idle_push_p(s, p);
		atomic_store(&s->unserved, true); // before the kick's look at the monitor
		gor__unlock(&s->lock);
		gor__monitor_kick(s);
		return false;
	}
	gor__monitor_kick(s);
	return true;
}

/**
 * There was no thread to be had for a p: do goroutines still wait for one?  For the monitor.  (At
 * other times no idle p has goroutines: who puts it on the list has seen it empty.)
 */
bool gor__idle_unserved(struct sched *s)
{
	if (!atomic_load_explicit(&s->unserved, memory_order_relaxed))
		return false;
	gor__lock(&s->lock);
	bool any = atomic_load_explicit(&s->global_count, memory_order_relaxed) > 0;
	for (const struct p *p = s->idle_p; p; p = p->idle_next)
		any |= !gor__runq_empty(p);
	atomic_store_explicit(&s->unserved, any, memory_order_relaxed);
	gor__unlock(&s->lock);
	return any;
}

/**
 * Wake one thread to look for work, unless one is looking or every p is busy.  Returns: whether
 * one was woken.
 */
bool gor__wake_one(struct sched *s)
{
	uint32_t none = 0;

	if (atomic_load_explicit(&s->spinning, memory_order_relaxed) ||
	    !atomic_compare_exchange_strong(&s->spinning, &none, 1))
		return false;
	gor__lock(&s->lock);
	struct p *p = idle_pop_p(s);
	gor__unlock(&s->lock);
	if (p && gor__thread_give(s, p, (struct handoff){.spins = true}))
		return true;
	atomic_fetch_sub(&s->spinning, 1);
	return false;
}

/** Wake one if there is work that can be stolen at once. */
static void idle_wake_more(struct sched *s)
{
	if (atomic_load_explicit(&s->idle_p_count, memory_order_relaxed) && idle_any_ring(s))
		gor__wake_one(s);
}

/** A timer is the earliest of its p now: the keeper may have to wake earlier. */
void gor__timer_moved(struct sched *s, int64_t when)
{
	if (!atomic_load_explicit(&s->idle_p_count, memory_order_relaxed))
		return;
	gor__lock(&s->lock);
	struct m *keeper = s->timer_keeper;
	bool late = keeper && s->timer_keeper_ns > when;
	if (late) {
		s->timer_keeper_ns = when;
		atomic_store(&keeper->wake, 2); // look again at the time
	}
	gor__unlock(&s->lock);
	if (late)
		idle_rouse(keeper);
}

/** The run is over: all threads that sleep wake, and end. */
void gor__idle_stop(struct sched *s)
{
	for (struct m *m = atomic_load(&s->all_m); m; m = m->all_next) {
		atomic_store(&m->mark, 1); // those in user code stop at their next call
		atomic_store(&m->wake, 2);
		idle_rouse(m);
	}
}

#define STEAL_WORTH_NS 500
#define SKIP_FIRST 1024u
#define SKIP_MOST 65536u

/** The p is dry: did its last theft pay? */
static bool idle_theft_paid(struct m *m)
{
	struct sched *s = m->sched;
	uint32_t n = m->stolen, skip = 0;

	if (n == 0)
		return true;
	m->stolen = 0;
	if (gor__clock() - m->stolen_ns < (int64_t)n * STEAL_WORTH_NS) {
		skip = atomic_load_explicit(&s->wake_skip_last, memory_order_relaxed);
		skip = !skip ? SKIP_FIRST : skip < SKIP_MOST ? 2 * skip : SKIP_MOST;
	}
	atomic_store_explicit(&s->wake_skip_last, skip, memory_order_relaxed);
	atomic_store_explicit(&s->wake_skip, skip, memory_order_relaxed);
	return !skip;
}

/** m has just filled its p's ring and taken one more. */
static void idle_note_theft(struct m *m)
{
	const struct p *p = m->p;

	m->stolen = 1 + atomic_load_explicit(&p->tail, memory_order_relaxed) -
	            atomic_load_explicit(&p->head, memory_order_relaxed);
	m->stolen_ns = gor__clock();
}

static struct g *idle_steal(struct m *m)
{
	struct sched *s = m->sched;
	unsigned start = (unsigned)(gor__rand(m->p) % s->procs);

	for (int round = 0; round < 4; round++) {
		for (unsigned i = 0; i < s->procs; i++) {
			struct p *victim = &s->ps[(start + i) % s->procs];
			if (victim == m->p)
				continue;
			// its runnext only in the last round: most often its owner is about to run it
			struct g *g = gor__runq_steal(m->p, victim, round == 3);
			if (g) {
				idle_note_theft(m);
				return g;
			}
		}
		for (int i = 0; i < 20 && round < 3; i++)
			gor__relax();
	}
	return NULL;
}

/** Run what is due in the heaps of all ps: their owners may be busy, or not there. */
static bool idle_timers(struct m *m)
{
	struct sched *s = m->sched;
	bool any = false;

	for (unsigned i = 0; i < s->procs; i++)
		any |= gor__timers_run(m, &s->ps[i]);
	return any;
}

/** Descriptors are polled as often as without a seed: what they say, no seed can repeat. */
static struct g *idle_seeded(struct m *m)
{
	if (m->p->tick % GLOBAL_EVERY == 0)
		gor__poll(m);
	struct g *g = gor__seed_look(m);
	if (!g && gor__poll(m))
		g = gor__seed_look(m);
	return g;
}

static struct g *idle_look(struct m *m, bool *pays)
{
	struct p *p = m->p;
	struct g *g = m->pending;

	if (g) {
		m->pending = NULL;
		return g;
	}
	if (gor__seeded())
		return idle_seeded(m);
	gor__timers_run(m, p);
	if (p->tick % GLOBAL_EVERY == 0) {
		gor__poll(m);
		if ((g = gor__global_get(p, 1)))
			return g;
	}
	if ((g = gor__runq_get(p)) || (g = gor__global_get(p, RING_SIZE / 2)))
		return g;
	struct sched *s = m->sched;
	if (idle_timers(m) && (g = gor__runq_get(p)))
		return g;
	if (gor__poll(m) && (g = gor__runq_get(p)))
		return g;
	*pays = idle_theft_paid(m);
	if (!*pays)
		return NULL;
	uint32_t busy = s->procs - atomic_load_explicit(&s->idle_p_count, memory_order_relaxed);
	if (s->procs == 1)
		return NULL;
	if (!m->spinning && 2 * atomic_load_explicit(&s->spinning, memory_order_relaxed) >= busy)
		return NULL;
	if (!m->spinning) {
		m->spinning = true;
		atomic_fetch_add(&s->spinning, 1);
	}
	return idle_steal(m);
}

static void idle_stop_spinning(struct m *m)
{
	if (m->spinning) {
		m->spinning = false;
		atomic_fetch_sub(&m->sched->spinning, 1);
	}
}

/** L3 and L5.  Called under sched->lock, which it leaves held. */
static bool idle_deadlock(struct sched *s)
{
	if (atomic_load_explicit(&s->idle_p_count, memory_order_relaxed) != s->procs ||
	    atomic_load_explicit(&s->handed, memory_order_relaxed) ||
	    atomic_load_explicit(&s->outside, memory_order_relaxed) || atomic_load(&s->stopped) ||
	    gor__poll_waits(s) || idle_any_work(s))
		return false;
	for (unsigned i = 0; i < s->procs; i++)
		if (atomic_load_explicit(&s->ps[i].timers.count, memory_order_acquire))
			return false;
	return !atomic_exchange(&s->told, true); // L5
}

/** Sleep until m->wake is set or until_ns has come; poll_m also wakes for an edge. */
static void idle_doze(struct m *m, int64_t until_ns, struct woken *woken)
{
	struct sched *s = m->sched;

	if (atomic_load(&s->poll_m) == m) {
		gor__poll_sleep(s, &m->wake, until_ns, woken);
		atomic_store(&s->poll_m, NULL);
	} else if (atomic_load_explicit(&m->wake, memory_order_acquire) == 0) {
		gor__futex_wait(&m->wake, 0, until_ns);
	}
}

/**
 * One sleep of idle_sleep(): takes the p it was given, or a free one if a timer is due or an edge
 * has come.
 */
static void idle_sleep_once(struct m *m, int64_t until_ns)
{
	struct sched *s = m->sched;
	struct woken woken = {0};

	atomic_store(&m->dozing, true);
	idle_doze(m, until_ns, &woken);
	atomic_store(&m->dozing, false);
	gor__record_look(m);
	if (atomic_load_explicit(&m->wake, memory_order_acquire) == 1) {
		atomic_store_explicit(&m->wake, 0, memory_order_relaxed);
		idle_attach(m, m->next_p);
		m->next_p = NULL;
		m->spinning = m->handoff.spins;
		if (m->handoff.why)
			EMIT(m, HANDOFF, m->handoff.stream, m->stream->number, m->handoff.why, m->handoff.g);
		gor__poll_ready(m, &woken);
		return;
	}
	if (!woken.count && (until_ns < 0 || gor__clock() < until_ns))
		return;
	gor__lock(&s->lock);
	struct p *p = m->sleeping ? idle_pop_p(s) : NULL;
	if (p) {
		struct m **link = &s->idle_m;
		while (*link != m)
			link = &(*link)->idle_next;
		*link = m->idle_next;
		m->sleeping = false;
	}
	if (s->timer_keeper == m)
		s->timer_keeper = NULL;
	gor__unlock(&s->lock);
	if (p) {
		idle_attach(m, p);
		gor__monitor_kick(s);
	}
	gor__poll_ready(m, &woken);
}

/**
 * Sleep until given a p, or, as timer keeper, until a timer is due, or, as poll_m, until there is
 * an edge; m has a p afterwards, or the run is over.
 */
static void idle_sleep(struct m *m)
{
	struct sched *s = m->sched;

	if (atomic_load_explicit(&m->wake, memory_order_relaxed) == 0)
		EMIT(m, THREAD_IDLE);
	while (!m->p) {
		int64_t until = -1;

		gor__lock(&s->lock);
		if (!m->sleeping && !m->next_p) {
			m->sleeping = true;
			m->idle_next = s->idle_m;
			s->idle_m = m;
		}
		// while every p is busy their owners and the monitor look after timers and descriptors
		if (m->sleeping && s->idle_p && gor__poll_waits(s) && !atomic_load(&s->poll_m))
			atomic_store(&s->poll_m, m);
		if (m->sleeping && (!s->timer_keeper || s->timer_keeper == m)) {
			until = s->idle_p ? gor__timers_first(s) : NO_TIMER;
			s->timer_keeper = until == NO_TIMER ? NULL : m;
			s->timer_keeper_ns = until;
			until = until == NO_TIMER ? -1 : until;
		}
		uint32_t again = 2;
		atomic_compare_exchange_strong(&m->wake, &again, 0);
		gor__unlock(&s->lock);
		if (atomic_load(&s->stopped))
			return;
		idle_sleep_once(m, until);
	}
}

/**
 * Put m's p on the idle list and sleep, after a last look if asked; m has a p when it returns, and
 * is perhaps spinning.
 */
static void idle_release(struct m *m, bool look)
{
	struct sched *s = m->sched;
	struct p *p = m->p;

	gor__lock(&s->lock);
	if (atomic_load_explicit(&s->global_count, memory_order_relaxed)) {
		gor__unlock(&s->lock);
		return;
	}
	m->p = NULL;
	idle_push_p(s, p);
	bool dead = idle_deadlock(s);
	gor__unlock(&s->lock);
	idle_stop_spinning(m);
	if (dead)
		gor__deadlock();
	if (look && idle_any_ring(s)) { // came in after the last look
		gor__lock(&s->lock);
		p = idle_pop_p(s);
		gor__unlock(&s->lock);
		if (p) {
			idle_attach(m, p);
			return;
		}
	}
	idle_sleep(m);
}

/*
 * Pinned goroutines (gor_pin).  The thread that is home to one sleeps, without a p and on no list,
 * while that one is not running.  Whoever picks the goroutine from a queue gives the p and the
 * goroutine to its home.
 */

/** g may only run on its home.  True: it was sent there with m's p; false: this is its home. */
bool gor__idle_send_home(struct m *m, struct g *g)
{
	struct m *home = g->home;
	struct p *p = m->p;

	if (home == m)
		return false;
	m->p = NULL;
	home->sent = g;
	home->next_p = p;
	home->handoff = (struct handoff){.why = GTRACE_why_NONE};
	atomic_store_explicit(&p->m, NULL, memory_order_release);
	idle_wake(home);
	return true;
}

/** Give up the p of one who will sleep, or goes for good: perhaps nothing can run any more. */
void gor__idle_part(struct sched *s, struct p *p)
{
	if (gor__idle_give_up(s, p, (struct handoff){.why = GTRACE_why_NONE}))
		return;
	gor__lock(&s->lock);
	bool dead = idle_deadlock(s);
	gor__unlock(&s->lock);
	if (dead)
		gor__deadlock();
}

/**
 * The home's side: give the p away, sleep until sent one with the goroutine.  False: the run is
 * over.
 */
static bool idle_wait_home(struct m *m)
{
	struct sched *s = m->sched;
	struct p *p = m->p;

	m->p = NULL;
	if (p)
		gor__idle_give_up(s, p, (struct handoff){.spins = false});
	EMIT(m, THREAD_IDLE);
	for (uint32_t wake; (wake = atomic_load_explicit(&m->wake, memory_order_acquire)) != 1;) {
		if (atomic_load(&s->stopped))
			return false;
		gor__futex_wait(&m->wake, wake, -1);
	}
	atomic_store_explicit(&m->wake, 0, memory_order_relaxed);
	idle_attach(m, m->next_p);
	m->next_p = NULL;
	m->pending = m->sent;
	return true;
}

/** A goroutine for m to run, and m has a p; NULL: the run is over. */
struct g *gor__find_work(struct m *m)
{
	if (__builtin_expect(m->guest != NULL, 0) && !idle_wait_home(m))
		return NULL;
	for (;;) {
		if (!m->p)
			idle_sleep(m);
		if (atomic_load_explicit(&m->sched->stopped, memory_order_relaxed))
			return NULL;
		bool pays = true;
		struct g *g = idle_look(m, &pays);
		if (g) {
			bool spun = m->spinning;
			if (__builtin_expect(atomic_load_explicit(&m->sched->told, memory_order_relaxed), 0))
				atomic_store(&m->sched->told, false); // L5
			idle_stop_spinning(m);
			if (spun)
				idle_wake_more(m->sched);
			return g;
		}
		idle_release(m, pays);
	}
}

/**
 * A thread that was handed off from comes back: a free p for it, or NULL and g is in the global
 * list.
 */
struct p *gor__idle_return(struct m *m, struct g *g)
{
	struct sched *s = m->sched;

	gor__lock(&s->lock);
	struct p *p = idle_pop_p(s);
	if (p) {
		idle_attach(m, p);
	} else {
		g_set_state(g, G_RUNNABLE);
		gor__global_put_locked(s, g);
	}
	m->handed = false;
	atomic_fetch_sub_explicit(m->foreign ? &s->outside : &s->handed, 1, memory_order_relaxed);
	gor__unlock(&s->lock);
	return p;
}

/**
 * A p is given up by its thread, which goes on without: to another one if there is work for it.
 * Its timers are no work yet: a sleeping thread keeps their time.  False: it is idle.
 */
bool gor__idle_give_up(struct sched *s, struct p *p, struct handoff handoff)
{
	if (!gor__runq_empty(p) || atomic_load_explicit(&s->global_count, memory_order_acquire) ||
	    (gor__poll_waits(s) && !atomic_load(&s->poll_m))) // L4
		return gor__thread_give(s, p, handoff);
	gor__lock(&s->lock);
	int64_t first = gor__timers_first(s);
	// who keeps the time may not have been told: it is not while every p is busy
	bool late = first < (s->timer_keeper ? s->timer_keeper_ns : NO_TIMER);
	struct m *keeper = s->timer_keeper ? s->timer_keeper : s->idle_m;
	if (late && !keeper) {
		gor__unlock(&s->lock);
		return gor__thread_give(s, p, handoff);
	}
	idle_push_p(s, p);
	bool dead = idle_deadlock(s); // here and not later: one thread is the last, and one says so
	if (late) {
		if (s->timer_keeper)
			s->timer_keeper_ns = first;
		atomic_store(&keeper->wake, 2);
	}
	gor__unlock(&s->lock);
	if (dead)
		gor__deadlock();
	if (late)
		idle_rouse(keeper);
	idle_wake_more(s);
	return false;
}

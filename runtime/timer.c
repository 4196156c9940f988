/* SPDX-License-Identifier: MIT */
/**
 * timer.c: when something is due.
 *
 * Each p keeps those that were armed on it, in order (timerq.c).  Whoever holds a p runs what is
 * due in it; a thread that finds no goroutine also runs the timers of other ps; the last thread to
 * go idle sleeps until the earliest (idle.c); the monitor looks after those that are left.
 *
 * fire() runs under the lock, so that del(), which takes the same lock, waits for it: a
 * timer on a stack is not touched after its owner has deleted it.
 */
#include <errno.h>

#include "emit.h"
#include "seed.h"
#include "timer.h"

static void timers_publish(struct timers *ts)
{
	const struct timed *first = gor__timerq_first(ts);

	atomic_store_explicit(&ts->first, first ? first->when : NO_TIMER, memory_order_release);
}

/**
 * Put t, whose when and fire or run are set, to the timers of m's p; the last touch for a run.
 * Returns: 0 or -ENOMEM.
 */
int gor__timer_add(struct m *m, struct timer *t)
{
	struct timers *ts = &m->p->timers;

	gor__lock(&ts->lock);
	atomic_store_explicit(&t->p, m->p, memory_order_relaxed);
	t->tie = gor__seed_tie(m->p);
	int64_t when = t->when;
	if (!gor__timerq_put(ts, (struct timed){when, t})) {
		gor__unlock(&ts->lock);
		return -ENOMEM;
	}
	bool first = when < atomic_load_explicit(&ts->first, memory_order_relaxed);
	if (first)
		atomic_store_explicit(&ts->first, when, memory_order_release);
	atomic_store_explicit(&t->running, false,
	                      memory_order_release); // its run that armed it is over
	gor__unlock(&ts->lock); // from here on t may be fired, armed again, or gone
	if (first)
		gor__timer_moved(m->sched, when);
	return 0;
}

/** Lock the timers that t is among, or was in last. */
static struct timers *timer_lock(struct timer *t)
{
	for (;;) {
		struct p *p = atomic_load_explicit(&t->p, memory_order_relaxed);
		gor__lock(&p->timers.lock);
		if (p == atomic_load_explicit(&t->p, memory_order_relaxed))
			return &p->timers;
		gor__unlock(&p->timers.lock); // a run has armed it elsewhere meanwhile
	}
}

/** Disarm; fire will not be called any more, a run may be under way.  Returns: whether it was
 * armed. */
bool gor__timer_del(struct timer *t)
{
	struct timers *ts = timer_lock(t);
	bool armed = t->slot != 0;

	if (armed) {
		gor__timerq_remove(ts, t);
		timers_publish(ts);
	}
	gor__unlock(&ts->lock);
	return armed;
}

/**
 * Disarm a timer that has a run: when this returns, it is not armed and its run is over.  Not from
 * run itself.  Returns: whether it was armed.
 */
bool gor__timer_cancel(struct timer *t)
{
	unsigned round = 0;

	for (;;) {
		while (atomic_load_explicit(&t->running, memory_order_acquire))
			gor__backoff(&round);
		struct timers *ts = timer_lock(t);
		bool running = atomic_load_explicit(&t->running, memory_order_acquire);
		bool armed = !running && t->slot != 0;
		if (armed) {
			gor__timerq_remove(ts, t);
			timers_publish(ts);
		}
		gor__unlock(&ts->lock);
		if (!running)
			return armed;
	}
}

/** The last thing that a run does with its timer, unless it arms it again. */
void gor__timer_ran(struct timer *t)
{
	atomic_store_explicit(&t->running, false, memory_order_release);
}

bool gor__timers_due(struct p *p)
{
	int64_t first = atomic_load_explicit(&p->timers.first, memory_order_relaxed);

	return first != NO_TIMER && first <= gor__now();
}

/** What gor__timers_run() takes out of them. */
struct due {
	struct g *list, **end;
	unsigned count;
	struct timer *run, **run_end;
};

/** Under their lock. */
static void timers_take(struct timers *ts, int64_t now, struct due *due)
{
	bool more = true;

	for (struct timer *t; more && (t = gor__timerq_take(ts, now));) {
		more = !gor__seed_picks(); // which picks again between two timers
		if (t->run) {
			atomic_store_explicit(&t->running, true, memory_order_relaxed);
			*due->run_end = t;
			due->run_end = &t->next;
			continue;
		}
		struct g *g = t->fire(t); // t may be gone after the unlock
		if (!g)
			continue;
		*due->end = g;
		due->end = &g->next;
		due->count++;
	}
	timers_publish(ts);
	*due->end = NULL;
	*due->run_end = NULL;
}

/** Fire what is due in p; m has a p, perhaps another.  Returns whether anything was. */
bool gor__timers_run(struct m *m, struct p *p)
{
	struct timers *ts = &p->timers;
	struct due due = {.end = &due.list, .run_end = &due.run};

	if (!gor__timers_due(p))
		return false;
	int64_t now = gor__now();
	gor__lock(&ts->lock);
	timers_take(ts, now, &due);
	gor__unlock(&ts->lock);
	for (struct g *g = due.list; g; g = g->next)
		emit_wake_by(m, g, 0, GTRACE_waker_TIMER, g != due.list);
	if (due.count)
		gor__ready_list(m, due.list, due.count);
	for (struct timer *t = due.run, *next; t; t = next) {
		next = t->next;
		t->run(m, t); // t may be gone now
	}
	return due.count || due.run;
}

/** When, by the real clock, the earliest timer of all ps is due, or NO_TIMER. */
int64_t gor__timers_first(struct sched *s)
{
	int64_t first = NO_TIMER;

	for (unsigned i = 0; i < s->procs; i++) {
		int64_t when = atomic_load_explicit(&s->ps[i].timers.first, memory_order_acquire);
		first = when < first ? when : first;
	}
	return first == NO_TIMER ? first : gor__seed_real(first);
}

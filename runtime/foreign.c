/* SPDX-License-Identifier: MIT */
/**
 * foreign.c: threads of the program that are not ours, and call in.
 *
 * Such a thread is *attached* at its first call while a run goes on, or by gor_thread_enter(). From
 * then on it has what a worker has that runs a pinned goroutine: a struct m, and a goroutine whose
 * home it is.  The goroutine is the thread itself: its stack is the thread's, what it does between
 * its calls is the thread's own business.  So a call has no second form for it; all that there is
 * of channels, locks and timers works, and panics, dumps and traces know who it was.
 *
 *	in its own code                        in a call
 *	──────────────────────────────         ─────────────────────────────────────────────
 *	no p; m->handed; sched->outside  ───▶  entry: a free p, or it queues for one (handoff.c)
 *	                                 ◀───  leave: the p goes back, or to who has work for it
 *
 * The stacks are the other way round than a worker's:
 *
 *	the thread's own        g's    from g->stack_low to g->stack_high
 *	the one below g, where  g0's   the thread is on it while g is parked or queues for a p; it waits
 *	g's would be                   there as any home of a pinned goroutine (idle.c)
 *
 *   F1  g->home == m and m->guest == g as long as the thread is attached: nobody else runs g, and
 *       the thread runs nobody else.
 *   F2  `outside` is raised before the p is given back, and lowered, under sched->lock, when there
 *       is a p or a place in the queue: who finds all ps idle sees every thread that may still call
 *       in (L3 in idle.c).
 *   F3  m stays in the list of all threads, as others do, and serves the next thread that comes.
 *
 * A thread that ends is detached by the destructor of a key.  That may have been the last that kept
 * a deadlock from being one, so it looks.
 *
 * The end of a run must not take along a thread that is not ours.  What it waits for will not come:
 *
 *	gor_run                                     foreign thread, in a call
 *	─────────────────────────────────────       ───────────────────────────────────────────────────
 *	stopped = true; wakes all            ────▶  g0 leaves its loop; resting++; in_rt = 0; waits
 *	until nobody is inside the runtime
 *	search of memory, snapshot
 *	over = 1; wakes all                  ────▶  a channel's wait, a sleep, or one that has ended: g
 *	until resting is 0                          goes on, takes its waiter out of the queue, returns:
 *	                                            resting--.  Any other wait: resting--, for ever
 *
 * Between stopped and over it touches nothing of the run, and after over nobody else does: so
 * whether its wait has ended is settled, and its waiter can be taken out.  gor_run returns when
 * that is done, so that the channel may be freed or used in the next run.  A thread that calls
 * after stopped waits for over, lets go of all it had, and is attached to the next run, if there is
 * one.
 *
 * Rejected: calls that need no goroutine (a send as "foreign sender").  Each of send, receive,
 * select, lock and wait would be there twice.  A goroutine on another thread that does the call in
 * its place: two switches of threads a call, and a lock would have the wrong owner.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <link.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "context.h"
#include "emit.h"
#include "leak.h"
#include "futex.h"
#include "handoff.h"
#include "spawn.h"

static struct {
	pthread_key_t key; // m of an attached thread: its destructor sees the thread end
} foreign;

/** gor_thread_enter() less gor_thread_leave(), and in which run. */
static __thread struct {
	struct sched *run;
	uint32_t times;
} foreign_registered;

static const struct gor_site foreign_site = {"", "", "foreign thread", 0, GOR_OP_GO};

/* ── the end of a run ─────────────────────────────────────────────────────────────────────────────
 */

static void foreign_rested(struct m *m)
{
	if (m->resting) {
		m->resting = false;
		atomic_fetch_sub(&m->sched->resting, 1);
	}
}

static void foreign_await_over(struct sched *s)
{
	while (!atomic_load(&s->over))
		gor__futex_wait(&s->over, 0, -1);
}

/** Its wait has ended, or what it waits in can be left: channels, descriptors, sleeps. */
static bool foreign_may_return(const struct g *g)
{
	if (g_state(g) != G_WAITING)
		return true;
	switch (g->reason) {
	case GTRACE_reason_CHAN_RECV:
	case GTRACE_reason_CHAN_SEND:
	case GTRACE_reason_SELECT:
	case GTRACE_reason_SLEEP:
	case GTRACE_reason_IO_WAIT:
		return true;
	case GTRACE_reason_CHAN_RECV_NIL:
	case GTRACE_reason_CHAN_SEND_NIL:
		return g->wait_flags & GTRACE_WAIT_DEADLINE; // a sleep
	default:
		return false;
	}
}

/** Whatever it waited for, it goes on now. */
static void foreign_set_running(struct g *g)
{
	if (g_state(g) == G_WAITING)
		g_set_state(g, G_RUNNABLE);
	if (g_state(g) == G_RUNNABLE)
		g_set_state(g, G_RUNNING);
}

static void foreign_stream_end(struct m *m)
{
	gtrace_stream_end(m->stream);
	m->stream = m->sync = NULL;
	atomic_store(&m->stream_number, 0);
}

/** The life of an attached thread's g0: it waits for its goroutine. */
static void foreign_main(void *arg)
{
	struct m *m = arg;
	struct sched *s = m->sched;

	san_first(NULL);
	gor__arrive();
	gor__loop(m);
	m->p = NULL; // it may have been sent one too late
	m->resting = true;
	atomic_fetch_add(&s->resting, 1);
	atomic_store_explicit(&m->in_rt, 0, memory_order_release);
	foreign_await_over(s);
	// nothing of what follows belongs to the trace
	foreign_stream_end(m);
	// again only if it waits once more, for a lock
	while (foreign_may_return(m->guest)) {
		foreign_set_running(m->guest);
		gor__switch_back(m, m->guest);
	}
	foreign_rested(m);
	for (;;)
		gor__futex_wait(&s->over, 1, -1);
}

/** gor_run: let those go that its end has caught in a call; it is over for all others. */
void gor__foreign_end(struct sched *s)
{
	unsigned round = 0;

	atomic_store(&s->over, 1);
	gor__futex_wake_all(&s->over);
	while (atomic_load(&s->resting))
		gor__backoff(&round);
}

/* ── attaching and detaching ──────────────────────────────────────────────────────────────────────
 */

struct bounds {
	char *low, *high, *here;
};

/** Thread-local variables may lie at the top of a thread's stack; they are no part of it. */
static int foreign_tls(struct dl_phdr_info *info, size_t bytes, void *arg)
{
	struct bounds *b = arg;
	char *at = info->dlpi_tls_data;

	(void)bytes;
	if (at > b->here && at < b->high)
		b->high = at;
	return 0;
}

static void foreign_stack(struct bounds *b)
{
	pthread_attr_t attr;
	void *low = NULL;
	size_t bytes = 0;

	b->here = __builtin_frame_address(0);
	if (pthread_getattr_np(pthread_self(), &attr) == 0) {
		pthread_attr_getstack(&attr, &low, &bytes);
		pthread_attr_destroy(&attr);
	}
	b->low = low;
	b->high = b->low + bytes;
	if ((char *)(uintptr_t)pthread_self() > b->here && (char *)(uintptr_t)pthread_self() < b->high)
		b->high = (char *)(uintptr_t)pthread_self();
	dl_iterate_phdr(foreign_tls, b);
}

/** What stands for a thread: one that is free, or a new one.  NULL: no memory. */
static struct m *foreign_m(struct sched *s)
{
	gor__lock(&s->lock);
	struct m *m = s->free_foreign;
	if (m)
		s->free_foreign = m->idle_next;
	gor__unlock(&s->lock);
	if (m || !(m = calloc(1, sizeof *m)))
		return m;
	m->sched = s;
	m->foreign = true;
	m->ended = true; // until it is attached nobody waits for it
	gor__lock(&s->lock);
	m->all_next = atomic_load_explicit(&s->all_m, memory_order_relaxed);
	atomic_store_explicit(&s->all_m, m, memory_order_release);
	gor__unlock(&s->lock);
	return m;
}

/** F3. */
static void foreign_m_free(struct m *m)
{
	struct sched *s = m->sched;

	m->cur = m->guest = NULL;
	gor__lock(&s->lock);
	m->idle_next = s->free_foreign;
	s->free_foreign = m;
	gor__unlock(&s->lock);
}

/** Swap the stacks of g and g0, as they are while a thread is attached. */
static void foreign_stacks(struct m *m, struct g *g)
{
	struct bounds b;

	m->g0.san = g->san;
	m->g0.san.low = g->stack_low;
	m->g0.san.bytes = gor__stack_room(g);
	m->g0.sp = gor__context_make((char *)((uintptr_t)g & ~(uintptr_t)63), foreign_main, m);
	foreign_stack(&b);
	g->san = (struct san){0};
	san_thread(&g->san);
	g->stack_low = b.low;
	g->stack_high = b.high;
	san_region(b.low, (size_t)(b.high - b.low));
	atomic_store(&m->hide_low, b.low);
	atomic_store(&m->hide_high, b.high);
}

/** And back.  g is not in use any more. */
static void foreign_stacks_back(struct m *m, struct g *g)
{
	atomic_store(&m->hide_high, NULL);
	san_region_gone(g->stack_low, gor__stack_room(g));
	g->stack_low = (char *)(uintptr_t)m->g0.san.low;
	g->stack_high = (char *)g;
	g->san = m->g0.san;
}

static void foreign_emit_birth(struct m *m, struct g *g)
{
	gor__spawn_emit(m, g);
	EMIT(m, GO_START, g->id, emit_seq(m, g));
	emit_context(m, g);
	EMIT(m, HANDOFF, m->stream->number, 0, GTRACE_why_EXPLICIT, g->id);
}

/** The calling thread is nobody's any more, and m may serve the next. */
static void foreign_part(struct m *m)
{
	foreign_stream_end(m);
	gor__m = NULL;
	pthread_setspecific(foreign.key, NULL);
	atomic_store(&m->ended, true);
	atomic_store_explicit(&m->in_rt, 0, memory_order_release);
	foreign_m_free(m);
}

/** The run is over: let go of all that the calling thread had of it. */
static void foreign_drop(struct m *m)
{
	struct g *g = m->guest;

	g_set_state(g, G_DEAD);
	m->p = NULL;
	foreign_stacks_back(m, g);
	gor__g_free_outside(g);
	foreign_part(m);
}

/** In a call: the calling thread's goroutine ends. */
static void foreign_detach(struct m *m)
{
	struct sched *s = m->sched;
	struct g *g = m->guest;
	struct p *p = m->p;

	EMIT(m, GO_END);
	emit_context(m, NULL);
	atomic_store(&m->running, 0);
	g_set_state(g, G_DEAD);
	m->cur = m->guest = NULL;
	m->p = NULL;
	foreign_stacks_back(m, g);
	gor__g_free(p, g);
	atomic_fetch_sub(&s->attached, 1);
	gor__idle_part(s, p);
	foreign_part(m);
}

/** A place in the run that goes on, for the calling thread.  Returns: 0, -ECANCELED, -ENOMEM. */
static int foreign_place(struct sched *s, struct g **out_g, struct m **out_m)
{
	struct g *g = gor__g_new_outside();
	struct m *m = g ? foreign_m(s) : NULL;

	if (!m || pthread_setspecific(foreign.key, m) != 0) {
		if (m)
			foreign_m_free(m);
		if (g) {
			g_set_state(g, G_DEAD);
			gor__g_free_outside(g);
		}
		return -ENOMEM;
	}
	*out_g = g;
	*out_m = m;
	return 0;
}

/**
 * From here on the run waits for the thread before it ends, and knows that it may call in.  False:
 * the run is over.  in_rt before the look at stopped: gor__wait_stopped() has them the other way
 * round, so one of the two sees the other.
 */
static bool foreign_join(struct m *m, struct g *g)
{
	struct sched *s = m->sched;

	atomic_store(&m->in_rt, 1);
	atomic_store(&m->ended, false);
	if (atomic_load(&s->stopped))
		return false;
	atomic_fetch_add(&s->outside, 1);
	atomic_fetch_add(&s->attached, 1);
	g_set_state(g, G_RUNNABLE); // others see it from here on
	g_set_state(g, G_RUNNING);
	return true;
}

/**
 * Attach the calling thread, which is inside the runtime then.
 *
 * Returns: 0; -ECANCELED no run is going on; -ENOMEM.
 */
static int foreign_attach(const struct gor_site *site)
{
	struct sched *s = gor__sched_now();
	char thread[16] = "", name[G_NAME_MAX];
	struct g *g;
	struct m *m;

	if (!s || atomic_load(&s->stopped))
		return -ECANCELED;
	int err = foreign_place(s, &g, &m);
	if (err)
		return err;
	pthread_getname_np(pthread_self(), thread, sizeof thread);
	snprintf(name, sizeof name, "thread %s", thread);
	gor__spawn_init(g, s, atomic_fetch_add_explicit(s->next_g_id, 1, memory_order_relaxed),
	                &(struct spawn){.site = site, .name = name});
	g->arg = NULL;
	g->scope = gor__leak_thread;
	g->home = m; // F1
	m->cur = m->guest = g;
	foreign_stacks(m, g);
	atomic_store(&g->on_cpu, 1);
	atomic_store(&m->handed, true);
	atomic_store(&m->mark, 1);
	atomic_store(&m->wake, 0);
	atomic_store(&m->tid, (int)syscall(SYS_gettid));
	atomic_store(&m->running, g->id);
	gor__m = m;
	gor__record_thread(m, GTRACE_thread_kind_FOREIGN);
	if (!foreign_join(m, g)) {
		foreign_drop(m);
		return -ECANCELED;
	}
	foreign_emit_birth(m, g);
	return 0;
}

/* ── calls ────────────────────────────────────────────────────────────────────────────────────────
 */

/** A call by a thread that is not attached.  NULL: the run is over. */
struct m *gor__foreign_enter(void)
{
	if (gor__forked() || !gor__sched_now())
		gor__not_a_goroutine();
	int err = foreign_attach(&foreign_site);
	if (err == -ENOMEM)
		gor__fatal(NULL, "gor: out of memory for a foreign thread");
	return err ? NULL : gor__enter_slow(gor__self());
}

/** A call by a thread whose run is over. */
struct m *gor__foreign_over(struct m *m)
{
	atomic_store_explicit(&m->in_rt, 0, memory_order_release);
	foreign_await_over(m->sched);
	foreign_rested(m);
	foreign_drop(m);
	return gor__foreign_enter();
}

struct m *gor__foreign_here(struct m *m)
{
	if (!atomic_load(&m->sched->stopped))
		return m;
	foreign_await_over(m->sched);
	foreign_drop(m);
	return NULL;
}

/** The end of a call. */
void gor__foreign_leave(struct m *m)
{
	struct sched *s = m->sched;
	struct p *p = m->p;

	if (!p) { // the run is over
		foreign_rested(m);
		return;
	}
	EMIT(m, HANDOFF, m->stream->number, 0, GTRACE_why_EXPLICIT, m->cur->id);
	m->p = NULL;
	atomic_store(&m->handed, true); // nobody else takes a p from it, so there is no need of m->hand
	atomic_store(&m->mark, 1);
	atomic_fetch_add(&s->outside, 1); // F2
	if (!atomic_load(&s->stopped))
		gor__idle_give_up(s, p, (struct handoff){.why = GTRACE_why_NONE});
}

/** Detach the calling thread, which is in its own code. */
static void foreign_quit(struct m *m)
{
	atomic_store(&m->in_rt, 1);
	m = gor__enter_slow(m);
	if (m)
		foreign_detach(m);
}

static void foreign_exit(void *arg)
{
	if (!gor__forked())
		foreign_quit(arg);
}

/** Once, before the first run. */
void gor__foreign_init(void)
{
	if (pthread_key_create(&foreign.key, foreign_exit) != 0)
		gor__fatal(NULL, "gor: no key for thread-local data is left");
}

int gor_thread_enter_at(const struct gor_site *site)
{
	struct m *m = gor__here();

	if (gor__forked())
		gor__not_a_goroutine();
	if (m && !m->foreign)
		gor__panic(site, "gor_thread_enter: called by a goroutine");
	if (!m) {
		int err = foreign_attach(site);
		if (err)
			return err;
		m = gor__self();
		atomic_store_explicit(&m->in_rt, 0, memory_order_release);
	}
	if (foreign_registered.run != m->sched)
		foreign_registered.times = 0;
	foreign_registered.run = m->sched;
	foreign_registered.times++;
	return 0;
}

void gor_thread_leave_at(const struct gor_site *site)
{
	struct m *m = gor__here();

	if (m && !m->foreign)
		gor__panic(site, "gor_thread_leave: called by a goroutine");
	if (!foreign_registered.times)
		gor__panic(site, "gor_thread_leave: without gor_thread_enter");
	if (--foreign_registered.times == 0 && m && m->sched == foreign_registered.run)
		foreign_quit(m);
}

/* SPDX-License-Identifier: MIT */
/**
 * schedtrace.c: GOR_DEBUG=schedtrace=MS,scheddetail=1, the state of the scheduler in Go's words.
 *
 * The monitor prints it.  Nothing stands still meanwhile, so lines of one moment may contradict
 * each other by a goroutine that moves.  Fields of Go's that belong to its collector, or that have
 * nothing here that they could count, are left out.
 */
#include "schedtrace.h"

#include <unistd.h>

#include "out.h"
#include "timer.h"

#define NO_RACES __attribute__((no_sanitize("thread")))

enum { P_IDLE, P_RUNNING };                           // Go's numbers
enum { GO_RUNNABLE = 1, GO_RUNNING, GO_WAITING = 4 }; // likewise

/** Goroutines in p's queue. */
static uint32_t trace_queue(const struct p *p)
{
	uint32_t n = atomic_load_explicit(&p->tail, memory_order_relaxed) -
	             atomic_load_explicit(&p->head, memory_order_relaxed);

	n = n <= RING_SIZE ? n : 0; // one of the two has moved on
	return n + (atomic_load_explicit(&p->runnext, memory_order_relaxed) != NULL);
}

NO_RACES static void trace_line(struct out *out, const struct sched *s, int64_t now)
{
	const struct m *m = atomic_load_explicit(&s->all_m, memory_order_acquire);
	unsigned threads = 1, idle = 0; // and the monitor

	for (; m; m = m->all_next)
		if (!m->foreign && !atomic_load(&m->ended)) {
			threads++;
			idle += m->sleeping;
		}
	gor__out_say(out,
	             "SCHED %lldms: gomaxprocs=%u idleprocs=%u threads=%u spinningthreads=%u "
	             "idlethreads=%u runqueue=%u",
	             (long long)((now - s->trace_began) / GOR_MILLISECOND), s->procs,
	             atomic_load(&s->idle_p_count), threads, atomic_load(&s->spinning), idle,
	             atomic_load(&s->global_count));
	if (gor__config.trace_detail) {
		gor__out_say(out, "\n");
		return;
	}
	for (unsigned i = 0; i < s->procs; i++)
		gor__out_say(out, "%s%u", i ? " " : " [", trace_queue(&s->ps[i]));
	gor__out_say(out, "]\n");
}

NO_RACES static void trace_p(struct out *out, const struct p *p)
{
	const struct m *m = atomic_load_explicit(&p->m, memory_order_acquire);

	gor__out_say(out, "  P%u: status=%d schedtick=%u m=%d runqsize=%u gfreecnt=%u timerslen=%u\n",
	             p->number, m ? P_RUNNING : P_IDLE, p->tick, m ? (int)m->number : -1,
	             trace_queue(p), p->free_count, (unsigned)p->timers.count);
}

NO_RACES static void trace_m(struct out *out, const struct m *m)
{
	const struct p *p = m->p;
	const struct g *guest = m->guest;
	uint64_t running = atomic_load_explicit(&m->running, memory_order_relaxed);

	if (atomic_load(&m->ended))
		return;
	gor__out_say(out, "  M%u: p=%d curg=%lld spinning=%s blocked=%s lockedg=%lld tid=%d\n",
	             m->number, p ? (int)p->number : -1, running ? (long long)running : -1,
	             m->spinning ? "true" : "false", m->sleeping ? "true" : "false",
	             guest ? (long long)guest->id : -1, atomic_load(&m->tid));
}

/** The thread that runs a goroutine, or -1. */
static int trace_thread_of(const struct sched *s, uint64_t id)
{
	const struct m *m = atomic_load_explicit(&s->all_m, memory_order_acquire);

	for (; m; m = m->all_next)
		if (atomic_load_explicit(&m->running, memory_order_relaxed) == id)
			return (int)m->number;
	return -1;
}

struct trace_walk {
	struct out *out;
	const struct sched *sched;
};

NO_RACES static void trace_g(void *arg, struct g *g)
{
	struct trace_walk *walk = arg;
	const struct m *home = g->home;
	enum g_state state = g_state(g);
	int status = state == G_WAITING ? GO_WAITING : state == G_RUNNING ? GO_RUNNING : GO_RUNNABLE;

	if (g->sched != walk->sched || state == G_DEAD)
		return;
	gor__out_say(walk->out, "  G%llu: status=%d(%s) m=%d lockedm=%d\n", (unsigned long long)g->id,
	             status, status == GO_WAITING ? gtrace_name("reason", g->reason) : "",
	             status == GO_RUNNING ? trace_thread_of(walk->sched, g->id) : -1,
	             home ? (int)home->number : -1);
}

static void trace_threads(struct out *out, const struct sched *s)
{
	const struct m *m = atomic_load_explicit(&s->all_m, memory_order_acquire);

	for (unsigned i = 0; i < s->procs; i++)
		trace_p(out, &s->ps[i]);
	for (; m; m = m->all_next)
		trace_m(out, m);
}

/** What fatal ends add at GOR_TRACEBACK=system: processors and threads. */
void gor__schedtrace_threads(void)
{
	const struct sched *s = gor__sched_now();
	struct out out = {.fd = STDERR_FILENO};

	if (s)
		trace_threads(&out, s);
	gor__out_flush(&out);
}

/** When the next lines are due; NO_TIMER: never. */
int64_t gor__schedtrace_due(const struct sched *s)
{
	return gor__config.trace_ns > 0 ? s->trace_due : NO_TIMER;
}

/** The monitor looks. */
void gor__schedtrace(struct sched *s, int64_t now)
{
	struct out out = {.fd = STDERR_FILENO};

	if (gor__config.trace_ns <= 0 || now < s->trace_due)
		return;
	if (!s->trace_began)
		s->trace_began = s->trace_due = now;
	trace_line(&out, s, now);
	if (gor__config.trace_detail) {
		trace_threads(&out, s);
		gor__g_each(trace_g, &(struct trace_walk){&out, s});
	}
	gor__out_flush(&out);
	s->trace_due += (now - s->trace_due) / gor__config.trace_ns * gor__config.trace_ns;
	s->trace_due += gor__config.trace_ns; // what was missed is not made up for
}

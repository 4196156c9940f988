/* SPDX-License-Identifier: MIT */
/**
 * run.c: gor_run, from its start to its return.
 *
 * The calling thread runs no goroutine: it is the monitor until goroutine 1 ends.  So gor_run can
 * return on its caller's thread whatever the others are stuck in.
 *
 * Each run has a struct sched of its own, never freed: threads that are still in user code when a
 * run ends keep pointing to it, and stop at their next call.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent.h"
#include "emit.h"
#include "gops.h"
#include "handoff.h"
#include "leak.h"
#include "monitor.h"
#include "poll.h"
#include "seed.h"
#include "serve.h"
#include "signals.h"
#include "spawn.h"
#include "timer.h"

static struct {
	_Atomic bool running;
	_Atomic(struct sched *) last; // the run that goes on, or went on last
	_Atomic uint64_t next_g_id;   // over all runs: never given twice
	_Atomic int max_procs;        // 0: as the environment says
	_Atomic bool forked;          // this is a child that has not called exec
} run;

struct sched *gor__sched_now(void)
{
	return atomic_load_explicit(&run.last, memory_order_acquire);
}

/** Goroutine 1. */
void gor__run_main(void *arg)
{
	struct sched *s = arg;
	int result = s->entry(s->argc, s->argv);
	gor__leak_linger(gor__self()->cur);
	struct m *m = gor__enter();

	s->result = result;
	EMIT(m, MAIN_END);
	gor__mark_ended(m); // before anybody looks at what is left
	atomic_store(&s->stopped, true);
	gor__idle_stop(s);
	gor__monitor_kick(s);
	gor__abandon(m);
}

static struct p *run_procs(struct sched *s)
{
	s->ps = aligned_alloc(64, s->procs * sizeof *s->ps);
	s->batches.left = s->procs + 2; // keeps B2 of global.c
	s->batches.memory = aligned_alloc(64, (size_t)s->batches.left * BATCH_BYTES);
	if (!s->ps || !s->batches.memory)
		return NULL;
	gor__global_reserve(&s->batches);
	memset(s->ps, 0, s->procs * sizeof *s->ps);
	uint64_t seed = (uint64_t)gor__clock() ^ (uint64_t)getpid() << 32;
	for (unsigned i = 0; i < s->procs; i++) {
		struct p *p = &s->ps[i];
		p->number = i;
		p->alone = s->procs == 1;
		p->barrier = !s->no_membarrier;
		p->sched = s;
		p->rng = gor__mix(seed + i);
		atomic_store(&p->timers.first, NO_TIMER);
		if (i > 0) {
			p->idle_next = s->idle_p;
			s->idle_p = p;
		}
	}
	atomic_store(&s->idle_p_count, s->procs - 1);
	if (gor__seeded())
		gor__seed_begin(&s->ps[0]);
	return &s->ps[0];
}

static struct sched *run_new(void)
{
	struct sched *s = calloc(1, sizeof *s);

	if (!s)
		return NULL;
	int procs = atomic_load(&run.max_procs);
	s->procs = procs > 0 ? (unsigned)procs : gor__config.procs;
	s->no_membarrier = !gor__membarrier_init();
	s->marked = s->no_membarrier || gor__seeded();
	s->next_g_id = &run.next_g_id;
	s->before = atomic_load(&run.last);
	gor__stack_inherit(s);
	s->poller = gor__poller_new();
	return s->poller ? s : NULL;
}

/** The first thread of a run; until it loops, the caller acts for it. */
static bool run_begin(struct sched *s)
{
	struct p *p = run_procs(s);
	struct m boot = {.sched = s, .p = p}; // stands in for a thread while goroutine 1 is made

	if (!p)
		return false;
	atomic_store(&s->rec, gor__record_begin());
	gor__record_monitor(s);
	boot.stream = s->monitor_stream;
	struct g *g = gor__spawn(
		&boot, &(struct spawn){.fn = gor__run_main, .arg = s, .site = s->site, .stack_bytes = 0});
	if (!g)
		return false;
	gor__record_snapshot(&boot, GTRACE_snap_START);
	gor__spawn_emit(&boot, g);
	g_set_state(g, G_RUNNABLE);
	gor__runq_put(p, g);
	atomic_store(&run.last, s);
	gor__signals_install();
	gor__coarse_set(gor__clock());
	return gor__thread_new(s, p, (struct handoff){.spins = true}) != NULL;
}

/**
 * In the child of a fork there is one thread, and locks may be held by threads that are not there.
 * It may call exec or _exit, and what POSIX allows; a call of the runtime panics and says so.
 */
static void run_forked(void)
{
	struct m *m = gor__self();

	gor__record_forked();
	if (!atomic_load(&run.next_g_id))
		return; // there was no run yet: it may have one
	atomic_store(&run.forked, true);
	if (m)
		atomic_store(&m->mark, 1); // to the slow path at the next entry
}

bool gor__forked(void)
{
	return atomic_load_explicit(&run.forked, memory_order_relaxed);
}

__attribute__((constructor)) static void run_load(void)
{
	pthread_atfork(NULL, NULL, run_forked);
}

/** Once a run goes on: membarrier(2) is set up by then, which takes 13 ms if there are threads. */
static void run_opened(void)
{
	if (gor__config.agent)
		gor__agent_start();
	if (gor__config.http[0])
		gor__serve_configured(gor__config.http);
	if (gor__config.gops)
		gor__gops_start();
}

int gor_run_at(int (*entry)(int argc, char **argv), int argc, char **argv,
               const struct gor_site *site)
{
	static pthread_once_t foreign = PTHREAD_ONCE_INIT, opened = PTHREAD_ONCE_INIT;

	gor__config_read();
	pthread_once(&foreign, gor__foreign_init);
	if (gor__forked())
		gor__panic(site, "gor: used in a forked child, which has no threads for it");
	if (gor__here())
		gor__panic(site, "gor_run: called by a goroutine");
	uint64_t first = 0;
	atomic_compare_exchange_strong(&run.next_g_id, &first, 1);
	if (atomic_exchange(&run.running, true))
		gor__panic(site, "gor_run: another run is going on");

	struct sched *s = run_new();
	if (s) {
		s->entry = entry;
		s->argc = argc;
		s->argv = argv;
		s->site = site;
		s->caller_frame = __builtin_frame_address(0);
		atomic_store(&s->spinning, 1); // the first thread starts as one that looks for work
	}
	if (!s || !run_begin(s))
		gor__fatal(NULL, "gor: out of memory or threads at the start");
	pthread_once(&opened, run_opened);
	gor__monitor(s);
	gor__wait_stopped(s);
	gor__poller_end(s->poller);
	gor__record_run_end(s);
	gor__foreign_end(s);
	atomic_store(&run.running, false);
	return s->result;
}

size_t gor_num_goroutine(void)
{
	const struct sched *s = gor__sched_now();
	const struct m *m = gor__self();

	if (!s || (atomic_load(&s->stopped) && (!m || m->foreign)))
		return 0;
	int64_t n = atomic_load_explicit(&s->attached, memory_order_relaxed);
	for (unsigned i = 0; i < s->procs; i++)
		n += atomic_load_explicit(&s->ps[i].alive, memory_order_relaxed);
	return n > 0 ? (size_t)n : 0;
}

int gor_max_procs(int n)
{
	gor__config_read();
	const struct sched *s = gor__sched_now();
	int set = atomic_load(&run.max_procs);
	int before = s && !atomic_load(&s->stopped) ? (int)s->procs
	             : set > 0                      ? set
	                                            : (int)gor__config.procs;

	if (n > 0 && !gor__seeded())
		atomic_store(&run.max_procs, n);
	return before;
}

// In each program that libgor is in, too, so that gtrace knows one that it cannot ask.  A linker
// keeps notes, whoever uses them.
__asm__(".pushsection .note.gor, \"a\", %note\n"
        ".balign 4\n"
        ".long 2f - 1f, 4f - 3f, 1\n"
        "1: .asciz \"gor\"\n"
        "2: .balign 4\n"
        "3: .asciz \"" GOR_VERSION "\"\n"
        "4: .balign 4\n"
        ".popsection");

const char *gor_version(void)
{
	return GOR_VERSION;
}

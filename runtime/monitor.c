/* SPDX-License-Identifier: MIT */
/**
 * monitor.c: the thread that looks on.
 *
 * It runs no goroutine and takes no p for itself.  Each look at a thread asks one question: has it
 * started a goroutine since the last look?  If not, for how long, and did its CPU clock run
 * meanwhile?
 *
 *   clock stands   it sleeps in a system call: after 100 us its p goes to another thread, if work
 *   waits clock runs     it computes: after the slice (10 ms) likewise
 *
 * A clock that stands may also belong to a thread that the kernel just does not run; /proc tells
 * those two apart, and is asked only then.
 *
 * It also wakes a thread when a goroutine waits in a runnext whose owner does not stop, when a
 * timer is overdue, for goroutines whose p found no thread because there was none to be had, and
 * when nobody looks at the descriptors that goroutines wait for though a p is idle; if none is, it
 * looks itself after 10 ms.  A thread that sleeps in a system call gives its p up to one that
 * looks, too, and keeps it otherwise.  And it reports long stretches to the trace: at 100 ms, then
 * at doubling times, then twice a second.
 *
 * It does not look at foreign threads: in their own code they have no p (foreign.c).
 *
 * In a seeded run it takes nothing before a goroutine has not called the runtime for a second
 * (seed.c).
 *
 * It looks every 100 us while there is something to do, up to every 5 ms while there is not, and
 * sleeps for good when all ps are idle and no stack is left that could shrink (shrink.c); but it
 * wakes for each line that schedtrace= asks for.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "apart.h"
#include "emit.h"
#include "futex.h"
#include "handoff.h"
#include "monitor.h"
#include "poll.h"
#include "reach.h"
#include "schedtrace.h"
#include "seed.h"
#include "signals.h"
#include "timer.h"

#define LOOK_SHORT (100 * GOR_MICROSECOND)
#define LOOK_LONG (5 * GOR_MILLISECOND)
#define LOOK_SKIP (500 * GOR_MICROSECOND) // while others leave the waking to it, see idle.c
#define LOOKS_BEFORE_LONG 20
#define IDLE_BEFORE_SLEEP (50 * GOR_MILLISECOND)
#define SLEEP_LIMIT (100 * GOR_MICROSECOND)
#define REPORT_FIRST (100 * GOR_MILLISECOND)
#define REACH_FIRST (800 * GOR_MILLISECOND)
#define REPORT_STEP (500 * GOR_MILLISECOND)
#define BUSY_DUMPS_MAX 8 // in a run: the disk is not to be filled by itself

struct coarse gor__coarse;

void gor__coarse_set(int64_t now)
{
	atomic_store_explicit(&gor__coarse.ns, now, memory_order_relaxed);
}

void gor__monitor_kick(struct sched *s)
{
	if (!atomic_load(&s->monitor_idle) && !atomic_load(&s->stopped))
		return;
	gor__coarse_set(gor__clock()); // it has slept, and goroutines may park before it is awake
	atomic_fetch_add(&s->monitor_word, 1);
	gor__futex_wake(&s->monitor_word);
}

/** The letter for what a thread or process is at, from its stat file; 0: there is none. */
static char stat_state(const char *path)
{
	char text[512];

	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	ssize_t n = read(fd, text, sizeof text - 1);
	close(fd);
	if (n <= 0)
		return 0;
	text[n] = 0;
	const char *after = strrchr(text, ')'); // the name before it may hold anything
	return after && after[1] == ' ' ? after[2] : 0;
}

/** Does the kernel say that the thread sleeps?  Without /proc: yes. */
bool gor__thread_sleeps(int tid)
{
	char path[64], of[16] = "self";

	if (gor__apart_of())
		snprintf(of, sizeof of, "%d", gor__apart_of());
	snprintf(path, sizeof path, "/proc/%s/task/%d/stat", of, tid);
	return stat_state(path) != 'R';
}

/** The same of a process's first thread, that does not wait for a disk either. */
bool gor__process_sleeps(int pid)
{
	char path[64];

	snprintf(path, sizeof path, "/proc/%d/stat", pid);
	return stat_state(path) == 'S';
}

/** Do goroutines wait for descriptors that nobody has looked at for a while? */
static bool monitor_unseen(struct sched *s, int64_t now)
{
	return gor__poll_unseen_ns(s, now) >= LOOK_SHORT;
}

/** Does m wait for the recorder, as whoever had its p instead soon would?  While the monitor has a
 * stream of it, that is not released. */
static bool monitor_stalls(struct sched *s, const struct m *m)
{
	struct gtrace_rec *rec = atomic_load_explicit(&s->monitor_rec, memory_order_relaxed);

	return s->monitor_stream && rec && gtrace_rec_stalls(rec, m->stream_number);
}

/** The p that m has, if work waits for it. */
static bool monitor_wanted(const struct sched *s, const struct m *m, int64_t now)
{
	for (unsigned i = 0; i < s->procs; i++) {
		struct p *p = &s->ps[i];
		if (atomic_load_explicit(&p->m, memory_order_acquire) != m)
			continue;
		int64_t first = atomic_load_explicit(&p->timers.first, memory_order_relaxed);
		return !gor__runq_empty(p) ||
		       (gor__seed.vtime ? first != NO_TIMER : first <= now) || // virtual: were m idle
		       atomic_load_explicit(&s->global_count, memory_order_relaxed);
	}
	return false;
}

static void monitor_report(struct sched *s, struct m *m, int64_t now, int64_t cpu)
{
	struct gtrace_stream *stream = s->monitor_stream;
	uint64_t g = atomic_load_explicit(&m->running, memory_order_relaxed);
	uint32_t frames = atomic_load_explicit(&m->sample.count, memory_order_acquire);
	int64_t run = now - m->seen_ns;
	uint8_t pcs[SAMPLE_FRAMES * 10], *p = pcs;

	m->report_ns = run < REPORT_STEP ? 2 * run : run + REPORT_STEP;
	if (!stream || !g || !m->stream_number)
		return;
	for (uint32_t i = 0; i < frames; i++)
		p = gtrace_put(p,
		               gtrace_zigzag((int64_t)(m->sample.pc[i] - (i ? m->sample.pc[i - 1] : 0))));
	if (frames) {
		const char *bytes = (const char *)pcs;
		size_t len = (size_t)(p - pcs);
		gtrace_stream_text(stream, GTRACE_STACK_DEF, (const uint64_t[]){++s->stacks, 0}, &bytes,
		                   &len);
	}
	GTRACE_EMIT(stream, BUSY, g, m->stream_number, (uint64_t)run, (uint64_t)cpu,
	            frames ? m->sample.pc[0] : 0);
	if (frames)
		GTRACE_EMIT(stream, STACK, s->stacks);
	if (frames && run >= m->reach_ns) { // it may be what keeps a deadlock from being seen
		gor__reach(s, stream, GTRACE_snap_SPIN, NULL);
		m->reach_ns = 2 * run;
	}
	atomic_store_explicit(&m->sample.count, 0, memory_order_relaxed);
}

/** busy=: once for a stretch, on stderr; and what led to it, if that is kept. */
__attribute__((no_sanitize("thread"))) static void monitor_busy(struct m *m, int64_t stretch)
{
	const struct g *g = m->cur; // it stays readable, whatever becomes of it
	const struct gor_site *at = g ? g->site : NULL, *born = g ? g->born : NULL;
	char place[256] = "", birth[256] = "";

	m->busy_told = true;
	if (at)
		snprintf(place, sizeof place, ", since %s:%u", at->file, at->line);
	if (born)
		snprintf(birth, sizeof birth, ", born at %s:%u", born->file, born->line);
	gor__say("gor: goroutine %llu has computed for %.1f s without a call of the runtime%s%s\n",
	         (unsigned long long)atomic_load_explicit(&m->running, memory_order_relaxed),
	         (double)stretch / 1e9, place, birth);
	struct gtrace_rec *rec = gor__record_hold();

	if (rec && m->sched->busy_dumps < BUSY_DUMPS_MAX) {
		m->sched->busy_dumps++;
		gtrace_rec_dump_async(rec, "a goroutine computes for long");
	}
	gor__record_release();
}

/**
 * Look at a thread that has started no goroutine since the last look.  True: something was done.
 */
static bool monitor_stretch(struct sched *s, struct m *m, int64_t now)
{
	int64_t cpu_now = gor__thread_cpu_ns(m);

	if (m->seen_cpu_ns < 0) {
		m->seen_cpu_ns = m->last_cpu_ns = cpu_now;
		m->last_ns = now;
		return false;
	}
	int64_t ran = cpu_now - m->last_cpu_ns, passed = now - m->last_ns;
	bool still = ran * 4 < passed;
	bool handed = atomic_load_explicit(&m->handed, memory_order_relaxed);
	int64_t stretch = now - m->seen_ns;

	m->last_cpu_ns = cpu_now;
	m->last_ns = now;
	if (still && monitor_stalls(s, m))
		return false; // it is in no call, and has not been left without a processor
	if (stretch >= m->report_ns) {
		bool ask = !still && atomic_load(&m->sample.count) == 0 && s->monitor_stream &&
		           stretch < m->report_ns + 2 * LOOK_LONG && gor__signals_sampling();
		if (ask)
			syscall(SYS_tgkill, getpid(), atomic_load(&m->tid), SAMPLE_SIGNAL);
		else
			monitor_report(s, m, now, cpu_now - m->seen_cpu_ns);
	}
	if (gor__config.busy_ns && stretch >= gor__config.busy_ns && !still && !m->busy_told)
		monitor_busy(m, stretch);
	if (gor__seed_keeps(now, stretch) || handed ||
	    stretch < (still ? SLEEP_LIMIT : gor__config.slice_ns) ||
	    !(monitor_wanted(s, m, now) || (still && monitor_unseen(s, now))))
		return false;
	bool sleeps = still && gor__thread_sleeps(atomic_load(&m->tid));
	if (!sleeps && stretch < gor__config.slice_ns)
		return false;
	return gor__take_p(m, sleeps ? GTRACE_why_SYSCALL : GTRACE_why_BUSY);
}

static bool monitor_thread(struct sched *s, struct m *m, int64_t now)
{
	uint32_t tick = atomic_load_explicit(&m->tick, memory_order_relaxed);

	if (!atomic_load_explicit(&m->tid, memory_order_acquire) || m->foreign)
		return false;
	if (tick == m->seen_tick && atomic_load_explicit(&m->running, memory_order_relaxed))
		return monitor_stretch(s, m, now);
	m->seen_tick = tick;
	m->seen_ns = now;
	m->seen_cpu_ns = -1;
	m->report_ns = REPORT_FIRST;
	m->reach_ns = REACH_FIRST;
	m->busy_told = false;
	atomic_store_explicit(&m->sample.count, 0, memory_order_relaxed);
	return false;
}

/**
 * Work that nobody is about to take, or nobody looks for, and a free p: wake a thread.  True: one
 * was woken.
 */
static bool monitor_wake(struct sched *s, int64_t now)
{
	if (!atomic_load_explicit(&s->idle_p_count, memory_order_relaxed) ||
	    atomic_load_explicit(&s->spinning, memory_order_relaxed))
		return false;
	bool work = atomic_load_explicit(&s->global_count, memory_order_relaxed) ||
	            gor__timers_first(s) < now - LOOK_SHORT || gor__idle_unserved(s) ||
	            monitor_unseen(s, now);
	for (unsigned i = 0; i < s->procs && !work; i++) {
		const struct m *m = atomic_load_explicit(&s->ps[i].m, memory_order_acquire);
		work = m && now - m->seen_ns >= LOOK_SHORT / 2 && !gor__runq_empty(&s->ps[i]);
	}
	return work && gor__wake_one(s);
}

static bool monitor_look(struct sched *s, int64_t now)
{
	bool did = false;

	for (struct m *m = atomic_load_explicit(&s->all_m, memory_order_acquire); m; m = m->all_next)
		did |= monitor_thread(s, m, now);
	did |= monitor_wake(s, now);
	if (gor__poll_waits(s)) {
		struct m self = {.sched = s, .stream = s->monitor_stream};
		did |= gor__poll_late(&self, now);
	}
	return did;
}

/** Is there nothing to look after? */
static bool monitor_all_idle(struct sched *s)
{
	return atomic_load(&s->idle_p_count) == s->procs && !atomic_load(&s->handed) &&
	       !atomic_load(&s->unserved) &&
	       (!gor__poll_waits(s) || atomic_load(&s->poll_m)); // else L4 is not restored yet
}

/** Sleep until the next look; the earliest timer brings it forward. */
static void monitor_sleep(struct sched *s, int64_t now, int64_t pause)
{
	uint32_t word = atomic_load(&s->monitor_word);
	int64_t until = now + pause, first = gor__timers_first(s);

	if (first > now && first < until - LOOK_SHORT)
		until = first + LOOK_SHORT;
	if (pause < 0) {
		atomic_store(&s->monitor_idle, true);
		until = !monitor_all_idle(s) ? now + LOOK_SHORT
		        : first == NO_TIMER  ? -1
		                             : first + LOOK_LONG;
		int64_t due = gor__shrink_due(s);
		if (due != NO_TIMER && (until < 0 || due < until))
			until = due;
	}
	int64_t trace = gor__schedtrace_due(s);
	if (trace != NO_TIMER && (until < 0 || trace < until))
		until = trace;
	if (!atomic_load(&s->stopped))
		gor__futex_wait(&s->monitor_word, word, until);
	atomic_store(&s->monitor_idle, false);
}

/** The life of the thread that called gor_run, until goroutine 1 has ended. */
void gor__monitor(struct sched *s)
{
	int64_t pause = LOOK_SHORT, idle_since = 0;
	unsigned quiet = 0;

	while (!atomic_load(&s->stopped)) {
		gor__record_monitor(s);
		int64_t now = gor__clock();
		gor__coarse_set(now);
		if (monitor_look(s, now)) {
			quiet = 0;
			pause = LOOK_SHORT;
		} else if (++quiet > LOOKS_BEFORE_LONG) {
			int64_t most = atomic_load(&s->wake_skip_last) ? LOOK_SKIP : LOOK_LONG;
			pause = pause * 2 < most ? pause * 2 : most;
		}
		gor__shrink_step(s, now);
		gor__schedtrace(s, now);
		if (!monitor_all_idle(s))
			idle_since = now;
		monitor_sleep(s, now, now - idle_since > IDLE_BEFORE_SLEEP ? -1 : pause);
	}
}

/* SPDX-License-Identifier: MIT */
/**
 * scheduler.h: goroutines (g), threads (m), processors (p) and what the parts of the runtime share.
 *
 * A p is the right to run goroutines; an m needs one for that.  docs/scheduler.md tells the whole
 * story; scheduler.c opens with the invariants.
 */
#ifndef GOR_SCHEDULER_H
#define GOR_SCHEDULER_H

#include <gtrace.h>
#include <pthread.h>
#include <stdatomic.h>

#include "g.h"
#include "global.h"
#include "timerq.h"

#define GLOBAL_EVERY 61 // switches between two looks at the global list, and at descriptors
#define RING_SIZE 1024u // as many as a burst of spawns, and two pages
#define G_CACHE_MAX 1024
#define SAMPLE_FRAMES 16
#define SAMPLE_REGS 16
#define NO_TIMER INT64_MAX
#define STREAK_SEEDED UINT32_MAX // seed.c picks the next goroutine

struct batch;
struct crowd;

/** The right to run goroutines, and everything a thread wants at hand while it has it. */
struct p {
	_Atomic(struct m *) m;       // who has it; NULL idle
	_Atomic uint32_t head;       // ring: thieves and owner take here by CAS
	_Atomic uint32_t tail;       // ring: owner adds here, release
	_Atomic(struct g *) runnext; // runs before the ring; thieves take it last
	_Atomic uint32_t taking;     // owner: it is taking runnext; see runq.c
	_Atomic uint32_t thieves;    // that want runnext
	uint32_t runnext_streak;     // owner: times in a row that runnext came first, or STREAK_SEEDED
	uint32_t tick;               // owner: switches; paces the looks at the global queue
	uint32_t free_count;         // owner
	uint32_t burst;              // owner: goroutines started by burst_g in a row
	uint64_t burst_g;            // owner
	uint64_t g_id, g_id_end;     // owner: ids to give out
	uint64_t obj_id, obj_id_end; // owner
	uint64_t rng;                // owner: gor__rand()
	_Atomic int64_t alive;       // owner writes: spawned here less ended here
	struct timers timers;
	struct p *idle_next; // sched->lock
	unsigned number;
	bool alone;   // the only p: nobody steals
	bool barrier; // thieves can have it see `thieves`
	struct sched *sched;
	_Atomic(struct g *) ring[RING_SIZE];
	struct g *free[G_CACHE_MAX]; // owner: dead goroutines with warm stacks, last in first out
} __attribute__((aligned(64)));

/** Where a p that changes hands comes from. */
struct handoff {
	uint64_t stream;             // of the thread that had it, 0 none
	uint64_t g;                  // its goroutine, which stays there
	unsigned why;                // a GTRACE_why_*; NONE: no handoff
	const struct gor_site *site; // the last call of that goroutine
	bool spins;                  // a thread is woken to look for work; counted in sched->spinning
};

/** What the sampling signal saw of a busy thread. */
struct sample {
	_Atomic uint32_t count; // frames; release in the handler, acquire in the monitor; 0 none yet
	uint64_t pc[SAMPLE_FRAMES];
	uint64_t regs[SAMPLE_REGS]; // the general ones
	uint64_t sp;
};

#define SHOT_FRAMES 64

/** The stack of a running goroutine, as the sampling signal saw it for a snapshot. */
struct shot {
	_Atomic uint32_t asked; // the snapshot's
	_Atomic uint32_t done;  // as asked; release in the handler
	uint32_t count;         // frames
	uint64_t g;             // whose; 0: the thread ran none
	uint64_t pc[SHOT_FRAMES];
};

/** A thread. */
struct m {
	struct g *cur;          // own: the goroutine it runs
	struct p *p;            // own, or the monitor's while it hands it off
	_Atomic uint32_t in_rt; // 1 inside the runtime; own writes (see handoff.c)
	_Atomic uint32_t mark;  // the thread must look up at its next entry; monitor and sched->lock
	bool foreign;           // set once: stands for a thread that is not ours (foreign.c)
	bool watched;           // own: recorded, or waits are profiled
	struct gtrace_stream *stream;     // own: NULL when not recording
	struct gtrace_stream *sync;       // own: stream at level sync, else NULL
	_Atomic(struct gtrace_rec *) rec; // own: that stream is of; for who starts a recording
	struct g *prev;                   // own: left by the last switch; its on_cpu is to be cleared
	struct g *pending;                // own: picked, but to be run from g0
	struct g *guest;                  // own: pinned here; nobody else may run
	struct g g0;                      // own: the context that schedules
	_Atomic uint32_t tick;            // own: goroutines started; the monitor compares
	_Atomic uint64_t running;         // own: id of cur, 0 none; for the monitor
	_Atomic uint64_t stream_number;   // own: of stream, 0 none; for the monitor
	bool spinning;                    // own: counted in sched->spinning
	uint32_t stolen;                  // own: goroutines of its last theft; 0 judged
	int64_t stolen_ns;                // own: when that was
	struct lock hand;                 // the thread and whoever takes its p
	_Atomic bool handed;    // hand: its p was taken; counted in sched->handed, or ->outside
	bool sleeping;          // sched->lock: on the idle list
	struct p *next_p;       // given by the waker before wake; sched->lock
	struct g *sent;         // with next_p: its guest, to be run; before wake
	struct handoff handoff; // given along
	_Atomic uint32_t wake;  // futex
	struct m *idle_next;    // sched->lock; of a free foreign one: the next free
	struct m *all_next;     // set before it is in the list; never removed
	struct sched *sched;
	// from where to where its stack is left out of the search of memory (reach.c)
	_Atomic(const void *) hide_low, hide_high;
	uint32_t number;
	_Atomic int tid;
	_Atomic bool ended;  // own: the thread is through with this run
	_Atomic bool dozing; // own: it sleeps, and looks at sched->rec when it wakes
	bool resting;        // own: foreign, in a call at the end of the run; counted in sched->resting
	/* the monitor's notes */
	bool busy_told; // of this stretch: busy=
	uint32_t seen_tick;
	int64_t seen_ns;     // when seen_tick was first seen
	int64_t seen_cpu_ns; // its CPU clock then, -1 not read
	int64_t last_cpu_ns; // at the last look
	int64_t last_ns;
	int64_t report_ns; // next BUSY when its stretch is that long
	int64_t reach_ns;  // next search for what it can reach
	struct sample sample;
	struct shot shot;
};

/** The monitor's walk over all stacks, see shrink.c. */
struct shrink {
	int64_t due;             // the next step
	int64_t began;           // the walk that goes on, or the last one
	struct stack_slab *slab; // where it is; NULL: through
	uint32_t next;           // stack of slab
	uint32_t cool;           // dead goroutines still to be cooled in this walk
	uint32_t ticks;          // of all threads, when it began
	bool changed;            // it found something to do
};

/** One run of the scheduler, from gor_run to its return. */
struct sched {
	struct lock lock;
	unsigned procs;
	struct p *ps;
	struct p *idle_p;              // lock
	_Atomic uint32_t idle_p_count; // written under lock
	_Atomic bool told;             // set under lock: L5 in idle.c
	_Atomic bool unserved;         // written under lock: an idle p may have goroutines, for want
	                               // of a thread
	bool crowds_turn;              // lock: crowds before the batches
	struct m *idle_m;              // lock
	struct m *spare_m;             // lock: in all_m, but no thread could be had for them
	_Atomic(struct m *) all_m;     // pushed under lock; read with acquire
	_Atomic uint32_t m_count;
	_Atomic uint32_t spinning;       // threads that look for work
	_Atomic uint32_t wake_skip;      // hint: so many goroutines may be made ready with no wake
	_Atomic uint32_t wake_skip_last; // hint: its last start; 0 stealing pays
	_Atomic uint32_t handed;         // threads without a p in user code; written under lock
	_Atomic uint32_t outside;        // attached foreign threads in their own code
	_Atomic uint32_t attached;       // all of them
	struct m *free_foreign;          // lock: what stood for threads that are gone
	struct batch *global_first, *global_last; // lock
	_Atomic uint32_t global_count;            // written under lock
	struct crowd *crowds, **crowds_end;       // lock: crowd.c
	struct batch_reserve batches;             // for the global list
	_Atomic(struct g *) free;                 // written under free_lock: dead goroutines of all
	struct lock free_lock;
	uint32_t free_count;                  // free_lock
	uint32_t free_least;                  // free_lock: the least it was since the last walk
	struct shrink shrink;                 // the monitor's own
	_Atomic uint64_t *next_g_id;          // shared by all runs of the process
	struct gtrace_stream *monitor_stream; // the monitor's own
	uint64_t stacks;                      // the monitor's own: stacks written to it
	int64_t trace_began, trace_due;       // the monitor's own: schedtrace=
	struct sched *before;                 // the run before this one
	struct m *timer_keeper;               // lock: the idle thread that sleeps with a time limit
	int64_t timer_keeper_ns;              // lock
	struct poller *poller;
	_Atomic uint32_t fd_waits;     // goroutines that wait for a descriptor; see poll.c, E5
	_Atomic(struct m *) poll_m;    // the idle thread that sleeps in epoll_wait(): set under
	                               // lock if NULL, cleared by itself
	_Atomic uint32_t monitor_word; // futex: bumped to get the monitor out of a long sleep
	_Atomic bool monitor_idle;
	_Atomic bool stopped;     // main has ended
	_Atomic uint32_t over;    // futex: nobody is inside the runtime any more, all is recorded
	_Atomic uint32_t resting; // foreign threads whose calls the end of the run has cut short
	bool no_membarrier;
	bool marked;        // every mark rests at 1, and each entry takes the slow path
	uint8_t busy_dumps; // the monitor's own: dumps because of busy=
	int result;         // of entry
	int (*entry)(int, char **);
	int argc;
	char **argv;
	const struct gor_site *site;
	void *caller_frame;                       // of gor_run
	_Atomic(struct gtrace_rec *) rec;         // threads look whether theirs is this one
	_Atomic(struct gtrace_rec *) monitor_rec; // that monitor_stream is of
};

/** What the environment said; read once. */
struct config {
	unsigned procs;
	size_t stack_bytes;
	int64_t slice_ns;    // handoff=
	int64_t shrink_ns;   // shrink=, 0 never
	uint32_t threads;    // at most
	int64_t busy_ns;     // busy=, 0 never
	int dump_signal;     // dumpsig=, 0 none
	int64_t block_ns;    // blockprofile=, 0 off
	uint64_t mutex_rate; // mutexprofile=, 0 off
	char http[280];      // http=, "" no
	bool agent;          // agent=
	bool gops;           // gops=
	bool quit;           // sigquit=
	int64_t trace_ns;    // schedtrace=, 0 never
	bool trace_detail;   // scheddetail=
	enum {
		TRACEBACK_NONE,
		TRACEBACK_SINGLE,
		TRACEBACK_ALL,
		TRACEBACK_SYSTEM,
		TRACEBACK_CRASH
	} traceback;
	enum { DEADLOCK_FATAL, DEADLOCK_REPORT, DEADLOCK_OFF } deadlock;
};
extern struct config gor__config;
void gor__config_read(void);

/** The calling thread's m, NULL on a thread that is not one of ours.  Never kept over a switch. */
extern __thread struct m *gor__m __attribute__((tls_model("initial-exec")));

static inline struct m *gor__self(void)
{
#if defined(__x86_64__) && !defined(__SANITIZE_THREAD__)
	struct m *m;

	// volatile: a goroutine may be on another thread after each switch, so no copy may be kept
	__asm__ volatile("movq gor__m@gottpoff(%%rip), %0\n\tmovq %%fs:(%0), %0" : "=r"(m));
	return m;
#elif defined(__aarch64__) && !defined(__SANITIZE_THREAD__)
	struct m *m;
	uintptr_t at;

	__asm__ volatile("adrp %1, :gottprel:gor__m\n\tldr %1, [%1, :gottprel_lo12:gor__m]\n\t"
	                 "mrs %0, tpidr_el0\n\tldr %0, [%0, %1]"
	                 : "=&r"(m), "=&r"(at));
	return m;
#else
	extern struct m *gor__self_slow(void);
	return gor__self_slow();
#endif
}

/* handoff.c: the border between user code and the runtime */
struct m *gor__enter_slow(struct m *m);
void gor__not_a_goroutine(void) __attribute__((noreturn));

/* foreign.c: threads that are not ours */
struct m *gor__foreign_enter(void) __attribute__((cold));
struct m *gor__foreign_over(struct m *m);
struct m *gor__foreign_here(struct m *m);
void gor__foreign_leave(struct m *m) __attribute__((cold));
void gor__foreign_end(struct sched *s);
void gor__foreign_init(void);

/**
 * Into the runtime, first thing in every public call that has something to say when it cannot be
 * done: NULL on a foreign thread after the end of the run.
 */
static inline struct m *gor__enter_if(void)
{
	struct m *m = gor__self();

	if (__builtin_expect(!m, 0))
		return gor__foreign_enter();
	atomic_store_explicit(&m->in_rt, 1, memory_order_relaxed);
	atomic_signal_fence(memory_order_seq_cst); // the monitor's membarrier is the other half
	if (__builtin_expect(atomic_load_explicit(&m->mark, memory_order_relaxed), 0))
		m = gor__enter_slow(m);
	return m;
}

/** The same in every other one: it panics then. */
static inline struct m *gor__enter(void)
{
	struct m *m = gor__enter_if();

	if (__builtin_expect(!m, 0))
		gor__not_a_goroutine();
	return m;
}

/** Back to user code, last thing. */
static inline void gor__leave(void)
{
	struct m *m = gor__self();

	if (__builtin_expect(m->foreign, 0))
		gor__foreign_leave(m);
	atomic_store_explicit(&m->in_rt, 0, memory_order_release);
}

/** gor__self() where any thread may call: NULL also on a foreign thread whose run is over. */
static inline struct m *gor__here(void)
{
	struct m *m = gor__self();

	return m && m->foreign ? gor__foreign_here(m) : m;
}

/* run.c */
struct sched *gor__sched_now(void);
bool gor__forked(void);

/* scheduler.c */
void gor__park(struct m *m, struct lock *unlock);
void gor__yield(struct m *m, const struct gor_site *site);
void gor__end(struct m *m) __attribute__((noreturn));
void gor__ready(struct m *m, struct g *g);
void gor__ready_list(struct m *m, struct g *list, unsigned count);
void gor__loop(struct m *m);
void gor__abandon(struct m *m) __attribute__((noreturn));
void gor__mark_ended(struct m *m);
void gor__switch_to_g0(struct m *m);
void gor__switch_back(struct m *m, struct g *g);
void gor__arrive(void);

/* runq.c, and runq.h */
void gor__runq_put(struct p *p, struct g *g);
struct g *gor__runq_get_ring(struct p *p);
struct g *gor__runq_take(struct p *p);
bool gor__runq_empty(const struct p *p);
bool gor__runq_ring(const struct p *p);
struct g *gor__runq_steal(struct p *p, struct p *victim, bool take_next);

/* idle.c */
bool gor__wake_one(struct sched *s);
bool gor__idle_unserved(struct sched *s);
struct g *gor__find_work(struct m *m);
bool gor__idle_send_home(struct m *m, struct g *g);
bool gor__thread_give(struct sched *s, struct p *p, struct handoff handoff);
void gor__idle_part(struct sched *s, struct p *p);
void gor__idle_stop(struct sched *s);
void gor__timer_moved(struct sched *s, int64_t when);

/* thread.c */
struct m *gor__thread_new(struct sched *s, struct p *p, struct handoff handoff);

/* handoff.c */
bool gor__take_p(struct m *m, unsigned why);
void gor__barrier(const struct sched *s);

/* stack.c */
struct g *gor__g_new(struct p *p, size_t stack_bytes);
struct g *gor__g_new_outside(void);
void gor__g_free(struct p *p, struct g *g);
void gor__g_free_outside(struct g *g);
void gor__g_each(void (*fn)(void *arg, struct g *g), void *arg);
struct g *gor__g_of_address(const void *address, bool *guard);
uint64_t gor__stack_skip(uint64_t from, uint64_t *to);
void gor__stack_cool(struct sched *s, uint32_t most);
void gor__stack_inherit(struct sched *s);

/* shrink.c */
void gor__shrink_step(struct sched *s, int64_t now);
int64_t gor__shrink_due(const struct sched *s);
void gor__shrink_wait(const struct g *g);
void gor__shrink_walk(struct sched *s, bool all);

/* deadlock.c, dump.c, fatal.c */
void gor__deadlock(void);
void gor__fatal_claim(void);
void gor__dump(bool all, int64_t ns_max); // so long at most for whole stacks
void gor__fatal(const struct gor_site *site, const char *fmt, ...)
	__attribute__((noreturn, format(printf, 2, 3)));
void gor__panic(const struct gor_site *site, const char *fmt, ...)
	__attribute__((noreturn, format(printf, 2, 3)));
void gor__say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* record.c: the recording of this process */
struct gtrace_rec *gor__record_begin(void);
void gor__record_thread(struct m *m, unsigned kind);
void gor__record_changed(struct m *m);
void gor__record_monitor(struct sched *s);
void gor__record_run_end(struct sched *s);
void gor__record_snapshot(struct m *m, unsigned snap);
void gor__record_close(enum gtrace_end end, int code);
void gor__record_dump(enum gtrace_end end, const char *reason);
int gor__keyframe(void *arg, const struct gtrace_keyframe *to); // keyframe.c
struct gtrace_rec *gor__record(void);
struct gtrace_rec *gor__record_hold(void);
struct gtrace_rec *gor__record_hold_last(void);
void gor__record_release(void);
void gor__record_forked(void);
uint64_t gor__obj_id(struct m *m);

/** m's own, when it comes into the runtime or wakes up: does it write to the recording there is? */
static inline void gor__record_look(struct m *m)
{
	if (__builtin_expect(
			atomic_load(&m->sched->rec) != atomic_load_explicit(&m->rec, memory_order_relaxed), 0))
		gor__record_changed(m);
}

/** The output function of SplitMix64 (Steele, Lea and Flood, OOPSLA 2014). */
static inline uint64_t gor__mix(uint64_t x)
{
	x = (x ^ x >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
	x = (x ^ x >> 27) * UINT64_C(0x94D049BB133111EB);
	return x ^ x >> 31;
}

/** The next random number: p->rng only counts, in steps that visit all values. */
static inline uint64_t gor__rand(struct p *p)
{
	return gor__mix(p->rng += UINT64_C(0x9E3779B97F4A7C15));
}

#endif

/* SPDX-License-Identifier: MIT */
/**
 * gor.h: goroutines for C.
 *
 *	static void worker(void *arg) { ... }
 *	static int app(int argc, char **argv) { gor_go(worker, NULL); ... return 0; }
 *	int main(int argc, char **argv) { return gor_run(app, argc, argv); }
 *
 * Rules for all of it:
 *
 * - Functions return 0 or a count, or a negative errno (-ETIMEDOUT).  errno itself never crosses
 *   this API: a goroutine may resume on another thread, and errno is a thread's.
 * - A deadline is absolute, in nanoseconds of the monotonic clock, as gor_now() and gor_deadline()
 *   give it; GOR_NOW (0) tries, GOR_FOREVER (-1) waits.  A duration is in nanoseconds.
 * - What spawns, blocks, wakes, creates or closes is a macro that hands over its call site, a
 *   constant of 32 bytes.  Arguments are evaluated once.
 * - Unless it says otherwise, a call's context is a goroutine or, while a run goes on, a thread of
 *   the program's own (foreign threads, below); elsewhere it panics.  Never a signal handler.
 * - After fork() the child has one thread, and may exec or _exit; a call of this API there panics,
 *   unless its parent had not called gor_run by then.
 * - Errors of the caller (a second close, a foreign unlock) panic: message, goroutine dump, exit 2.
 * - No memory: a call whose Returns names it says so, and nothing has happened.  For the start of a
 *   run, the time limit of a wait and a select of more than 16 cases it is a fatal error, likewise.
 *   No thread to be had: goroutines that need one wait until there is.
 *
 * Needs GNU C: statement expressions and __typeof__.  From C++ all can be used but the macros of
 * typed channels, in whose place is gor.hpp.
 */
#ifndef GOR_H
#define GOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

#define GOR_VERSION "0.1.0"
#define GOR_VERSION_NUMBER 100 // major * 10000 + minor * 100 + patch
#define GOR_EXPORT __attribute__((visibility("default")))

#define GOR_NANOSECOND INT64_C(1)
#define GOR_MICROSECOND INT64_C(1000)
#define GOR_MILLISECOND INT64_C(1000000)
#define GOR_SECOND INT64_C(1000000000)
#define GOR_MINUTE (60 * GOR_SECOND)
#define GOR_HOUR (60 * GOR_MINUTE)

#define GOR_NOW INT64_C(0)
#define GOR_FOREVER INT64_C(-1)

/** A call site.  Made by the macros below; op is one of the numbers the trace format lists. */
struct gor_site {
	const char *file;
	const char *func;
	const char *text;
	uint32_t line;
	uint32_t op;
};

enum gor_op { // as in the trace format
	GOR_OP_GO = 1,
	GOR_OP_CHAN_MAKE = 2,
	GOR_OP_CHAN_SEND = 3,
	GOR_OP_CHAN_RECV = 4,
	GOR_OP_CHAN_CLOSE = 5,
	GOR_OP_CHAN_FREE = 6,
	GOR_OP_SELECT = 7,
	GOR_OP_MUTEX_LOCK = 8,
	GOR_OP_MUTEX_UNLOCK = 9,
	GOR_OP_RWMUTEX_RLOCK = 10,
	GOR_OP_RWMUTEX_RUNLOCK = 11,
	GOR_OP_RWMUTEX_LOCK = 12,
	GOR_OP_RWMUTEX_UNLOCK = 13,
	GOR_OP_WG_ADD = 14,
	GOR_OP_WG_DONE = 15,
	GOR_OP_WG_WAIT = 16,
	GOR_OP_COND_WAIT = 17,
	GOR_OP_COND_SIGNAL = 18,
	GOR_OP_COND_BROADCAST = 19,
	GOR_OP_ONCE_DO = 20,
	GOR_OP_SEM_ACQUIRE = 21,
	GOR_OP_SEM_RELEASE = 22,
	GOR_OP_SLEEP = 23,
	GOR_OP_YIELD = 24,
	GOR_OP_TIMER_START = 25,
	GOR_OP_TIMER_STOP = 26,
	GOR_OP_CTX_NEW = 27,
	GOR_OP_CTX_CANCEL = 28,
	GOR_OP_BLOCKING = 30,
	GOR_OP_PANIC = 31,
	GOR_OP_IO_READ = 34,
	GOR_OP_IO_WRITE = 35,
	GOR_OP_IO_ACCEPT = 36,
	GOR_OP_IO_DIAL = 37,
	GOR_OP_IO_LISTEN = 38,
	GOR_OP_IO_WAIT = 39,
	GOR_OP_IO_CLOSE = 40,
	GOR_OP_MUTEX_TRYLOCK = 41,
	GOR_OP_RWMUTEX_TRYRLOCK = 42,
	GOR_OP_RWMUTEX_TRYLOCK = 43,
};

/* the address of this call's own site record */
#define GOR_SITE_(op_, text_) \
	(__extension__({ \
		static const struct gor_site gor_site_ = {__FILE__, __func__, text_, __LINE__, op_}; \
		&gor_site_; \
	}))

/* ── run and spawn ────────────────────────────────────────────────────────────────────────────────
 */

/**
 * gor_run(entry, argc, argv): start the scheduler and run entry as goroutine 1.
 *
 * Goroutines still alive when entry returns are abandoned: they stop at their next call of this
 * API, and are recorded as alive at exit.  May be called again afterwards; what they hold or wait
 * for is not to be used then.  Foreign threads go on: see below.
 *
 * Blocks:  until entry returns. Context: a plain thread, not a goroutine, and no other gor_run
 * going on. Returns: what entry returned.  If all goroutines block for good the process ends with
 * exit status 2.
 */
#define gor_run(entry, argc, argv) gor_run_at((entry), (argc), (argv), GOR_SITE_(GOR_OP_GO, #entry))
GOR_EXPORT int gor_run_at(int (*entry)(int argc, char **argv), int argc, char **argv,
                          const struct gor_site *site);

/** Options of a goroutine; zero is the default of each. */
typedef struct gor_opt {
	const char *name;   // copied; up to 31 bytes are kept
	size_t stack_bytes; // what its stack holds at least, committed as it is touched; 0: the usual
} gor_opt;

/**
 * gor_go(fn, arg): run fn(arg) in a new goroutine.
 *
 * Blocks:  no; but after every 64th in a row the others run first, as by gor_yield().
 * Returns: the goroutine's id, never used again; 0 if there is no memory (nothing was started).
 */
#define gor_go(fn, arg) gor_go_at((fn), (arg), NULL, GOR_SITE_(GOR_OP_GO, #fn))

/** gor_go_opt(fn, arg, opt): the same with options; opt is not kept. */
#define gor_go_opt(fn, arg, opt) gor_go_at((fn), (arg), (opt), GOR_SITE_(GOR_OP_GO, #fn))

/**
 * gor_go_copy(fn, value): copy value to the new goroutine's stack and run fn(&copy).
 *
 * fn is void (*)(T *) for a value of type T, which the compiler checks.  At most GOR_COPY_MAX
 * bytes. Returns: as gor_go.
 */
#define gor_go_copy(fn, value) \
	(__extension__({ \
		__auto_type gor_v_ = (value); \
		_Static_assert(sizeof gor_v_ <= GOR_COPY_MAX, "gor_go_copy: value too large"); \
		(void)sizeof((fn)(&gor_v_), 0); \
		gor_go_copy_at((void (*)(void *))(void (*)(void))(fn), &gor_v_, sizeof gor_v_, \
		               GOR_SITE_(GOR_OP_GO, #fn)); \
	}))
#define GOR_COPY_MAX 1024

GOR_EXPORT uint64_t gor_go_at(void (*fn)(void *), void *arg, const gor_opt *opt,
                              const struct gor_site *site);
GOR_EXPORT uint64_t gor_go_copy_at(void (*fn)(void *), const void *value, size_t bytes,
                                   const struct gor_site *site);

/** gor_yield(): let other goroutines run; this one goes to the end of the queue. */
#define gor_yield() gor_yield_at(GOR_SITE_(GOR_OP_YIELD, ""))
GOR_EXPORT void gor_yield_at(const struct gor_site *site);

/**
 * End the calling goroutine.  In goroutine 1: the others go on, and the program ends by a deadlock
 * message when none is left.
 */
GOR_EXPORT void gor_exit(void) __attribute__((noreturn));

/** The calling goroutine's id; 0 on a thread that runs none. */
GOR_EXPORT uint64_t gor_id(void);

/** Name the calling goroutine in dumps and traces; up to 31 bytes are kept. */
GOR_EXPORT void gor_set_name(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/**
 * How many goroutines are alive, goroutine 1 and attached foreign threads included.  Any thread,
 * and signal handlers.
 */
GOR_EXPORT size_t gor_num_goroutine(void);

/**
 * How many goroutines may run at once (GOR_MAXPROCS).  n <= 0 asks; n > 0 before gor_run sets.
 * Returns the value before.
 */
GOR_EXPORT int gor_max_procs(int n);

/**
 * From here on the calling goroutine runs on this thread only, and nobody else does: for
 * thread-local state, or a library that insists on one thread.  Each call needs its gor_unpin(),
 * which panics if there was none; the goroutine's end undoes all.  While it waits, the thread
 * sleeps; each switch to it costs a wake of the thread.
 */
GOR_EXPORT void gor_pin(void);
GOR_EXPORT void gor_unpin(void);

/**
 * gor_blocking(fn, arg): call fn(arg), which may block its thread, after handing the other
 * goroutines over to another thread at once.
 *
 * Returns: what fn returned.
 */
#define gor_blocking(fn, arg) gor_blocking_at((fn), (arg), GOR_SITE_(GOR_OP_BLOCKING, #fn))
GOR_EXPORT int gor_blocking_at(int (*fn)(void *), void *arg, const struct gor_site *site);

/* ── foreign threads ──────────────────────────────────────────────────────────────────────────────
 *
 * A thread that the program or a library made (a GUI's, one that runs callbacks) may call what a
 * goroutine may, while a run goes on, but for gor_exit(): send, receive, select, lock, wait, start
 * goroutines.  It is attached then: it is a goroutine that runs on this thread only, named "thread"
 * and the thread's name.  In its own code it keeps no other goroutine waiting.
 *
 * The first call attaches it, until the thread ends or the run does.  While it is attached and not
 * in a call it could still call in, so the deadlock detector is silent.  Of a thread that has not
 * called yet nothing is known: if all goroutines wait for such a one, the program ends by a
 * deadlock message.  gor_thread_enter(), before they wait, prevents that.
 *
 * When entry returns, foreign threads go on, and what they wait for will not come:
 *   - A send, receive or select under way returns -ECANCELED, and nothing has passed; a sleep
 *     returns.  A wait for anything else (lock, group, condition, once, semaphore) never returns.
 *   - Calls after that, until the next gor_run: what has an error code returns -ECANCELED, gor_go
 *     returns 0 and a new context is NULL.  What only releases or tells (close, unlock, done,
 *     release, signal, cancel, stop) does nothing.  Anything else, as taking a lock, panics.
 */

/**
 * gor_thread_enter(): attach the calling thread to the run that goes on.
 *
 * Each call needs its gor_thread_leave(), unless it failed.  They nest.
 *
 * Blocks:  no.
 * Context: a foreign thread; a goroutine panics.
 * Returns: 0; -ECANCELED no run is going on; -ENOMEM.
 */
#define gor_thread_enter() gor_thread_enter_at(GOR_SITE_(GOR_OP_GO, "foreign thread"))
GOR_EXPORT int gor_thread_enter_at(const struct gor_site *site);

/**
 * gor_thread_leave(): undo gor_thread_enter(); the last one detaches the thread.  Its goroutine
 * ends, and what it has locked stays locked.  If all others wait for good, the program ends here.
 * After the end of the run it does nothing.
 *
 * Blocks:  while every processor is busy.
 * Context: a foreign thread that has called gor_thread_enter(); any other panics.
 */
#define gor_thread_leave() gor_thread_leave_at(GOR_SITE_(GOR_OP_GO, "foreign thread"))
GOR_EXPORT void gor_thread_leave_at(const struct gor_site *site);

/* ── time ─────────────────────────────────────────────────────────────────────────────────────────
 */

/** The monotonic clock in nanoseconds.  Any thread. */
GOR_EXPORT int64_t gor_now(void);

/**
 * The deadline that lies dur nanoseconds ahead; GOR_FOREVER for a negative dur, and never 0.  Any
 * thread.
 */
GOR_EXPORT int64_t gor_deadline(int64_t dur);

/** gor_sleep(dur): pause the goroutine for at least dur nanoseconds; dur <= 0 yields. */
#define gor_sleep(dur) gor_sleep_at((dur), GOR_SITE_(GOR_OP_SLEEP, ""))
GOR_EXPORT void gor_sleep_at(int64_t dur, const struct gor_site *site);

/* ── channels ─────────────────────────────────────────────────────────────────────────────────────
 */

/**
 * gor_chan(T): a channel of T, one pointer wide, copied by value.
 *
 * NULL is the nil channel: a send or receive on it blocks for ever, and a select never takes that
 * case.  The type is a pointer that nothing else has, so that another element type is a compiler
 * diagnostic.
 */
struct gor_hchan;
#define gor_chan(T) __typeof__(__typeof__(T) *(**)(struct gor_hchan *))
#define GOR_ELEM_(ch) __typeof__(*(*(ch))((struct gor_hchan *)0))
#define GOR_HCHAN_(ch) ((struct gor_hchan *)(void *)(ch))
#define GOR_OUT_(ch, out) (0 ? (GOR_ELEM_(ch) *)0 : (out)) // the compiler checks out's type here
// a copy of val; the branch that is not taken checks its type, which a brace would not
#define GOR_IN_(ch, val) \
	(0 ? (__extension__({ \
		GOR_ELEM_(ch) gor_v_ = (val); \
		(void)gor_v_; \
		(void *)0; \
	})) \
	   : (void *)(GOR_ELEM_(ch)[1]){(val)})

#ifndef __cplusplus
/**
 * gor_make(ch, cap): make a channel that holds cap values and store it in the variable ch.
 *
 * The channel is the caller's, to be given to gor_free() in the end.
 *
 * Blocks:  no.
 * Context: any thread.
 * Returns: 0; or -ENOMEM, and ch is NULL.
 */
#define gor_make(ch, cap) \
	(__extension__({ \
		struct gor_hchan *gor_h_; \
		int gor_r_ = gor_chan_make_at(&gor_h_, sizeof(GOR_ELEM_(ch)), (cap), \
		                              GOR_SITE_(GOR_OP_CHAN_MAKE, #ch)); \
		(ch) = (void *)gor_h_; \
		gor_r_; \
	}))

#define GOR_SEND_(ch, value) \
	(__extension__({ \
		__auto_type gor_c_ = (ch); \
		GOR_ELEM_(gor_c_) gor_v_ = (value); \
		gor_chan_send_at(GOR_HCHAN_(gor_c_), &gor_v_, GOR_SITE_(GOR_OP_CHAN_SEND, #ch)); \
	}))
#define GOR_RECV_(ch, out, deadline) \
	(__extension__({ \
		__auto_type gor_c_ = (ch); \
		gor_chan_recv_at(GOR_HCHAN_(gor_c_), GOR_OUT_(gor_c_, out), (deadline), \
		                 GOR_SITE_(GOR_OP_CHAN_RECV, #ch)); \
	}))

/**
 * gor_send(ch, value): send a copy of value.
 *
 * Blocks:  until a receiver or a free slot takes it.  On NULL: for ever. Returns: 0; on a foreign
 * thread -ECANCELED the run has ended, nothing was sent.  On a closed channel, or when it is closed
 * meanwhile, it panics: send on closed channel.
 */
#define gor_send(ch, value) GOR_SEND_(ch, value)

/**
 * gor_send_until(ch, value, deadline): the same, for so long.
 *
 * Returns: 0 sent; -ETIMEDOUT the deadline passed; -EPIPE the channel is closed; -ECANCELED as
 * gor_send.  With an error nothing was sent.
 */
#define gor_send_until(ch, value, deadline) GOR_SEND_UNTIL_(ch, value, deadline)
#define GOR_SEND_UNTIL_(ch, value, deadline) \
	(__extension__({ \
		__auto_type gor_c_ = (ch); \
		GOR_ELEM_(gor_c_) gor_v_ = (value); \
		gor_chan_send_until_at(GOR_HCHAN_(gor_c_), &gor_v_, (deadline), \
		                       GOR_SITE_(GOR_OP_CHAN_SEND, #ch)); \
	}))

/**
 * gor_try_send(ch, value): send without blocking.  Returns: 0; -EAGAIN nobody takes it now, or ch
 * is NULL; -EPIPE closed; -ECANCELED as gor_send.
 */
#define gor_try_send(ch, value) GOR_SEND_UNTIL_(ch, value, GOR_NOW)

/**
 * gor_recv(ch, out): receive into *out; out may be NULL.
 *
 * Blocks:  until there is a value or the channel is closed.  On NULL: for ever.
 * Returns: 1 a value; 0 closed and drained, *out is all zero bytes; on a foreign thread -ECANCELED
 * the run has ended, *out is untouched.
 */
#define gor_recv(ch, out) GOR_RECV_(ch, out, GOR_FOREVER)

/**
 * gor_recv_until(ch, out, deadline): the same, for so long.  Returns: 1, 0, -ECANCELED as gor_recv,
 * or -ETIMEDOUT, and *out is untouched.
 */
#define gor_recv_until(ch, out, deadline) GOR_RECV_(ch, out, deadline)

/**
 * gor_try_recv(ch, out): receive without blocking.  Returns: 1, 0, -ECANCELED as gor_recv, or
 * -EAGAIN, and *out is untouched.
 */
#define gor_try_recv(ch, out) GOR_RECV_(ch, out, GOR_NOW)

/**
 * gor_close(ch): no more values will be sent.
 *
 * Wakes every receiver and every select that waits on ch.  Values in the buffer can still be
 * received.
 *
 * Blocks:  no.  Panics: on NULL, and on a closed channel.
 */
#define gor_close(ch) gor_chan_close_at(GOR_HCHAN_(ch), GOR_SITE_(GOR_OP_CHAN_CLOSE, #ch))

/**
 * gor_free(ch): release the channel; NULL is fine.  Panics if a goroutine still waits on it.  Any
 * thread.
 */
#define gor_free(ch) gor_chan_free_at(GOR_HCHAN_(ch), GOR_SITE_(GOR_OP_CHAN_FREE, #ch))

/**
 * Values in the buffer, and how many it can hold; both 0 for NULL.  Any thread; old as soon as it
 * is read.
 */
#define gor_len(ch) gor_chan_len(GOR_HCHAN_(ch))
#define gor_cap(ch) gor_chan_cap(GOR_HCHAN_(ch))
#endif

GOR_EXPORT int gor_chan_make_at(struct gor_hchan **out, size_t elem_bytes, size_t cap,
                                const struct gor_site *site);
GOR_EXPORT int gor_chan_send_at(struct gor_hchan *c, const void *value,
                                const struct gor_site *site);
GOR_EXPORT int gor_chan_send_until_at(struct gor_hchan *c, const void *value, int64_t deadline,
                                      const struct gor_site *site);
GOR_EXPORT int gor_chan_recv_at(struct gor_hchan *c, void *out, int64_t deadline,
                                const struct gor_site *site);
GOR_EXPORT void gor_chan_close_at(struct gor_hchan *c, const struct gor_site *site);
GOR_EXPORT void gor_chan_free_at(struct gor_hchan *c, const struct gor_site *site);
GOR_EXPORT size_t gor_chan_len(const struct gor_hchan *c);
GOR_EXPORT size_t gor_chan_cap(const struct gor_hchan *c);

/* ── select ───────────────────────────────────────────────────────────────────────────────────────
 */

enum gor_case_kind {
	GOR_CASE_NONE, // a hole between labelled cases; never taken
	GOR_CASE_RECV,
	GOR_CASE_SEND,
	GOR_CASE_TIMEOUT,
	GOR_CASE_DEFAULT,
};

/** One case of a select.  Made by the gor_on_ macros. */
typedef struct gor_case {
	enum gor_case_kind kind;
	struct gor_hchan *chan;
	void *value;    // RECV: where to, may be NULL; SEND: what
	bool *ok;       // RECV: false when closed and drained; may be NULL
	int64_t dur_ns; // TIMEOUT
} gor_case;

/**
 * gor_select(case, ...): wait until one case can go on, do it, return its index.
 *
 * Cases: gor_on_recv(ch, out), gor_on_recv_ok(ch, out, ok), gor_on_send(ch, value),
 * gor_on_timeout(dur), gor_on_default.  They may be labelled: gor_select([QUIT] = gor_on_recv(quit,
 * NULL), ...).  Among several that are ready one is drawn at random, each with the same chance.  A
 * receive from a closed channel is ready; a send to one panics.
 *
 * Blocks:  unless a case is ready or there is a default; with no case that could ever be, for ever.
 * Returns: the index of the case done; on a foreign thread -ECANCELED the run has ended, none was.
 */
#define gor_select(...) \
	(__extension__({ \
		gor_case gor_cases_[] = {__VA_ARGS__}; \
		gor_select_n_at(gor_cases_, (int)(sizeof gor_cases_ / sizeof(gor_case)), \
		                GOR_SITE_(GOR_OP_SELECT, "")); \
	}))

/** gor_select_n(cases, n): the same with an array; n == 0 blocks for ever. */
#define gor_select_n(cases, n) gor_select_n_at((cases), (n), GOR_SITE_(GOR_OP_SELECT, ""))
GOR_EXPORT int gor_select_n_at(gor_case *cases, int n, const struct gor_site *site);

#define gor_on_recv(ch, out) gor_on_recv_ok(ch, out, NULL)
#define gor_on_recv_ok(ch, out, okp) \
	((gor_case){ \
		.kind = GOR_CASE_RECV, .chan = GOR_HCHAN_(ch), .value = GOR_OUT_(ch, out), .ok = (okp)})
#define gor_on_send(ch, val) \
	((gor_case){.kind = GOR_CASE_SEND, .chan = GOR_HCHAN_(ch), .value = GOR_IN_(ch, val)})
#define gor_on_timeout(dur) ((gor_case){.kind = GOR_CASE_TIMEOUT, .dur_ns = (dur)})
#define gor_on_default ((gor_case){.kind = GOR_CASE_DEFAULT})

/* ── timers and tickers: as Go's since 1.23; not to be copied or moved ────────────────────────────
 */

/** Sends the time, once, on its channel c, which lives in the timer itself and holds one value. */
typedef struct gor_timer {
	gor_chan(int64_t) c; // for gor_recv and gor_select; not to be closed or freed
	uint64_t inside[28];
} gor_timer;

/** Sends the time, again and again; a tick that nobody takes before the next one is dropped. */
typedef struct gor_ticker {
	gor_chan(int64_t) c;
	uint64_t inside[28];
} gor_ticker;

/**
 * gor_timer_start(t, dur): set up *t, whatever it holds, to send gor_now() on t->c after dur
 * nanoseconds.  It must not be running.  Does not block.  Returns: 0; or -ENOMEM, and t->c is NULL.
 */
#define gor_timer_start(t, dur) gor_timer_start_at((t), (dur), GOR_SITE_(GOR_OP_TIMER_START, #t))
/**
 * gor_timer_stop(t): no value will come, and none is in t->c any more.  Before *t goes out of scope
 * it must have been stopped, unless its value was received.  Returns: true if it was running, or
 * had fired and nobody had received it; false if not.  Panics on a zeroed *t.
 */
#define gor_timer_stop(t) gor_timer_stop_at((t), GOR_SITE_(GOR_OP_TIMER_STOP, #t))
/** gor_timer_reset(t, dur): stop it and start it again with dur.  Returns: as gor_timer_stop. */
#define gor_timer_reset(t, dur) gor_timer_reset_at((t), (dur), GOR_SITE_(GOR_OP_TIMER_START, #t))
/**
 * gor_ticker_start(t, period): like gor_timer_start, every period nanoseconds, which is positive or
 * it panics.
 */
#define gor_ticker_start(t, period) \
	gor_ticker_start_at((t), (period), GOR_SITE_(GOR_OP_TIMER_START, #t))
/** gor_ticker_stop(t): no more ticks, and none is in t->c; nobody is woken by it. */
#define gor_ticker_stop(t) gor_ticker_stop_at((t), GOR_SITE_(GOR_OP_TIMER_STOP, #t))
/** gor_ticker_reset(t, period): stop it and start it again with another period. */
#define gor_ticker_reset(t, period) \
	gor_ticker_reset_at((t), (period), GOR_SITE_(GOR_OP_TIMER_START, #t))

GOR_EXPORT int gor_timer_start_at(gor_timer *t, int64_t dur, const struct gor_site *site);
GOR_EXPORT bool gor_timer_stop_at(gor_timer *t, const struct gor_site *site);
GOR_EXPORT bool gor_timer_reset_at(gor_timer *t, int64_t dur, const struct gor_site *site);
GOR_EXPORT int gor_ticker_start_at(gor_ticker *t, int64_t period, const struct gor_site *site);
GOR_EXPORT void gor_ticker_stop_at(gor_ticker *t, const struct gor_site *site);
GOR_EXPORT void gor_ticker_reset_at(gor_ticker *t, int64_t period, const struct gor_site *site);

/* ── synchronisation: all zero is ready to use; not to be copied or moved ─────────────────────────
 */

/**
 * A mutual exclusion lock, owned by the goroutine that locked it.  Waiters get it first come, first
 * served.
 */
typedef struct gor_mutex {
	uint64_t word; // owner's id << 1 | waiters
	uint64_t id;   // in traces
	uint32_t spin;
	uint32_t count;
	void *head, *tail;
} gor_mutex;

/**
 * gor_mutex_lock(mu): lock.  Blocks until it is free; a goroutine that holds it already blocks for
 * ever.
 */
#define gor_mutex_lock(mu) gor_mutex_lock_at((mu), GOR_SITE_(GOR_OP_MUTEX_LOCK, #mu))
/** gor_mutex_trylock(mu): Returns: 0 locked; -EBUSY held by someone. */
#define gor_mutex_trylock(mu) gor_mutex_trylock_at((mu), GOR_SITE_(GOR_OP_MUTEX_TRYLOCK, #mu))
/**
 * gor_mutex_unlock(mu): unlock.  Panics if it is not locked, or by another goroutine, which it
 * names.
 */
#define gor_mutex_unlock(mu) gor_mutex_unlock_at((mu), GOR_SITE_(GOR_OP_MUTEX_UNLOCK, #mu))

GOR_EXPORT void gor_mutex_lock_at(gor_mutex *mu, const struct gor_site *site);
GOR_EXPORT int gor_mutex_trylock_at(gor_mutex *mu, const struct gor_site *site);
GOR_EXPORT void gor_mutex_unlock_at(gor_mutex *mu, const struct gor_site *site);

/**
 * A lock of one writer or any number of readers.  Writers are preferred: a waiting one holds up new
 * readers.
 */
typedef struct gor_rwmutex {
	uint64_t writer; // id of the goroutine that has it
	uint64_t id;     // in traces
	uint32_t spin;
	uint32_t count;
	uint32_t readers;
	void *head, *tail;
} gor_rwmutex;

/** gor_rwmutex_lock(rw): lock for writing.  Blocks until no reader and no writer has it. */
#define gor_rwmutex_lock(rw) gor_rwmutex_lock_at((rw), GOR_SITE_(GOR_OP_RWMUTEX_LOCK, #rw))
/**
 * gor_rwmutex_unlock(rw): panics if it is not locked for writing, or by another goroutine, which it
 * names.
 */
#define gor_rwmutex_unlock(rw) gor_rwmutex_unlock_at((rw), GOR_SITE_(GOR_OP_RWMUTEX_UNLOCK, #rw))
/**
 * gor_rwmutex_rlock(rw): lock for reading.  Blocks while a writer has it or waits; so never take it
 * twice.
 */
#define gor_rwmutex_rlock(rw) gor_rwmutex_rlock_at((rw), GOR_SITE_(GOR_OP_RWMUTEX_RLOCK, #rw))
/** gor_rwmutex_runlock(rw): panics if no reader has it. */
#define gor_rwmutex_runlock(rw) gor_rwmutex_runlock_at((rw), GOR_SITE_(GOR_OP_RWMUTEX_RUNLOCK, #rw))
/**
 * gor_rwmutex_trylock(rw), gor_rwmutex_tryrlock(rw): Returns: 0 locked; -EBUSY it would have to
 * wait.
 */
#define gor_rwmutex_trylock(rw) gor_rwmutex_trylock_at((rw), GOR_SITE_(GOR_OP_RWMUTEX_TRYLOCK, #rw))
#define gor_rwmutex_tryrlock(rw) \
	gor_rwmutex_tryrlock_at((rw), GOR_SITE_(GOR_OP_RWMUTEX_TRYRLOCK, #rw))

GOR_EXPORT void gor_rwmutex_lock_at(gor_rwmutex *rw, const struct gor_site *site);
GOR_EXPORT void gor_rwmutex_unlock_at(gor_rwmutex *rw, const struct gor_site *site);
GOR_EXPORT void gor_rwmutex_rlock_at(gor_rwmutex *rw, const struct gor_site *site);
GOR_EXPORT void gor_rwmutex_runlock_at(gor_rwmutex *rw, const struct gor_site *site);
GOR_EXPORT int gor_rwmutex_trylock_at(gor_rwmutex *rw, const struct gor_site *site);
GOR_EXPORT int gor_rwmutex_tryrlock_at(gor_rwmutex *rw, const struct gor_site *site);

/** Waits for a collection of goroutines to finish. */
typedef struct gor_waitgroup {
	int64_t value;
	uint64_t id; // in traces
	uint32_t spin;
	uint32_t waiters;
	void *head, *tail;
} gor_waitgroup;

/**
 * gor_wg_add(wg, n): add n, which may be negative.  At zero all waiters wake; below zero it panics.
 */
#define gor_wg_add(wg, n) gor_wg_add_at((wg), (n), GOR_SITE_(GOR_OP_WG_ADD, #wg))
/** gor_wg_done(wg): add -1. */
#define gor_wg_done(wg) gor_wg_add_at((wg), -1, GOR_SITE_(GOR_OP_WG_DONE, #wg))
/**
 * gor_wg_wait(wg): block until the count is zero.  From then on wg may be used again, or go, even
 * if waiters have not returned yet; Go panics there.
 */
#define gor_wg_wait(wg) gor_wg_wait_at((wg), GOR_SITE_(GOR_OP_WG_WAIT, #wg))
/**
 * gor_wg_go(wg, fn, arg): add 1, run fn(arg) in a new goroutine, and count 1 down when it returns.
 * Returns: as gor_go.
 */
#define gor_wg_go(wg, fn, arg) gor_wg_go_at((wg), (fn), (arg), GOR_SITE_(GOR_OP_GO, #fn))

GOR_EXPORT void gor_wg_add_at(gor_waitgroup *wg, int n, const struct gor_site *site);
GOR_EXPORT void gor_wg_wait_at(gor_waitgroup *wg, const struct gor_site *site);
GOR_EXPORT uint64_t gor_wg_go_at(gor_waitgroup *wg, void (*fn)(void *), void *arg,
                                 const struct gor_site *site);

/**
 * A condition that goroutines wait for, under a mutex.  First come, first served; a wait never ends
 * by itself.
 */
typedef struct gor_cond {
	uint64_t id; // in traces
	uint32_t spin;
	void *head, *tail;
} gor_cond;

/**
 * gor_cond_wait(cond, mu): unlock mu, wait for a signal, lock mu again.  Panics if the caller does
 * not hold mu.
 */
#define gor_cond_wait(cond, mu) gor_cond_wait_at((cond), (mu), GOR_SITE_(GOR_OP_COND_WAIT, #cond))
/** gor_cond_signal(cond): wake the goroutine that waits longest, if any; mu need not be held. */
#define gor_cond_signal(cond) gor_cond_signal_at((cond), GOR_SITE_(GOR_OP_COND_SIGNAL, #cond))
/** gor_cond_broadcast(cond): wake all that wait. */
#define gor_cond_broadcast(cond) \
	gor_cond_broadcast_at((cond), GOR_SITE_(GOR_OP_COND_BROADCAST, #cond))

GOR_EXPORT void gor_cond_wait_at(gor_cond *cond, gor_mutex *mu, const struct gor_site *site);
GOR_EXPORT void gor_cond_signal_at(gor_cond *cond, const struct gor_site *site);
GOR_EXPORT void gor_cond_broadcast_at(gor_cond *cond, const struct gor_site *site);

/** Something that is done once. */
typedef struct gor_once {
	uint64_t id; // in traces
	uint32_t spin;
	uint32_t state;
	void *head, *tail;
} gor_once;

/**
 * gor_once_do(once, fn): call fn if nobody has; returns when it has returned, whoever called it.
 * Not from fn itself.
 */
#define gor_once_do(once, fn) gor_once_do_at((once), (fn), GOR_SITE_(GOR_OP_ONCE_DO, #once))
GOR_EXPORT void gor_once_do_at(gor_once *once, void (*fn)(void), const struct gor_site *site);

/**
 * A number of permits, 0 at first, that nobody owns: the type for handing over.  First come, first
 * served.
 */
typedef struct gor_sem {
	uint64_t id; // in traces
	uint64_t value;
	uint32_t spin;
	void *head, *tail;
} gor_sem;

/** gor_sem_acquire(sem, n): take n permits.  Blocks until there are n and nobody came earlier. */
#define gor_sem_acquire(sem, n) gor_sem_acquire_at((sem), (n), GOR_SITE_(GOR_OP_SEM_ACQUIRE, #sem))
/** gor_sem_try_acquire(sem, n): Returns: 0 taken; -EAGAIN it would have to wait. */
#define gor_sem_try_acquire(sem, n) \
	gor_sem_try_acquire_at((sem), (n), GOR_SITE_(GOR_OP_SEM_ACQUIRE, #sem))
/** gor_sem_release(sem, n): add n permits.  Does not block. */
#define gor_sem_release(sem, n) gor_sem_release_at((sem), (n), GOR_SITE_(GOR_OP_SEM_RELEASE, #sem))

GOR_EXPORT void gor_sem_acquire_at(gor_sem *sem, uint32_t n, const struct gor_site *site);
GOR_EXPORT int gor_sem_try_acquire_at(gor_sem *sem, uint32_t n, const struct gor_site *site);
GOR_EXPORT void gor_sem_release_at(gor_sem *sem, uint32_t n, const struct gor_site *site);

/* ── cancellation: a tree of contexts ─────────────────────────────────────────────────────────────
 */

/** Something that is cancelled at most once, and everything derived from it with it. */
struct gor_ctx_;
typedef struct gor_ctx_ gor_ctx;

/** The root: never cancelled, not to be freed.  Any thread. */
GOR_EXPORT gor_ctx *gor_ctx_background(void);

/**
 * gor_ctx_with_cancel(parent), gor_ctx_with_timeout(parent, dur): a new context below parent,
 * cancelled when that is, when gor_ctx_cancel() says so, or after dur nanoseconds.  The caller's,
 * to be given to gor_ctx_free().
 *
 * Does not block.  Returns: the context; NULL if there is no memory.
 */
#define gor_ctx_with_cancel(parent) \
	gor_ctx_new_at((parent), GOR_FOREVER, GOR_SITE_(GOR_OP_CTX_NEW, #parent))
#define gor_ctx_with_timeout(parent, dur) \
	gor_ctx_new_at((parent), gor_deadline_after_(dur), GOR_SITE_(GOR_OP_CTX_NEW, #parent))
/** gor_ctx_cancel(ctx): cancel it and what is below; the first time counts.  Does not block. */
#define gor_ctx_cancel(ctx) gor_ctx_cancel_at((ctx), GOR_SITE_(GOR_OP_CTX_CANCEL, #ctx))
/**
 * gor_ctx_free(ctx): cancel it and release it.  What was derived from it stays valid, cancelled.
 * NULL is fine.
 */
#define gor_ctx_free(ctx) gor_ctx_free_at((ctx), GOR_SITE_(GOR_OP_CTX_CANCEL, #ctx))
/**
 * gor_ctx_done(ctx): a channel, closed when ctx is cancelled, for gor_recv and gor_select; NULL for
 * the root.
 */
#define gor_ctx_done(ctx) ((gor_chan(char))gor_ctx_done_at(ctx))
/**
 * 0: not cancelled; -ECANCELED: by gor_ctx_cancel; -ETIMEDOUT: by its time, or that of one above
 * it.  Any thread.
 */
GOR_EXPORT int gor_ctx_err(const gor_ctx *ctx);

static inline int64_t gor_deadline_after_(int64_t dur)
{
	return gor_deadline(dur > 0 ? dur : 0);
}

GOR_EXPORT gor_ctx *gor_ctx_new_at(gor_ctx *parent, int64_t deadline, const struct gor_site *site);
GOR_EXPORT void gor_ctx_cancel_at(gor_ctx *ctx, const struct gor_site *site);
GOR_EXPORT void gor_ctx_free_at(gor_ctx *ctx, const struct gor_site *site);
GOR_EXPORT void *gor_ctx_done_at(gor_ctx *ctx);

/* ── input and output ─────────────────────────────────────────────────────────────────────────────
 */

/*
 * A descriptor is a plain int, from here or from elsewhere.  These calls let the goroutine wait and
 * not its thread.  For that they put it into non-blocking mode, as by fcntl(2), which everybody who
 * shares it will notice; but not a terminal, nor a socket that is only read and written.  Regular
 * files and terminals can be used as well; if that blocks, another thread takes over the other
 * goroutines.
 *
 * Close what was used here by gor_close_fd.  close(2) works too, but does not end the wait of
 * another goroutine, and the first wait for the number's next owner may take 10 ms longer, and once
 * in a run a second.
 *
 * The calls with a deadline end with -ETIMEDOUT when it has passed; GOR_NOW only tries, and gives
 * -EAGAIN.  What can be done at once is done, even if the deadline has passed already.  All return
 * -EBADF if fd is none, or when gor_close_fd ends their wait, and -ENOMEM, -EMFILE, -ENFILE or
 * -ENOSPC if what it takes to wait cannot be had.
 */

/**
 * gor_read(fd, buf, bytes): read up to so many bytes.
 *
 * Blocks:  until there is something to read.
 * Returns: how many, which may be fewer; 0 at the end; or the negative errno of read(2) or recv(2).
 */
#define gor_read(fd, buf, bytes) gor_read_until(fd, buf, bytes, GOR_FOREVER)
#define gor_read_until(fd, buf, bytes, deadline) \
	gor_read_at((fd), (buf), (bytes), (deadline), GOR_SITE_(GOR_OP_IO_READ, #fd))

/**
 * gor_write(fd, buf, bytes): write all of it, in several steps if need be; if several goroutines
 * write to one stream at once, their steps may alternate.
 *
 * Blocks:  until all is written.  A socket whose peer is gone raises no SIGPIPE; a pipe does.
 * Returns: bytes; fewer if something, or the deadline, came in between: the next call says what;
 * or, if nothing was written, the negative errno of write(2) or send(2).
 */
#define gor_write(fd, buf, bytes) gor_write_until(fd, buf, bytes, GOR_FOREVER)
#define gor_write_until(fd, buf, bytes, deadline) \
	gor_write_at((fd), (buf), (bytes), (deadline), GOR_SITE_(GOR_OP_IO_WRITE, #fd))

/**
 * gor_wait_fd(fd, events, deadline): wait until poll(2) would report one of events (POLLIN, POLLOUT
 * and so on), an error or a hang-up.
 *
 * Blocks:  until then.
 * Returns: what it reports, at least one bit; or -ETIMEDOUT, -EAGAIN, -EBADF.
 */
#define gor_wait_fd(fd, events, deadline) \
	gor_wait_fd_at((fd), (events), (deadline), GOR_SITE_(GOR_OP_IO_WAIT, #fd))

/**
 * gor_close_fd(fd): close fd, and wake all who wait for it with -EBADF.
 *
 * Who has called read or write on fd at this moment and does not wait may still get at the number's
 * next owner, as with close(2).
 *
 * Blocks:  no longer than close(2) does.
 * Returns: 0; or the negative errno of close(2).
 */
#define gor_close_fd(fd) gor_close_fd_at((fd), GOR_SITE_(GOR_OP_IO_CLOSE, #fd))

/**
 * gor_listen(hostport): a stream socket that listens there; the caller's, to be closed.
 *
 *	"127.0.0.1:80" "[::1]:80" "localhost:http"   only there; of a name, an IPv4 address first
 *	":80" "[::]:80"                              all addresses, IPv4 and IPv6
 *	"unix:/path" "unix:@abstract"                the path must not exist, and stays
 *
 * Port 0, or none, takes a free one, which gor_port() tells.  What is written to its connections is
 * sent at once (TCP_NODELAY).
 *
 * Blocks:  while a name is looked up, by getaddrinfo(3) on the goroutine's stack; others go on.
 * Returns: the descriptor; -EINVAL that is no address; -ENAMETOOLONG; -ENOENT no such host;
 *          -EHOSTUNREACH the name cannot be looked up now; or the negative errno of socket(2),
 *          bind(2) or listen(2), -EADDRINUSE above all.
 */
#define gor_listen(hostport) gor_listen_at((hostport), GOR_SITE_(GOR_OP_IO_LISTEN, #hostport))

/**
 * gor_accept(fd): the next connection to a socket that listens; the caller's, to be closed.
 *
 * Blocks:  until there is one.
 * Returns: its descriptor, non-blocking and closed by exec; or the negative errno of accept(2).
 */
#define gor_accept(fd) gor_accept_until(fd, GOR_FOREVER)
#define gor_accept_until(fd, deadline) \
	gor_accept_at((fd), (deadline), GOR_SITE_(GOR_OP_IO_ACCEPT, #fd))

/**
 * gor_dial(hostport): a connection to there; the caller's, to be closed.
 *
 * Addresses as for gor_listen; no host means this one.  Those of a name are tried in turn.
 *
 * Blocks:  until the other side has answered.  A deadline does not cut the look-up of a name short.
 * Returns: as gor_listen; or the negative errno of connect(2), of the first address tried.
 */
#define gor_dial(hostport) gor_dial_until(hostport, GOR_FOREVER)
#define gor_dial_until(hostport, deadline) \
	gor_dial_at((hostport), (deadline), GOR_SITE_(GOR_OP_IO_DIAL, #hostport))

/** The port that a socket is bound to; or -errno, -EAFNOSUPPORT: it has none.  Any thread. */
GOR_EXPORT int gor_port(int fd);

GOR_EXPORT ssize_t gor_read_at(int fd, void *buf, size_t bytes, int64_t deadline,
                               const struct gor_site *site);
GOR_EXPORT ssize_t gor_write_at(int fd, const void *buf, size_t bytes, int64_t deadline,
                                const struct gor_site *site);
GOR_EXPORT int gor_wait_fd_at(int fd, int events, int64_t deadline, const struct gor_site *site);
GOR_EXPORT int gor_close_fd_at(int fd, const struct gor_site *site);
GOR_EXPORT int gor_listen_at(const char *hostport, const struct gor_site *site);
GOR_EXPORT int gor_accept_at(int fd, int64_t deadline, const struct gor_site *site);
GOR_EXPORT int gor_dial_at(const char *hostport, int64_t deadline, const struct gor_site *site);

/* ── looking inside ───────────────────────────────────────────────────────────────────────────────
 */

/**
 * Write a profile of the run that goes on to a descriptor:
 *
 *	"goroutine"      all goroutines
 *	"goroutineleak"  those that nothing can wake any more, after a search of memory
 *	"threadcreate"   what made the threads
 *	"block"          where goroutines have waited for each other, and for how long
 *	"mutex"          where locks were let go that others waited for
 *
 * debug 0 is for `go tool pprof`, 1 is text with equal stacks counted, 2 has each goroutine as a
 * panic would print it, 3 the same with what it waits for, then all of these objects.  Of what is
 * no list of goroutines, 2 and 3 are as 1.  docs/profiles.md describes them.  The others go on
 * meanwhile.  Stacks, functions and debug 0 take libgor_inspect; without it each goroutine has one
 * place, its last call of this API, and one line on stderr said why.
 *
 * Blocks:  its thread, until all is written; other goroutines go on.
 * Context: any thread, also one that is never to be attached, an HTTP server's say.
 * Returns: 0; -EINVAL no such debug; -ENOENT no such profile; -ECANCELED no run is going on;
 *          -ENOSYS debug is 0 and there is no libgor_inspect; -ENOMEM; -EAGAIN no thread to be had;
 *          of "goroutineleak" -ENOTSUP under a sanitizer, -E2BIG there is more than can be
 *          searched: nothing was written.  Or the negative errno of write(2), and a part
 *          may have been.
 */
GOR_EXPORT int gor_profile_write(const char *name, int fd, int debug);

/**
 * Serve /debug/pprof/ over HTTP, as Go's net/http/pprof does: for a browser, curl or go tool pprof.
 * It is answered by threads of its own, also while all goroutines are stuck.
 *
 * Addresses as for gor_listen, but no host means this machine alone, and port 0 a free one.  Who
 * can reach it can read what the program does, and have it profiled.
 *
 * Blocks:  while the library for it is loaded, and for the look-up of a name.
 * Context: any.
 * Returns: the port, 0 for a path; -ENOSYS: libgor_inspect cannot be loaded, and one line on stderr
 *          says why; -EINVAL; -ENOENT: no such name; -EADDRINUSE, or another negative errno.
 */
GOR_EXPORT int gor_debug_serve(const char *hostport);

/**
 * Leak tests: of the goroutines that the caller, or one that it started, starts from
 * gor_leak_begin() on, how many are alive at gor_leak_end()?  Other tests that run at the same time
 * do not matter; one that has not run yet counts.  Both by the same goroutine; they nest.  On a
 * thread outside a run, the runs in between count, and what they leave behind: gor_run then gives
 * goroutines that are about to end a second.  docs/leak-tests.md has more, and test frameworks.
 */
typedef struct gor_leak_mark {
	struct gor_leak_scope *scope, *before;
} gor_leak_mark;

/** Goroutines that do not count, by functions; each list ends with NULL, and may be NULL. */
typedef struct gor_leak_options {
	const char *const *ignore_top;        // the one that waits, or has not run yet
	const char *const *ignore_any;        // that, the one started, or the one that did so
	const char *const *ignore_created_by; // the one that has started it
	bool ignore_current; // gor_verify_main: those alive when it is called; else they never count
} gor_leak_options;

/**
 * What is found is written to fd, if that is not negative.
 *
 * Blocks:  the end, until none is left, for wait nanoseconds at most (negative: for ever).
 * Returns: how many are left.
 */
GOR_EXPORT gor_leak_mark gor_leak_begin(void);
GOR_EXPORT size_t gor_leak_end(gor_leak_mark mark, int64_t wait, int fd);
GOR_EXPORT size_t gor_leak_end_opt(gor_leak_mark mark, int64_t wait, int fd,
                                   const gor_leak_options *opt);

/** GOR_NO_LEAKS(): first line of a test, which fails if a goroutine outlives it by a second. */
#define GOR_NO_LEAKS() \
	__attribute__((cleanup(gor_leak_check), unused)) gor_leak_mark gor_leak_ = gor_leak_begin()
GOR_EXPORT void gor_leak_check(const gor_leak_mark *mark);
/** How it fails: by fail(text).  NULL, at first: text to stderr, the exit status is 1 and not 0. */
GOR_EXPORT void gor_leak_on_fail(void (*fail)(const char *text));
/** Before gor_run: if a goroutine is alive at exit the status is 1 and not 0.  opt is kept. */
GOR_EXPORT void gor_verify_main(void);
GOR_EXPORT void gor_verify_main_opt(const gor_leak_options *opt);

/* ── errors and traces ────────────────────────────────────────────────────────────────────────────
 */

/**
 * gor_panic(fmt, ...): print "panic: ...", a goroutine dump, close the trace, exit with status 2.
 * Any thread.
 */
#define gor_panic(...) gor_panic_at(GOR_SITE_(GOR_OP_PANIC, ""), __VA_ARGS__)
GOR_EXPORT void gor_panic_at(const struct gor_site *site, const char *fmt, ...)
	__attribute__((noreturn, format(printf, 2, 3)));

/**
 * Record from here on, besides what the GTRACE variable says; options in that variable's grammar.
 * While a run goes on the trace begins in the middle of it, with a list of all goroutines.
 *
 * Blocks:  its thread, for the creation of two files; until all threads know, and a list is made.
 * Context: any thread, before a run or during one.
 * Returns: 0; -EBUSY already recording; or a negative errno, and one line on stderr says why.
 */
GOR_EXPORT int gor_trace_start(const char *options);

/**
 * Complete the trace file now; nothing after this is recorded.  Fine if none is open.  Blocks until
 * it is on file.
 */
GOR_EXPORT void gor_trace_stop(void);

/**
 * Have a flight recorder (GTRACE=...,ring=64M) write the last events it holds to a file of their
 * own: x.gtrace -> x.0001.gtrace, x.0002.gtrace ...; it goes on.  `reason` is one line.
 *
 * Blocks:  its thread, until the file is complete; other goroutines go on.  Context: any thread.
 * Returns: 0; -EINVAL no flight recorder; -ECANCELED the recording has ended; or a negative errno,
 *          and one line on stderr says why.
 */
GOR_EXPORT int gor_trace_dump(const char *reason);

/**
 * A mark in the trace.  In the file, whatever happens, once this returns.  Does nothing if none is
 * recorded.
 */
GOR_EXPORT void gor_trace_log(const char *category, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/** The version of the library, "0.1.0"; GOR_VERSION is the header's. */
GOR_EXPORT const char *gor_version(void);

#ifdef __cplusplus
}
#endif
#endif

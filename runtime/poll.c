/* SPDX-License-Identifier: MIT */
/**
 * poll.c: goroutines that wait for descriptors.
 *
 * A call that would block (io.c) is tried first.  Only if the kernel says EAGAIN does its goroutine
 * wait here, and only then is the descriptor added to the epoll set: once in its life, for every
 * kind of edge.  No thread exists for this.  Who looks for edges:
 *
 *   a thread that finds nothing else to run, and every thread at each 61st switch;
 *   one idle thread (idle.c: poll_m), which sleeps in epoll_wait() in place of its futex;
 *   the monitor, if nobody has for LATE_NS: all ps are busy computing.
 *
 * Each run of the scheduler has a set and a table of its own, so goroutines that an earlier run
 * left behind are out of the way.  The table is never freed, as its sched is not: a thread that was
 * left in user code may still look at it.
 *
 * Invariants:
 *   E1  a watch counts the edges of its descriptor.  Who got EAGAIN parks only if, under w->lock,
 *       the count is still what it was before the call.  So an edge that came in between is seen:
 *
 *	goroutine                              a thread that looks
 *	─────────────────────────────────      ────────────────────────────────────
 *	note the count
 *	read: EAGAIN                           epoll_wait: an edge
 *	lock; count changed? read again ◀───── lock; count up; claim waiters; unlock
 *	else queue; unlock by parking          make them ready
 *
 *   E2  an edge wakes all who wait in its direction; each tries again.  An edge that is seen twice
 *       does no harm.
 *   E3  events carry the round of their registration.  One whose round is not w's is of a
 *       descriptor that is gone, and is dropped.
 *   E4  at most one thread sleeps in epoll_wait(): s->poll_m.  It alone empties the eventfd, which
 *       is level-triggered, so an interruption meant for it is not lost in somebody else's look.
 *   E5  s->fd_waits counts goroutines from before they park until they run again: an edge that was
 *       taken from the kernel and is not yet in a queue does not look like a deadlock (L3).
 *   E6  who waits is registered in fact, at most po->doubt_ns later.
 *
 * E6 is about numbers that the program closes by close(2), or replaces by dup2(2): the kernel
 * forgets the registration, w does not know, and the number comes back as another descriptor.  So
 * who parks puts his watch on the list of doubts, and some time later the kernel is told again, by
 * EPOLL_CTL_MOD.  ENOENT: the number is of another descriptor, which is added.  EBADF: it is of
 * none, and those who wait are told.  Most often nothing has changed; then the time doubles, from
 * 10 ms to a second: a program that closes by gor_close_fd does so always.  One that was found not
 * to do so keeps the 10 ms.  And who parks after a hang-up asks before: what comes then is likely
 * to be another.  To ask at each park would cost an echo server a twentieth of its time.
 *
 * MOD looks at the descriptor anew, so E6 also makes a shortcut safe: a read from TCP that returned
 * less than there was room for has emptied the buffer, and the next read need not be tried before
 * the next edge (gor__poll_is_dry).  Not so after a hang-up, or with urgent data, which the event
 * tells; where it should be wrong for a reason we do not know, it costs that time.
 *
 * After fork() the child shares the set with its parent.  It makes no call of the runtime, so it
 * leaves the set alone, and exec closes it.  What the child closes stays open in the parent, and in
 * the set.
 *
 * Rejected: EPOLLONESHOT, armed at each park: needs neither E1 nor E6, and is 9 % slower.  A thread
 * that only polls: two more context switches an edge.  io_uring: often forbidden in containers.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "fd.h"
#include "poll.h"
#include "valgrind.h"

#ifndef SYS_epoll_pwait2
#define SYS_epoll_pwait2 441
#endif
#define EDGES (EPOLLIN | EPOLLOUT | EPOLLPRI | EPOLLRDHUP | EPOLLET)
#define EVENTS_MOST 128
#define INTERRUPT UINT64_MAX // the eventfd's data; no descriptor has it
#define LATE_NS (10 * GOR_MILLISECOND)
#define DOUBT_LEAST (10 * GOR_MILLISECOND)
#define DOUBT_MOST GOR_SECOND

/** A descriptor that somebody has waited for: a cache line. */
struct watch {
	struct lock lock;
	struct lock change;        // one registration at a time; may be held over system calls
	_Atomic uint32_t life;     // written under change and lock: times the number was closed
	uint32_t round;            // written under change and lock: of its registration
	_Atomic uint32_t edges[2]; // written under lock: to read, to write
	_Atomic uint32_t dry;      // edges[0] at the read that emptied the buffer; 0 none
	uint32_t doubt_next;       // who doubts: number of the next on the list, plus 1
	_Atomic bool armed;        // written under change: registered, as far as we know
	_Atomic bool odd;          // written under lock: hung up or urgent; a short read says nothing
	_Atomic bool tcp;          // written under change
	bool doubted;              // lock: on the list of doubts
	uint64_t id;               // in traces
	struct waitq waiters;      // lock; index: what they wait for
};

_Static_assert(sizeof(struct watch) == 64, "a watch fills its line");

/* Watches lie in chunks, each twice as large as the one before, that never move. */
#define CHUNK_FIRST 64u // one page
#define CHUNK_COUNT 26  // up to INT_MAX

struct poller {
	_Atomic int epoll;          // -1: nobody has waited yet
	int interrupt;              // set before epoll
	struct lock opening;        // held over system calls
	_Atomic uint32_t looks;     // calls of epoll_wait
	_Atomic uint32_t doubts;    // number of the first watch on the list, plus 1
	_Atomic int64_t settled_ns; // when doubts were settled last
	_Atomic int64_t doubt_ns;   // how long they may last
	_Atomic bool careless;      // a number was found to be another's that nobody had told us of
	_Atomic bool no_pwait2;
	uint32_t seen_looks; // the monitor's own
	int64_t seen_ns;     // the monitor's own: when it saw that first
	_Atomic(struct watch *) chunks[CHUNK_COUNT];
};

/* ── the table ────────────────────────────────────────────────────────────────────────────────────
 */

static struct watch *chunk_make(struct poller *po, unsigned k)
{
	size_t bytes = ((size_t)CHUNK_FIRST << k) * sizeof(struct watch);
	struct watch *none = NULL, *chunk = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
	                                         MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (chunk == MAP_FAILED)
		return NULL;
	if (atomic_compare_exchange_strong(&po->chunks[k], &none, chunk))
		return chunk;
	munmap(chunk, bytes);
	return none;
}

/** The watch of a descriptor; NULL: it has none, or there is no memory to make one. */
static struct watch *watch_at(struct poller *po, int fd, bool make)
{
	uint32_t at = (uint32_t)fd;
	unsigned k = 31 - (unsigned)__builtin_clz(at / CHUNK_FIRST + 1);
	struct watch *chunk = atomic_load_explicit(&po->chunks[k], memory_order_acquire);

	if (!chunk && make)
		chunk = chunk_make(po, k);
	return chunk ? chunk + (at + CHUNK_FIRST - (CHUNK_FIRST << k)) : NULL;
}

struct poller *gor__poller_new(void)
{
	struct poller *po = calloc(1, sizeof *po);

	if (!po)
		return NULL;
	atomic_store(&po->epoll, -1);
	atomic_store(&po->doubt_ns, DOUBT_LEAST);
	atomic_store(&po->no_pwait2, gor__valgrind_runs()); // which does not know it, and says so
	return po;
}

/** The run is over and nobody is inside the runtime. */
void gor__poller_end(struct poller *po)
{
	int epoll = atomic_exchange(&po->epoll, -1);

	if (epoll < 0)
		return;
	close(epoll);
	close(po->interrupt);
}

__attribute__((noinline)) static int poller_open_slow(struct poller *po)
{
	struct epoll_event ev = {.events = EPOLLIN, .data.u64 = INTERRUPT};
	int err = 0, epoll = -1;

	gor__lock(&po->opening);
	if (atomic_load(&po->epoll) >= 0)
		goto out;
	po->interrupt = fd_own(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
	if (po->interrupt >= 0)
		epoll = fd_own(epoll_create1(EPOLL_CLOEXEC));
	if (epoll >= 0 && epoll_ctl(epoll, EPOLL_CTL_ADD, po->interrupt, &ev) == 0) {
		atomic_store(&po->epoll, epoll);
		goto out;
	}
	err = -errno;
	if (epoll >= 0)
		close(epoll);
	if (po->interrupt >= 0)
		close(po->interrupt);
out:
	gor__unlock(&po->opening);
	return err;
}

static int poller_open(struct poller *po)
{
	return atomic_load_explicit(&po->epoll, memory_order_acquire) >= 0 ? 0 : poller_open_slow(po);
}

/* ── registration ─────────────────────────────────────────────────────────────────────────────────
 */

static bool watch_is_tcp(int fd)
{
	int type = 0, protocol = 0;
	socklen_t bytes = sizeof type;

	return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &bytes) == 0 && type == SOCK_STREAM &&
	       getsockopt(fd, SOL_SOCKET, SO_PROTOCOL, &protocol, &bytes) == 0 &&
	       protocol == IPPROTO_TCP;
}

/** Under w->change and w->lock: what comes from here on is of another registration.  Keeps E3. */
static void watch_next_round(struct watch *w, bool tcp)
{
	w->round++;
	atomic_store_explicit(&w->dry, 0, memory_order_relaxed);
	atomic_store_explicit(&w->odd, false, memory_order_relaxed);
	atomic_store_explicit(&w->tcp, tcp, memory_order_relaxed);
	__atomic_store_n(&w->id, 0, __ATOMIC_RELAXED);
}

/** epoll_ctl, by number: ThreadSanitizer would take it for a use of fd by this thread. */
static int poller_ctl(struct poller *po, int op, int fd, uint32_t round)
{
	struct epoll_event ev = {.events = EDGES, .data.u64 = (uint64_t)round << 32 | (uint32_t)fd};

	return syscall(SYS_epoll_ctl, atomic_load(&po->epoll), op, fd, &ev) == 0 ? 0 : -errno;
}

/** Under w->change: tell the kernel, by the call that is likely to be the right one. */
static int watch_ctl(struct poller *po, struct watch *w, int fd, int op)
{
	for (;;) {
		if (op == EPOLL_CTL_ADD) {
			bool tcp = watch_is_tcp(fd);
			gor__lock(&w->lock);
			watch_next_round(w, tcp);
			gor__unlock(&w->lock);
		}
		int err = poller_ctl(po, op, fd, w->round);
		if (err != -ENOENT && err != -EEXIST)
			return err;
		op = err == -ENOENT ? EPOLL_CTL_ADD : EPOLL_CTL_MOD;
		if (err == -ENOENT)
			atomic_store_explicit(&po->careless, true, memory_order_relaxed);
	}
}

/** Register fd, or do so again; life: only if that is still its life; NULL: whatever it is. */
__attribute__((noinline)) static int watch_arm(struct poller *po, struct watch *w, int fd,
                                               const uint32_t *life, int op)
{
	int err = -EBADF;

	gor__lock(&w->change);
	if (!life || *life == atomic_load_explicit(&w->life, memory_order_relaxed)) {
		err = watch_ctl(po, w, fd, op);
		atomic_store_explicit(&w->armed, err == 0, memory_order_release);
	}
	gor__unlock(&w->change);
	return err;
}

/** Under w->lock: end the waits for any of `what`.  err: why, a positive errno; 0 there is an edge.
 */
static void watch_claim(struct watch *w, unsigned what, int err, struct woken *woken)
{
	for (struct waiter *waiter = w->waiters.first, *next; waiter; waiter = next) {
		next = waiter->next;
		if (!((unsigned)waiter->index & what))
			continue;
		gor__waitq_remove(&w->waiters, waiter);
		if (!gor__wait_claim(waiter->wait))
			continue;
		waiter->wait->result = err;
		gor__woken_add(woken, waiter->wait->g);
	}
}

/**
 * Is the registration of the next round needed?  If so, it is there now, and since events of it may
 * have been dropped already, it counts as an edge.  -errno: fd is none, or not that of that life.
 */
__attribute__((noinline)) static int watch_check(struct poller *po, struct watch *w, int fd,
                                                 uint32_t life, struct woken *woken)
{
	int err = -EBADF;

	gor__lock(&w->change);
	if (life == atomic_load_explicit(&w->life, memory_order_relaxed))
		err = poller_ctl(po, EPOLL_CTL_ADD, fd, w->round + 1);
	if (err == 0) {
		bool tcp = watch_is_tcp(fd);
		gor__lock(&w->lock);
		watch_next_round(w, tcp);
		for (unsigned i = 0; i < 2; i++)
			atomic_fetch_add_explicit(&w->edges[i], 1, memory_order_release);
		watch_claim(w, POLL_READ | POLL_WRITE, 0, woken);
		gor__unlock(&w->lock);
		atomic_store_explicit(&po->careless, true, memory_order_relaxed);
	}
	gor__unlock(&w->change);
	return err == -EEXIST ? 0 : err;
}

/** Under w->lock: E6 is to be kept for who is about to park. */
static void watch_doubt(struct poller *po, struct watch *w, int fd)
{
	if (w->doubted)
		return;
	w->doubted = true;
	w->doubt_next = atomic_load_explicit(&po->doubts, memory_order_relaxed);
	while (!atomic_compare_exchange_weak_explicit(&po->doubts, &w->doubt_next, (uint32_t)fd + 1,
	                                              memory_order_release, memory_order_relaxed))
		;
}

/** Keeps E6: register again whoever is on the list and still waited for. */
static void poll_settle(struct poller *po, int64_t now, struct woken *woken)
{
	uint32_t number = atomic_exchange_explicit(&po->doubts, 0, memory_order_acquire);

	while (number) {
		int fd = (int)(number - 1);
		struct watch *w = watch_at(po, fd, false);
		gor__lock(&w->lock);
		number = w->doubt_next;
		w->doubted = false;
		bool waited = w->waiters.first != NULL;
		gor__unlock(&w->lock);
		int err = waited ? watch_arm(po, w, fd, NULL, EPOLL_CTL_MOD) : 0;
		if (!err)
			continue;
		gor__lock(&w->lock);
		watch_claim(w, POLL_READ | POLL_WRITE, -err, woken);
		gor__unlock(&w->lock);
		atomic_store_explicit(&po->careless, true, memory_order_relaxed);
	}
	int64_t doubt_ns = 2 * atomic_load_explicit(&po->doubt_ns, memory_order_relaxed);
	if (doubt_ns > DOUBT_MOST)
		doubt_ns = DOUBT_MOST;
	if (atomic_load_explicit(&po->careless, memory_order_relaxed))
		doubt_ns = DOUBT_LEAST;
	atomic_store_explicit(&po->doubt_ns, doubt_ns, memory_order_relaxed);
	atomic_store_explicit(&po->settled_ns, now, memory_order_relaxed);
}

/** When doubts are to be settled next; NO_TIMER: there are none. */
static int64_t poll_doubts_due(struct poller *po)
{
	if (!atomic_load(&po->doubts))
		return NO_TIMER;
	return atomic_load_explicit(&po->settled_ns, memory_order_relaxed) +
	       atomic_load_explicit(&po->doubt_ns, memory_order_relaxed);
}

/* ── a goroutine's side ───────────────────────────────────────────────────────────────────────────
 */

/** Remember what is known of fd; before the system call that may say EAGAIN. */
void gor__poll_note(struct m *m, int fd, struct poll_note *note)
{
	struct watch *w = fd >= 0 ? watch_at(m->sched->poller, fd, false) : NULL;

	*note = (struct poll_note){.watch = w};
	if (!w)
		return;
	note->life = atomic_load_explicit(&w->life, memory_order_acquire);
	note->edges[0] = atomic_load_explicit(&w->edges[0], memory_order_acquire);
	note->edges[1] = atomic_load_explicit(&w->edges[1], memory_order_acquire);
}

/** Is there certainly nothing to read?  If it is wrong, the wait that follows mends it: E6. */
bool gor__poll_is_dry(const struct poll_note *note)
{
	return note->watch && note->edges[0] &&
	       atomic_load_explicit(&note->watch->dry, memory_order_relaxed) == note->edges[0];
}

/** A read since the note returned less than there was room for. */
void gor__poll_set_dry(const struct poll_note *note)
{
	struct watch *w = note->watch;

	if (w && atomic_load_explicit(&w->tcp, memory_order_relaxed) &&
	    !atomic_load_explicit(&w->odd, memory_order_relaxed))
		atomic_store_explicit(&w->dry, note->edges[0], memory_order_relaxed);
}

/** The descriptor's id in traces, given when somebody first waits for it; cap is its number. */
static uint64_t watch_id(struct m *m, struct watch *w, int fd, const struct gor_site *site)
{
	uint64_t have = __atomic_load_n(&w->id, __ATOMIC_ACQUIRE);

	if (have || !m->stream)
		return have;
	uint64_t made = gor__obj_id(m);
	if (!__atomic_compare_exchange_n(&w->id, &have, made, false, __ATOMIC_ACQ_REL,
	                                 __ATOMIC_ACQUIRE))
		return have;
	uint64_t number = emit_site(m, site);
	GTRACE_EMIT(m->stream, OBJ_NEW, made, GTRACE_object_FD, number, (uint64_t)fd);
	return made;
}

/** Under w->lock: has anything been seen since the note? */
static bool watch_changed(const struct watch *w, unsigned want, const struct poll_note *note)
{
	return ((want & POLL_READ) && atomic_load(&w->edges[0]) != note->edges[0]) ||
	       ((want & POLL_WRITE) && atomic_load(&w->edges[1]) != note->edges[1]);
}

/** Park until an edge, with w->lock held, which it releases.  0, or -errno. */
static int watch_park(struct m *m, struct watch *w, unsigned want, uint64_t id, int64_t deadline,
                      const struct gor_site *site)
{
	struct wait wait = {.g = m->cur, .result = WAIT_CUT};
	struct waiter waiter = {.wait = &wait, .index = (int)want};
	struct timer timer;
	struct sched *s = m->sched;
	bool timed = deadline > 0;

	atomic_fetch_add_explicit(&s->fd_waits, 1, memory_order_release); // poller_open is done
	gor__wait_begin(m->cur, GTRACE_reason_IO_WAIT, id, site, timed ? GTRACE_WAIT_DEADLINE : 0);
	gor__waitq_push(&w->waiters, &waiter);
	if (timed) {
		gor__emit_until(m, deadline);
		if (gor__wait_until(m, &wait, &timer, deadline))
			gor__fatal(site, "gor: out of memory for a timer");
	}
	gor__park(m, &w->lock);
	atomic_fetch_sub_explicit(&s->fd_waits, 1, memory_order_relaxed);
	if (timed)
		gor__timer_del(&timer);
	if (wait.result >= 0)
		return -wait.result;
	gor__lock(&w->lock);
	gor__waitq_remove(&w->waiters, &waiter);
	gor__unlock(&w->lock);
	return wait.result == WAIT_TIMED_OUT ? -ETIMEDOUT : -ECANCELED;
}

/**
 * A system call on fd since the note said EAGAIN: wait until it is worth trying again.
 *
 * Returns: 0; -ETIMEDOUT; -EBADF it was closed since the note; or why it cannot be waited for.
 */
int gor__poll_wait(struct m *m, int fd, unsigned want, const struct poll_note *note,
                   int64_t deadline, const struct gor_site *site)
{
	struct poller *po = m->sched->poller;
	int err = poller_open(po);
	struct watch *w = err ? NULL : watch_at(po, fd, true);

	if (!w)
		return err ? err : -ENOMEM;
	struct woken woken = {0};
	if (!atomic_load_explicit(&w->armed, memory_order_acquire))
		err = watch_arm(po, w, fd, &note->life, EPOLL_CTL_ADD);
	else if (atomic_load_explicit(&w->odd, memory_order_relaxed))
		err = watch_check(po, w, fd, note->life, &woken);
	gor__poll_ready(m, &woken);
	if (err)
		return err;
	uint64_t id = watch_id(m, w, fd, site);
	gor__lock(&w->lock);
	bool gone = note->life != atomic_load_explicit(&w->life, memory_order_relaxed);
	if (gone || watch_changed(w, want, note)) { // E1
		gor__unlock(&w->lock);
		return gone ? -EBADF : 0;
	}
	watch_doubt(po, w, fd);
	return watch_park(m, w, want, id, deadline, site);
}

/** The number means another descriptor from here on: end its life, and all waits. */
static void watch_end(struct m *m, int fd, bool is_open, const struct gor_site *site)
{
	struct poller *po = m->sched->poller;
	struct watch *w = fd >= 0 ? watch_at(po, fd, false) : NULL;
	struct woken woken = {0};

	if (!w && is_open && fcntl(fd, F_GETFD) >= 0) // else a wild number would cost a chunk
		w = watch_at(po, fd, true);
	if (!w)
		return;
	gor__lock(&w->change);
	gor__lock(&w->lock);
	bool armed = atomic_load_explicit(&w->armed, memory_order_relaxed);
	if (is_open || armed || w->waiters.first)
		atomic_fetch_add_explicit(&w->life, 1, memory_order_release);
	w->round++;
	atomic_store_explicit(&w->dry, 0, memory_order_relaxed);
	atomic_store_explicit(&w->armed, false, memory_order_relaxed);
	watch_claim(w, POLL_READ | POLL_WRITE, EBADF, &woken);
	uint64_t id = __atomic_exchange_n(&w->id, 0, __ATOMIC_ACQ_REL);
	gor__unlock(&w->lock);
	if (armed && is_open) // somebody may have a duplicate, and the kernel would keep telling
		epoll_ctl(atomic_load(&po->epoll), EPOLL_CTL_DEL, fd, NULL);
	gor__unlock(&w->change);
	if (id && m->stream) {
		uint64_t number = emit_site(m, site);
		GTRACE_EMIT(m->stream, OBJ_FREE, id, number);
	}
	gor__woken_ready(m, &woken, id);
}

/** fd was just given to us by the kernel: whatever is known of that number is of another. */
void gor__poll_fresh(struct m *m, int fd, const struct gor_site *site)
{
	watch_end(m, fd, false, site);
}

/** fd is about to be closed. */
void gor__poll_forget(struct m *m, int fd, const struct gor_site *site)
{
	watch_end(m, fd, true, site);
}

/* ── looking ──────────────────────────────────────────────────────────────────────────────────────
 */

static void poll_event(struct poller *po, const struct epoll_event *ev, struct woken *woken)
{
	bool hung_up = ev->events & (EPOLLHUP | EPOLLERR);
	unsigned what = (hung_up || ev->events & (EPOLLIN | EPOLLPRI | EPOLLRDHUP) ? POLL_READ : 0) |
	                (hung_up || ev->events & EPOLLOUT ? POLL_WRITE : 0);
	struct watch *w = watch_at(po, (int)(uint32_t)ev->data.u64, false);

	gor__lock(&w->lock);
	if (w->round == ev->data.u64 >> 32) { // E3
		if (hung_up || ev->events & (EPOLLPRI | EPOLLRDHUP))
			atomic_store_explicit(&w->odd, true, memory_order_relaxed);
		for (unsigned i = 0; i < 2; i++)
			if (what & 1u << i)
				atomic_fetch_add_explicit(&w->edges[i], 1, memory_order_release);
		watch_claim(w, what, 0, woken);
	}
	gor__unlock(&w->lock);
}

/** epoll_wait with a limit in nanoseconds; negative: none. */
static int poll_kernel(struct poller *po, struct epoll_event *ev, int64_t limit_ns)
{
	int epoll = atomic_load_explicit(&po->epoll, memory_order_relaxed);
	struct timespec ts = {.tv_sec = limit_ns / GOR_SECOND, .tv_nsec = limit_ns % GOR_SECOND};

	if (limit_ns > 0 && !atomic_load_explicit(&po->no_pwait2, memory_order_relaxed)) {
		int n = (int)syscall(SYS_epoll_pwait2, epoll, ev, EVENTS_MOST, &ts, NULL, 0);
		if (n >= 0 || errno == EINTR)
			return n;
		atomic_store_explicit(&po->no_pwait2, true, memory_order_relaxed); // before Linux 5.11
	}
	int64_t ms = limit_ns > 0 ? (limit_ns - 1) / GOR_MILLISECOND + 1 : limit_ns;
	return epoll_wait(epoll, ev, EVENTS_MOST, ms < 0 ? -1 : ms > INT32_MAX ? INT32_MAX : (int)ms);
}

/** Take what the kernel has to tell.  Returns whether the eventfd was among it. */
static bool poll_collect(struct poller *po, int64_t limit_ns, struct woken *woken)
{
	struct epoll_event ev[EVENTS_MOST];
	bool interrupted = false;

	atomic_store_explicit(&po->looks, atomic_load_explicit(&po->looks, memory_order_relaxed) + 1,
	                      memory_order_relaxed);
	int n = poll_kernel(po, ev, limit_ns);
	if (n < 0 && errno != EINTR)
		gor__fatal(NULL, "gor: the program closed the runtime's epoll descriptor");
	for (int i = 0; i < n; i++)
		if (ev[i].data.u64 == INTERRUPT)
			interrupted = true;
		else
			poll_event(po, &ev[i], woken);
	return interrupted;
}

/** Make those ready that a look has found; m may be without a p. */
void gor__poll_ready(struct m *m, const struct woken *woken)
{
	for (struct g *g = woken->first; g; g = g->next)
		emit_wake_by(m, g, g->wait_obj, GTRACE_waker_POLLER, g != woken->first);
	if (woken->count == 1 && m->p)
		gor__ready(m, woken->first);
	else if (woken->count)
		gor__ready_list(m, woken->first, woken->count);
}

/** Look, without sleeping.  Returns whether anybody is ready now. */
bool gor__poll(struct m *m)
{
	struct poller *po = m->sched->poller;
	struct woken woken = {0};

	if (!gor__poll_waits(m->sched) || atomic_load_explicit(&po->epoll, memory_order_acquire) < 0)
		return false;
	poll_collect(po, 0, &woken);
	gor__poll_ready(m, &woken);
	return woken.count > 0;
}

/**
 * By s->poll_m: sleep until there is an edge, until_ns has come (negative: never), or *word is not
 * 0 and gor__poll_interrupt() was called.  May return early.
 */
void gor__poll_sleep(struct sched *s, const _Atomic uint32_t *word, int64_t until_ns,
                     struct woken *woken)
{
	struct poller *po = s->poller;
	uint64_t count;

	int64_t due = poll_doubts_due(po), now = due == NO_TIMER && until_ns < 0 ? 0 : gor__clock();
	if (due <= now)
		poll_settle(po, now, woken);
	else if (due != NO_TIMER && (until_ns < 0 || due < until_ns))
		until_ns = due;
	int64_t left = until_ns < 0 ? -1 : until_ns > now ? until_ns - now : 0;
	// seq_cst: who sets the word looks at s->poll_m afterwards, which was set before this
	if (woken->count || atomic_load(word))
		left = 0;
	if (poll_collect(po, left, woken)) {
		ssize_t n = read(po->interrupt, &count, sizeof count);
		(void)n; // E4: nobody else empties it
	}
}

/** Get s->poll_m out of its sleep, or of its next one. */
void gor__poll_interrupt(struct sched *s)
{
	ssize_t n = write(s->poller->interrupt, &(uint64_t){1}, sizeof(uint64_t));

	(void)n; // it cannot be full: only 2^64 writes would do that
}

/** How long nobody has looked, for the monitor; 0: nobody waits, or somebody sleeps there. */
int64_t gor__poll_unseen_ns(struct sched *s, int64_t now)
{
	struct poller *po = s->poller;
	uint32_t looks = atomic_load_explicit(&po->looks, memory_order_relaxed);

	if (gor__poll_waits(s) && !atomic_load(&s->poll_m) && looks == po->seen_looks)
		return now - po->seen_ns;
	po->seen_looks = looks;
	po->seen_ns = now;
	return 0;
}

/** By the monitor, whose m is without a p: do what nobody has done for too long. */
bool gor__poll_late(struct m *m, int64_t now)
{
	struct poller *po = m->sched->poller;
	struct woken woken = {0};

	if (!gor__poll_waits(m->sched) || atomic_load_explicit(&po->epoll, memory_order_acquire) < 0)
		return false;
	if (poll_doubts_due(po) <= now)
		poll_settle(po, now, &woken);
	if (gor__poll_unseen_ns(m->sched, now) >= LATE_NS)
		poll_collect(po, 0, &woken);
	gor__poll_ready(m, &woken);
	return woken.count > 0;
}

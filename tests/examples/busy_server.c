/* SPDX-License-Identifier: MIT */
/*
 * busy_server.c: a server under load, with three bugs that it survives, or without.
 *
 *     busy_server bugs|fixed return|wait [SECONDS [REQUESTS A SECOND]]
 *
 * Clients in the same process ask for the square of a number over TCP.  A connection spawns a
 * goroutine a request and waits for its answer or a time-out; answers come from a cache under a
 * reader-writer lock, from a pool of workers, or, for the number 0, from a slow backend that is
 * always late.  A goroutine writes the log, another empties the cache.  At the end a context is
 * cancelled, which is a close that all of them see.
 *
 * The bugs: who answers after the time-out waits for good (compute()); two goroutines lock two
 * mutexes in opposite orders (audit(), rotate()); a hash table without room is searched for ever
 * (find_slot()).
 *
 * It says "ready" after SECONDS, and when the bugs have shown; then it returns from main, or waits
 * for a signal.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <gor.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
	CLIENTS = 20,
	WORKERS = 4,
	NUMBERS = 500,
	SLOTS = 32,
	FRAME = 16, // bytes of a request and of a reply: digits and a newline
};

#define LIMIT (20 * GOR_MILLISECOND)     // for an answer
#define SLOW (30 * GOR_MILLISECOND)      // the backend
#define SPUN ((int64_t)1600000000)       // how long the spinner has computed when that has shown
#define PATIENCE ((int64_t)120000000000) // until the bugs have shown, and for the last computation

typedef gor_chan(int) ints;
typedef gor_chan(long) longs;

/* One request; who computes the answer and who waits for it have it, and the last one frees it. */
struct call {
	int number;
	longs answer;
	atomic_int *users;
};

struct job {
	int number;
	longs square;
};

static struct {
	bool bugs;
	int fd;
	char address[32];
	int64_t period; // of a client
	gor_ctx *stop;
	gor_chan(struct job) jobs;
	gor_chan(long) log;
	gor_waitgroup clients, connections, keepers; // keepers: whoever else main waits for
	atomic_int computing;
	atomic_long answered, late, wrong;
	long logged;
} server;

static struct {
	gor_rwmutex lock;
	long square[NUMBERS];
	bool known[NUMBERS];
} cache;

static struct {
	gor_mutex journal, totals;
	atomic_bool wants[2]; // the second lock of each
} books;

static struct {
	atomic_int id[SLOTS];
	clockid_t clock; // of the thread
	int64_t began;   // by that clock
	atomic_bool spins;
} sessions;

static int64_t clock_ns(clockid_t clock)
{
	struct timespec ts;

	return clock_gettime(clock, &ts) == 0 ? (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec : 0;
}

static bool stopped(void)
{
	return gor_ctx_err(server.stop) != 0;
}

/* ── answers ────────────────────────────────────────────────────────────────────────────────────
 */

static void call_drop(struct call *c)
{
	if (atomic_fetch_sub(c->users, 1) > 1)
		return;
	gor_free(c->answer);
	free(c->users);
}

static bool cache_find(int number, long *square)
{
	gor_rwmutex_rlock(&cache.lock);
	bool known = cache.known[number];
	*square = cache.square[number];
	gor_rwmutex_runlock(&cache.lock);
	return known;
}

static void work(void *arg)
{
	struct job job;

	(void)arg;
	while (gor_recv(server.jobs, &job)) {
		long square = (long)job.number * job.number;
		gor_rwmutex_lock(&cache.lock);
		cache.square[job.number] = square;
		cache.known[job.number] = true;
		gor_rwmutex_unlock(&cache.lock);
		gor_send(job.square, square);
	}
}

static long ask_worker(int number)
{
	struct job job = {.number = number};
	long square = -1;

	gor_make(job.square, 1);
	gor_send(server.jobs, job);
	gor_recv(job.square, &square);
	gor_free(job.square);
	return square;
}

static void compute(struct call *c)
{
	long square = 0;

	if (c->number == 0)
		gor_sleep(SLOW);
	else if (!cache_find(c->number, &square))
		square = ask_worker(c->number);
	atomic_fetch_sub(&server.computing, 1);
	gor_send(c->answer, square); // without room in the channel: for good, if it is late
	call_drop(c);
}

/* Returns: the answer, or -1: it is late. */
static long answer(int number)
{
	enum { ANSWER, LATE };
	struct call c = {number, NULL, malloc(sizeof *c.users)};
	gor_timer limit;
	long square = -1;

	if (!c.users)
		abort();
	atomic_init(c.users, 2);
	gor_make(c.answer, server.bugs ? 0 : 1);
	atomic_fetch_add(&server.computing, 1);
	gor_go_copy(compute, c);
	gor_timer_start(&limit, LIMIT);
	gor_select([ANSWER] = gor_on_recv(c.answer, &square), [LATE] = gor_on_recv(limit.c, NULL));
	gor_timer_stop(&limit);
	call_drop(&c);
	return square;
}

/* ── connections ────────────────────────────────────────────────────────────────────────────────
 */

static bool read_frame(int fd, char *frame)
{
	for (ssize_t got = 0, n; got < FRAME; got += n) {
		n = gor_read(fd, frame + got, (size_t)(FRAME - got));
		if (n <= 0)
			return false;
	}
	return frame[FRAME - 1] == '\n';
}

static bool write_frame(int fd, long value)
{
	char frame[FRAME + 1];

	snprintf(frame, sizeof frame, "%15ld\n", value);
	return gor_write(fd, frame, FRAME) == FRAME;
}

static void serve(void *arg)
{
	int fd = (int)(intptr_t)arg;
	char frame[FRAME];

	while (read_frame(fd, frame)) {
		long square = answer(abs(atoi(frame)) % NUMBERS);
		gor_send(server.log, square);
		if (!write_frame(fd, square))
			break;
	}
	gor_close_fd(fd);
}

static void accept_all(void *arg)
{
	int fd;

	(void)arg;
	while ((fd = gor_accept(server.fd)) >= 0)
		gor_wg_go(&server.connections, serve, (void *)(intptr_t)fd);
}

/* Every hundredth request of a client is for the slow backend. */
static void ask_all(void *arg)
{
	int which = (int)(intptr_t)arg, fd = gor_dial(server.address);
	int64_t next = gor_now() + server.period * which / CLIENTS;
	char frame[FRAME];

	for (int n = which * 5; fd >= 0 && !stopped(); n++) {
		int number = n % 100 ? n * 7919 % NUMBERS : 0;
		gor_select(gor_on_recv(gor_ctx_done(server.stop), NULL), gor_on_timeout(next - gor_now()));
		next += server.period;
		if (!write_frame(fd, number) || !read_frame(fd, frame))
			break;
		long got = atol(frame);
		atomic_fetch_add(got < 0 ? &server.late : &server.answered, 1);
		atomic_fetch_add(&server.wrong, got >= 0 && got != (long)number * number);
	}
	if (fd >= 0)
		gor_close_fd(fd);
}

/* ── beside the requests ────────────────────────────────────────────────────────────────────────
 */

static void write_log(void *arg)
{
	long square;

	(void)arg;
	while (gor_recv(server.log, &square))
		server.logged++;
}

static void empty_cache(void *arg)
{
	enum { STOP, TICK };
	gor_ticker ticker;

	(void)arg;
	gor_ticker_start(&ticker, 100 * GOR_MILLISECOND);
	while (gor_select([STOP] = gor_on_recv(gor_ctx_done(server.stop), NULL), [TICK] = gor_on_recv(
																				 ticker.c, NULL)) ==
	       TICK) {
		gor_rwmutex_lock(&cache.lock);
		memset(cache.known, 0, sizeof cache.known);
		gor_rwmutex_unlock(&cache.lock);
	}
	gor_ticker_stop(&ticker);
}

static void audit(void *arg)
{
	(void)arg;
	while (!stopped()) {
		gor_mutex_lock(&books.journal);
		gor_sleep(2 * GOR_MILLISECOND); // reads it
		atomic_store(&books.wants[0], true);
		gor_mutex_lock(&books.totals);
		atomic_store(&books.wants[0], false);
		gor_mutex_unlock(&books.totals);
		gor_mutex_unlock(&books.journal);
		gor_sleep(10 * GOR_MILLISECOND);
	}
}

static void rotate(void *arg)
{
	gor_mutex *first = server.bugs ? &books.totals : &books.journal;
	gor_mutex *second = server.bugs ? &books.journal : &books.totals;

	(void)arg;
	while (!stopped()) {
		gor_mutex_lock(first);
		gor_sleep(2 * GOR_MILLISECOND); // adds up
		atomic_store(&books.wants[1], true);
		gor_mutex_lock(second);
		atomic_store(&books.wants[1], false);
		gor_mutex_unlock(second);
		gor_mutex_unlock(first);
		gor_sleep(9 * GOR_MILLISECOND);
	}
}

/* For main, which wants to know how long the search has computed. */
static void tell_search(void)
{
	pthread_getcpuclockid(pthread_self(), &sessions.clock);
	sessions.began = clock_ns(sessions.clock);
	atomic_store(&sessions.spins, true);
}

/* A slot that is free; with the bug it is looked for even if there is none. */
static int find_slot(int id)
{
	for (unsigned i = 0; server.bugs || i < SLOTS; i++) {
		unsigned slot = ((unsigned)id + i) % SLOTS;
		if (i == SLOTS && !atomic_load_explicit(&sessions.spins, memory_order_relaxed))
			tell_search();
		if (atomic_load_explicit(&sessions.id[slot], memory_order_relaxed) == 0)
			return (int)slot;
	}
	return id % SLOTS; // the oldest has to go
}

static void keep_sessions(void *arg)
{
	(void)arg;
	for (int id = 1; !stopped(); id++) {
		atomic_store(&sessions.id[find_slot(id)], id);
		gor_sleep(10 * GOR_MILLISECOND);
	}
}

/* ── main ───────────────────────────────────────────────────────────────────────────────────────
 */

static bool all_shown(void)
{
	if (!server.bugs)
		return true;
	return atomic_load(&server.late) > 0 && atomic_load(&books.wants[0]) &&
	       atomic_load(&books.wants[1]) && atomic_load(&sessions.spins) &&
	       clock_ns(sessions.clock) - sessions.began >= SPUN;
}

static int start(long rate)
{
	server.fd = gor_listen("127.0.0.1:0");
	if (server.fd < 0)
		return server.fd;
	snprintf(server.address, sizeof server.address, "127.0.0.1:%d", gor_port(server.fd));
	server.period = GOR_SECOND * CLIENTS / rate;
	server.stop = gor_ctx_with_cancel(gor_ctx_background());
	gor_make(server.jobs, 0);
	gor_make(server.log, 64);
	gor_wg_go(&server.keepers, accept_all, NULL);
	for (int i = 0; i < WORKERS; i++)
		gor_wg_go(&server.keepers, work, NULL);
	gor_wg_go(&server.keepers, write_log, NULL);
	gor_wg_go(&server.keepers, empty_cache, NULL);
	if (server.bugs) { // nobody waits for them
		gor_go(audit, NULL);
		gor_go(rotate, NULL);
		gor_go(keep_sessions, NULL);
	} else {
		gor_wg_go(&server.keepers, audit, NULL);
		gor_wg_go(&server.keepers, rotate, NULL);
		gor_wg_go(&server.keepers, keep_sessions, NULL);
	}
	for (int i = 0; i < CLIENTS; i++)
		gor_wg_go(&server.clients, ask_all, (void *)(intptr_t)i);
	return 0;
}

static void stop(void)
{
	gor_ctx_cancel(server.stop);
	gor_wg_wait(&server.clients);
	gor_wg_wait(&server.connections);
	gor_close_fd(server.fd);
	int64_t until = gor_deadline(PATIENCE);
	while (atomic_load(&server.computing) > 0 && gor_now() < until)
		gor_sleep(GOR_MILLISECOND);
	gor_close(server.jobs);
	gor_close(server.log);
	gor_wg_wait(&server.keepers);
	gor_ctx_free(server.stop);
	gor_free(server.jobs);
	gor_free(server.log);
}

static int app(int argc, char **argv)
{
	double seconds = argc > 3 ? atof(argv[3]) : 1;
	long rate = argc > 4 ? atol(argv[4]) : 1000;
	int64_t began = gor_now();

	if (argc < 3 || rate < 1)
		return 2;
	server.bugs = strcmp(argv[1], "bugs") == 0;
	if (start(rate) < 0)
		return 3;
	gor_sleep((int64_t)(seconds * (double)GOR_SECOND));
	while (!all_shown() && gor_now() - began < PATIENCE)
		gor_sleep(20 * GOR_MILLISECOND);
	printf("%ld answers, %ld late, %ld wrong, %.0f a second\n", atomic_load(&server.answered),
	       atomic_load(&server.late), atomic_load(&server.wrong),
	       (double)atomic_load(&server.answered) * 1e9 / (double)(gor_now() - began));
	puts(all_shown() ? "ready" : "the bugs have not shown");
	fflush(stdout);
	while (strcmp(argv[2], "wait") == 0)
		gor_sleep(GOR_SECOND);
	stop();
	return 0;
}

int main(int argc, char **argv)
{
	return gor_run(app, argc, argv);
}

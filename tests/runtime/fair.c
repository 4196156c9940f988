/* SPDX-License-Identifier: MIT */
/**
 * fair.c: whoever can run gets to run, however many others can.
 *
 * Nothing here is a time.  The linker shows us each goroutine that is put into a queue (--wrap).
 *
 *   A1  between there and its start, a number of other goroutines at most start on this processor
 *   A2  while the list of all is long, a processor takes one from it for every few that start
 *
 * Both count on one processor only, so it does not matter what the kernel lets the threads do.
 * Hence A1 is for goroutines that start where they were put, and for the list of all only if there
 * is one processor: else a thread may stand still just before it puts one there, and others go on.
 */
#include "check.h"
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include "scheduler.h"
#include "wait.h"

#if defined(__SANITIZE_THREAD__)
#define CROWD 1300 // a millisecond each
#define EIGHT 3
#else
#define CROWD (SLOW > 1 ? 2500 : 10000)
#define EIGHT 8
#endif

enum {
	RING = RING_SIZE,
	MANY = CROWD, // more than the rings hold
	PROCS_MAX = 8,
	WAIT_MAX = 2 * MANY + 2 * RING, // A1
	WINDOW = 2 * RING,              // A2: of so many starts
	TAKEN_MIN = WINDOW / 4,         // at least so many
};

static struct {
	_Atomic unsigned on[PROCS_MAX];    // starts of goroutines that yield, by processor
	_Atomic unsigned taken[PROCS_MAX]; // from the list of all
	_Atomic unsigned window[PROCS_MAX], taken_before[PROCS_MAX]; // where the window began
	_Atomic bool was_long[PROCS_MAX];                            // and whether the list was long
	_Atomic bool steady; // all are there, and do nothing but yield
	_Atomic bool stop;
} starts;

static unsigned starts_on(unsigned p)
{
	return atomic_load_explicit(&starts.on[p], memory_order_relaxed);
}

static unsigned all_starts(void)
{
	unsigned n = 0;

	for (unsigned p = 0; p < PROCS_MAX; p++)
		n += starts_on(p);
	return n;
}

/* On which processor the running goroutine is. */
static unsigned own_processor(void)
{
	struct m *m = gor__enter();
	unsigned number = m->p->number;

	gor__leave();
	return number;
}

/* ── who waits since when ─────────────────────────────────────────────────────────────────────────
 */

/* A goroutine that is watched has this at the beginning of its argument. */
struct subject {
	bool waits, counts; // in a queue; since a moment that counts
	unsigned p, since;  // in which, and starts there before
	gor_waitgroup *wg;
};

static void yield_and_check(struct subject *s);
static void sleep_and_check(struct subject *s);
static void receive_and_check(struct subject *s);

static struct subject *subject_of(const struct g *g)
{
	static void (*const watched[])(struct subject *) = {yield_and_check, sleep_and_check,
	                                                    receive_and_check};

	for (int i = 0; i < 3; i++)
		if ((void (*)(void))g->fn == (void (*)(void))watched[i])
			return g->arg;
	return NULL;
}

/* It can run from now on; if it is only put from one queue into another, from before. */
static void begins_to_wait(const struct g *g, const struct p *p)
{
	struct subject *s = subject_of(g);

	if (!s || s->waits)
		return;
	s->waits = true;
	s->counts = p && atomic_load_explicit(&starts.steady, memory_order_relaxed);
	s->p = p ? p->number : 0;
	s->since = starts_on(s->p);
}

void __real_gor__runq_put(struct p *p, struct g *g);
void __wrap_gor__runq_put(struct p *p, struct g *g);
void __real_gor__ready(struct m *m, struct g *g);
void __wrap_gor__ready(struct m *m, struct g *g);
void __real_gor__global_put(struct sched *s, struct g *const *gs, uint32_t n);
void __wrap_gor__global_put(struct sched *s, struct g *const *gs, uint32_t n);
struct g *__real_gor__global_get(struct p *p, unsigned most);
struct g *__wrap_gor__global_get(struct p *p, unsigned most);

void __wrap_gor__runq_put(struct p *p, struct g *g)
{
	begins_to_wait(g, p);
	__real_gor__runq_put(p, g);
}

void __wrap_gor__ready(struct m *m, struct g *g)
{
	begins_to_wait(g, m->p);
	__real_gor__ready(m, g);
}

void __wrap_gor__global_put(struct sched *s, struct g *const *gs, uint32_t n)
{
	const struct p *p = s->procs == 1 ? &s->ps[0] : NULL;

	for (uint32_t i = 0; i < n; i++)
		begins_to_wait(gs[i], p);
	__real_gor__global_put(s, gs, n);
}

struct g *__wrap_gor__global_get(struct p *p, unsigned most)
{
	unsigned before = atomic_load(&p->tail);
	struct g *g = __real_gor__global_get(p, most);

	if (g)
		atomic_fetch_add(&starts.taken[p->number], 1 + atomic_load(&p->tail) - before);
	return g;
}

/* The running goroutine is no longer waiting: A1. */
static void check_wait(struct subject *s)
{
	unsigned p = own_processor(), passed = starts_on(s->p) - s->since;

	if (s->waits && s->counts && s->p == p) {
		if (passed > WAIT_MAX)
			fprintf(stderr, "%u starts of others on processor %u\n", passed, p);
		REQUIRE(passed <= WAIT_MAX);
	}
	s->waits = false;
}

/* A2: at the end of a window, if the list was long at its beginning and is so now. */
static void check_takes(void)
{
	struct m *m = gor__enter();
	unsigned p = m->p->number, now = starts_on(p), taken = atomic_load(&starts.taken[p]);
	bool is_long = atomic_load(&starts.steady) && atomic_load(&m->sched->global_count) > RING;

	gor__leave();
	if (now - atomic_load(&starts.window[p]) < WINDOW)
		return;
	unsigned before = atomic_exchange(&starts.taken_before[p], taken);
	atomic_store(&starts.window[p], now);
	if (!atomic_exchange(&starts.was_long[p], is_long) || !is_long)
		return;
	if (taken - before < TAKEN_MIN)
		fprintf(stderr, "%u of %u taken on processor %u\n", taken - before, (unsigned)WINDOW, p);
	REQUIRE(taken - before >= TAKEN_MIN);
}

static void note_start(void)
{
	atomic_fetch_add_explicit(&starts.on[own_processor()], 1, memory_order_relaxed);
}

static void stop_and_wait(gor_waitgroup *wg)
{
	atomic_store(&starts.stop, true);
	gor_wg_wait(wg);
	memset(&starts, 0, sizeof starts);
}

static bool going_on(void)
{
	return !atomic_load_explicit(&starts.stop, memory_order_relaxed);
}

/* ── many that yield ──────────────────────────────────────────────────────────────────────────────
 */

static void yield_and_check(struct subject *s)
{
	while (going_on()) {
		check_wait(s);
		check_takes();
		note_start();
		gor_yield();
	}
	gor_wg_done(s->wg);
}

/* Those yield until the end; their waiting counts once they are all there. */
static void start_yielders(gor_waitgroup *wg, int n)
{
	gor_wg_add(wg, n);
	for (int i = 0; i < n; i++)
		REQUIRE(gor_go_copy(yield_and_check, (struct subject){.wg = wg}) > 0);
	gor_yield();
	atomic_store(&starts.steady, true);
}

/* As many as make a list of all that is long, short, and empty. */
static void nobody_is_left_behind(void)
{
	static const int counts[] = {MANY, 100, RING + 200, RING + 40};

	for (size_t i = 0; i < (SLOW > 1 ? 2 : 4); i++) {
		gor_waitgroup wg = {0};

		start_yielders(&wg, counts[i]);
		while (all_starts() < (SLOW > 1 ? 8 : 20) * MANY)
			gor_yield();
		stop_and_wait(&wg);
	}
}

TEST_PROCS(yielding_on_one, 1)
{
	nobody_is_left_behind();
}

TEST_PROCS(yielding_on_two, 2)
{
	nobody_is_left_behind();
}

TEST_PROCS(yielding_on_eight, EIGHT)
{
	nobody_is_left_behind();
}

/* ── one that wakes among them ────────────────────────────────────────────────────────────────────
 */

enum { WAKES = SLOW > 1 ? 4 : 20, SUBJECTS = 20 };

static void sleep_and_check(struct subject *s)
{
	check_wait(s); // for its first turn
	for (int i = 0; i < WAKES; i++) {
		gor_sleep(GOR_MILLISECOND);
		check_wait(s);
	}
	gor_wg_done(s->wg);
}

/* A sleep ends although the queues are full, and stay so; or just never empty. */
static void timer_among(int n)
{
	gor_waitgroup yielders = {0}, sleepers = {0};

	start_yielders(&yielders, n);
	gor_wg_add(&sleepers, SUBJECTS);
	for (int i = 0; i < SUBJECTS; i++)
		REQUIRE(gor_go_copy(sleep_and_check, (struct subject){.wg = &sleepers}) > 0);
	gor_wg_wait(&sleepers);
	stop_and_wait(&yielders);
}

static void timer_among_yielders(void)
{
	timer_among(MANY);
	timer_among(50);
}

TEST_PROCS(timer_on_one, 1)
{
	timer_among_yielders();
}

TEST_PROCS(timer_on_two, 2)
{
	timer_among_yielders();
}

TEST_PROCS(timer_on_eight, EIGHT)
{
	timer_among_yielders();
}

static struct {
	ints ch; // of all
} values;

static void receive_and_check(struct subject *s)
{
	do {
		check_wait(s);
	} while (gor_recv(values.ch, NULL) == 1);
	gor_wg_done(s->wg);
}

/* So does waiting for a value. */
static void woken_among_yielders(void)
{
	gor_waitgroup yielders = {0}, receivers = {0};

	gor_make(values.ch, 0);
	start_yielders(&yielders, MANY);
	gor_wg_add(&receivers, SUBJECTS);
	for (int i = 0; i < SUBJECTS; i++)
		REQUIRE(gor_go_copy(receive_and_check, (struct subject){.wg = &receivers}) > 0);
	for (int i = 0; i < WAKES * SUBJECTS; i++)
		gor_send(values.ch, i);
	gor_close(values.ch);
	gor_wg_wait(&receivers);
	stop_and_wait(&yielders);
	gor_free(values.ch);
}

TEST_PROCS(woken_on_one, 1)
{
	woken_among_yielders();
}

TEST_PROCS(woken_on_two, 2)
{
	woken_among_yielders();
}

TEST_PROCS(woken_on_eight, EIGHT)
{
	woken_among_yielders();
}

/* ── two that wake each other ─────────────────────────────────────────────────────────────────────
 */

struct pair {
	ints to, from;
};

static void play_back(void *arg)
{
	struct pair *pair = arg;
	int v;

	while (gor_recv(pair->to, &v) == 1)
		gor_send(pair->from, v);
	gor_close(pair->from);
}

/* Each stroke is a start of somebody whom others wait behind. */
static void play(struct pair *pair)
{
	while (going_on()) {
		note_start();
		gor_send(pair->to, 1);
		note_start();
		gor_recv(pair->from, NULL);
	}
	gor_close(pair->to);
	gor_recv(pair->from, NULL);
}

static void play_until_stop(void *arg)
{
	play(arg);
}

/** Two that hand on to each other past the queue do not keep those in the queue from running. */
TEST_PROCS(beside_ping_pong, 1)
{
	gor_waitgroup wg = {0};
	struct pair pair;

	gor_make(pair.to, 0);
	gor_make(pair.from, 0);
	gor_go(play_back, &pair);
	gor_wg_go(&wg, play_until_stop, &pair);
	start_yielders(&wg, 50); // each 50 times 65 behind the others: within the bound
	while (all_starts() < (SLOW > 1 ? 8 : 20) * MANY)
		gor_yield();
	stop_and_wait(&wg);
	gor_free(pair.to);
	gor_free(pair.from);
}

struct crowd {
	ints gate;
	_Atomic int through;
	gor_waitgroup wg;
};

static void go_through(void *arg)
{
	struct crowd *c = arg;

	gor_recv(c->gate, NULL);
	atomic_fetch_add(&c->through, 1);
}

/** Nor from those in the list of all, where a close puts what it wakes beyond half a ring. */
TEST_PROCS(global_list_beside_ping_pong, 1)
{
	struct crowd c = {0};
	struct pair pair;

	gor_make(c.gate, 0);
	gor_make(pair.to, 0);
	gor_make(pair.from, 0);
	for (int i = 0; i < RING; i++)
		gor_wg_go(&c.wg, go_through, &c);
	gor_yield(); // they wait at the gate
	gor_go(play_back, &pair);
	gor_wg_go(&c.wg, play_until_stop, &pair);
	gor_close(c.gate);
	unsigned before = all_starts();
	while (atomic_load(&c.through) < RING)
		gor_yield();
	// each of them after at most 64 strokes, and half of them after 61 switches each
	REQUIRE(all_starts() - before <= 3 * 64 * RING);
	stop_and_wait(&c.wg);
	gor_free(c.gate);
}

/* ── one that never waits ─────────────────────────────────────────────────────────────────────────
 */

enum { MARK_SLICE = 2 }; // as in handoff.c: the monitor finds that a goroutine has had its time

/* The running goroutine has had its time, and calls the runtime. */
static void end_slice(void)
{
	static gor_mutex mu;
	struct m *m = gor__enter();

	atomic_store(&m->mark, MARK_SLICE);
	gor__leave();
	gor_mutex_lock(&mu);
	gor_mutex_unlock(&mu);
}

static struct g *parked;
static _Atomic bool ran;

static void park_and_run(void *arg)
{
	struct m *m = gor__enter();

	(void)arg;
	parked = m->cur;
	gor__wait_begin(m->cur, GTRACE_reason_SELECT_NONE, 0, GOR_SITE_(GOR_OP_SELECT, ""), 0);
	gor__park(m, NULL);
	gor__leave();
	atomic_store(&ran, true);
}

/** Its time over, it makes way for who is in the list of all, though nobody is in the ring. */
TEST_PROCS(slice_ends_for_the_list_of_all, 1)
{
	gor_go(park_and_run, NULL);
	gor_yield();
	struct m *m = gor__enter();
	g_set_state(parked, G_RUNNABLE);
	__real_gor__global_put(m->sched, &parked, 1);
	gor__leave();
	end_slice();
	REQUIRE(atomic_load(&ran));
}

static void sleep_and_run(void *arg)
{
	gor_sleep(*(int64_t *)arg);
	atomic_store(&ran, true);
}

/** And for whose sleep is over. */
TEST_PROCS(slice_ends_for_a_timer, 1)
{
	int64_t nap = GOR_MILLISECOND;

	gor_go(sleep_and_run, &nap);
	gor_yield();
	for (int64_t until = gor_deadline(2 * nap); gor_now() < until;)
		;
	end_slice();
	REQUIRE(atomic_load(&ran));
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(yielding_on_one),
		cmocka_unit_test(yielding_on_two),
		cmocka_unit_test(yielding_on_eight),
		cmocka_unit_test(timer_on_one),
		cmocka_unit_test(timer_on_two),
		cmocka_unit_test(timer_on_eight),
		cmocka_unit_test(woken_on_one),
		cmocka_unit_test(woken_on_two),
		cmocka_unit_test(woken_on_eight),
		cmocka_unit_test(beside_ping_pong),
		cmocka_unit_test(global_list_beside_ping_pong),
		cmocka_unit_test(slice_ends_for_the_list_of_all),
		cmocka_unit_test(slice_ends_for_a_timer),
	};

	setenv("GOR_DEBUG", "handoff=1h", 1); // no processor is taken from a thread for being slow
	return CHECK_MAIN(tests, argc, argv);
}

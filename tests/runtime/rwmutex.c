/* SPDX-License-Identifier: MIT */
/* rwmutex.c: one writer or many readers, and who gets in when. */
#include "check.h"
#include <errno.h>
#include <stdatomic.h>
#include <string.h>

/* ── children: errors of the caller, and deadlocks ────────────────────────────────────────────────
 */

static int runlock_unlocked(int argc, char **argv)
{
	gor_rwmutex rw = {0};

	(void)argc;
	(void)argv;
	gor_rwmutex_rlock(&rw);
	gor_rwmutex_runlock(&rw);
	gor_rwmutex_runlock(&rw);
	return 0;
}

static int runlock_of_writer(int argc, char **argv)
{
	gor_rwmutex rw = {0};

	(void)argc;
	(void)argv;
	gor_rwmutex_lock(&rw);
	gor_rwmutex_runlock(&rw);
	return 0;
}

static int unlock_unlocked(int argc, char **argv)
{
	gor_rwmutex rw = {0};

	(void)argc;
	(void)argv;
	gor_rwmutex_lock(&rw);
	gor_rwmutex_unlock(&rw);
	gor_rwmutex_unlock(&rw);
	return 0;
}

static int unlock_of_reader(int argc, char **argv)
{
	gor_rwmutex rw = {0};

	(void)argc;
	(void)argv;
	gor_rwmutex_rlock(&rw);
	gor_rwmutex_unlock(&rw);
	return 0;
}

static void unlock_it(void *arg)
{
	gor_rwmutex_unlock((gor_rwmutex *)arg);
}

static int foreign_unlock(int argc, char **argv)
{
	gor_rwmutex rw = {0};

	(void)argc;
	(void)argv;
	gor_rwmutex_lock(&rw);
	gor_go(unlock_it, &rw);
	gor_recv((ints)NULL, NULL);
	return 0;
}

static int lock_twice(int argc, char **argv)
{
	gor_rwmutex rw = {0};

	(void)argc;
	(void)argv;
	gor_rwmutex_lock(&rw);
	gor_rwmutex_lock(&rw);
	return 0;
}

static void lock_it(void *arg)
{
	gor_rwmutex_lock((gor_rwmutex *)arg);
}

/* Returns when a writer waits for rw, which the caller has as a reader. */
static void until_writer_waits(gor_rwmutex *rw)
{
	while (gor_rwmutex_tryrlock(rw) == 0) {
		gor_rwmutex_runlock(rw);
		gor_yield();
	}
}

/* The second read lock waits for the writer, and that one for the first. */
static int rlock_around_writer(int argc, char **argv)
{
	gor_rwmutex rw = {0};

	(void)argc;
	(void)argv;
	gor_rwmutex_rlock(&rw);
	gor_go(lock_it, &rw);
	until_writer_waits(&rw);
	gor_rwmutex_rlock(&rw);
	return 0;
}

static const struct check_child children[] = {
	{"runlock_unlocked", runlock_unlocked},       {"runlock_of_writer", runlock_of_writer},
	{"unlock_unlocked", unlock_unlocked},         {"unlock_of_reader", unlock_of_reader},
	{"foreign_unlock", foreign_unlock},           {"lock_twice", lock_twice},
	{"rlock_around_writer", rlock_around_writer}, {NULL, NULL},
};

/* The child ends with status 2, and its first line is this one. */
static const char *expect(const char *child, const char *first)
{
	static struct check_result r;
	size_t n = strlen(first);

	check_spawn(child, &r);
	if (r.status != 2 || strncmp(r.err, first, n) != 0 || r.err[n] != '\n')
		print_message("%s ended with %d and wrote\n%s\n", child, r.status, r.err);
	assert_int_equal(r.status, 2);
	assert_int_equal(strncmp(r.err, first, n), 0);
	assert_int_equal(r.err[n], '\n');
	return r.err;
}

/** Unlocks of what is not locked that way. */
static void unlocking(void **state)
{
	(void)state;
	expect("runlock_unlocked", "fatal error: sync: RUnlock of unlocked RWMutex");
	expect("runlock_of_writer", "fatal error: sync: RUnlock of unlocked RWMutex");
	expect("unlock_unlocked", "fatal error: sync: Unlock of unlocked RWMutex");
	expect("unlock_of_reader", "fatal error: sync: Unlock of unlocked RWMutex");
}

/** Whoever unlocks another's write lock is told whose it is. */
static void unlock_by_another(void **state)
{
	(void)state;
	expect("foreign_unlock", "fatal error: sync: Unlock of RWMutex held by goroutine 1");
}

/** Goroutines that wait for themselves: a deadlock, with Go's words for what they wait for. */
static void deadlocks(void **state)
{
	static const char first[] = "fatal error: all goroutines are asleep - deadlock!";
	const char *text;

	(void)state;
	text = expect("lock_twice", first);
	assert_true(check_has_line(text, "goroutine 1 [sync.RWMutex.Lock]:"));
	text = expect("rlock_around_writer", first);
	assert_true(check_has_line(text, "goroutine 1 [sync.RWMutex.RLock]:"));
	assert_true(check_has_line(text, "goroutine 2 [sync.RWMutex.Lock]:"));
}

/* ── exclusion ────────────────────────────────────────────────────────────────────────────────────
 */

enum { WORKERS = 12, TURNS = 2000 / SLOW };

struct shared {
	gor_rwmutex rw;
	long a, b; // rw; equal whenever it is free
	_Atomic int writers, readers;
	_Atomic uint64_t seed;
	gor_waitgroup wg;
};

static void write_once(struct shared *s, bool yield)
{
	REQUIRE_EQ(atomic_fetch_add(&s->writers, 1), 0);
	REQUIRE_EQ(atomic_load(&s->readers), 0);
	s->a++;
	if (yield)
		gor_yield();
	s->b++;
	REQUIRE_EQ(atomic_load(&s->readers), 0);
	REQUIRE_EQ(atomic_fetch_sub(&s->writers, 1), 1);
	gor_rwmutex_unlock(&s->rw);
}

static void read_once(struct shared *s, bool yield)
{
	atomic_fetch_add(&s->readers, 1);
	REQUIRE_EQ(atomic_load(&s->writers), 0);
	long a = s->a;
	if (yield)
		gor_yield();
	REQUIRE_EQ(s->b, a);
	REQUIRE_EQ(atomic_load(&s->writers), 0);
	atomic_fetch_sub(&s->readers, 1);
	gor_rwmutex_runlock(&s->rw);
}

static void read_and_write(void *arg)
{
	struct shared *s = arg;
	uint64_t random = atomic_fetch_add(&s->seed, 1) * UINT64_C(0x9e3779b97f4a7c15);

	for (int writes = 0; writes < TURNS;) {
		uint64_t draw = check_random(&random);
		bool yield = draw / 8 % 16 == 0;

		if (draw % 8 == 0) {
			gor_rwmutex_lock(&s->rw);
			write_once(s, yield);
			writes++;
		} else if (draw % 8 == 1 && gor_rwmutex_trylock(&s->rw) == 0) {
			write_once(s, yield);
			writes++;
		} else if (draw % 8 == 2 && gor_rwmutex_tryrlock(&s->rw) == 0) {
			read_once(s, yield);
		} else {
			gor_rwmutex_rlock(&s->rw);
			read_once(s, yield);
		}
	}
	gor_wg_done(&s->wg);
}

static void exclusion(void)
{
	struct shared s = {.seed = 1};

	gor_wg_add(&s.wg, WORKERS);
	for (int i = 0; i < WORKERS; i++)
		gor_go(read_and_write, &s);
	gor_wg_wait(&s.wg);
	REQUIRE_EQ(s.a, (long)WORKERS * TURNS);
	REQUIRE_EQ(s.b, s.a);
	REQUIRE_EQ(gor_rwmutex_trylock(&s.rw), 0); // free in the end
}

/** A writer is alone; readers see no half of what it writes. */
TEST(excludes)
{
	exclusion();
}

TEST_PROCS(excludes_on_eight, 8)
{
	exclusion();
}

struct meeting {
	gor_rwmutex rw;
	gor_waitgroup here, wg;
};

static void meet(void *arg)
{
	struct meeting *m = arg;

	gor_rwmutex_rlock(&m->rw);
	gor_wg_done(&m->here);
	gor_wg_wait(&m->here); // all of us are inside
	gor_rwmutex_runlock(&m->rw);
	gor_wg_done(&m->wg);
}

/** Readers are in it together: each waits inside for all the others. */
TEST(readers_together)
{
	struct meeting m = {0};

	for (int round = 0; round < 20; round++) {
		gor_wg_add(&m.here, 100);
		gor_wg_add(&m.wg, 100);
		for (int i = 0; i < 100; i++)
			gor_go(meet, &m);
		gor_wg_wait(&m.wg);
		REQUIRE_EQ(gor_rwmutex_trylock(&m.rw), 0);
		gor_rwmutex_unlock(&m.rw);
	}
}

/* ── order ────────────────────────────────────────────────────────────────────────────────────────
 */

enum { READERS = 4, WRITERS = 3, ALL = READERS + WRITERS };

struct line {
	gor_rwmutex rw;
	int order[2 * ALL]; // who got in, writers from 100
	_Atomic int in;
	_Atomic int arrived;
	gor_waitgroup wg;
};

static void enter_line(struct line *l, int who)
{
	l->order[atomic_fetch_add(&l->in, 1)] = who;
}

static void line_reader(void *arg)
{
	struct line *l = arg;
	int number = atomic_fetch_add(&l->arrived, 1);

	gor_rwmutex_rlock(&l->rw);
	enter_line(l, number);
	gor_rwmutex_runlock(&l->rw);
	gor_wg_done(&l->wg);
}

static void line_writer(void *arg)
{
	struct line *l = arg;
	int number = atomic_fetch_add(&l->arrived, 1);

	gor_rwmutex_lock(&l->rw);
	enter_line(l, 100 + number);
	gor_rwmutex_unlock(&l->rw);
	gor_wg_done(&l->wg);
}

/* Start one more and return when it has come; on one processor it then waits, nearly always. */
static void join_line(struct line *l, void (*who)(void *))
{
	int before = atomic_load(&l->arrived);

	gor_wg_add(&l->wg, 1);
	gor_go(who, l);
	while (atomic_load(&l->arrived) == before)
		gor_yield();
}

/** A waiting writer holds up readers that come after it, and gets in before them. */
TEST(writer_before_new_readers)
{
	for (int round = 0; round < 100 / SLOW; round++) {
		struct line l = {0};

		gor_rwmutex_rlock(&l.rw);
		join_line(&l, line_writer);
		until_writer_waits(&l.rw);
		for (int i = 0; i < READERS; i++)
			join_line(&l, line_reader);
		REQUIRE_EQ(atomic_load(&l.in), 0);
		gor_rwmutex_runlock(&l.rw);
		gor_wg_wait(&l.wg);
		REQUIRE_EQ(l.order[0], 100);
	}
}

static bool readers_first(void)
{
	struct line l = {0};
	bool right = true;

	gor_rwmutex_lock(&l.rw);
	for (int i = 0; i < WRITERS; i++)
		join_line(&l, line_writer);
	for (int i = 0; i < READERS; i++)
		join_line(&l, line_reader);
	gor_rwmutex_unlock(&l.rw);
	gor_wg_wait(&l.wg);
	for (int i = 0; i < READERS; i++)
		right = right && l.order[i] < 100;
	for (int i = 0; i < WRITERS; i++)
		right = right && l.order[READERS + i] == 100 + i;
	return right;
}

/**
 * A writer that leaves lets in all readers that wait, those behind other writers too; writers among
 * themselves come in their order.
 *
 * That one has parked is known only by the order of one processor, which a handoff may upset once
 * in a while: most rounds have to be in order, not all.
 */
TEST_PROCS(readers_after_a_writer, 1)
{
	int good = 0;

	for (int i = 0; i < 20; i++)
		good += readers_first();
	REQUIRE(good >= 15);
}

/** The last of several readers lets the writer in, none before. */
TEST(last_reader_lets_writer_in)
{
	struct line l = {0};

	for (int i = 0; i < 3; i++)
		gor_rwmutex_rlock(&l.rw);
	join_line(&l, line_writer);
	until_writer_waits(&l.rw);
	for (int i = 0; i < 3; i++) {
		for (int n = 0; n < 50; n++)
			gor_yield();
		REQUIRE_EQ(atomic_load(&l.in), 0);
		gor_rwmutex_runlock(&l.rw);
	}
	gor_wg_wait(&l.wg);
	REQUIRE_EQ(atomic_load(&l.in), 1);
}

struct crowd {
	gor_rwmutex rw;
	_Atomic bool stop;
	_Atomic int busy;
	gor_waitgroup wg;
};

/* Never let go of it: the next is taken before the last is given back. */
static void read_without_end(void *arg)
{
	struct crowd *c = arg;

	atomic_fetch_add(&c->busy, 1);
	while (!atomic_load(&c->stop)) {
		gor_rwmutex_rlock(&c->rw);
		for (int i = 0; i < 3; i++)
			gor_yield();
		gor_rwmutex_runlock(&c->rw);
	}
	gor_wg_done(&c->wg);
}

static void write_without_end(void *arg)
{
	struct crowd *c = arg;

	atomic_fetch_add(&c->busy, 1);
	while (!atomic_load(&c->stop)) {
		gor_rwmutex_lock(&c->rw);
		gor_yield();
		gor_rwmutex_unlock(&c->rw);
	}
	gor_wg_done(&c->wg);
}

static void start_crowd(struct crowd *c, void (*who)(void *))
{
	gor_wg_add(&c->wg, 8);
	for (int i = 0; i < 8; i++)
		gor_go(who, c);
	while (atomic_load(&c->busy) < 8)
		gor_yield();
}

/** Readers that take turns without a gap cannot keep a writer out. */
TEST(writer_does_not_starve)
{
	struct crowd c = {0};

	start_crowd(&c, read_without_end);
	for (int i = 0; i < 100; i++) {
		gor_rwmutex_lock(&c.rw);
		gor_rwmutex_unlock(&c.rw);
	}
	atomic_store(&c.stop, true);
	gor_wg_wait(&c.wg);
}

/** Writers that queue without a gap cannot keep a reader out. */
TEST(reader_does_not_starve)
{
	struct crowd c = {0};

	start_crowd(&c, write_without_end);
	for (int i = 0; i < 100; i++) {
		gor_rwmutex_rlock(&c.rw);
		gor_rwmutex_runlock(&c.rw);
	}
	atomic_store(&c.stop, true);
	gor_wg_wait(&c.wg);
}

/* ── the rest ─────────────────────────────────────────────────────────────────────────────────────
 */

/** trylock and tryrlock: 0, or -EBUSY where the other form would wait. */
TEST(try_forms)
{
	gor_rwmutex rw = {0};

	REQUIRE_EQ(gor_rwmutex_trylock(&rw), 0);
	REQUIRE_EQ(gor_rwmutex_trylock(&rw), -EBUSY);
	REQUIRE_EQ(gor_rwmutex_tryrlock(&rw), -EBUSY);
	gor_rwmutex_unlock(&rw);
	REQUIRE_EQ(gor_rwmutex_tryrlock(&rw), 0);
	REQUIRE_EQ(gor_rwmutex_tryrlock(&rw), 0);
	REQUIRE_EQ(gor_rwmutex_trylock(&rw), -EBUSY);
	gor_rwmutex_runlock(&rw);
	REQUIRE_EQ(gor_rwmutex_trylock(&rw), -EBUSY);
	gor_rwmutex_runlock(&rw);
	REQUIRE_EQ(gor_rwmutex_trylock(&rw), 0);
	gor_rwmutex_unlock(&rw);
}

/** While a writer waits, tryrlock fails although only readers have it; afterwards it does not. */
TEST(tryrlock_behind_a_writer)
{
	struct line l = {0};

	gor_rwmutex_rlock(&l.rw);
	join_line(&l, line_writer);
	until_writer_waits(&l.rw);
	REQUIRE_EQ(gor_rwmutex_tryrlock(&l.rw), -EBUSY);
	REQUIRE_EQ(gor_rwmutex_trylock(&l.rw), -EBUSY);
	gor_rwmutex_runlock(&l.rw);
	gor_wg_wait(&l.wg);
	REQUIRE_EQ(gor_rwmutex_tryrlock(&l.rw), 0);
	gor_rwmutex_runlock(&l.rw);
}

static void runlock_and_say(void *arg)
{
	struct meeting *m = arg;

	gor_rwmutex_runlock(&m->rw);
	gor_wg_done(&m->wg);
}

/** A read lock belongs to nobody: another goroutine may give it back. */
TEST(runlock_by_another)
{
	struct meeting m = {0};

	gor_wg_add(&m.wg, 2);
	gor_rwmutex_rlock(&m.rw);
	gor_rwmutex_rlock(&m.rw);
	gor_go(runlock_and_say, &m);
	gor_go(runlock_and_say, &m);
	gor_rwmutex_lock(&m.rw);
	gor_wg_wait(&m.wg);
	gor_rwmutex_unlock(&m.rw);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(unlocking),
		cmocka_unit_test(unlock_by_another),
		cmocka_unit_test(deadlocks),
		cmocka_unit_test(excludes),
		cmocka_unit_test(excludes_on_eight),
		cmocka_unit_test(readers_together),
		cmocka_unit_test(writer_before_new_readers),
		cmocka_unit_test(readers_after_a_writer),
		cmocka_unit_test(last_reader_lets_writer_in),
		cmocka_unit_test(writer_does_not_starve),
		cmocka_unit_test(reader_does_not_starve),
		cmocka_unit_test(try_forms),
		cmocka_unit_test(tryrlock_behind_a_writer),
		cmocka_unit_test(runlock_by_another),
	};

	check_child_main(children, argc, argv);
	return CHECK_MAIN(tests, argc, argv);
}

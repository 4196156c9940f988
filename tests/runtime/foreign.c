/* SPDX-License-Identifier: MIT */
/* foreign.c: threads that the program made itself call in. */
#include "check.h"
#include <sched.h>
#include <stdatomic.h>
#include <string.h>

/* ── calls ────────────────────────────────────────────────────────────────────────────────────────
 */

enum { THREADS = 4, VALUES = 2000 / SLOW };

struct client {
	ints ask, answer;
};

static void *client(void *arg)
{
	struct client *c = arg;
	int got;

	for (int i = 1; i <= VALUES; i++) {
		REQUIRE_EQ(gor_send(c->ask, i), 0);
		REQUIRE_EQ(gor_recv(c->answer, &got), 1);
		REQUIRE_EQ(got, 2 * i);
	}
	return NULL;
}

static void server(void *arg)
{
	struct client *c = arg;

	for (int got; gor_recv(c->ask, &got) == 1;)
		gor_send(c->answer, 2 * got);
}

static void to_and_fro(void)
{
	struct client c[THREADS];
	pthread_t threads[THREADS];

	for (int i = 0; i < THREADS; i++) {
		REQUIRE_EQ(gor_make(c[i].ask, i % 3), 0);
		REQUIRE_EQ(gor_make(c[i].answer, i % 2), 0);
		gor_go(server, &c[i]);
		threads[i] = check_thread_registered(client, &c[i]);
	}
	for (int i = 0; i < THREADS; i++) {
		check_join(threads[i]);
		gor_close(c[i].ask);
	}
	while (gor_num_goroutine() > 1)
		gor_yield();
	for (int i = 0; i < THREADS; i++) {
		gor_free(c[i].ask);
		gor_free(c[i].answer);
	}
}

TEST_PROCS(to_and_fro_on_one, 1)
{
	to_and_fro();
}

TEST_PROCS(to_and_fro_on_two, 2)
{
	to_and_fro();
}

TEST_PROCS(to_and_fro_on_eight, 8)
{
	to_and_fro();
}

struct meeting {
	ints ch, done;
	_Atomic int tid;
};

static void *receive_one(void *arg)
{
	struct meeting *m = arg;
	int got = 0;

	atomic_store(&m->tid, check_tid());
	REQUIRE_EQ(gor_recv(m->ch, &got), 1);
	REQUIRE_EQ(got, 7);
	return NULL;
}

/** It waits for a goroutine that is not there yet; on one processor others still run. */
TEST_PROCS(waits_to_receive, 1)
{
	struct meeting m = {0};

	gor_make(m.ch, 0);
	pthread_t thread = check_thread(receive_one, &m);
	while (gor_num_goroutine() < 2) // it may be asleep on its way in as well
		gor_yield();
	check_await_asleep(&m.tid);
	gor_send(m.ch, 7);
	check_join(thread);
	gor_free(m.ch);
}

static void *choose(void *arg)
{
	struct client *c = arg;
	int got = 0, first = 0, second = 0;
	bool ok;

	for (int i = 0; i < VALUES; i++) {
		switch (gor_select(gor_on_recv(c->ask, &got), gor_on_send(c->answer, i))) {
		case 0:
			first++;
			break;
		case 1:
			second++;
			break;
		default:
			REQUIRE(false);
		}
	}
	REQUIRE_EQ(first + second, VALUES);
	gor_close(c->answer);
	while (gor_recv(c->ask, NULL) == 1)
		;
	REQUIRE_EQ(gor_select(gor_on_recv_ok(c->ask, &got, &ok), gor_on_timeout(GOR_HOUR)), 0);
	REQUIRE(!ok);
	REQUIRE_EQ(gor_select(gor_on_recv((ints)NULL, NULL), gor_on_timeout(GOR_MILLISECOND)), 1);
	REQUIRE_EQ(gor_select(gor_on_recv((ints)NULL, NULL), gor_on_default), 1);
	return NULL;
}

static void drain(void *arg)
{
	while (gor_recv((ints)arg, NULL) == 1)
		;
}

TEST(selects)
{
	struct client c;

	gor_make(c.ask, 0);
	gor_make(c.answer, 0);
	pthread_t thread = check_thread_registered(choose, &c);
	gor_go(drain, (void *)c.answer);
	for (int i = 0; i < VALUES; i++)
		gor_send(c.ask, i);
	gor_close(c.ask);
	check_join(thread);
	while (gor_num_goroutine() > 1)
		gor_yield();
	gor_free(c.ask);
	gor_free(c.answer);
}

struct counted {
	gor_mutex mu;
	gor_rwmutex rw;
	long count, written; // mu, rw
	gor_waitgroup wg;
};

static void count(struct counted *c)
{
	for (int i = 0; i < VALUES; i++) {
		gor_mutex_lock(&c->mu);
		c->count++;
		if (i % 16 == 0)
			gor_yield(); // on its thread, with the lock
		gor_mutex_unlock(&c->mu);
		if (i % 2) {
			gor_rwmutex_lock(&c->rw);
			c->written++;
			gor_rwmutex_unlock(&c->rw);
		} else {
			gor_rwmutex_rlock(&c->rw);
			REQUIRE(c->written <= (long)VALUES * 2 * THREADS);
			gor_rwmutex_runlock(&c->rw);
		}
	}
}

static void *count_in_thread(void *arg)
{
	count(arg);
	return NULL;
}

static void count_in_goroutine(void *arg)
{
	struct counted *c = arg;

	count(c);
	gor_wg_done(&c->wg);
}

TEST(locks)
{
	struct counted c = {0};
	pthread_t threads[THREADS];

	gor_wg_add(&c.wg, THREADS);
	for (int i = 0; i < THREADS; i++) {
		threads[i] = check_thread_registered(count_in_thread, &c);
		gor_go(count_in_goroutine, &c);
	}
	for (int i = 0; i < THREADS; i++)
		check_join(threads[i]);
	gor_wg_wait(&c.wg);
	REQUIRE_EQ(c.count, 2L * THREADS * VALUES);
	REQUIRE_EQ(c.written, 2L * THREADS * (VALUES / 2));
}

struct told {
	gor_waitgroup wg, waiting;
	gor_sem sem;
	gor_cond cond;
	gor_mutex mu;
	gor_once once;
	gor_ctx *ctx;
	ints quit;
	bool set; // mu
	_Atomic int woken;
};

static struct told told;

static void wait_for_wg(void *arg)
{
	(void)arg;
	gor_wg_done(&told.waiting);
	gor_wg_wait(&told.wg);
	atomic_fetch_add(&told.woken, 1);
}

static void wait_for_sem(void *arg)
{
	(void)arg;
	gor_wg_done(&told.waiting);
	gor_sem_acquire(&told.sem, 2);
	atomic_fetch_add(&told.woken, 1);
}

static void wait_for_cond(void *arg)
{
	(void)arg;
	gor_wg_done(&told.waiting);
	gor_mutex_lock(&told.mu);
	while (!told.set)
		gor_cond_wait(&told.cond, &told.mu);
	gor_mutex_unlock(&told.mu);
	atomic_fetch_add(&told.woken, 1);
}

static void wait_for_ctx(void *arg)
{
	(void)arg;
	gor_wg_done(&told.waiting);
	REQUIRE_EQ(gor_recv(gor_ctx_done(told.ctx), NULL), 0);
	atomic_fetch_add(&told.woken, 1);
}

static void wait_for_close(void *arg)
{
	(void)arg;
	gor_wg_done(&told.waiting);
	REQUIRE_EQ(gor_recv(told.quit, NULL), 0);
	atomic_fetch_add(&told.woken, 1);
}

static void do_once(void)
{
	gor_yield();
	atomic_fetch_add(&told.woken, 100);
}

static void *tell_all(void *arg)
{
	gor_timer timer;
	int64_t when;

	(void)arg;
	gor_wg_done(&told.wg);
	gor_sem_release(&told.sem, 2 * 3);
	gor_mutex_lock(&told.mu);
	told.set = true;
	gor_cond_broadcast(&told.cond);
	gor_mutex_unlock(&told.mu);
	gor_once_do(&told.once, do_once);
	REQUIRE_EQ(gor_timer_start(&timer, GOR_MILLISECOND), 0);
	REQUIRE_EQ(gor_recv(timer.c, &when), 1);
	REQUIRE(when <= gor_now());
	gor_ctx_cancel(told.ctx);
	gor_close(told.quit);
	return NULL;
}

/** Whatever a goroutine waits for, a thread can end it, and all that wait are woken. */
TEST(tells_goroutines)
{
	static void (*const wait_for[])(void *) = {wait_for_wg, wait_for_sem, wait_for_cond,
	                                           wait_for_ctx, wait_for_close};

	memset(&told, 0, sizeof told);
	gor_wg_add(&told.wg, 1);
	told.ctx = gor_ctx_with_cancel(gor_ctx_background());
	gor_make(told.quit, 0);
	gor_wg_add(&told.waiting, 3 * 5);
	for (int i = 0; i < 3 * 5; i++)
		gor_go(wait_for[i % 5], NULL);
	gor_wg_wait(&told.waiting);
	pthread_t thread = check_thread_registered(tell_all, NULL);
	gor_once_do(&told.once, do_once);
	check_join(thread);
	while (gor_num_goroutine() > 1)
		gor_yield();
	REQUIRE_EQ(atomic_load(&told.woken), 100 + 3 * 5);
	gor_ctx_free(told.ctx);
	gor_free(told.quit);
}

static void send_id(ints *ch)
{
	gor_send(*ch, (int)gor_id());
}

static int blocks(void *arg)
{
	(void)arg;
	sched_yield();
	return 11;
}

static void *spawn_and_sleep(void *arg)
{
	ints ch = arg;
	int got = 0;
	uint64_t own = gor_id();

	REQUIRE_EQ(own, 0); // not attached yet
	uint64_t id = gor_go_copy(send_id, ch);
	REQUIRE(id != 0);
	REQUIRE_EQ(gor_recv(ch, &got), 1);
	REQUIRE_EQ(got, id);
	own = gor_id();
	REQUIRE(own != 0 && own != id);
	gor_set_name("foreign %d", 1);
	gor_pin();
	gor_unpin();
	for (int i = 0; i < 20; i++)
		gor_sleep(GOR_MICROSECOND);
	REQUIRE_EQ(gor_blocking(blocks, NULL), 11);
	REQUIRE_EQ(gor_id(), own);
	return NULL;
}

/** It starts goroutines, sleeps, has an id; and the runtime looks after its timers when it alone is
 * awake. */
TEST_PROCS(spawns_and_sleeps, 1)
{
	ints ch;

	gor_make(ch, 0);
	pthread_t thread = check_thread(spawn_and_sleep, (void *)ch);
	check_join(thread);
	gor_free(ch);
}

/* ── being attached ───────────────────────────────────────────────────────────────────────────────
 */

struct visit {
	ints ch;
	_Atomic int stage; // of the thread
	_Atomic bool go;
};

static void own_code_until(_Atomic bool *go)
{
	while (!atomic_load(go))
		sched_yield();
}

static void *attach_and_end(void *arg)
{
	gor_send((ints)arg, 1);
	return NULL;
}

/** A thread that ends without a word is noticed. */
TEST(ends_while_attached)
{
	ints ch;

	gor_make(ch, 0);
	for (int i = 0; i < 300 / SLOW; i++) {
		pthread_t thread = check_thread(attach_and_end, (void *)ch);
		REQUIRE_EQ(check_receive_awake(ch), 1);
		check_join(thread);
		REQUIRE_EQ(gor_num_goroutine(), 1);
	}
	gor_free(ch);
}

static void *visit(void *arg)
{
	struct visit *v = arg;

	REQUIRE_EQ(gor_thread_enter(), 0);
	REQUIRE_EQ(gor_thread_enter(), 0);
	gor_thread_leave();
	uint64_t id = gor_id();
	REQUIRE(id != 0);
	atomic_store(&v->stage, 1);
	own_code_until(&v->go);
	gor_send(v->ch, 1);
	REQUIRE_EQ(gor_id(), id);
	gor_thread_leave();
	REQUIRE_EQ(gor_id(), 0);
	gor_send(v->ch, 2); // attached anew
	REQUIRE(gor_id() > id);
	REQUIRE_EQ(gor_thread_enter(), 0);
	gor_thread_leave();
	REQUIRE_EQ(gor_id(), 0);
	atomic_store(&v->stage, 2);
	return NULL;
}

TEST(enters_and_leaves)
{
	struct visit v = {0};

	gor_make(v.ch, 0);
	pthread_t thread = check_thread(visit, &v);
	while (atomic_load(&v.stage) != 1)
		gor_yield();
	REQUIRE_EQ(gor_num_goroutine(), 2);
	atomic_store(&v.go, true);
	REQUIRE_EQ(check_receive_awake(v.ch), 1);
	REQUIRE_EQ(check_receive_awake(v.ch), 2);
	check_join(thread);
	REQUIRE_EQ(gor_num_goroutine(), 1);
	gor_free(v.ch);
}

static void *spin_attached(void *arg)
{
	struct visit *v = arg;

	gor_send(v->ch, 1);
	own_code_until(&v->go);
	return NULL;
}

static void bounce(struct client *c)
{
	for (int got; gor_recv(c->ask, &got) == 1;)
		gor_send(c->answer, got + 1);
}

/** In its own code, however long, an attached thread holds up nobody, on one processor either. */
TEST_PROCS(keeps_nobody_waiting, 1)
{
	struct visit v = {0};
	struct client c;
	int got = 0;

	gor_make(v.ch, 0);
	gor_make(c.ask, 0);
	gor_make(c.answer, 0);
	pthread_t thread = check_thread(spin_attached, &v);
	REQUIRE_EQ(check_receive_awake(v.ch), 1);
	gor_go_copy(bounce, c);
	for (int i = 0; i < 20000 / SLOW; i++) {
		gor_send(c.ask, i);
		REQUIRE_EQ(gor_recv(c.answer, &got), 1);
		REQUIRE_EQ(got, i + 1);
	}
	gor_sleep(GOR_MICROSECOND);
	atomic_store(&v.go, true);
	check_join(thread);
	gor_close(c.ask);
	while (gor_num_goroutine() > 1)
		gor_yield();
	gor_free(c.ask);
	gor_free(c.answer);
	gor_free(v.ch);
}

enum { CROWD = 100 };

struct crowd {
	ints ch;
	gor_waitgroup all_there, leave;
};

static void *in_crowd(void *arg)
{
	struct crowd *c = arg;

	gor_wg_done(&c->all_there);
	gor_wg_wait(&c->leave);
	gor_send(c->ch, 1);
	return NULL;
}

TEST(a_hundred_at_once)
{
	struct crowd c = {0};
	pthread_t threads[CROWD];

	gor_make(c.ch, 0);
	gor_wg_add(&c.all_there, CROWD);
	gor_wg_add(&c.leave, 1);
	for (int i = 0; i < CROWD; i++)
		threads[i] = check_thread(in_crowd, &c);
	while (gor_num_goroutine() < 1 + CROWD)
		gor_yield();
	gor_wg_wait(&c.all_there);
	REQUIRE_EQ(gor_num_goroutine(), 1 + CROWD);
	gor_wg_done(&c.leave);
	for (int i = 0; i < CROWD; i++)
		REQUIRE_EQ(gor_recv(c.ch, NULL), 1);
	for (int i = 0; i < CROWD; i++)
		check_join(threads[i]);
	REQUIRE_EQ(gor_num_goroutine(), 1);
	gor_free(c.ch);
}

int main(int argc, char **argv)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(to_and_fro_on_one),
		cmocka_unit_test(to_and_fro_on_two),
		cmocka_unit_test(to_and_fro_on_eight),
		cmocka_unit_test(waits_to_receive),
		cmocka_unit_test(selects),
		cmocka_unit_test(locks),
		cmocka_unit_test(tells_goroutines),
		cmocka_unit_test(spawns_and_sleeps),
		cmocka_unit_test(ends_while_attached),
		cmocka_unit_test(enters_and_leaves),
		cmocka_unit_test(keeps_nobody_waiting),
		cmocka_unit_test(a_hundred_at_once),
	};

	return CHECK_MAIN(tests, argc, argv);
}

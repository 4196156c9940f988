/* SPDX-License-Identifier: MIT */
/* foreign_end.c: what becomes of foreign threads when a run ends, and in the next. */
#include "check.h"
#include <errno.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <unistd.h>

static void own_code_until(_Atomic bool *go)
{
	while (!atomic_load(go))
		sched_yield();
}

static void drain(void *arg)
{
	while (gor_recv((ints)arg, NULL) == 1)
		;
}

static int blocks(void *arg)
{
	(void)arg;
	sched_yield();
	return 11;
}

static void *attach_and_end(void *arg)
{
	gor_send((ints)arg, 1);
	return NULL;
}

/* ── the end of a run ─────────────────────────────────────────────────────────────────────────────
 */

struct late {
	ints never, other;
	_Atomic int tid[5], ended;
	_Atomic bool over;
};

static struct late late;

static void *cut_in_recv(void *arg)
{
	int got = 5;

	(void)arg;
	atomic_store(&late.tid[0], check_tid());
	REQUIRE_EQ(gor_recv(late.never, &got), -ECANCELED);
	REQUIRE_EQ(got, 5);
	atomic_fetch_add(&late.ended, 1);
	return NULL;
}

static void *cut_in_send(void *arg)
{
	(void)arg;
	atomic_store(&late.tid[1], check_tid());
	REQUIRE_EQ(gor_send_until(late.other, 1, gor_deadline(GOR_HOUR)), -ECANCELED);
	atomic_fetch_add(&late.ended, 1);
	return NULL;
}

static void *cut_in_select(void *arg)
{
	(void)arg;
	atomic_store(&late.tid[2], check_tid());
	REQUIRE_EQ(gor_select(gor_on_recv(late.never, NULL), gor_on_send(late.other, 1),
	                      gor_on_timeout(GOR_HOUR)),
	           -ECANCELED);
	atomic_fetch_add(&late.ended, 1);
	return NULL;
}

static void *cut_in_sleep(void *arg)
{
	(void)arg;
	atomic_store(&late.tid[3], check_tid());
	gor_sleep(GOR_HOUR);
	atomic_fetch_add(&late.ended, 1);
	return NULL;
}

static void *cut_in_nil(void *arg)
{
	(void)arg;
	atomic_store(&late.tid[4], check_tid());
	REQUIRE_EQ(gor_recv_until((ints)NULL, NULL, gor_deadline(GOR_HOUR)), -ECANCELED);
	atomic_fetch_add(&late.ended, 1);
	return NULL;
}

static pthread_t cut[5];

static void leave_them_waiting(void)
{
	static void *(*const fn[])(void *) = {cut_in_recv, cut_in_send, cut_in_select, cut_in_sleep,
	                                      cut_in_nil};

	for (int i = 0; i < 5; i++) {
		atomic_store(&late.tid[i], 0);
		cut[i] = check_thread(fn[i], NULL);
		while (!atomic_load(&late.tid[i]))
			gor_yield();
	}
	check_quiet(); // a thread that queues for a processor sleeps too, but is not in its call yet
}

static void use_channels_again(void)
{
	REQUIRE_EQ(gor_try_send(late.never, 1), -EAGAIN); // nobody is left in them
	REQUIRE_EQ(gor_try_recv(late.never, NULL), -EAGAIN);
	REQUIRE_EQ(gor_try_send(late.other, 1), -EAGAIN);
	REQUIRE_EQ(gor_try_recv(late.other, NULL), -EAGAIN);
}

/** What waits for a channel, or sleeps, when main returns, comes back; and nothing of it is left.
 */
static void cut_short(void **state)
{
	(void)state;
	gor_make(late.never, 0);
	gor_make(late.other, 0);
	for (int i = 0; i < 3; i++) {
		atomic_store(&late.ended, 0);
		check_run(leave_them_waiting, 1 + i);
		for (int k = 0; k < 5; k++)
			assert_int_equal(pthread_join(cut[k], NULL), 0);
		assert_int_equal(atomic_load(&late.ended), 5);
		check_run(use_channels_again, 1 + i);
	}
	gor_free(late.never);
	gor_free(late.other);
}

struct survivor {
	ints ch;
	_Atomic int runs;        // begun, by the main thread
	_Atomic bool over, seen; // the run, and the thread has seen that
	_Atomic bool stop;
};

static struct survivor survivor;

static void between_runs(void)
{
	gor_mutex mu = {0};
	gor_ctx *ctx;
	gor_timer timer;
	ints ch;

	REQUIRE_EQ(gor_send(survivor.ch, 1), -ECANCELED);
	REQUIRE_EQ(gor_recv(survivor.ch, NULL), -ECANCELED);
	REQUIRE_EQ(gor_try_send(survivor.ch, 1), -ECANCELED);
	REQUIRE_EQ(gor_select(gor_on_recv(survivor.ch, NULL), gor_on_default), -ECANCELED);
	REQUIRE_EQ(gor_mutex_trylock(&mu), -ECANCELED);
	gor_mutex_unlock(&mu);
	gor_close(survivor.ch); // nothing
	gor_sleep(GOR_MICROSECOND);
	gor_yield();
	REQUIRE_EQ(gor_go(drain, NULL), 0);
	REQUIRE_EQ(gor_timer_start(&timer, 1), -ECANCELED);
	ctx = gor_ctx_with_cancel(gor_ctx_background());
	REQUIRE(ctx == NULL);
	REQUIRE_EQ(gor_blocking(blocks, NULL), 11);
	REQUIRE_EQ(gor_id(), 0);
	REQUIRE_EQ(gor_num_goroutine(), 0);
	REQUIRE_EQ(gor_make(ch, 1), 0);
	gor_free(ch);
	REQUIRE_EQ(gor_thread_enter(), -ECANCELED);
}

static void *survive(void *arg)
{
	uint64_t id = 0;

	(void)arg;
	for (int run = 1; run <= 6; run++) {
		while (atomic_load(&survivor.runs) < run)
			sched_yield();
		if (run % 2)
			REQUIRE_EQ(gor_thread_enter(), 0);
		else
			gor_yield();
		REQUIRE(gor_id() > id);
		id = gor_id();
		REQUIRE_EQ(gor_send(survivor.ch, run), 0);
		own_code_until(&survivor.over);
		if (run == 3)
			gor_thread_leave();
		if (run % 3 != 1)
			between_runs();
		atomic_store(&survivor.over, false);
	}
	return NULL;
}

static void let_survive(void)
{
	atomic_fetch_add(&survivor.runs, 1);
	REQUIRE_EQ(check_receive_awake(survivor.ch), atomic_load(&survivor.runs));
}

/** A thread outlives runs: attached to each by its first call there, refused between them. */
static void from_run_to_run(void **state)
{
	(void)state;
	gor_make(survivor.ch, 0);
	pthread_t thread = check_thread(survive, NULL);
	for (int i = 0; i < 6; i++) {
		check_run(let_survive, 1 + i % 2);
		atomic_store(&survivor.over, true);
		while (atomic_load(&survivor.over))
			sched_yield();
	}
	assert_int_equal(pthread_join(thread, NULL), 0);
	gor_free(survivor.ch);
}

static void *runs_itself(void *arg)
{
	ints ch = arg;

	REQUIRE_EQ(gor_send(ch, 1), 0);
	while (gor_send(ch, 1) == 0)
		;
	own_code_until(&survivor.over);
	check_run(use_channels_again, 1); // it was attached, and is not now
	return NULL;
}

static pthread_t run_itself;

static void receive_some(void)
{
	run_itself = check_thread_registered(runs_itself, (void *)late.never);
	for (int i = 0; i < 10; i++)
		REQUIRE_EQ(gor_recv(late.never, NULL), 1);
}

static void starts_a_run(void **state)
{
	(void)state;
	gor_make(late.never, 0);
	gor_make(late.other, 0);
	check_run(receive_some, 1);
	atomic_store(&survivor.over, true);
	assert_int_equal(pthread_join(run_itself, NULL), 0);
	gor_free(late.never);
	gor_free(late.other);
}

static void *hammer(void *arg)
{
	uint64_t random = (uint64_t)(uintptr_t)&arg | 1;

	while (!atomic_load(&survivor.stop)) {
		int result = 0, got;
		switch (check_random(&random) % 6) {
		case 0:
			result = gor_try_send(survivor.ch, 1);
			break;
		case 1:
			result = gor_recv_until(survivor.ch, &got, gor_deadline(20 * GOR_MICROSECOND));
			break;
		case 2:
			result = gor_send_until(survivor.ch, 2, gor_deadline(20 * GOR_MICROSECOND));
			break;
		case 3:
			result = gor_select(gor_on_recv(survivor.ch, &got), gor_on_send(survivor.ch, 3),
			                    gor_on_timeout(20 * GOR_MICROSECOND));
			break;
		case 4:
			if (gor_thread_enter() == 0)
				gor_thread_leave();
			break;
		default:
			gor_yield();
		}
		REQUIRE(result >= 0 || result == -ECANCELED || result == -EAGAIN || result == -ETIMEDOUT);
	}
	return arg;
}

static void pass(void *arg)
{
	while (gor_recv((ints)arg, NULL) == 1)
		;
}

/* Goroutines stay behind in a channel of this run; in that of the threads none does. */
static void short_run(void)
{
	ints own;

	gor_make(own, 1);
	for (int i = 0; i < 2; i++)
		gor_go(pass, (void *)own);
	for (int i = 0; i < 50; i++) {
		gor_try_send(own, i);
		gor_try_send(survivor.ch, i);
		if (i % 10 == 0)
			gor_yield();
		gor_try_recv(survivor.ch, NULL);
	}
}

static void *come_and_go(void *arg)
{
	while (!atomic_load(&survivor.stop)) {
		pthread_t thread = check_thread(attach_and_end, arg);
		REQUIRE_EQ(pthread_join(thread, NULL), 0);
	}
	return NULL;
}

/** Runs begin and end while threads call, attach, detach and end. */
static void through_many_runs(void **state)
{
	pthread_t threads[3];

	(void)state;
	gor_make(survivor.ch, 2);
	check_run(short_run, 1); // before any run a call panics
	for (int i = 0; i < 2; i++)
		threads[i] = check_thread(hammer, NULL);
	threads[2] = check_thread(come_and_go, (void *)survivor.ch);
	for (int i = 0; i < 300 / SLOW; i++)
		check_run(short_run, 1 + i % 3);
	atomic_store(&survivor.stop, true);
	for (int i = 0; i < 3; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
}

static void use_nothing(void)
{
}

/** Before any run a call is a mistake. */
static void before_a_run(void **state)
{
	int status = 0;
	ints ch;

	(void)state;
	assert_int_equal(gor_thread_enter(), -ECANCELED);
	assert_int_equal(gor_make(ch, 1), 0);
	assert_int_equal(gor_id(), 0);
	fflush(stdout);
	pid_t pid = fork();
	if (pid == 0) {
		gor_send(ch, 1);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 2);
	gor_free(ch);
	check_run(use_nothing, 1);
}

int main(int argc, char **argv)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(cut_short),    cmocka_unit_test(from_run_to_run),
		cmocka_unit_test(starts_a_run), cmocka_unit_test(through_many_runs),
		cmocka_unit_test(before_a_run),
	};

	return CHECK_MAIN(tests, argc, argv);
}

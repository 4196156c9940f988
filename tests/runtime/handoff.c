/* SPDX-License-Identifier: MIT */
/* handoff.c: a goroutine that keeps its thread, busy or blocked, does not keep the others waiting.
 */
#include "check.h"
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

/* Each test runs on one processor, and hangs if the runtime never takes it away. */

struct spinner {
	_Atomic bool spinning, stop;
	ints done;
};

static void spin(void *arg)
{
	struct spinner *s = arg;

	atomic_store(&s->spinning, true);
	while (!atomic_load(&s->stop))
		; // no call of the runtime
	gor_send(s->done, 1);
}

/** A busy loop is left behind on its thread, and finds its way back in the end. */
TEST_PROCS(busy_loop, 1)
{
	struct spinner s = {0};

	gor_make(s.done, 0);
	gor_go(spin, &s);
	while (!atomic_load(&s.spinning))
		gor_yield();
	atomic_store(&s.stop, true);
	REQUIRE_EQ(gor_recv(s.done, NULL), 1);
	gor_free(s.done);
}

static void spin_for_next(void *arg)
{
	struct spinner *s = arg;

	atomic_store(&s->spinning, true);
	while (!atomic_load(&s->stop))
		;
	atomic_store(&s[1].stop, true);
	gor_send(s->done, 1);
}

/** Three busy loops one after another, each ended by the next, the last by main. */
TEST_PROCS(several_busy_loops, 1)
{
	struct spinner s[4] = {0};

	for (int i = 0; i < 3; i++) {
		gor_make(s[i].done, 1);
		gor_go(spin_for_next, &s[i]);
		while (!atomic_load(&s[i].spinning))
			gor_yield();
	}
	atomic_store(&s[0].stop, true);
	for (int i = 0; i < 3; i++) {
		REQUIRE_EQ(gor_recv(s[i].done, NULL), 1);
		gor_free(s[i].done);
	}
}

/* ── children ─────────────────────────────────────────────────────────────────────────────────────
 */

static void wait_in_read(void *arg)
{
	char byte;

	if (read(*(int *)arg, &byte, 1) != 1)
		_exit(3);
}

static int ten_readers(int argc, char **argv)
{
	int fd[2];

	(void)argc, (void)argv;
	if (pipe(fd) != 0)
		return 3;
	for (int i = 0; i < 10; i++)
		gor_go(wait_in_read, &fd[0]);
	for (;;)
		gor_yield();
}

static const struct check_child children[] = {
	{"ten_readers", ten_readers},
	{NULL, NULL},
};

/** Each blocked system call takes a thread, and there is an end to that. */
static void thread_limit(void **state)
{
	static struct check_result r;

	(void)state;
	setenv("GOR_DEBUG", "threads=6", 1);
	check_spawn("ten_readers", &r);
	unsetenv("GOR_DEBUG");
	assert_int_equal(r.status, 2);
	assert_true(check_has_line(r.err, "fatal error: gor: program exceeds 6-thread limit"));
	assert_true(check_has_prefix(r.err, "goroutine 1 ["));
}

struct reader {
	int fd[2];
	_Atomic bool reading;
	ints done;
};

static void read_one(void *arg)
{
	struct reader *r = arg;
	unsigned char byte = 0;

	atomic_store(&r->reading, true);
	REQUIRE_EQ(read(r->fd[0], &byte, 1), 1);
	gor_send(r->done, byte);
}

/** Many plain read(2) at once block as many threads; all are released, and nothing is mixed up. */
TEST_PROCS(blocked_readers, 1)
{
	enum { READERS = 16 };
	static struct reader r[READERS];
	int got;

	for (int i = 0; i < READERS; i++) {
		REQUIRE_EQ(pipe(r[i].fd), 0);
		gor_make(r[i].done, 0);
		gor_go(read_one, &r[i]);
	}
	for (int i = 0; i < READERS; i++)
		while (!atomic_load(&r[i].reading))
			gor_yield();
	for (int i = 0; i < READERS; i++)
		REQUIRE_EQ(write(r[i].fd[1], &(char){(char)i}, 1), 1);
	for (int i = READERS - 1; i >= 0; i--) {
		REQUIRE_EQ(gor_recv(r[i].done, &got), 1);
		REQUIRE_EQ(got, i);
		gor_free(r[i].done);
		close(r[i].fd[0]);
		close(r[i].fd[1]);
	}
}

static int read_fd(void *arg)
{
	unsigned char byte = 0;

	return read(*(int *)arg, &byte, 1) == 1 ? byte : -1;
}

static void read_blocking(void *arg)
{
	struct reader *r = arg;

	atomic_store(&r->reading, true);
	gor_send(r->done, gor_blocking(read_fd, &r->fd[0]));
}

/** gor_blocking() hands over at once, and returns what the function returned. */
TEST_PROCS(explicit_handoff, 1)
{
	struct reader r = {0};
	int got;

	REQUIRE_EQ(pipe(r.fd), 0);
	gor_make(r.done, 0);
	for (int i = 0; i < 200 / SLOW; i++) {
		gor_go(read_blocking, &r);
		while (!atomic_exchange(&r.reading, false))
			gor_yield();
		REQUIRE_EQ(write(r.fd[1], &(char){(char)(i % 100)}, 1), 1);
		REQUIRE_EQ(gor_recv(r.done, &got), 1);
		REQUIRE_EQ(got, i % 100);
	}
	gor_free(r.done);
	close(r.fd[0]);
	close(r.fd[1]);
}

static int call_with_nothing_to_do(void *arg)
{
	return *(int *)arg + 1;
}

/** A blocking call that does not block, from many goroutines at once. */
TEST(blocking_that_returns_at_once)
{
	for (int i = 0; i < 5000 / SLOW; i++)
		REQUIRE_EQ(gor_blocking(call_with_nothing_to_do, &i), i + 1);
}

struct busy {
	gor_mutex mu;
	long count; // mu
	_Atomic long spins;
	gor_waitgroup wg;
};

/* Long enough to be taken away at least once. */
static void burn(int64_t ns, _Atomic long *spins)
{
	for (int64_t until = gor_now() + ns; gor_now() < until;)
		atomic_fetch_add_explicit(spins, 1, memory_order_relaxed);
}

static void burn_and_use(void *arg)
{
	struct busy *b = arg;

	for (int i = 0; i < 3; i++) {
		burn(25 * GOR_MILLISECOND, &b->spins);
		gor_mutex_lock(&b->mu); // back in the runtime, perhaps without a processor
		b->count++;
		gor_mutex_unlock(&b->mu);
		gor_yield();
	}
	gor_wg_done(&b->wg);
}

/** Goroutines that were handed off from come back by any call, at the same time, and still exclude.
 */
TEST_PROCS(back_in_the_runtime, 2)
{
	struct busy b = {0};

	gor_wg_add(&b.wg, 6);
	for (int i = 0; i < 6; i++)
		gor_go(burn_and_use, &b);
	gor_wg_wait(&b.wg);
	REQUIRE_EQ(b.count, 18);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(busy_loop),
		cmocka_unit_test(several_busy_loops),
		cmocka_unit_test(blocked_readers),
		cmocka_unit_test(explicit_handoff),
		cmocka_unit_test(blocking_that_returns_at_once),
		cmocka_unit_test(back_in_the_runtime),
		cmocka_unit_test(thread_limit),
	};

	check_child_main(children, argc, argv);
	return CHECK_MAIN(tests, argc, argv);
}

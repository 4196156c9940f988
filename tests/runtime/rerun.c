/* SPDX-License-Identifier: MIT */
/* rerun.c: gor_run() more than once in a process, also after a run that left goroutines behind. */
#include "check.h"
#include <stdatomic.h>
#include <unistd.h>

static void add_up(void *arg)
{
	ints ch = arg;

	for (int i = 1; i <= 100; i++)
		gor_send(ch, i);
	gor_close(ch);
}

static void work(void)
{
	int sum = 0, got;
	ints ch;

	REQUIRE_EQ(gor_num_goroutine(), 1);
	gor_make(ch, 3);
	gor_go(add_up, (void *)ch);
	while (gor_recv(ch, &got) == 1)
		sum += got;
	REQUIRE_EQ(sum, 5050);
	gor_sleep(GOR_MICROSECOND);
	gor_free(ch);
}

/** One run after another, with different numbers of processors. */
static void again_and_again(void **state)
{
	(void)state;
	for (int i = 0; i < 20; i++)
		check_run(work, 1 + i % 4);
}

struct left {
	ints never;
	gor_mutex mu;
	gor_waitgroup wg;
	int fd[2];
	_Atomic bool spinning, reading, stop;
	_Atomic int sat, resumed;
};

static struct left left; // outlives the run that leaves it

static void sit(void *arg)
{
	(void)arg;
	atomic_fetch_add(&left.sat, 1);
	gor_recv(left.never, NULL);
	atomic_fetch_add(&left.resumed, 1);
}

static void doze(void *arg)
{
	(void)arg;
	atomic_fetch_add(&left.sat, 1);
	gor_sleep(GOR_MILLISECOND);
	for (;;)
		gor_yield();
}

static void wait_for_lock(void *arg)
{
	(void)arg;
	atomic_fetch_add(&left.sat, 1);
	gor_mutex_lock(&left.mu);
	atomic_fetch_add(&left.resumed, 1);
}

static void spin(void *arg)
{
	(void)arg;
	atomic_store(&left.spinning, true);
	while (!atomic_load(&left.stop))
		;
	gor_yield(); // its run is over: it ends here
	atomic_fetch_add(&left.resumed, 1);
}

static void read_one(void *arg)
{
	char byte;

	(void)arg;
	atomic_store(&left.reading, true);
	if (read(left.fd[0], &byte, 1) == 1)
		gor_send(left.never, 1);
	atomic_fetch_add(&left.resumed, 1);
}

static void leave_them(void)
{
	gor_make(left.never, 0);
	gor_mutex_lock(&left.mu);
	for (int i = 0; i < 10; i++) {
		gor_go(sit, NULL);
		gor_go(doze, NULL);
		gor_go(wait_for_lock, NULL);
	}
	gor_go(spin, NULL);
	gor_go(read_one, NULL);
	while (atomic_load(&left.sat) < 30 || !atomic_load(&left.spinning) ||
	       !atomic_load(&left.reading))
		gor_yield();
}

/** What a run leaves behind (parked, asleep, busy, in a call) takes no part in the next. */
static void after_leaving_some(void **state)
{
	(void)state;
	assert_int_equal(pipe(left.fd), 0);
	check_run(leave_them, 2);
	check_run(work, 2);
	atomic_store(&left.stop, true); // now the two on threads of their own come back
	assert_int_equal(write(left.fd[1], "x", 1), 1);
	for (int i = 0; i < 10; i++)
		check_run(work, 2);
	assert_int_equal(atomic_load(&left.resumed), 0);
}

static void do_nothing(void *arg)
{
	(void)arg;
}

static int return_at_once(int argc, char **argv)
{
	(void)argv;
	for (int i = 0; i < argc; i++)
		gor_go(do_nothing, NULL);
	return argc;
}

/** main returns while the others are just being born or ending. */
static void leaving_in_a_hurry(void **state)
{
	(void)state;
	for (int i = 0; i < 200 / SLOW; i++)
		assert_int_equal(gor_run(return_at_once, i % 40, NULL), i % 40);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(again_and_again),
		cmocka_unit_test(after_leaving_some),
		cmocka_unit_test(leaving_in_a_hurry),
	};

	return CHECK_MAIN(tests, argc, argv);
}

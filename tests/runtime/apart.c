/* SPDX-License-Identifier: MIT */
/* apart.c: a copy of the process that waits for what nobody has there is made again. */
#include "check.h"
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "apart.h"

static _Atomic bool held; // by a thread that is in no copy

/** What copies leave behind. */
static struct {
	_Atomic int made;
	_Atomic int parent; // of the last one
} * seen;

static bool waits_while_held(void *arg)
{
	(void)arg;
	atomic_store(&seen->parent, gor__apart_of());
	atomic_fetch_add(&seen->made, 1);
	while (atomic_load(&held))
		pause();
	return true;
}

static void *let_go(void *arg)
{
	(void)arg;
	while (!atomic_load(&seen->made))
		sched_yield();
	atomic_store(&held, false);
	return NULL;
}

static void *let_nobody_go(void *arg)
{
	return arg;
}

static bool try(void *(*fn)(void *), int64_t ns_max)
{
	pthread_t thread;

	atomic_store(&seen->made, 0);
	atomic_store(&held, true);
	assert_int_equal(pthread_create(&thread, NULL, fn, NULL), 0);
	bool good = gor__apart(waits_while_held, NULL, ns_max);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_int_equal(gor__apart_of(), 0);
	return good;
}

static void it_is_made_again(void **state)
{
	(void)state;
	assert_true(try(let_go, 100 * GOR_SECOND));
	assert_true(seen->made >= 2);
	assert_int_equal(seen->parent, getpid());
}

static void but_not_for_ever(void **state)
{
	(void)state;
	assert_false(try(let_nobody_go, 100 * GOR_SECOND));
	assert_int_equal(seen->made, 3);
}

static void nor_when_time_is_over(void **state)
{
	(void)state;
	assert_false(try(let_nobody_go, GOR_MILLISECOND));
	assert_true(seen->made <= 1);
}

int main(int argc, char **argv)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_is_made_again),
		cmocka_unit_test(but_not_for_ever),
		cmocka_unit_test(nor_when_time_is_over),
	};

	seen = mmap(NULL, sizeof *seen, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	return seen == MAP_FAILED ? 1 : CHECK_MAIN(tests, argc, argv);
}

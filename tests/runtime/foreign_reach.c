/* SPDX-License-Identifier: MIT */
/**
 * foreign_reach.c: the search of memory at the end of a run knows the stacks of foreign threads.
 *
 * A thread in its own code can use what is on its stack.  One that waits for good, for something
 * that nobody has, cannot; but its thread-local variables are anybody's.
 */
#include "check.h"
#include "objects.h"
#include <sched.h>
#include <stdatomic.h>

static _Atomic int settled; // goroutines and threads that are where they stay, but for a last step
static _Atomic int asleep_tid;
static pthread_t asleep_thread;

static void sit(ints *ch)
{
	atomic_fetch_add(&settled, 1);
	gor_recv(*ch, NULL);
}

/* In its own code, with a channel on its stack. */
static void *awake(void *arg)
{
	ints on_awake_stack;

	(void)arg;
	REQUIRE_EQ(gor_thread_enter(), 0);
	REQUIRE_EQ(gor_make(on_awake_stack, 0), 0);
	gor_go_copy(sit, on_awake_stack);
	atomic_fetch_add(&settled, 1);
	for (;;) {
		__asm__ volatile("" : : "r"(&on_awake_stack) : "memory"); // it has to stay where it is
		sched_yield();
	}
	return NULL;
}

static __thread ints in_tls;

/* Waits for good, with a channel on its stack and one in a variable of its own. */
static void *asleep_with(void *arg)
{
	ints on_asleep_stack, asleep;

	(void)arg;
	REQUIRE_EQ(gor_thread_enter(), 0);
	REQUIRE_EQ(gor_make(in_tls, 0), 0);
	REQUIRE_EQ(gor_make(on_asleep_stack, 0), 0);
	REQUIRE_EQ(gor_make(asleep, 0), 0);
	gor_go_copy(sit, on_asleep_stack);
	gor_go_copy(sit, in_tls);
	atomic_store(&asleep_tid, check_tid());
	gor_recv(asleep, NULL); // nobody else has it
	__asm__ volatile("" : : "r"(&on_asleep_stack) : "memory");
	return NULL;
}

/* On one processor a goroutine that has counted itself waits by the time that another runs. */
static void leave_them(void)
{
	check_thread(awake, NULL);
	asleep_thread = check_thread(asleep_with, NULL);
	while (atomic_load(&settled) < 4)
		gor_yield();
	check_await_asleep(&asleep_tid);
}

static void stacks_of_threads(void **state)
{
	(void)state;
	objects_record(leave_them, 1);
	assert_int_equal(pthread_join(asleep_thread, NULL), 0); // it was let go
	if (SLOW > 1) // a sanitizer keeps copies of everything: there is no search
		return;
	objects_expect("on_awake_stack", IN_GOROUTINE, "stack of goroutine ");
	objects_expect("in_tls", IN_MEMORY, "");
	objects_expect("on_asleep_stack", NOWHERE, "");
	objects_expect("asleep", NOWHERE, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(stacks_of_threads)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

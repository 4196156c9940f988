/* SPDX-License-Identifier: MIT */
/* last_words.c: a program that dies of its own fault prints whole stacks, without the runtime's
 * frames. */
#include "check.h"
#include <string.h>

#define FRAME __asm__ volatile("") // what follows a call, so that it is no jump

static ints never;

__attribute__((noinline)) static void waits_for_ever(void)
{
	gor_recv(never, NULL);
	FRAME;
}

static void waits_below(void *arg)
{
	(void)arg;
	waits_for_ever();
	FRAME;
}

static int deadlock(int argc, char **argv)
{
	(void)argc, (void)argv;
	gor_make(never, 0);
	gor_go(waits_below, NULL);
	waits_for_ever();
	return 0;
}

__attribute__((noinline)) static void panics(void)
{
	gor_panic("that was it");
}

static int panic(int argc, char **argv)
{
	(void)argc, (void)argv;
	panics();
	return 0;
}

static const struct check_child children[] = {
	{"deadlock", deadlock},
	{"panic", panic},
	{NULL, NULL},
};

static struct check_result r;

static void of_a_deadlock(void **state)
{
	(void)state;
	check_spawn("deadlock", &r);
	print_message("%s", r.err);
	assert_int_equal(r.status, 2);
	const char *at = strstr(r.err, "goroutine 1 [chan receive]:\nwaits_for_ever(...)\n");
	assert_non_null(at);
	assert_non_null(strstr(at, "\ndeadlock(...)\n"));
	at = strstr(at, "goroutine 2 [chan receive]:\nwaits_for_ever(...)\n");
	assert_non_null(at);
	assert_non_null(strstr(at, "\nwaits_below(...)\n"));
	assert_null(strstr(r.err, "gor_"));
}

static void of_a_panic(void **state)
{
	(void)state;
	check_spawn("panic", &r);
	print_message("%s", r.err);
	assert_int_equal(r.status, 2);
	const char *at = strstr(r.err, "goroutine 1 [running]:\npanics(...)\n");
	assert_non_null(at);
	assert_non_null(strstr(at, "\npanic(...)\n"));
}

int main(int argc, char **argv)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(of_a_deadlock),
		cmocka_unit_test(of_a_panic),
	};

	check_child_main(children, argc, argv);
	return CHECK_MAIN(tests, argc, argv);
}

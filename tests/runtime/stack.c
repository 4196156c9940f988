/* SPDX-License-Identifier: MIT */
/* stack.c: a stack that is too small says so. */
#define _GNU_SOURCE
#include "check.h"
#include <stdlib.h>
#include <string.h>
#include "scheduler.h"
#include "slab.h"

/* ── overflow ─────────────────────────────────────────────────────────────────────────────────────
 */

static __attribute__((noinline)) int dig_for_ever(int n)
{
	volatile char frame[256];

	frame[n % 256] = 1;
	return n < 0 ? 0 : dig_for_ever(n + 1) + frame[n % 256];
}

static void overflow(void *arg)
{
	dig_for_ever((int)(intptr_t)arg);
}

static int child_overflow(int argc, char **argv)
{
	(void)argc, (void)argv;
	gor_go(overflow, NULL);
	gor_recv((ints)NULL, NULL);
	return 0;
}

/* The last frame is large, and touched at its low end only. */
static __attribute__((noinline)) int step_over(const char *low, size_t frame_bytes)
{
	volatile char *frame = __builtin_alloca(frame_bytes);

	if ((uintptr_t)frame < (uintptr_t)low + 8192) {
		volatile char *last = __builtin_alloca(12288);
		last[0] = 1;
		return last[0];
	}
	frame[0] = 1;
	return step_over(low, frame_bytes) + frame[0];
}

static void large_frame(void *arg)
{
	(void)arg;
	step_over(gor__self()->cur->stack_low, 2048);
}

static int child_large_frame(int argc, char **argv)
{
	(void)argc, (void)argv;
	gor_go(large_frame, NULL);
	gor_recv((ints)NULL, NULL);
	return 0;
}

static __attribute__((noinline)) int dig_down_to(const char *low)
{
	volatile char frame[256];

	frame[0] = 1;
	return (uintptr_t)frame < (uintptr_t)low ? 1 : dig_down_to(low) + frame[0];
}

static void a_little_too_deep(void *arg)
{
	(void)arg;
	dig_down_to(gor__self()->cur->stack_low);
}

static int child_unguarded_end(int argc, char **argv)
{
	(void)argc, (void)argv;
	gor__guard_limit(0);
	gor_go(a_little_too_deep, NULL);
	while (gor_num_goroutine() > 0)
		gor_yield();
	return 0;
}

static void end_well(void *arg)
{
	gor_wg_done((gor_waitgroup *)arg);
}

/* Two guards by mprotect, then none; nobody overflows. */
static int child_unguarded_fine(int argc, char **argv)
{
	gor_waitgroup wg = {0};

	(void)argc, (void)argv;
	gor__guard_limit(2);
	gor_wg_add(&wg, 100);
	for (int i = 0; i < 100; i++)
		gor_go(end_well, &wg);
	gor_wg_wait(&wg);
	while (gor_num_goroutine() > 1)
		gor_yield();
	return 5;
}

static const struct check_child children[] = {
	{"overflow", child_overflow},
	{"large_frame", child_large_frame},
	{"unguarded_end", child_unguarded_end},
	{"unguarded_fine", child_unguarded_fine},
	{NULL, NULL},
};

/* Who, born where, and what to set; exit status 2. */
static void expect_overflow(const char *child, const char *func)
{
	static struct check_result r;
	char created[64];

	setenv("ASAN_OPTIONS", "handle_segv=0", 1); // its own words would come first
	setenv("TSAN_OPTIONS", "handle_segv=0", 1);
	check_spawn(child, &r);
	if (r.status != 2)
		print_message("%s ended with %d and wrote\n%s\n", child, r.status, r.err);
	assert_int_equal(r.status, 2);
	assert_true(check_has_prefix(r.err, "gor: stack of goroutine "));
	assert_non_null(strstr(r.err, "(created at tests/runtime/stack.c:"));
	assert_non_null(strstr(r.err, ".stack_bytes"));
	assert_non_null(strstr(r.err, "GOR_DEBUG=stack="));
	assert_true(check_has_line(r.err, "fatal error: stack overflow"));
	snprintf(created, sizeof created, "created by %s in goroutine 1", func);
	if (func[0])
		assert_true(check_has_line(r.err, created));
}

static void overflow_is_told(void **state)
{
	(void)state;
	expect_overflow("overflow", "child_overflow");
}

static void large_frames_hit_the_guard(void **state)
{
	(void)state;
	expect_overflow("large_frame", "child_large_frame");
}

/** Without a guard it is noticed later, and still said whose stack it was. */
static void canary(void **state)
{
	static struct check_result r;

	(void)state;
	expect_overflow("unguarded_end", "");
	check_spawn("unguarded_fine", &r);
	assert_string_equal(r.err, "");
	assert_int_equal(r.status, 5);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(overflow_is_told),
		cmocka_unit_test(large_frames_hit_the_guard),
		cmocka_unit_test(canary),
	};

	check_child_main(children, argc, argv);
	return CHECK_MAIN(tests, argc, argv);
}

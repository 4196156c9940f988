/* SPDX-License-Identifier: MIT */
/* leak.c: a leak test counts what it has started and what that has started, and nobody else's. */
#define _GNU_SOURCE
#include "check.h"
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* ── what tests start ─────────────────────────────────────────────────────────────────────────────
 */

static void at_once(void *arg)
{
	(void)arg;
}

static void wait_for(void *arg)
{
	gor_recv(*(ints *)arg, NULL);
}

static void wait_too(void *arg)
{
	gor_recv(*(ints *)arg, NULL);
}

static void sleep_briefly(void *arg)
{
	(void)arg;
	gor_sleep(20 * GOR_MILLISECOND);
}

/* Waits some calls below; the compiler is to leave these as they are. */
#if defined(__clang__)
#define AS_IT_IS __attribute__((noinline))
#else
#define AS_IT_IS __attribute__((noinline, noclone))
#endif

AS_IT_IS static void wait_at_the_bottom(void *arg)
{
	gor_recv(*(ints *)arg, NULL);
	__asm__ volatile(""); // no jump in place of the call
}

AS_IT_IS static void wait_below(void *arg)
{
	wait_at_the_bottom(arg);
	__asm__ volatile("");
}

static void wait_deep(void *arg)
{
	wait_below(arg);
	__asm__ volatile("");
}

/* Starts one that waits, and ends. */
static void start_one(void *arg)
{
	gor_go(wait_for, arg);
}

/* A channel that goroutines of a test wait on; closing it ends them. */
static ints make(void)
{
	ints ch;

	REQUIRE_EQ(gor_make(ch, 0), 0);
	return ch;
}

/* Let go of those that wait, and see them end. */
static void release(ints ch, gor_leak_mark around)
{
	gor_close(ch);
	REQUIRE_EQ(gor_leak_end(around, GOR_FOREVER, STDERR_FILENO), 0);
	gor_free(ch);
}

/* What gor_leak_end_opt() writes, in a buffer that lasts until the next call. */
static const char *text_of(gor_leak_mark mark, const gor_leak_options *opt, size_t count)
{
	static char text[1 << 16];
	int fd = memfd_create("text", 0);

	REQUIRE(fd >= 0);
	REQUIRE_EQ(gor_leak_end_opt(mark, 0, fd, opt), count);
	ssize_t n = pread(fd, text, sizeof text - 1, 0);
	REQUIRE(n >= 0);
	text[n] = 0;
	close(fd);
	return text;
}

/* ── who counts ───────────────────────────────────────────────────────────────────────────────────
 */

TEST(none)
{
	gor_leak_mark mark = gor_leak_begin();

	REQUIRE_EQ(gor_leak_end(mark, 0, STDERR_FILENO), 0);
}

TEST(all_have_ended)
{
	gor_leak_mark mark = gor_leak_begin();

	for (int i = 0; i < 200; i++)
		gor_go(at_once, NULL);
	REQUIRE_EQ(gor_leak_end(mark, GOR_FOREVER, STDERR_FILENO), 0);
}

TEST(one_that_waits)
{
	ints ch = make();
	gor_leak_mark around = gor_leak_begin(), mark = gor_leak_begin();
	char line[64];

	uint64_t id = gor_go(wait_for, &ch);
	check_quiet();
	const char *text = text_of(mark, NULL, 1);
	REQUIRE(check_has_line(text, "leak: found 1 goroutine started by this test:"));
	REQUIRE(check_has_line(text, "leaked goroutine:"));
	snprintf(line, sizeof line, "goroutine %llu [chan receive]:", (unsigned long long)id);
	REQUIRE(check_has_line(text, line));
	REQUIRE(check_has_line(text, "wait_for(...)"));
	REQUIRE(check_has_prefix(text, "created by one_that_waits_body in goroutine "));
	release(ch, around);
}

TEST(it_is_found_at_the_deadline)
{
	ints ch = make();
	gor_leak_mark around = gor_leak_begin(), mark = gor_leak_begin();
	int64_t began = gor_now();

	gor_go(wait_for, &ch);
	REQUIRE_EQ(gor_leak_end(mark, 30 * GOR_MILLISECOND, -1), 1);
	REQUIRE(gor_now() - began >= 30 * GOR_MILLISECOND);
	release(ch, around);
}

/* Go's leak tests miss this one. */
TEST_PROCS(one_that_has_not_run, 1)
{
	gor_leak_mark around = gor_leak_begin(), mark = gor_leak_begin();

	gor_go(at_once, NULL);
	const char *text = text_of(mark, NULL, 1);
	REQUIRE(strstr(text, " [runnable]:\nat_once(...)\n") != NULL);
	REQUIRE_EQ(gor_leak_end(around, GOR_FOREVER, STDERR_FILENO), 0);
}

TEST(descendants)
{
	ints ch = make();
	gor_leak_mark around = gor_leak_begin(), mark = gor_leak_begin();

	gor_go(start_one, &ch);
	check_quiet();
	REQUIRE_EQ(gor_leak_end(mark, 0, -1), 1);
	release(ch, around);
}

TEST(those_before_do_not_count)
{
	ints ch = make();
	gor_leak_mark around = gor_leak_begin();

	gor_go(wait_for, &ch);
	gor_leak_mark mark = gor_leak_begin();
	gor_go(at_once, NULL);
	REQUIRE_EQ(gor_leak_end(mark, GOR_FOREVER, STDERR_FILENO), 0);
	gor_go(wait_too, &ch); // after the end: neither
	release(ch, around);
}

TEST(nested)
{
	ints ch = make();
	gor_leak_mark around = gor_leak_begin(), outer = gor_leak_begin();

	gor_go(wait_for, &ch);
	gor_leak_mark inner = gor_leak_begin();
	gor_go(start_one, &ch);
	check_quiet();
	REQUIRE_EQ(gor_leak_end(inner, 0, -1), 1);
	REQUIRE_EQ(gor_leak_end(outer, 0, -1), 2);
	release(ch, around);
}

/* One test a goroutine, each with another number of leaks. */
enum { TESTS = 8 };
static struct {
	ints ch;
	gor_waitgroup begun, leaked, done;
	_Atomic int next;
	size_t before;
} parallel;

static void parallel_test(void *arg)
{
	int n = atomic_fetch_add(&parallel.next, 1);
	gor_leak_mark mark = gor_leak_begin();

	(void)arg;
	for (int i = 0; i < n; i++)
		gor_go(i % 2 ? wait_for : start_one, &parallel.ch);
	gor_wg_done(&parallel.begun);
	gor_wg_wait(&parallel.begun);
	while (gor_num_goroutine() > parallel.before + TESTS + TESTS * (TESTS - 1) / 2)
		gor_yield(); // there is still one of start_one
	gor_wg_done(&parallel.leaked);
	gor_wg_wait(&parallel.leaked);
	REQUIRE_EQ(gor_leak_end(mark, 50 * GOR_MILLISECOND, -1), n);
	gor_wg_done(&parallel.done);
}

TEST(parallel_tests)
{
	gor_leak_mark around = gor_leak_begin();

	parallel.ch = make();
	parallel.before = gor_num_goroutine();
	gor_wg_add(&parallel.begun, TESTS);
	gor_wg_add(&parallel.leaked, TESTS);
	gor_wg_add(&parallel.done, TESTS);
	for (int i = 0; i < TESTS; i++)
		gor_go(parallel_test, NULL);
	gor_wg_wait(&parallel.done);
	release(parallel.ch, around);
}

/* A test that does not come to its end does not disturb the one around it. */
static void begin_and_exit(void *arg)
{
	gor_leak_begin();
	gor_go(wait_for, arg);
	gor_exit();
}

TEST(without_an_end)
{
	ints ch = make();
	gor_leak_mark around = gor_leak_begin(), mark = gor_leak_begin();

	gor_go(begin_and_exit, &ch);
	check_quiet();
	REQUIRE_EQ(gor_leak_end(mark, 0, -1), 1);
	release(ch, around);
}

/* Goroutines that start one and end, so that at no moment all can be seen at once. */
static void relay(void *arg)
{
	intptr_t n = (intptr_t)arg;

	if (n > 0)
		gor_go(relay, (void *)(n - 1));
}

TEST(a_relay)
{
	for (int i = 0; i < 20; i++) {
		gor_leak_mark mark = gor_leak_begin();
		for (int k = 0; k < 4; k++)
			gor_go(relay, (void *)(intptr_t)check_times(500));
		REQUIRE_EQ(gor_leak_end(mark, GOR_FOREVER, STDERR_FILENO), 0);
	}
}

/* The same beside one that does not count, so that the end has to look at them. */
TEST(a_relay_beside_one)
{
	const char *const names[] = {"wait_too", NULL};
	const gor_leak_options opt = {.ignore_top = names};
	ints ch = make();
	gor_leak_mark around = gor_leak_begin(), mark = gor_leak_begin();

	gor_go(wait_too, &ch);
	for (int k = 0; k < 4; k++)
		gor_go(relay, (void *)(intptr_t)check_times(2000));
	REQUIRE_EQ(gor_leak_end_opt(mark, GOR_FOREVER, STDERR_FILENO, &opt), 0);
	release(ch, around);
}

TEST(it_waits)
{
	gor_leak_mark mark = gor_leak_begin();
	int64_t began = gor_now();

	gor_go(sleep_briefly, NULL);
	REQUIRE_EQ(gor_leak_end(mark, GOR_MINUTE, STDERR_FILENO), 0);
	REQUIRE(gor_now() - began < 30 * GOR_SECOND);
}

TEST(options)
{
	const char *const waits[] = {"none", "wait_too", NULL}, *const starts[] = {"start_one", NULL},
					  *const here[] = {"options_body", NULL}, *const other[] = {"at_once", NULL};
	const struct {
		gor_leak_options opt;
		size_t left; // of wait_for, wait_too and a wait_for that start_one has started
	} cases[] = {
		{{.ignore_top = waits}, 2},         {{.ignore_any = waits}, 2},
		{{.ignore_top = starts}, 3},        {{.ignore_any = starts}, 2},
		{{.ignore_created_by = starts}, 2}, {{.ignore_created_by = here}, 1},
		{{.ignore_any = here}, 1},          {{.ignore_any = other, .ignore_created_by = other}, 3},
		{{.ignore_current = true}, 3},      {{.ignore_top = waits, .ignore_created_by = starts}, 1},
	};
	ints ch = make();
	gor_leak_mark around = gor_leak_begin(), marks[sizeof cases / sizeof *cases];

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		marks[i] = gor_leak_begin();
	gor_go(wait_for, &ch);
	gor_go(wait_too, &ch);
	gor_go(start_one, &ch);
	check_quiet();
	for (size_t i = sizeof cases / sizeof *cases; i-- > 0;)
		REQUIRE_EQ(gor_leak_end_opt(marks[i], 0, -1, &cases[i].opt), cases[i].left);
	release(ch, around);
}

/* What only its stack tells. */
TEST(options_by_stack)
{
	const char *const names[] = {"wait_below", NULL};
	const gor_leak_options any = {.ignore_any = names}, top = {.ignore_top = names};
	int null = open("/dev/null", O_WRONLY);
	ints ch = make();
	gor_leak_mark around = gor_leak_begin(), outer = gor_leak_begin(), inner = gor_leak_begin();

	if (gor_profile_write("goroutine", null, 0) == -ENOSYS)
		exit(0); // built without libgor_inspect

	gor_go(wait_deep, &ch);
	gor_go(wait_for, &ch);
	check_quiet();
	REQUIRE_EQ(gor_leak_end_opt(inner, 0, -1, &any), 1);
	REQUIRE_EQ(gor_leak_end_opt(outer, 0, -1, &top), 2);
	release(ch, around);
}

/* ── threads ──────────────────────────────────────────────────────────────────────────────────────
 */

static void *thread_test(void *arg)
{
	gor_leak_mark around = gor_leak_begin(), mark = gor_leak_begin();

	gor_go(wait_for, arg); // attaches it
	REQUIRE_EQ(gor_leak_end(mark, 0, -1), 1);
	gor_close(*(ints *)arg);
	REQUIRE_EQ(gor_leak_end(around, GOR_FOREVER, STDERR_FILENO), 0);
	return NULL;
}

TEST(by_a_thread)
{
	ints ch = make();

	check_join(check_thread_registered(thread_test, &ch));
	gor_free(ch);
}

static int leave_none(int argc, char **argv)
{
	(void)argc, (void)argv;
	gor_go(sleep_briefly, NULL); // it may end
	return 0;
}

static ints left;

static int leave_one(int argc, char **argv)
{
	(void)argc, (void)argv;
	gor_make(left, 0);
	gor_go(wait_for, &left);
	return 0;
}

/* A test framework's view: each test is a run. */
static void runs(void **state)
{
	(void)state;
	for (int i = 0; i < 3; i++) {
		gor_leak_mark mark = gor_leak_begin();
		assert_int_equal(gor_run(leave_none, 0, NULL), 0);
		assert_int_equal(gor_leak_end(mark, 0, STDERR_FILENO), 0);
		mark = gor_leak_begin();
		assert_int_equal(gor_run(leave_one, 0, NULL), 0);
		assert_int_equal(gor_leak_end(mark, GOR_FOREVER, -1), 1);
	}
}

/* ── how a test fails ─────────────────────────────────────────────────────────────────────────────
 */

static char failed[4096];

static void note(const char *text)
{
	snprintf(failed, sizeof failed, "%s", text);
}

static void test_that_leaks(ints *ch)
{
	GOR_NO_LEAKS();
	gor_go(wait_for, ch);
}

static void test_that_does_not(void)
{
	GOR_NO_LEAKS();
	gor_go(sleep_briefly, NULL);
}

TEST(no_leaks)
{
	ints ch = make();
	gor_leak_mark around = gor_leak_begin();

	gor_leak_on_fail(note);
	test_that_does_not();
	REQUIRE_EQ(failed[0], 0);
	test_that_leaks(&ch);
	REQUIRE(check_has_line(failed, "leak: found 1 goroutine started by this test:"));
	REQUIRE(check_has_line(failed, "wait_for(...)"));
	failed[0] = 0;
	test_that_does_not();
	REQUIRE_EQ(failed[0], 0);
	release(ch, around);
}

static int fails(int argc, char **argv)
{
	static ints ch;

	(void)argc, (void)argv;
	gor_make(ch, 0);
	test_that_leaks(&ch);
	puts("still here");
	return 0;
}

static int fails_otherwise(int argc, char **argv)
{
	return 3 + fails(argc, argv);
}

static int fails_not(int argc, char **argv)
{
	(void)argc, (void)argv;
	test_that_does_not();
	return 0;
}

static int verified(int argc, char **argv)
{
	gor_verify_main();
	return leave_none(argc, argv);
}

static int verified_leak(int argc, char **argv)
{
	gor_verify_main();
	puts("not flushed");
	return leave_one(argc, argv);
}

static void exit_now(void *arg)
{
	(void)arg;
	exit(0);
}

/* The program ends while main waits, and another one does. */
static int verified_exit(int argc, char **argv)
{
	gor_verify_main();
	leave_one(argc, argv);
	gor_go(exit_now, NULL);
	return gor_select_n(NULL, 0);
}

static int verified_ignored(int argc, char **argv)
{
	static const char *const names[] = {"wait_for", NULL};
	static const gor_leak_options opt = {.ignore_top = names};

	gor_verify_main_opt(&opt);
	return leave_one(argc, argv);
}

static int verified_current(int argc, char **argv)
{
	static const gor_leak_options opt = {.ignore_current = true};

	leave_one(argc, argv);
	gor_verify_main_opt(&opt);
	return 0;
}

static int verified_current_leak(int argc, char **argv)
{
	verified_current(argc, argv);
	gor_go(wait_too, &left);
	return 0;
}

static int ended_twice(int argc, char **argv)
{
	gor_leak_mark mark = gor_leak_begin();

	(void)argc, (void)argv;
	gor_leak_end(mark, 0, -1);
	return (int)gor_leak_end(mark, 0, -1);
}

static void end_it(void *arg)
{
	gor_leak_end(*(gor_leak_mark *)arg, 0, -1);
}

static int ended_by_another(int argc, char **argv)
{
	gor_leak_mark mark = gor_leak_begin();

	(void)argc, (void)argv;
	gor_go(end_it, &mark);
	return gor_select_n(NULL, 0);
}

static const struct check_child children[] = {
	{"fails", fails},
	{"fails_otherwise", fails_otherwise},
	{"fails_not", fails_not},
	{"verified", verified},
	{"verified_leak", verified_leak},
	{"verified_exit", verified_exit},
	{"verified_ignored", verified_ignored},
	{"verified_current", verified_current},
	{"verified_current_leak", verified_current_leak},
	{"ended_twice", ended_twice},
	{"ended_by_another", ended_by_another},
	{NULL, NULL},
};

static void statuses(void **state)
{
	const char *const found = "leak: found 1 goroutine started by this test:";
	const char *const unexpected = "leak: found unexpected goroutines: 1 at the end of the program";
	const char *const misuse =
		"panic: gor_leak_end: twice, or not by the goroutine that called gor_leak_begin";
	const struct {
		const char *name;
		int status;
		const char *line, *out;
	} cases[] = {
		{"fails", 1, found, "still here"},
		{"fails_otherwise", 3, found, "still here"},
		{"fails_not", 0, NULL, NULL},
		{"verified", 0, NULL, NULL},
		{"verified_leak", 1, unexpected, "not flushed"},
		{"verified_exit", 1, unexpected, NULL},
		{"verified_ignored", 0, NULL, NULL},
		{"verified_current", 0, NULL, NULL},
		{"verified_current_leak", 1, unexpected, NULL},
		{"ended_twice", 2, misuse, NULL},
		{"ended_by_another", 2, misuse, NULL},
	};
	static struct check_result r;

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		check_spawn(cases[i].name, &r);
		print_message("%s: status %d\n%s", cases[i].name, r.status, r.err);
		assert_int_equal(r.status, cases[i].status);
		assert_int_equal(strstr(r.err, "leak: found") != NULL,
		                 cases[i].line && cases[i].line != misuse);
		if (cases[i].line)
			assert_true(check_has_line(r.err, cases[i].line));
		if (cases[i].out)
			assert_true(check_has_line(r.out, cases[i].out));
	}
}

int main(int argc, char **argv)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(none),
		cmocka_unit_test(all_have_ended),
		cmocka_unit_test(one_that_waits),
		cmocka_unit_test(it_is_found_at_the_deadline),
		cmocka_unit_test(one_that_has_not_run),
		cmocka_unit_test(descendants),
		cmocka_unit_test(those_before_do_not_count),
		cmocka_unit_test(nested),
		cmocka_unit_test(parallel_tests),
		cmocka_unit_test(without_an_end),
		cmocka_unit_test(a_relay),
		cmocka_unit_test(a_relay_beside_one),
		cmocka_unit_test(it_waits),
		cmocka_unit_test(options),
		cmocka_unit_test(options_by_stack),
		cmocka_unit_test(by_a_thread),
		cmocka_unit_test(runs),
		cmocka_unit_test(no_leaks),
		cmocka_unit_test(statuses),
	};

	check_child_main(children, argc, argv);
	return CHECK_MAIN(tests, argc, argv);
}

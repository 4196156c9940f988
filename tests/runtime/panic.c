/* SPDX-License-Identifier: MIT */
/* panic.c: errors of the caller end the program with Go's words, a dump and status 2. */
#include "check.h"
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ── what the children do ─────────────────────────────────────────────────────────────────────────
 */

static int send_after_close(int argc, char **argv)
{
	ints ch;

	(void)argc;
	(void)argv;
	gor_make(ch, 1);
	gor_close(ch);
	gor_send(ch, 1);
	return 0;
}

static int select_send_after_close(int argc, char **argv)
{
	ints ch;

	(void)argc;
	(void)argv;
	gor_make(ch, 1);
	gor_close(ch);
	gor_select(gor_on_send(ch, 1), gor_on_default);
	return 0;
}

static void send_one(void *arg)
{
	gor_send((ints)arg, 1);
}

static int close_under_sender(int argc, char **argv)
{
	ints ch;

	(void)argc;
	(void)argv;
	gor_make(ch, 0);
	gor_go(send_one, (void *)ch);
	gor_yield();
	gor_close(ch); // the sender panics, now or when it comes to send
	gor_recv((ints)NULL, NULL);
	return 0;
}

static void select_one(void *arg)
{
	gor_select(gor_on_send((ints)arg, 1), gor_on_recv((ints)NULL, NULL));
}

static int close_under_select(int argc, char **argv)
{
	ints ch;

	(void)argc;
	(void)argv;
	gor_make(ch, 0);
	gor_go(select_one, (void *)ch);
	gor_yield();
	gor_close(ch);
	gor_recv((ints)NULL, NULL);
	return 0;
}

static int close_twice(int argc, char **argv)
{
	ints ch;

	(void)argc;
	(void)argv;
	gor_make(ch, 0);
	gor_close(ch);
	gor_close(ch);
	return 0;
}

static int close_nil(int argc, char **argv)
{
	ints ch = NULL;

	(void)argc;
	(void)argv;
	gor_close(ch);
	return 0;
}

static int negative_group(int argc, char **argv)
{
	gor_waitgroup wg = {0};

	(void)argc;
	(void)argv;
	gor_wg_add(&wg, 1);
	gor_wg_done(&wg);
	gor_wg_done(&wg);
	return 0;
}

static int unlock_unlocked(int argc, char **argv)
{
	gor_mutex mu = {0};

	(void)argc;
	(void)argv;
	gor_mutex_lock(&mu);
	gor_mutex_unlock(&mu);
	gor_mutex_unlock(&mu);
	return 0;
}

static int unlock_never_locked(int argc, char **argv)
{
	gor_mutex mu = {0};

	(void)argc;
	(void)argv;
	gor_mutex_unlock(&mu);
	return 0;
}

static int group_below_zero_at_once(int argc, char **argv)
{
	gor_waitgroup wg = {0};

	(void)argc;
	(void)argv;
	gor_wg_add(&wg, -1);
	return 0;
}

static void unlock_it(void *arg)
{
	gor_mutex_unlock((gor_mutex *)arg);
}

static int foreign_unlock(int argc, char **argv)
{
	gor_mutex mu = {0};

	(void)argc;
	(void)argv;
	gor_mutex_lock(&mu);
	gor_go(unlock_it, &mu);
	gor_recv((ints)NULL, NULL);
	return 0;
}

static void receive_one(void *arg)
{
	gor_recv((ints)arg, NULL);
}

static int free_under_receiver(int argc, char **argv)
{
	ints ch;

	(void)argc;
	(void)argv;
	gor_make(ch, 0);
	gor_go(receive_one, (void *)ch);
	gor_sleep(50 *
	          GOR_MILLISECOND); // it has to be parked: freed before, it would be a wild pointer
	gor_free(ch);
	return 0;
}

static __attribute__((noinline)) void deep(int n)
{
	if (n > 0)
		gor_panic("the answer is not %d, %s", n, "sorry");
}

static void dig(void *arg)
{
	deep(*(int *)arg);
}

static int own_panic(int argc, char **argv)
{
	int n = 41;

	(void)argc;
	(void)argv;
	gor_go(dig, &n);
	gor_recv((ints)NULL, NULL);
	return 0;
}

static void doze(void *arg)
{
	(void)arg;
	gor_sleep(GOR_HOUR);
}

static int panic_beside_sleeper(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	gor_go(doze, NULL);
	gor_sleep(10 * GOR_MILLISECOND); // so that it sleeps, and does not just wait for its turn
	gor_panic("wake up");
}

/** stderr does not block, and is full when the words come. */
static int panic_to_full_pipe(int argc, char **argv)
{
	char byte = '.';

	(void)argc, (void)argv;
	fcntl(STDERR_FILENO, F_SETPIPE_SZ, 4096);
	fcntl(STDERR_FILENO, F_SETFL, O_NONBLOCK);
	for (int i = 0; i < 8192; i++) { // no more than the parent keeps
		if (write(STDERR_FILENO, &byte, 1) < 0)
			break;
	}
	gor_panic("that was it");
}

static const struct check_child children[] = {
	{"panic_to_full_pipe", panic_to_full_pipe},
	{"send_after_close", send_after_close},
	{"select_send_after_close", select_send_after_close},
	{"close_under_sender", close_under_sender},
	{"close_under_select", close_under_select},
	{"group_below_zero_at_once", group_below_zero_at_once},
	{"unlock_never_locked", unlock_never_locked},
	{"close_twice", close_twice},
	{"close_nil", close_nil},
	{"negative_group", negative_group},
	{"unlock_unlocked", unlock_unlocked},
	{"foreign_unlock", foreign_unlock},
	{"free_under_receiver", free_under_receiver},
	{"own_panic", own_panic},
	{"panic_beside_sleeper", panic_beside_sleeper},
	{NULL, NULL},
};

/* ── what is expected of them ─────────────────────────────────────────────────────────────────────
 */

/* The child ends with status 2, and writes this line, an empty one, and who did it; as Go does. */
static void expect(const char *child, const char *first)
{
	static struct check_result r;
	size_t n = strlen(first);
	int end = 0;

	check_spawn(child, &r);
	if (strncmp(r.err, first, n) == 0)
		sscanf(r.err + n, "\n\ngoroutine %*u [running]:%n", &end);
	if (r.status != 2 || !end)
		print_message("%s ended with %d and wrote\n%s\n", child, r.status, r.err);
	assert_int_equal(r.status, 2);
	assert_true(end && r.err[n] == '\n' && r.err[n + 1] == '\n' && r.err[n + 2] == 'g');
	assert_non_null(strstr(r.err, "panic.c:")); // a frame in this file
	assert_string_equal(r.out, "");
}

static void sending_on_closed(void **state)
{
	(void)state;
	expect("send_after_close", "panic: send on closed channel");
	expect("select_send_after_close", "panic: send on closed channel");
	expect("close_under_sender", "panic: send on closed channel");
	expect("close_under_select", "panic: send on closed channel");
}

static void closing(void **state)
{
	(void)state;
	expect("close_twice", "panic: close of closed channel");
	expect("close_nil", "panic: close of nil channel");
}

static void waitgroup_below_zero(void **state)
{
	(void)state;
	expect("negative_group", "panic: sync: negative WaitGroup counter");
	expect("group_below_zero_at_once", "panic: sync: negative WaitGroup counter");
}

static void unlocking(void **state)
{
	(void)state;
	expect("unlock_unlocked", "fatal error: sync: unlock of unlocked mutex");
	expect("unlock_never_locked", "fatal error: sync: unlock of unlocked mutex");
}

/** Whoever unlocks another's mutex is told whose it is. */
static void unlock_by_another(void **state)
{
	static struct check_result r;
	char first[200] = "";

	(void)state;
	check_spawn("foreign_unlock", &r);
	assert_int_equal(r.status, 2);
	assert_int_equal(sscanf(r.err, "%199[^\n]", first), 1);
	assert_non_null(strstr(first, "mutex"));
	assert_non_null(strstr(first, "goroutine 1"));
}

static void free_with_waiters(void **state)
{
	static struct check_result r;

	(void)state;
	check_spawn("free_under_receiver", &r);
	assert_int_equal(r.status, 2);
	assert_true(check_has_prefix(r.err, "panic: ") || check_has_prefix(r.err, "fatal error: "));
	assert_true(check_has_prefix(r.err, "goroutine 1 ["));
}

/** gor_panic(): its text, and a stack that names the functions of the one who panicked, innermost
 * first. */
static void own_words(void **state)
{
	static struct check_result r;
	const char *at;

	(void)state;
	check_spawn("own_panic", &r);
	assert_int_equal(r.status, 2);
	assert_int_equal(strncmp(r.err, "panic: the answer is not 41, sorry\n", 35), 0);
	at = strstr(r.err, "goroutine 2 [running]:\n");
	assert_non_null(at);
	at = strstr(at, ":\ndeep(...)\n\t");
	assert_non_null(at);
	at = strstr(at, "created by own_panic in goroutine 1\n");
	assert_non_null(at);
}

/** GOR_TRACEBACK=none: the message alone; all: everybody, with Go's words for what they wait for.
 */
static void reader_is_slow(void **state)
{
	static struct check_result r;

	(void)state;
	for (int i = 0; i < 5; i++) {
		check_spawn("panic_to_full_pipe", &r);
		assert_int_equal(r.status, 2);
		assert_non_null(strstr(r.err, ".panic: that was it\n"));
	}
}

static void traceback_levels(void **state)
{
	static struct check_result r;

	(void)state;
	setenv("GOR_TRACEBACK", "none", 1);
	check_spawn("panic_beside_sleeper", &r);
	assert_int_equal(r.status, 2);
	assert_true(check_has_line(r.err, "panic: wake up"));
	assert_false(check_has_prefix(r.err, "goroutine "));

	setenv("GOR_TRACEBACK", "all", 1);
	check_spawn("panic_beside_sleeper", &r);
	assert_int_equal(r.status, 2);
	assert_true(check_has_line(r.err, "goroutine 1 [running]:"));
	assert_true(check_has_line(r.err, "goroutine 2 [sleep]:"));
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sending_on_closed),
		cmocka_unit_test(closing),
		cmocka_unit_test(waitgroup_below_zero),
		cmocka_unit_test(unlocking),
		cmocka_unit_test(unlock_by_another),
		cmocka_unit_test(free_with_waiters),
		cmocka_unit_test(own_words),
		cmocka_unit_test(reader_is_slow),
		cmocka_unit_test(traceback_levels),
	};

	check_child_main(children, argc, argv);
	return CHECK_MAIN(tests, argc, argv);
}

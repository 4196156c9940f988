/* SPDX-License-Identifier: MIT */
/* deadlock.c: when all goroutines are asleep the program says so; when one is not, it does not. */
#include "check.h"
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* ── children: all asleep ─────────────────────────────────────────────────────────────────────────
 */

static int in_recv(int argc, char **argv)
{
	ints ch;

	(void)argc;
	(void)argv;
	gor_make(ch, 0);
	return gor_recv(ch, NULL);
}

static int in_send(int argc, char **argv)
{
	ints ch;

	(void)argc;
	(void)argv;
	gor_make(ch, 1);
	gor_send(ch, 1);
	return gor_send(ch, 2);
}

static int in_nil_recv(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	return gor_recv((ints)NULL, NULL);
}

static int in_nil_send(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	return gor_send((ints)NULL, 1);
}

static int in_select(int argc, char **argv)
{
	ints a, b;

	(void)argc;
	(void)argv;
	gor_make(a, 0);
	gor_make(b, 0);
	return gor_select(gor_on_recv(a, NULL), gor_on_send(b, 1));
}

static int in_empty_select(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	return gor_select_n(NULL, 0);
}

static int in_mutex(int argc, char **argv)
{
	gor_mutex mu = {0};

	(void)argc;
	(void)argv;
	gor_mutex_lock(&mu);
	gor_mutex_lock(&mu);
	return 0;
}

static int in_wait(int argc, char **argv)
{
	gor_waitgroup wg = {0};

	(void)argc;
	(void)argv;
	gor_wg_add(&wg, 1);
	gor_wg_wait(&wg);
	return 0;
}

static int in_nil_select(int argc, char **argv)
{
	ints off = NULL;

	(void)argc;
	(void)argv;
	return gor_select([2] = gor_on_recv(off, NULL), [4] = gor_on_send(off, 1));
}

static int in_write_lock(int argc, char **argv)
{
	gor_rwmutex rw = {0};

	(void)argc;
	(void)argv;
	gor_rwmutex_rlock(&rw);
	gor_rwmutex_lock(&rw);
	return 0;
}

static int in_read_lock(int argc, char **argv)
{
	gor_rwmutex rw = {0};

	(void)argc;
	(void)argv;
	gor_rwmutex_lock(&rw);
	gor_rwmutex_rlock(&rw);
	return 0;
}

static int in_cond(int argc, char **argv)
{
	gor_mutex mu = {0};
	gor_cond cond = {0};

	(void)argc;
	(void)argv;
	gor_mutex_lock(&mu);
	gor_cond_wait(&cond, &mu);
	return 0;
}

static int in_sem(int argc, char **argv)
{
	gor_sem sem = {0};

	(void)argc;
	(void)argv;
	gor_sem_release(&sem, 1);
	gor_sem_acquire(&sem, 2);
	return 0;
}

static gor_once once;

static void again(void)
{
	gor_once_do(&once, again);
}

static int in_once(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	gor_once_do(&once, again);
	return 0;
}

static int in_context(int argc, char **argv)
{
	gor_ctx *ctx = gor_ctx_with_cancel(gor_ctx_background());

	(void)argc;
	(void)argv;
	return gor_recv(gor_ctx_done(ctx), NULL);
}

static int pinned(int argc, char **argv)
{
	gor_pin();
	return in_recv(argc, argv);
}

struct places {
	ints ch;
	gor_mutex mu;
	gor_waitgroup wg;
};

static void sit_in_recv(void *arg)
{
	gor_recv(((struct places *)arg)->ch, NULL);
}

static void sit_in_mutex(void *arg)
{
	gor_mutex_lock(&((struct places *)arg)->mu);
}

static void sit_in_wait(void *arg)
{
	gor_wg_wait(&((struct places *)arg)->wg);
}

static void sit_in_select(void *arg)
{
	gor_select(gor_on_recv(((struct places *)arg)->ch, NULL));
}

static void sit_in_nil(void *arg)
{
	(void)arg;
	gor_send((ints)NULL, 1);
}

static int everywhere(int argc, char **argv)
{
	static void (*const seats[])(void *) = {sit_in_recv, sit_in_mutex, sit_in_wait, sit_in_select,
	                                        sit_in_nil};
	struct places p = {0};

	(void)argc;
	(void)argv;
	gor_make(p.ch, 0);
	gor_mutex_lock(&p.mu);
	gor_wg_add(&p.wg, 1);
	for (int i = 0; i < 5; i++)
		gor_go(seats[i], &p);
	gor_wg_wait(&p.wg);
	return 0;
}

/* Asleep not at once, but after a sleeper and a blocking call have come to their ends. */
static void come_and_go(void *arg)
{
	(void)arg;
	gor_sleep(5 * GOR_MILLISECOND);
}

static int short_call(void *arg)
{
	(void)arg;
	return nanosleep(&(struct timespec){0, 5000000}, NULL);
}

static int in_the_end(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	gor_go(come_and_go, NULL);
	gor_blocking(short_call, NULL);
	return gor_recv((ints)NULL, NULL);
}

static int exit_main(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	gor_go(come_and_go, NULL); // the program lives on until it has ended
	gor_exit();
}

static int exit_main_others_stuck(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	gor_go(sit_in_nil, NULL);
	gor_exit();
}

/* ── children: not all asleep ─────────────────────────────────────────────────────────────────────
 */

static void send_later(void *arg)
{
	gor_sleep(50 * GOR_MILLISECOND);
	gor_send((ints)arg, 1);
}

static int sleeper_will_send(int argc, char **argv)
{
	ints ch;

	(void)argc;
	(void)argv;
	gor_make(ch, 0);
	gor_go(send_later, (void *)ch);
	return gor_recv(ch, NULL) == 1 ? 5 : 6;
}

static int long_call(void *arg)
{
	(void)arg;
	return nanosleep(&(struct timespec){0, 50000000}, NULL);
}

static void send_after_call(void *arg)
{
	gor_blocking(long_call, NULL);
	gor_send((ints)arg, 1);
}

static int call_will_send(int argc, char **argv)
{
	ints ch;

	(void)argc;
	(void)argv;
	gor_make(ch, 0);
	gor_go(send_after_call, (void *)ch);
	return gor_recv(ch, NULL) == 1 ? 5 : 6;
}

struct reader {
	int fd;
	ints ch;
};

static void send_after_read(struct reader *r)
{
	char byte;

	if (read(r->fd, &byte, 1) == 1) // plain, nothing tells the runtime
		gor_send(r->ch, 1);
}

static void *write_later(void *arg)
{
	nanosleep(&(struct timespec){0, 50000000}, NULL);
	return write(*(int *)arg, "x", 1) == 1 ? NULL : arg;
}

static int read_will_send(int argc, char **argv)
{
	int fds[2], got;
	pthread_t writer;
	ints ch;

	(void)argc;
	(void)argv;
	gor_make(ch, 0);
	if (pipe(fds) < 0 || pthread_create(&writer, NULL, write_later, &fds[1]) != 0)
		return 7;
	gor_go_copy(send_after_read, ((struct reader){fds[0], ch}));
	got = gor_recv(ch, NULL);
	pthread_join(writer, NULL);
	return got == 1 ? 5 : 6;
}

static int timeout_will_end(int argc, char **argv)
{
	ints ch;

	(void)argc;
	(void)argv;
	gor_make(ch, 0);
	if (gor_recv_until(ch, NULL, gor_deadline(20 * GOR_MILLISECOND)) == 1)
		return 6;
	return gor_select(gor_on_recv(ch, NULL), gor_on_timeout(20 * GOR_MILLISECOND)) == 1 ? 5 : 6;
}

static const struct check_child children[] = {
	{"in_recv", in_recv},
	{"in_send", in_send},
	{"in_nil_recv", in_nil_recv},
	{"in_nil_send", in_nil_send},
	{"in_select", in_select},
	{"in_empty_select", in_empty_select},
	{"in_mutex", in_mutex},
	{"in_wait", in_wait},
	{"in_nil_select", in_nil_select},
	{"in_write_lock", in_write_lock},
	{"in_read_lock", in_read_lock},
	{"in_cond", in_cond},
	{"in_sem", in_sem},
	{"in_once", in_once},
	{"in_context", in_context},
	{"pinned", pinned},
	{"everywhere", everywhere},
	{"in_the_end", in_the_end},
	{"exit_main", exit_main},
	{"exit_main_others_stuck", exit_main_others_stuck},
	{"sleeper_will_send", sleeper_will_send},
	{"call_will_send", call_will_send},
	{"read_will_send", read_will_send},
	{"timeout_will_end", timeout_will_end},
	{NULL, NULL},
};

/* ── what is expected of them ─────────────────────────────────────────────────────────────────────
 */

#define ASLEEP "fatal error: all goroutines are asleep - deadlock!\n\n"

static struct check_result *run(const char *child)
{
	static struct check_result r;

	check_spawn(child, &r);
	if (r.status != 2 && r.status != 5)
		print_message("%s ended with %d and wrote\n%s\n", child, r.status, r.err);
	return &r;
}

static void expect_deadlock(const char *child, const char *main_waits_for)
{
	struct check_result *r = run(child);
	char first[200];

	snprintf(first, sizeof first, ASLEEP "goroutine 1 [%s]:\n", main_waits_for);
	assert_int_equal(r->status, 2);
	if (strncmp(r->err, first, strlen(first)) != 0)
		print_message("%s wrote\n%s\n", child, r->err);
	assert_int_equal(strncmp(r->err, first, strlen(first)), 0);
	assert_non_null(strstr(r->err, "deadlock.c:")); // a frame in this file
}

static void main_in_channel(void **state)
{
	(void)state;
	expect_deadlock("in_recv", "chan receive");
	expect_deadlock("in_send", "chan send");
	expect_deadlock("in_nil_recv", "chan receive (nil chan)");
	expect_deadlock("in_nil_send", "chan send (nil chan)");
}

static void main_in_select(void **state)
{
	(void)state;
	expect_deadlock("in_select", "select");
	expect_deadlock("in_empty_select", "select (no cases)");
	expect_deadlock("in_nil_select", "select (no cases)"); // none that could ever be
	expect_deadlock("in_context", "chan receive");
	expect_deadlock("pinned", "chan receive, locked to thread");
}

static void main_in_sync(void **state)
{
	(void)state;
	expect_deadlock("in_mutex", "sync.Mutex.Lock");
	expect_deadlock("in_wait", "sync.WaitGroup.Wait");
	expect_deadlock("in_write_lock", "sync.RWMutex.Lock");
	expect_deadlock("in_read_lock", "sync.RWMutex.RLock");
	expect_deadlock("in_cond", "sync.Cond.Wait");
	expect_deadlock("in_sem", "semacquire");
	expect_deadlock("in_once", "sync.Once.Do");
}

/** The dump shows everybody, main first and then by id, each with what it waits for and its parent.
 */
static void dump_shows_all(void **state)
{
	static const char *const reasons[] = {
		"sync.WaitGroup.Wait", "chan receive", "sync.Mutex.Lock",
		"sync.WaitGroup.Wait", "select",       "chan send (nil chan)"};
	const char *at;

	(void)state;
	expect_deadlock("everywhere", reasons[0]);
	at = run("everywhere")->err;
	for (int i = 0; i < 6; i++) {
		char head[80];

		snprintf(head, sizeof head, "goroutine %d [%s]:\n", i + 1, reasons[i]);
		at = strstr(at, head);
		assert_non_null(at);
		if (i > 0)
			assert_non_null(strstr(at, "created by everywhere in goroutine 1\n"));
	}
}

static void once_the_last_sleeps(void **state)
{
	(void)state;
	expect_deadlock("in_the_end", "chan receive (nil chan)");
}

static void main_has_left(void **state)
{
	struct check_result *r;

	(void)state;
	r = run("exit_main");
	assert_int_equal(r->status, 2);
	assert_true(check_has_line(
		r->err, "fatal error: no goroutines (main called runtime.Goexit) - deadlock!"));
	r = run("exit_main_others_stuck");
	assert_int_equal(r->status, 2);
	assert_int_equal(strncmp(r->err, ASLEEP, strlen(ASLEEP)), 0);
	assert_non_null(strstr(r->err, "goroutine 2 [chan send (nil chan)]:\n"));
}

/** A sleeper, a thread in a call, a plain read(2), a timeout: somebody may yet act. */
static void not_while_somebody_may_act(void **state)
{
	(void)state;
	assert_int_equal(run("sleeper_will_send")->status, 5);
	assert_int_equal(run("call_will_send")->status, 5);
	assert_int_equal(run("read_will_send")->status, 5);
	assert_int_equal(run("timeout_will_end")->status, 5);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(main_in_channel),
		cmocka_unit_test(main_in_select),
		cmocka_unit_test(main_in_sync),
		cmocka_unit_test(dump_shows_all),
		cmocka_unit_test(once_the_last_sleeps),
		cmocka_unit_test(main_has_left),
		cmocka_unit_test(not_while_somebody_may_act),
	};

	check_child_main(children, argc, argv);
	return CHECK_MAIN(tests, argc, argv);
}

/* SPDX-License-Identifier: MIT */
/* foreign_fatal.c: foreign threads and the ends of a program: deadlock or not, and misuse. */
#include "check.h"
#include <errno.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct visit {
	ints ch;
	_Atomic int stage; // of the thread
	_Atomic bool go;
};

static void own_code_until(_Atomic bool *go)
{
	while (!atomic_load(go))
		sched_yield();
}

/* ── children: deadlock or not ────────────────────────────────────────────────────────────────────
 */

static void own_code_for_a_while(void)
{
	nanosleep(&(struct timespec){0, 50000000}, NULL);
}

static void say_still_here(void)
{
	static const char text[] = "still here\n";

	REQUIRE_EQ(write(STDOUT_FILENO, text, sizeof text - 1), sizeof text - 1);
}

static void *register_and_leave(void *arg)
{
	struct visit *v = arg;

	REQUIRE_EQ(gor_thread_enter(), 0);
	atomic_store(&v->stage, 1);
	own_code_for_a_while();
	say_still_here();
	gor_thread_leave();
	own_code_until(&v->go);
	return NULL;
}

static int registered(int argc, char **argv)
{
	struct visit v = {0};

	(void)argc, (void)argv;
	gor_make(v.ch, 0);
	check_thread(register_and_leave, &v);
	while (!atomic_load(&v.stage))
		gor_yield();
	return gor_recv(v.ch, NULL);
}

static void *call_and_end(void *arg)
{
	gor_send((ints)arg, 1);
	own_code_for_a_while();
	say_still_here();
	return NULL;
}

static int attached(int argc, char **argv)
{
	ints ch;

	(void)argc, (void)argv;
	gor_make(ch, 0);
	check_thread(call_and_end, (void *)ch);
	check_receive_awake(ch);
	return gor_recv(ch, NULL);
}

static void *wait_too(void *arg)
{
	gor_send((ints)arg, 1);
	gor_select(gor_on_recv((ints)NULL, NULL));
	return NULL;
}

static int all_wait(int argc, char **argv)
{
	ints ch;

	(void)argc, (void)argv;
	gor_make(ch, 0);
	check_thread(wait_too, (void *)ch);
	check_receive_awake(ch);
	return gor_recv(ch, NULL);
}

static void *register_and_send(void *arg)
{
	struct visit *v = arg;

	REQUIRE_EQ(gor_thread_enter(), 0);
	atomic_store(&v->stage, 1);
	own_code_for_a_while();
	gor_send(v->ch, 5);
	return NULL;
}

static int will_send(int argc, char **argv)
{
	struct visit v = {0};
	int got = 0;

	(void)argc, (void)argv;
	gor_make(v.ch, 0);
	pthread_t thread = check_thread(register_and_send, &v);
	while (!atomic_load(&v.stage))
		gor_yield();
	gor_recv(v.ch, &got);
	check_join(thread);
	return got;
}

/* ── children: misuse ─────────────────────────────────────────────────────────────────────────────
 */

static int in_thread(void *(*fn)(void *), void *arg)
{
	check_join(check_thread(fn, arg));
	return 0;
}

static void *leave_only(void *arg)
{
	gor_yield(); // attached, and not by gor_thread_enter()
	gor_thread_leave();
	return arg;
}

static int leave_without_enter(int argc, char **argv)
{
	(void)argc;
	return in_thread(leave_only, argv);
}

static int enter_in_goroutine(int argc, char **argv)
{
	(void)argc, (void)argv;
	return gor_thread_enter();
}

static int leave_in_goroutine(int argc, char **argv)
{
	(void)argc, (void)argv;
	gor_thread_leave();
	return 0;
}

static void *exit_it(void *arg)
{
	gor_yield();
	gor_exit();
	return arg;
}

static int exit_in_thread(int argc, char **argv)
{
	(void)argc;
	return in_thread(exit_it, argv);
}

static void *lock_it(void *arg)
{
	gor_mutex_lock(arg);
	pause(); // for good
	return NULL;
}

static int unlock_anothers(int argc, char **argv)
{
	static gor_mutex mu;

	(void)argc, (void)argv;
	check_thread_registered(lock_it, &mu);
	while (gor_mutex_trylock(&mu) == 0) {
		gor_mutex_unlock(&mu);
		gor_yield();
	}
	gor_mutex_unlock(&mu);
	return 0;
}

static void *unlock_it(void *arg)
{
	gor_set_name("culprit");
	gor_mutex_unlock(arg);
	return NULL;
}

static int unlock_in_thread(int argc, char **argv)
{
	static gor_mutex mu;

	(void)argc, (void)argv;
	gor_mutex_lock(&mu);
	return in_thread(unlock_it, &mu);
}

static void *fork_and_call(void *arg)
{
	int status = 0;

	gor_yield();
	pid_t pid = fork();
	if (pid == 0) {
		gor_yield();
		_exit(0);
	}
	REQUIRE_EQ(waitpid(pid, &status, 0), pid);
	*(int *)arg = WIFEXITED(status) ? WEXITSTATUS(status) : 128;
	return NULL;
}

static int fork_in_thread(int argc, char **argv)
{
	int status = 0;

	(void)argc, (void)argv;
	in_thread(fork_and_call, &status);
	return status;
}

static void *lock_for_ever(void *arg)
{
	gor_mutex_lock(arg);
	REQUIRE(false);
	return NULL;
}

/* A lock that nobody can give any more: the thread stays, and main returns all the same. */
static int lock_at_the_end(int argc, char **argv)
{
	static gor_mutex mu;

	(void)argc, (void)argv;
	gor_mutex_lock(&mu);
	check_thread_registered(lock_for_ever, &mu);
	check_quiet(); // a thread that queues for a processor sleeps too, but is not in its call yet
	return 5;
}

static gor_mutex late_lock;

static void *lock_after_the_end(void *arg)
{
	while (gor_try_send((ints)arg, 1) != -ECANCELED)
		sched_yield();
	gor_mutex_lock(&late_lock);
	return NULL;
}

static int lock_late(int argc, char **argv)
{
	ints ch;

	(void)argc, (void)argv;
	gor_make(ch, 0);
	check_thread_registered(lock_after_the_end, (void *)ch);
	REQUIRE_EQ(atexit((void (*)(void))pause), 0); // until it has panicked
	return gor_recv(ch, NULL);
}

static const struct check_child children[] = {
	{"registered", registered},
	{"attached", attached},
	{"all_wait", all_wait},
	{"will_send", will_send},
	{"leave_without_enter", leave_without_enter},
	{"enter_in_goroutine", enter_in_goroutine},
	{"leave_in_goroutine", leave_in_goroutine},
	{"exit_in_thread", exit_in_thread},
	{"unlock_anothers", unlock_anothers},
	{"unlock_in_thread", unlock_in_thread},
	{"fork_in_thread", fork_in_thread},
	{"lock_at_the_end", lock_at_the_end},
	{"lock_late", lock_late},
	{NULL, NULL},
};

/* ── what is expected of them ─────────────────────────────────────────────────────────────────────
 */

static struct check_result *run(const char *child, int status, const char *says)
{
	static struct check_result r;

	check_spawn(child, &r);
	if (r.status != status || !strstr(r.err, says))
		print_message("%s ended with %d and wrote\n%s\n", child, r.status, r.err);
	assert_int_equal(r.status, status);
	assert_non_null(strstr(r.err, says));
	return &r;
}

#define ASLEEP "fatal error: all goroutines are asleep - deadlock!\n\ngoroutine 1 [chan receive]:\n"

/** Silent while a thread might call in, and only so long. */
static void deadlock_once_it_left(void **state)
{
	(void)state;
	assert_string_equal(run("registered", 2, ASLEEP)->out, "still here\n");
	assert_string_equal(run("attached", 2, ASLEEP)->out, "still here\n");
	assert_non_null(
		strstr(run("all_wait", 2, ASLEEP)->err, " [select (no cases), locked to thread]:\n"));
	run("will_send", 5, "");
}

static void misuse(void **state)
{
	(void)state;
	run("leave_without_enter", 2, "panic: gor_thread_leave: without gor_thread_enter\n");
	run("enter_in_goroutine", 2, "panic: gor_thread_enter: called by a goroutine\n");
	run("leave_in_goroutine", 2, "panic: gor_thread_leave: called by a goroutine\n");
	run("exit_in_thread", 2, "panic: gor_exit: called outside a goroutine\n");
	run("unlock_anothers", 2, "fatal error: sync: unlock of mutex held by goroutine ");
	run("unlock_in_thread", 2, "fatal error: sync: unlock of mutex held by goroutine 1\n");
	run("fork_in_thread", 2, "panic: gor: used in a forked child");
}

static void locks_at_the_end(void **state)
{
	(void)state;
	run("lock_at_the_end", 5, "");
	run("lock_late", 2, "panic: gor: called outside a goroutine, and no run is going on\n");
}

int main(int argc, char **argv)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(deadlock_once_it_left),
		cmocka_unit_test(misuse),
		cmocka_unit_test(locks_at_the_end),
	};

	check_child_main(children, argc, argv);
	return CHECK_MAIN(tests, argc, argv);
}

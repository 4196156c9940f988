/* SPDX-License-Identifier: MIT */
/* fork.c: a child of fork() has no runtime, and is told so. */
#include "check.h"
#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/** Wait for a child; its exit status. */
static int reap(pid_t pid)
{
	int status = 0;

	REQUIRE_EQ(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

/** The parent goes on as if nothing had been; the child may leave by _exit. */
TEST(parent_goes_on)
{
	ints ch;
	int v = 0;
	pid_t pid = fork();

	if (pid == 0)
		_exit(5);
	REQUIRE_EQ(reap(pid), 5);
	gor_make(ch, 1);
	gor_send(ch, 7);
	REQUIRE_EQ(gor_recv(ch, &v), 1);
	REQUIRE_EQ(v, 7);
	gor_free(ch);
}

/** The child of a goroutine calls the runtime. */
static int child_yields(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	pid_t pid = fork();
	if (pid == 0) {
		gor_yield();
		_exit(0);
	}
	return reap(pid);
}

static void use_in_child(void **state)
{
	static struct check_result r;

	(void)state;
	check_spawn("child_yields", &r);
	assert_int_equal(r.status, 2);
	assert_non_null(strstr(r.err, "panic: gor: used in a forked child"));
}

static int send_one(int argc, char **argv)
{
	ints ch;
	int v = 0;

	(void)argc, (void)argv;
	gor_make(ch, 1);
	gor_send(ch, 7);
	gor_recv(ch, &v);
	gor_free(ch);
	return v;
}

/** A daemon forks before it runs goroutines. */
static void run_in_child(void **state)
{
	(void)state;
	pid_t pid = fork();

	if (pid == 0) {
		int got = gor_run(send_one, 0, NULL);
		gor_trace_stop();
		_exit(got);
	}
	assert_int_equal(reap(pid), 7);
}

static int run_recorded(const char *path)
{
	char options[80], name[80];

	snprintf(options, sizeof options, "out=%s", path);
	REQUIRE_EQ(gor_trace_start(options), 0);
	int got = gor_run(send_one, 0, NULL);
	gor_trace_stop();
	snprintf(name, sizeof name, "%s.%d", path, (int)getpid()); // a child's
	REQUIRE_EQ(unlink(name), 0);
	return got;
}

/* Of a process with threads; a sanitizer's lock may be held by one that is not there. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
static const bool child_may_allocate = false;
#else
static const bool child_may_allocate = true;
#endif

/** It has recorded before that, and so does its child, by itself. */
static void record_in_child(void **state)
{
	char path[64], own[80];

	(void)state;
	if (!child_may_allocate || getenv("CHECK_EMULATOR")) {
		assert_int_equal(gor_run(send_one, 0, NULL), 7); // recorded all the same
		skip();
	}
	snprintf(path, sizeof path, "/tmp/gor-fork.%d.gtrace", (int)getpid());
	snprintf(own, sizeof own, "out=%s.parent", path);
	int err = gor_trace_start(own); // -EBUSY: GTRACE has asked for one
	pid_t pid = fork();

	if (pid == 0) {
		alarm(20);
		_exit(run_recorded(path));
	}
	assert_int_equal(reap(pid), 7);
	assert_int_equal(gor_run(send_one, 0, NULL), 7);
	gor_trace_stop();
	if (!err)
		assert_int_equal(unlink(own + strlen("out=")), 0);
}

static _Atomic bool over;

/** Recordings begin and end. */
static void record_often(void *arg)
{
	char path[64], options[80];

	(void)arg;
	snprintf(path, sizeof path, "/tmp/gor-fork.%d.gtrace", (int)getpid());
	snprintf(options, sizeof options, "out=%s", path);
	while (!atomic_load(&over)) {
		if (gor_trace_start(options) == 0)
			gor_trace_stop();
		unlink(path);
		gor_yield();
	}
}

/**
 * The child ends in one of three ways, and hangs in none: by _exit; by exit, which runs what the
 * parent's runtime left for its own; by SIGQUIT, which has no thread here that would answer.
 */
static int children_end(int argc, char **argv)
{
	(void)argc, (void)argv;
	signal(SIGALRM, SIG_DFL);
	signal(SIGQUIT, SIG_DFL); // who was started in the background ignores it
	gor_verify_main();
	gor_go(record_often, NULL);
	for (int i = 0; i < check_times(60); i++) {
		pid_t pid = fork();
		if (pid == 0) {
			alarm(20);
			if (i % 3 == 0)
				_exit(7);
			if (i % 3 == 1)
				exit(0);
			raise(SIGQUIT);
			_exit(8);
		}
		int want[] = {7, 0, 128}, status = reap(pid);
		REQUIRE_EQ(status, want[i % 3]);
	}
	atomic_store(&over, true);
	return 0;
}

static void children(void **state)
{
	static struct check_result r;

	(void)state;
	// its search for leaks, at exit, waits for locks that a thread had which the child has not
	setenv("ASAN_OPTIONS", "detect_leaks=0", 1);
	check_spawn("children_end", &r);
	print_message("%s\n", r.err);
	assert_int_equal(r.status, 0);
	assert_null(strstr(r.err, "leak: ")); // in the children: a sanitizer has words of its own
}

/** A program serves pages at one port after the other. */
static void serve_often(void *arg)
{
	(void)arg;
	for (int i = 0; i < 15; i++) {
		int port = gor_debug_serve("127.0.0.1:0");
		REQUIRE(port > 0 || port == -ENOSYS); // where there is no libgor_inspect
	}
	atomic_store(&over, true);
}

static int count_sockets(void)
{
	struct stat st;
	int sockets = 0;

	for (int fd = 3; fd < 256; fd++)
		sockets += fstat(fd, &st) == 0 && S_ISSOCK(st.st_mode);
	return sockets;
}

static int children_serve(int argc, char **argv)
{
	(void)argc, (void)argv;
	gor_go(serve_often, NULL);
	while (!atomic_load(&over)) {
		pid_t pid = fork();
		if (pid == 0)
			_exit(count_sockets());
		REQUIRE_EQ(reap(pid), 0);
		gor_yield();
	}
	return 0;
}

/** No child has a socket at which its parent is asked. */
static void sockets(void **state)
{
	static struct check_result r;

	(void)state;
	check_spawn("children_serve", &r);
	print_message("%s\n", r.err);
	assert_int_equal(r.status, 0);
}

static const struct check_child programs[] = {
	{"child_yields", child_yields},
	{"children_serve", children_serve},
	{"children_end", children_end},
	{NULL, NULL},
};

int main(int argc, char **argv)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(run_in_child), // this and the next before any other
		cmocka_unit_test(record_in_child), cmocka_unit_test(parent_goes_on),
		cmocka_unit_test(use_in_child),    cmocka_unit_test(children),
		cmocka_unit_test(sockets),
	};

	check_child_main(programs, argc, argv);
	return CHECK_MAIN(tests, argc, argv);
}

/* SPDX-License-Identifier: MIT */
/* quit.c: SIGQUIT and dumpsig= show all goroutines, whatever the program is at. */
#define _GNU_SOURCE
#include "check.h"
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

/* ── a heap whose lock can be held ────────────────────────────────────────────────────────────────
 */

#if defined(__GLIBC__) && SLOW == 1
#define HEAP_CAN_BE_HELD

static pthread_mutex_t heap = PTHREAD_MUTEX_INITIALIZER;
void *__libc_malloc(size_t bytes);
void *__libc_calloc(size_t n, size_t bytes);
void *__libc_realloc(void *p, size_t bytes);
void __libc_free(void *p);

#pragma GCC visibility push(default) // for libraries as well

#define HELD(call) \
	(__extension__({ \
		pthread_mutex_lock(&heap); \
		void *p_ = (call); \
		pthread_mutex_unlock(&heap); \
		p_; \
	}))

void *malloc(size_t bytes)
{
	return HELD(__libc_malloc(bytes));
}

void *calloc(size_t n, size_t bytes)
{
	return HELD(__libc_calloc(n, bytes));
}

void *realloc(void *p, size_t bytes)
{
	return HELD(__libc_realloc(p, bytes));
}

void free(void *p)
{
	HELD((__libc_free(p), NULL));
}

#pragma GCC visibility pop

static void hold_heap(void)
{
	pthread_mutex_lock(&heap);
}
#endif

/* ── children ─────────────────────────────────────────────────────────────────────────────────────
 */

enum { MANY = 1000 }; // for a sort that would take memory
static ints nobody;
static _Atomic int spinning;

static void wait_for_nobody(void *arg)
{
	(void)arg;
	gor_recv(nobody, NULL);
}

static void spin(void *arg)
{
	(void)arg;
	atomic_fetch_add(&spinning, 1);
	for (;;)
		__asm__ volatile("");
}

/* Two goroutines that wait, and whoever else. */
static void begin(void)
{
	struct rlimit none = {0, 0};

	setrlimit(RLIMIT_CORE, &none);
	gor_make(nobody, 0);
	gor_go(wait_for_nobody, NULL);
	gor_go(wait_for_nobody, NULL);
	check_quiet();
	fputs("printed before", stdout);
}

/* By kill(), so mostly to the thread that called gor_run. */
static int quit_idle(int argc, char **argv)
{
	(void)argc, (void)argv;
	begin();
	kill(getpid(), SIGQUIT);
	gor_sleep(GOR_HOUR);
	return 0;
}

/* To the worker. */
static int quit_worker(int argc, char **argv)
{
	(void)argc, (void)argv;
	begin();
	raise(SIGQUIT);
	return 0;
}

static void *quit_when_all_spin(void *arg)
{
	while (atomic_load(&spinning) < *(int *)arg)
		sched_yield();
	kill(getpid(), SIGQUIT);
	return NULL;
}

static int quit_all_spin(int argc, char **argv)
{
	static int procs;

	(void)argc, (void)argv;
	begin();
	procs = gor_max_procs(0);
	check_thread(quit_when_all_spin, &procs);
	for (int i = 1; i < procs; i++)
		gor_go(spin, NULL);
	spin(NULL);
	return 0;
}

static int quit_twice(int argc, char **argv)
{
	(void)argc, (void)argv;
	begin();
	kill(getpid(), SIGQUIT);
	kill(getpid(), SIGQUIT);
	gor_sleep(GOR_HOUR);
	return 0;
}

#ifdef HEAP_CAN_BE_HELD
static int quit_heap(int argc, char **argv)
{
	(void)argc, (void)argv;
	begin();
	for (int i = 0; i < MANY; i++)
		gor_go(wait_for_nobody, NULL);
	check_quiet();
	hold_heap();
	raise(SIGQUIT);
	return 0;
}

static int panic_heap(int argc, char **argv)
{
	(void)argc, (void)argv;
	begin();
	hold_heap();
	gor_panic("that was it");
}
#endif

/* Nobody reads stderr, and it is full. */
static int quit_stuck(int argc, char **argv)
{
	int fd[2];

	(void)argc, (void)argv;
	begin();
	REQUIRE_EQ(pipe(fd), 0);
	fcntl(fd[1], F_SETFL, O_NONBLOCK);
	while (write(fd[1], "x", 1) == 1)
		;
	fcntl(fd[1], F_SETFL, 0);
	dup2(fd[1], STDERR_FILENO);
	raise(SIGQUIT);
	return 0;
}

static int in_panic(int argc, char **argv)
{
	(void)argc, (void)argv;
	begin();
	gor_panic("that was it");
}

/* A goroutine that nothing can wake. */
static void leak(void *arg)
{
	ints own;

	(void)arg;
	gor_make(own, 0);
	gor_recv(own, NULL);
}

/* Who dumps has looked at what they wait for, and keeps nothing of it. */
static void find_leak(void)
{
	char text[64] = "";
	int fd = memfd_create("leaks", MFD_CLOEXEC);

	if (SLOW > 1)
		return; // a sanitizer keeps copies of everything
	REQUIRE_EQ(gor_profile_write("goroutineleak", fd, 1), 0);
	REQUIRE(pread(fd, text, sizeof text - 1, 0) > 0);
	REQUIRE(check_has_line(text, "goroutineleak profile: total 1"));
	close(fd);
}

/* Goes on after a dump, which it reads itself; twice. */
static int dump(int argc, char **argv)
{
	static char text[1 << 14];
	int fd[2], saved = dup(STDERR_FILENO);

	(void)argc, (void)argv;
	gor_go(leak, NULL);
	begin();
	REQUIRE_EQ(pipe(fd), 0);
	dup2(fd[1], STDERR_FILENO);
	for (int i = 0; i < 2; i++) {
		size_t len = 0;
		kill(getpid(), SIGUSR2);
		memset(text, 0, sizeof text);
		for (char *at = text; !(at = strstr(text, "goroutine 4 [")) || !strstr(at, "\n\n");) {
			ssize_t n = gor_read(fd[0], text + len, sizeof text - 1 - len);
			REQUIRE(n > 0);
			len += (size_t)n;
		}
		REQUIRE_EQ(write(saved, text, len), len);
	}
	find_leak();
	return 5;
}

static const struct check_child children[] = {
	{"quit_idle", quit_idle},
	{"quit_worker", quit_worker},
	{"quit_all_spin", quit_all_spin},
	{"quit_twice", quit_twice},
#ifdef HEAP_CAN_BE_HELD
	{"quit_heap", quit_heap},
	{"panic_heap", panic_heap},
#endif
	{"quit_stuck", quit_stuck},
	{"panic", in_panic},
	{"dump", dump},
	{NULL, NULL},
};

/* ── the tests ────────────────────────────────────────────────────────────────────────────────────
 */

static struct check_result r;

static void run(const char *name, const char *debug, const char *traceback)
{
	setenv("GOR_DEBUG", debug, 1);
	setenv("GOR_TRACEBACK", traceback, 1);
	check_spawn(name, &r);
	print_message("%s with GOR_DEBUG=%s GOR_TRACEBACK=%s: status %d\n%s\n", name, debug, traceback,
	              r.status, r.err);
}

/* How many goroutines the dump has. */
static int blocks(void)
{
	int n = 0;

	for (const char *p = r.err; (p = strstr(p, "goroutine ")); p++)
		n += (p == r.err || p[-1] == '\n') && p[10] != '0';
	return n;
}

static void check_quit(int status)
{
	assert_int_equal(r.status, status);
	assert_int_equal(strncmp(r.err, "SIGQUIT: quit\nPC=0x", 19), 0);
	assert_true(strstr(r.err, " m=") != NULL && strstr(r.err, " sigcode=") != NULL);
	assert_string_equal(r.out, "printed before");
}

static void quit(void **state)
{
	static const char *const names[] = {"quit_idle", "quit_worker", "quit_twice"};

	(void)state;
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		run(names[i], "", "");
		check_quit(2);
		assert_int_equal(blocks(), 3);
		assert_true(check_has_line(r.err, "goroutine 2 [chan receive]:"));
		assert_true(check_has_line(r.err, "goroutine 3 [chan receive]:"));
		assert_true(check_has_line(r.err, "wait_for_nobody(...)"));
		assert_false(check_has_prefix(r.err, "  M"));
	}
}

static void quit_while_all_spin(void **state)
{
	(void)state;
	run("quit_all_spin", "", "");
	check_quit(2);
	assert_true(blocks() >= 3);
	assert_true(check_has_line(r.err, "goroutine 1 [running]:"));
}

static void quit_while_the_heap_is_held(void **state)
{
	(void)state;
#ifdef HEAP_CAN_BE_HELD
	run("quit_heap", "", "");
	check_quit(2);
	assert_true(blocks() > 300); // what is kept of the text
	run("panic_heap", "", "");
	assert_int_equal(r.status, 2);
	assert_true(check_has_line(r.err, "panic_heap(...)"));
#else
	skip();
#endif
}

static void quit_while_nobody_reads(void **state)
{
	(void)state;
	run("quit_stuck", "", "");
	assert_int_equal(r.status, 2);
}

static void levels(void **state)
{
	(void)state;
	run("quit_worker", "", "none");
	check_quit(2);
	assert_int_equal(blocks(), 0);
	run("quit_worker", "", "single");
	assert_int_equal(blocks(), 3);
	run("quit_worker", "", "all");
	assert_int_equal(blocks(), 3);
	run("quit_worker", "", "system");
	check_quit(2);
	assert_int_equal(blocks(), 3);
	assert_true(check_has_prefix(r.err, "  P0: status="));
	assert_true(check_has_prefix(r.err, "  M0: p="));
	run("quit_worker", "", "crash");
	check_quit(128 + SIGQUIT);
	assert_int_equal(blocks(), 3);
	assert_true(check_has_prefix(r.err, "  M0: p="));
}

static void levels_of_a_panic(void **state)
{
	static const struct {
		const char *level;
		int blocks;
		bool threads;
		int status;
	} cases[] = {
		{"none", 0, false, 2},  {"single", 1, false, 2},           {"all", 3, false, 2},
		{"system", 3, true, 2}, {"crash", 3, true, 128 + SIGABRT},
	};

	(void)state;
	setenv("ASAN_OPTIONS", "handle_abort=0", 1);
	setenv("TSAN_OPTIONS", "handle_abort=0", 1);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		run("panic", "", cases[i].level);
		assert_int_equal(r.status, cases[i].status);
		assert_true(check_has_line(r.err, "panic: that was it"));
		assert_int_equal(blocks(), cases[i].blocks);
		assert_int_equal(check_has_prefix(r.err, "  M0: p="), cases[i].threads);
	}
}

static void switched_off(void **state)
{
	(void)state;
	run("quit_worker", "sigquit=0", "");
	assert_int_equal(r.status, 128 + SIGQUIT);
	assert_null(strstr(r.err, "SIGQUIT")); // an emulator has words of its own
	assert_int_equal(blocks(), 0);
}

/* Inherited, as by nohup or a shell's background jobs. */
static void ignored(void **state)
{
	(void)state;
	signal(SIGQUIT, SIG_IGN);
	run("quit_worker", "", "");
	signal(SIGQUIT, SIG_DFL);
	assert_int_equal(r.status, 0);
	assert_string_equal(r.err, "");
}

static void dumped(void **state)
{
	(void)state;
	run("dump", "dumpsig=USR2", "");
	assert_int_equal(r.status, 5);
	assert_true(check_has_line(r.err, "SIGUSR2: goroutines: 4"));
	assert_true(check_has_line(r.err, "goroutine 2 [chan receive]:"));
	assert_int_equal(blocks(), 8);
}

int main(int argc, char **argv)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(quit),
		cmocka_unit_test(quit_while_all_spin),
		cmocka_unit_test(quit_while_the_heap_is_held),
		cmocka_unit_test(quit_while_nobody_reads),
		cmocka_unit_test(levels),
		cmocka_unit_test(levels_of_a_panic),
		cmocka_unit_test(switched_off),
		cmocka_unit_test(ignored),
		cmocka_unit_test(dumped),
	};

	check_child_main(children, argc, argv);
	return CHECK_MAIN(tests, argc, argv);
}

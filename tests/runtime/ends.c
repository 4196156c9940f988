/* SPDX-License-Identifier: MIT */
/**
 * ends.c: however a recorded program ends, its status is what it would be without the recorder, its
 * trace says how it ended, and holds all that happened.
 *
 * Each child logs numbered marks from several goroutines, has others bounce a value, and ends.
 */
#define _GNU_SOURCE
#include "check.h"
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include <gtrace.h>

enum { LOGGERS = 4, MARKS = 300 };

/* ── what ends a program ──────────────────────────────────────────────────────────────────────────
 */

static void by_segv(void)
{
	char *p = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	*(volatile char *)p = 1;
}

/* Behind the end of a file. */
static void by_bus(void)
{
	int fd = memfd_create("short", 0);
	char *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	*(volatile char *)p = 1;
}

static void by_ill(void)
{
#if defined(__x86_64__)
	__asm__ volatile("ud2");
#else
	__asm__ volatile("udf #0");
#endif
}

static void by_fpe(void)
{
#if defined(__x86_64__)
	__asm__ volatile("idivl %0" ::"r"(0), "a"(1), "d"(0));
#else
	raise(SIGFPE);
#endif
}

static void by_abort(void)
{
	abort();
}

static void by_raise(void)
{
	raise(SIGSEGV);
}

static void *thread_segv(void *arg)
{
	by_segv();
	return arg;
}

static void by_thread_segv(void)
{
	check_join(check_thread(thread_segv, NULL));
}

static void own_handler(int signo)
{
	_exit(signo == SIGSEGV ? 33 : 34);
}

static void by_own_handler(void)
{
	signal(SIGSEGV, own_handler);
	by_segv();
}

static void by_exit(void)
{
	exit(7);
}

static void *thread_exit(void *arg)
{
	(void)arg;
	exit(8);
}

static void by_thread_exit(void)
{
	check_join(check_thread(thread_exit, NULL));
}

static void by_underscore_exit(void)
{
	_exit(9);
}

static void by_quick_exit(void)
{
	quick_exit(10);
}

static void by_capital_exit(void)
{
	_Exit(11);
}

static void by_panic(void)
{
	gor_panic("that was it");
}

static void by_return(void)
{
}

static void send_self(int signo)
{
	kill(getpid(), signo);
	for (;;)
		gor_sleep(GOR_SECOND);
}

static void by_term(void)
{
	send_self(SIGTERM);
}

static void by_int(void)
{
	send_self(SIGINT);
}

static void by_hup(void)
{
	send_self(SIGHUP);
}

static void by_quit(void)
{
	send_self(SIGQUIT);
}

static void by_kill(void)
{
	send_self(SIGKILL);
}

static void exec_self(const char *name)
{
	char *emulator = getenv("CHECK_EMULATOR"), self[4096];
	ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);

	self[n] = '\0';
	if (emulator)
		execlp(emulator, emulator, self, "ending", name, NULL);
	else
		execl(self, self, "ending", name, NULL);
	_exit(127);
}

static void by_exec(void)
{
	exec_self("return");
}

/** sidecar: it stays, and holds what is not in the file. */
static const struct ending {
	const char *name;
	void (*happen)(void);
	int signo, status; // as waitpid has it: one or the other
	enum gtrace_end end;
	int code;
	bool sidecar;
} endings[] = {
	{"segv", by_segv, SIGSEGV, 0, GTRACE_END_SIGNAL, SIGSEGV, false},
	{"bus", by_bus, SIGBUS, 0, GTRACE_END_SIGNAL, SIGBUS, false},
	{"ill", by_ill, SIGILL, 0, GTRACE_END_SIGNAL, SIGILL, false},
	{"fpe", by_fpe, SIGFPE, 0, GTRACE_END_SIGNAL, SIGFPE, false},
	{"abort", by_abort, SIGABRT, 0, GTRACE_END_SIGNAL, SIGABRT, false},
	{"raise", by_raise, SIGSEGV, 0, GTRACE_END_SIGNAL, SIGSEGV, false},
	{"thread_segv", by_thread_segv, SIGSEGV, 0, GTRACE_END_SIGNAL, SIGSEGV, false},
	{"own_handler", by_own_handler, 0, 33, GTRACE_END_CUT, 0, true},
	{"exit", by_exit, 0, 7, GTRACE_END_EXIT, 7, false},
	{"thread_exit", by_thread_exit, 0, 8, GTRACE_END_EXIT, 8, false},
	{"_exit", by_underscore_exit, 0, 9, GTRACE_END_CUT, 0, true},
	{"quick_exit", by_quick_exit, 0, 10, GTRACE_END_CUT, 0, true},
	{"_Exit", by_capital_exit, 0, 11, GTRACE_END_CUT, 0, true},
	{"panic", by_panic, 0, 2, GTRACE_END_PANIC, 2, false},
	{"return", by_return, 0, 5, GTRACE_END_EXIT, 5, false},
	{"term", by_term, SIGTERM, 0, GTRACE_END_SIGNAL, SIGTERM, false},
	{"int", by_int, SIGINT, 0, GTRACE_END_SIGNAL, SIGINT, false},
	{"hup", by_hup, SIGHUP, 0, GTRACE_END_SIGNAL, SIGHUP, false},
	{"quit", by_quit, 0, 2, GTRACE_END_SIGNAL, SIGQUIT, false},
	{"kill", by_kill, SIGKILL, 0, GTRACE_END_CUT, 0, true},
	{"exec", by_exec, 0, 5, GTRACE_END_CUT, 0, true}, // of "return"
};
enum { ENDINGS = sizeof endings / sizeof *endings - 1 }; // exec leaves two traces

/* ── the child ────────────────────────────────────────────────────────────────────────────────────
 */

static const struct ending *chosen;

static void log_marks(gor_waitgroup **wg)
{
	for (int i = 1; i <= MARKS; i++) {
		gor_trace_log("ends", "%d", i);
		if (i % 10 == 0)
			gor_yield();
	}
	gor_wg_done(*wg);
}

static void bounce(void *arg)
{
	ints *ch = arg;
	int v = 0;

	for (;;) {
		gor_send(ch[0], v);
		gor_recv(ch[1], &v);
	}
}

static void bounce_back(void *arg)
{
	ints *ch = arg;
	int v;

	for (;;) {
		gor_recv(ch[0], &v);
		gor_send(ch[1], v + 1);
	}
}

static int child(int argc, char **argv)
{
	static ints ch[2];
	gor_waitgroup wg = {0}, *p = &wg;

	(void)argc;
	(void)argv;
	gor_make(ch[0], 0);
	gor_make(ch[1], 0);
	gor_go(bounce, ch);
	gor_go(bounce_back, ch);
	for (int i = 0; i < LOGGERS; i++) {
		gor_wg_add(&wg, 1);
		gor_go_copy(log_marks, p);
	}
	gor_wg_wait(&wg);
	chosen->happen();
	return chosen->status;
}

static void child_main(int argc, char **argv)
{
	struct rlimit none = {0, 0};

	if (argc != 3 || strcmp(argv[1], "ending") != 0)
		return;
	setrlimit(RLIMIT_CORE, &none);
	gor_max_procs(2);
	for (chosen = endings; strcmp(chosen->name, argv[2]) != 0;)
		chosen++;
	exit(gor_run(child, 0, NULL));
}

/* ── the test ─────────────────────────────────────────────────────────────────────────────────────
 */

static char dir[16];

static int make_dir(void **state)
{
	(void)state;
	strcpy(dir, "ends.XXXXXX");
	return mkdtemp(dir) ? 0 : -1;
}

static int remove_dir(void **state)
{
	(void)state;
	return rmdir(dir); // each test has removed its files
}

static int run_child(const char *name, const char *trace)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		// a sanitizer's own handlers would be left alone
		const char *leave = "handle_segv=0:handle_sigbus=0:handle_sigfpe=0:handle_sigill=0:"
							"handle_abort=0:detect_leaks=0:atexit_sleep_ms=0";
		setenv("GTRACE", trace, 1);
		setenv("ASAN_OPTIONS", leave, 1);
		setenv("TSAN_OPTIONS", leave, 1);
		int null = open("/dev/null", O_WRONLY);
		dup2(null, STDERR_FILENO); // a panic's words
		exec_self(name);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static void check_trace(const struct ending *e, const char *trace)
{
	struct gtrace_error err = {0};
	struct gtrace_reader *r;
	struct gtrace_event ev;
	int got, marks = 0;

	if (gtrace_reader_open(&r, trace, &err) < 0)
		fail_msg("%s: %s", e->name, err.text);
	while ((got = gtrace_reader_next(r, &ev, &err)) == 1)
		marks += ev.id == GTRACE_MARK;
	assert_int_equal(got, 0);
	const struct gtrace_info *info = gtrace_reader_info(r);
	assert_int_equal(marks, LOGGERS * MARKS);
	assert_int_equal(info->end, e->end);
	assert_int_equal(info->end_code, e->code);
	assert_int_equal(info->sidecar, e->sidecar);
	assert_int_equal(info->lost_batches, 0);
	assert_int_equal(info->lost_events, 0);
	assert_int_equal(info->broken, 0);
	gtrace_reader_close(r);
}

static void ends(const struct ending *e)
{
	char trace[64], side[80];

	snprintf(trace, sizeof trace, "%s/%s.gtrace", dir, e->name);
	snprintf(side, sizeof side, "%s.live", trace);
	int status = run_child(e->name, trace);

	print_message("%s: status %#x\n", e->name, (unsigned)status);
	assert_int_equal(WIFSIGNALED(status), e->signo != 0);
	if (e->signo)
		assert_int_equal(WTERMSIG(status), e->signo);
	else
		assert_int_equal(WEXITSTATUS(status), e->status);
	assert_int_equal(access(side, F_OK) == 0, e->sidecar);
	check_trace(e, trace);
	unlink(side);
	unlink(trace);
}

/** The program becomes another one, which records to a file of its own beside the first. */
static void becomes_another(void **state)
{
	static const struct ending first = {.name = "exec", .end = GTRACE_END_CUT, .sidecar = true};
	static const struct ending then = {.name = "return", .end = GTRACE_END_EXIT, .code = 5};
	char trace[64], name[80];

	(void)state;
	snprintf(trace, sizeof trace, "%s/exec.gtrace", dir);
	int status = run_child("exec", trace);

	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 5);
	check_trace(&first, trace);
	snprintf(name, sizeof name, "%s.1", trace);
	check_trace(&then, name);
	unlink(name);
	unlink(trace);
	strcat(trace, ".live");
	assert_int_equal(unlink(trace), 0);
}

static void all_endings(void **state)
{
	(void)state;
	for (int i = 0; i < ENDINGS; i++)
		ends(&endings[i]);
}

int main(int argc, char **argv)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(all_endings, make_dir, remove_dir),
		cmocka_unit_test_setup_teardown(becomes_another, make_dir, remove_dir),
	};

	child_main(argc, argv);
	return CHECK_MAIN(tests, argc, argv);
}

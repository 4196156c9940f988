/* SPDX-License-Identifier: MIT */
/**
 * faults.c: what happens when memory or threads run out, at every place where they can.
 *
 * For each function of the list in faults.h a child runs the same program again and again, in which
 * the first call of it fails, then the second, and so on until none is left to fail: once that call
 * alone, once it and all after it.  The program uses all of the API that can run out of something,
 * and takes what gor.h promises for such a case: a code, and nothing has happened, or one of the
 * fatal errors below.  It never crashes, and never hangs.  With the recorder on it may also lose
 * its trace, or a thread's part in it; what is on file can be read.
 */
#define _GNU_SOURCE
#include "check.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include <gtrace.h>
#include "faults.h"

enum { HANGS_S = 40, FOREVER = 1 << 30 };

static const char *const documented[] = {
	"fatal error: gor: out of memory or threads at the start\n",
	"fatal error: gor: out of memory for a timer\n",
	"fatal error: gor: out of memory for a select\n",
};

static bool lasting(void)
{
	return fault_plan->more == FOREVER;
}

/* ── the program ──────────────────────────────────────────────────────────────────────────────────
 */

/* A result that may be -ENOMEM, once; then it has to be the other one if only one call fails. */
#define MAYBE(good, call) \
	(__extension__({ \
		int result_ = (call); \
		if (result_ != (good)) { \
			REQUIRE_EQ(result_, -ENOMEM); \
			if (!lasting()) \
				REQUIRE_EQ(call, (good)); \
		} \
		result_ == (good) || !lasting(); \
	}))

static void use_channel(void)
{
	ints ch = (ints)(uintptr_t)1;
	int got = 0;

	if (!MAYBE(0, gor_make(ch, 100))) {
		REQUIRE(ch == NULL);
		return;
	}
	for (int i = 0; i < 100; i++)
		REQUIRE_EQ(gor_send(ch, i), 0);
	for (int i = 0; i < 100; i++)
		REQUIRE(gor_recv(ch, &got) == 1 && got == i);
	gor_free(ch);
}

struct crowd {
	_Atomic int ran;
	gor_waitgroup wg;
};

static void be_there(void *arg)
{
	struct crowd *c = arg;
	char deep[2000];

	memset(deep, 1, sizeof deep);
	gor_yield();
	atomic_fetch_add(&c->ran, deep[gor_id() % sizeof deep]);
}

static void be_there_and_say(struct crowd **c)
{
	be_there(*c);
	gor_wg_done(&(*c)->wg);
}

/* More goroutines at once than a first slab holds, one with a stack of its own. */
static void use_goroutines(void)
{
	enum { MANY = 70 };
	struct crowd c = {0}, *p = &c;
	int started = 0;

	for (int i = 0; i < MANY; i++)
		started += gor_wg_go(&c.wg, be_there, &c) != 0;
	gor_wg_add(&c.wg, 1);
	if (gor_go_copy(be_there_and_say, p))
		started++;
	else
		gor_wg_done(&c.wg);
	gor_wg_wait(&c.wg);
	REQUIRE_EQ(atomic_load(&c.ran), started);
	uint64_t id = gor_go_opt(be_there, &c, (&(gor_opt){.stack_bytes = 1 << 20}));
	while (id && atomic_load(&c.ran) == started)
		gor_yield();
	REQUIRE(lasting() || started >= MANY);
}

static void use_time(void)
{
	gor_timer t;
	gor_ticker tick;
	ints ch;

	if (gor_make(ch, 0) < 0)
		return;
	gor_sleep(10 * GOR_MICROSECOND);
	REQUIRE_EQ(gor_recv_until(ch, NULL, gor_deadline(10 * GOR_MICROSECOND)), -ETIMEDOUT);
	REQUIRE_EQ(gor_select(gor_on_recv(ch, NULL), gor_on_timeout(10 * GOR_MICROSECOND)), 1);
	gor_free(ch);
	if (MAYBE(0, gor_timer_start(&t, 10 * GOR_MICROSECOND)))
		REQUIRE_EQ(gor_recv(t.c, NULL), 1);
	else
		REQUIRE(t.c == NULL);
	if (MAYBE(0, gor_ticker_start(&tick, 10 * GOR_MICROSECOND))) {
		REQUIRE_EQ(gor_recv(tick.c, NULL), 1);
		REQUIRE_EQ(gor_recv(tick.c, NULL), 1);
		gor_ticker_stop(&tick);
	}
}

static void sleep_long(void *arg)
{
	gor_sleep(50 * GOR_MICROSECOND);
	gor_wg_done((gor_waitgroup *)arg);
}

/* More timers at once than a heap begins with. */
static void use_many_timers(void)
{
	gor_waitgroup wg = {0};

	for (int i = 0; i < 70; i++) {
		gor_wg_add(&wg, 1);
		if (!gor_go(sleep_long, &wg))
			gor_wg_done(&wg);
	}
	gor_wg_wait(&wg);
}

static void use_context(void)
{
	gor_ctx *top = gor_ctx_with_cancel(gor_ctx_background()), *timed;

	if (!top)
		return;
	timed = gor_ctx_with_timeout(top, 10 * GOR_MICROSECOND);
	if (timed) {
		REQUIRE_EQ(gor_recv(gor_ctx_done(timed), NULL), 0);
		REQUIRE_EQ(gor_ctx_err(timed), -ETIMEDOUT);
	}
	gor_ctx_cancel(top);
	REQUIRE_EQ(gor_ctx_err(top), -ECANCELED);
	gor_ctx_free(timed);
	gor_ctx_free(top);
}

static void use_select(void)
{
	enum { MANY = 40 };
	gor_case cases[MANY];
	ints ch;
	int got = 0;

	if (gor_make(ch, 1) < 0)
		return;
	for (int i = 0; i < MANY; i++)
		cases[i] = gor_on_recv((ints)NULL, NULL);
	cases[MANY / 2] = gor_on_recv(ch, &got);
	gor_send(ch, 5);
	REQUIRE_EQ(gor_select_n(cases, MANY), MANY / 2);
	REQUIRE_EQ(got, 5);
	gor_free(ch);
}

struct call {
	_Atomic bool done;
	int fd[2];
};

static void end_call(void *arg)
{
	struct call *c = arg;

	atomic_store(&c->done, true);
	REQUIRE_EQ(write(c->fd[1], "x", 1), 1);
}

static int wait_for_end(void *arg)
{
	char byte;

	return read(((struct call *)arg)->fd[0], &byte, 1) == 1 ? 7 : -1;
}

/* The goroutine that ends a call needs another thread, and gets it: now, or when there is one. */
static void use_blocking_calls(void)
{
	struct call c = {0};

	REQUIRE_EQ(pipe(c.fd), 0);
	for (int i = 0; i < 3; i++) {
		if (lasting())
			end_call(&c);
		else
			REQUIRE(gor_go(end_call, &c) || gor_go(end_call, &c));
		REQUIRE_EQ(i % 2 ? wait_for_end(&c) : gor_blocking(wait_for_end, &c), 7);
		REQUIRE(atomic_exchange(&c.done, false));
	}
	close(c.fd[0]);
	close(c.fd[1]);
}

static void say_there(void *arg)
{
	gor_send((ints)arg, 1);
}

/* A pinned goroutine that waits keeps its thread: the others need another one. */
static void use_pinning(void)
{
	ints ch;

	if (lasting() || gor_make(ch, 0) < 0)
		return;
	gor_pin();
	for (int i = 0; i < 3; i++) {
		REQUIRE(gor_go(say_there, (void *)ch) || gor_go(say_there, (void *)ch));
		REQUIRE_EQ(gor_recv(ch, NULL), 1);
	}
	gor_unpin();
	gor_free(ch);
}

static int everything(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	use_channel();
	use_goroutines();
	use_time();
	use_many_timers();
	use_context();
	use_select();
	use_pinning();
	use_blocking_calls();
	return 42;
}

/* ── that it takes what comes ─────────────────────────────────────────────────────────────────────
 */

static void complain(const char *what, int status, const char *text)
{
	fprintf(stderr, "%s: call %u of %s, and %u after it: status %#x\n%s", what, fault_plan->first,
	        fault_names[fault_plan->function], fault_plan->more, (unsigned)status, text);
}

/* The child ended well: with what it returns, or with words that are documented. */
static bool ended_well(int status, const char *text)
{
	if (WIFEXITED(status) && WEXITSTATUS(status) == 42)
		return true;
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 2)
		return false;
	while (strncmp(text, "gor: ", 5) == 0 && strchr(text, '\n')) // a warning comes first
		text = strchr(text, '\n') + 1;
	for (size_t i = 0; i < sizeof documented / sizeof *documented; i++)
		if (strncmp(text, documented[i], strlen(documented[i])) == 0)
			return true;
	return false;
}

static void run_with_faults(int procs)
{
	static char text[8192];
	int out[2], status;

	assert_int_equal(pipe(out), 0);
	fflush(NULL);
	pid_t pid = fork();
	if (pid == 0) {
		dup2(out[1], STDERR_FILENO);
		alarm(HANGS_S);
		gor_max_procs(procs);
		atomic_store(&fault_plan->on, true);
		exit(gor_run(everything, 0, NULL)); // and not _exit: the trace is completed
	}
	close(out[1]);
	size_t len = 0;
	for (ssize_t n; len < sizeof text - 1; len += (size_t)n)
		if ((n = read(out[0], text + len, sizeof text - 1 - len)) <= 0)
			break;
	text[len] = '\0';
	close(out[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (ended_well(status, text))
		return;
	complain(WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM ? "hangs" : "fails", status, text);
	fail();
}

/* Looks at what a child left. */
static void (*after_each)(const char *path);
static const char *after_arg;

/* A child in which these calls fail.  False: it makes none of them. */
static bool one_child(const struct fault_plan *plan, int procs)
{
	*fault_plan =
		(struct fault_plan){.function = plan->function, .first = plan->first, .more = plan->more};
	run_with_faults(procs);
	atomic_store(&fault_plan->on, false);
	if (after_each)
		after_each(after_arg);
	return atomic_load(&fault_plan->failed) > 0;
}

/* Each call of the function fails in turn, alone or with some after it; on one processor or two. */
static void each_call(enum fault_function function, unsigned more)
{
	struct fault_plan plan = {.function = function, .first = 1, .more = more};

	fault_plan =
		mmap(NULL, sizeof *fault_plan, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_true(fault_plan != MAP_FAILED);
	for (;;) {
		int procs = 1 + (int)(plan.first % 2);
		bool any = one_child(&plan, procs);

		if (SLOW == 1 || !any)
			any |= one_child(&plan, 3 - procs);
		if (!any)
			break;
		plan.first += plan.first <= 12 / SLOW + 4 ? 1 : plan.first / 4 * SLOW;
	}
	printf("%s: %u calls\n", fault_names[function], atomic_load(&fault_plan->calls));
	munmap(fault_plan, sizeof *fault_plan);
	fault_plan = NULL;
}

/* If there is a trace it can be read to its end. */
static void check_trace(const char *path)
{
	struct gtrace_error err = {0};
	struct gtrace_reader *r;
	struct gtrace_event ev;
	char side[80];
	int got;

	if (access(path, F_OK) != 0)
		return;
	snprintf(side, sizeof side, "%s.live", path);
	if (gtrace_reader_open(&r, path, &err) < 0)
		fail_msg("%s", err.text);
	while ((got = gtrace_reader_next(r, &ev, &err)) == 1)
		;
	if (got < 0)
		fail_msg("%s", err.text);
	gtrace_reader_close(r);
	unlink(path);
	unlink(side); // of one that gave up
}

/** One call fails, and the program goes on. */
static void one_failure(void **state)
{
	(void)state;
	for (int f = 0; f < FAULT_FUNCTION_COUNT; f++)
		each_call((enum fault_function)f, 0);
}

/** From one call on all fail, and the program still comes to an end. */
static void lasting_failure(void **state)
{
	(void)state;
	for (int f = 0; f < FAULT_FUNCTION_COUNT; f++)
		each_call((enum fault_function)f, FOREVER);
}

/** Every second or third call fails: what was given up is asked for again and again. */
static void now_and_then(void **state)
{
	(void)state;
	fault_plan =
		mmap(NULL, sizeof *fault_plan, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_true(fault_plan != MAP_FAILED);
	for (int f = 0; f < FAULT_FUNCTION_COUNT; f++)
		for (unsigned step = 2; step <= 3; step++)
			for (unsigned first = 2; first < 2 + step; first++) // the first call of all is needed
				one_child(&(struct fault_plan){.function = (enum fault_function)f,
				                               .first = first,
				                               .more = FOREVER,
				                               .step = step},
				          1 + (int)(first % 2));
}

/** For some time no thread is to be had: what waits for one runs as soon as it is. */
static void threads_come_back(void **state)
{
	(void)state;
	each_call(FAULT_pthread_create, 20);
}

/** What fails may be a call of the recorder: it gives up, and the program goes on. */
static void while_recording(void **state)
{
	static const enum fault_function functions[] = {FAULT_malloc, FAULT_calloc, FAULT_realloc,
	                                                FAULT_mmap, FAULT_pthread_create};
	char dir[] = "faults.XXXXXX", path[64];

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof path, "%s/run.gtrace", dir);
	setenv("GTRACE", path, 1);
	after_each = check_trace;
	after_arg = path;
	for (size_t i = 0; i < sizeof functions / sizeof *functions; i++)
		each_call(functions[i], 0);
	after_each = NULL;
	unsetenv("GTRACE");
	rmdir(dir);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_failure),     cmocka_unit_test(lasting_failure),
		cmocka_unit_test(now_and_then),    cmocka_unit_test(threads_come_back),
		cmocka_unit_test(while_recording),
	};

	return CHECK_MAIN(tests, argc, argv);
}

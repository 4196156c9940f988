/* SPDX-License-Identifier: MIT */
/*
 * evidence.c: what a trace tells of tries that fail, of where those are who wait for long, and when
 * those were woken who were woken by one close.
 */
#include "check.h"
#include "scheduler.h"
#include <errno.h>
#include <gtrace.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define TRIES 1000
#define WAITERS 5

static ints never;

/* Alone in its section: its addresses are those between the linker's two names. */
extern const char __start_deep[], __stop_deep[]; // NOLINT: the linker's

__attribute__((noinline, section("deep"))) static void wait_deep(unsigned depth)
{
	if (depth)
		wait_deep(depth - 1);
	else
		gor_recv(never, NULL);
	__asm__ volatile("");
}

static void waiter(void *arg)
{
	wait_deep(*(const unsigned *)arg);
}

static void count_unseen(void *arg, struct g *g)
{
	if (g_state(g) != G_WAITING || atomic_load(&g->look) < 2)
		++*(int *)arg;
}

static void take(void *arg)
{
	gor_recv((ints)arg, NULL);
}

static void count_waiting(void *arg, struct g *g)
{
	*(int *)arg += g_state(g) == G_WAITING;
}

/* WAITERS wait, and one close wakes them all. */
static void close_one(void)
{
	int waiting;
	ints ch;

	gor_make(ch, 0);
	for (int i = 0; i < WAITERS; i++)
		gor_go(take, (void *)ch);
	do {
		waiting = 0;
		gor_yield();
		gor__g_each(count_waiting, &waiting);
	} while (waiting < WAITERS);
	gor_close(ch);
}

static int program(int argc, char **argv)
{
	static unsigned depth[WAITERS];
	gor_mutex mu = {0};
	int unseen;

	(void)argc, (void)argv;
	close_one();
	gor_make(never, 0);
	for (unsigned i = 0; i < WAITERS; i++) {
		depth[i] = i;
		gor_go(waiter, &depth[i]);
	}
	for (int i = 0; i < TRIES; i++) {
		REQUIRE_EQ(gor_try_recv(never, NULL), -EAGAIN);
		if (i % 10 == 0)
			gor_yield();
	}
	REQUIRE_EQ(gor_mutex_trylock(&mu), 0); // is none
	for (int i = 0; i < 3; i++)
		REQUIRE_EQ(gor_mutex_trylock(&mu), -EBUSY);
	gor_mutex_unlock(&mu);
	do { // until all but this one have been looked at twice by the monitor
		unseen = 0;
		gor_sleep(GOR_MILLISECOND);
		gor__g_each(count_unseen, &unseen);
	} while (unseen > 1);
	return 0;
}

static void record(const char *path)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		setenv("GTRACE", path, 1);
		setenv("GOR_DEBUG", "shrink=10ms", 1);
		exit(gor_run(program, 0, (char *[]){NULL}));
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

struct seen {
	uint64_t receives, locks, reports; // ATTEMPTS
	int parked[WAITERS];               // by depth, from GO_PARKED
	int at_end[WAITERS];               // by depth, from the last snapshot
	int woken;                         // by the close, when it was
	struct gtrace_event close;
};

static void attempts(struct seen *seen, const struct gtrace_reader *r,
                     const struct gtrace_event *ev)
{
	const struct gtrace_site_info *site = gtrace_reader_site(r, ev->arg[0]);

	if (site->op == GTRACE_op_CHAN_RECV)
		seen->receives += ev->arg[1];
	else if (site->op == GTRACE_op_MUTEX_TRYLOCK)
		seen->locks += ev->arg[1];
	seen->reports++;
}

/** How often wait_deep() is on the stack; the program was forked from here. */
static int depth_of(const struct gtrace_reader *r, uint64_t stack)
{
	const uint64_t *pcs;
	size_t n = gtrace_reader_stack(r, stack, &pcs);
	int depth = 0;

	for (size_t i = 0; i < n; i++)
		depth += pcs[i] >= (uintptr_t)__start_deep && pcs[i] < (uintptr_t)__stop_deep;
	return depth;
}

static void tells_all(void **state)
{
	char dir[] = "evidence.XXXXXX", path[64];
	struct gtrace_reader *r;
	struct gtrace_error err = {0};
	struct gtrace_event ev;
	struct seen seen = {0};
	unsigned before = 0;
	int got;

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof path, "%s/run.gtrace", dir);
	record(path);
	if (gtrace_reader_open(&r, path, &err) < 0)
		fail_msg("%s", err.text);
	while ((got = gtrace_reader_next(r, &ev, &err)) == 1) {
		if (ev.id == GTRACE_ATTEMPTS)
			attempts(&seen, r, &ev);
		if (ev.id == GTRACE_STACK) {
			int depth = depth_of(r, ev.arg[0]);
			if (depth > 0 && depth <= WAITERS && before == GTRACE_GO_PARKED)
				seen.parked[depth - 1]++;
			if (depth > 0 && depth <= WAITERS && before == GTRACE_GO_STATUS)
				seen.at_end[depth - 1]++;
		}
		if (ev.id == GTRACE_CHAN_CLOSE)
			seen.close = ev;
		if (ev.id == GTRACE_GO_WAKE && ev.thread == seen.close.thread &&
		    ev.arg[2] == seen.close.arg[0])
			seen.woken += ev.time_ns == seen.close.time_ns;
		before = ev.id;
	}
	assert_int_equal(got, 0);
	gtrace_reader_close(r);
	unlink(path);
	rmdir(dir);
	assert_int_equal(seen.receives, TRIES);
	assert_int_equal(seen.locks, 3);
	assert_in_range(seen.reports, 2, 20);
	assert_int_equal(seen.woken, WAITERS);
	for (int i = 0; i < WAITERS; i++) {
		assert_int_equal(seen.parked[i], 1);
		assert_int_equal(seen.at_end[i], 1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(tells_all)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/**
 * foreign_reach.c: the search of memory at the end of a run knows the stacks of foreign threads.
 *
 * A thread in its own code can use what is on its stack.  One that waits for good, for something
 * that nobody has, cannot; but its thread-local variables are anybody's.
 */
#include "check.h"
#include <gtrace.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char trace[] = "foreign_reach.XXXXXX";
static _Atomic int settled; // goroutines and threads that are where they stay, but for a last step
static _Atomic int asleep_tid;
static pthread_t asleep_thread;

static void sit(ints *ch)
{
	atomic_fetch_add(&settled, 1);
	gor_recv(*ch, NULL);
}

/* In its own code, with a channel on its stack. */
static void *awake(void *arg)
{
	ints on_awake_stack;

	(void)arg;
	REQUIRE_EQ(gor_thread_enter(), 0);
	REQUIRE_EQ(gor_make(on_awake_stack, 0), 0);
	gor_go_copy(sit, on_awake_stack);
	atomic_fetch_add(&settled, 1);
	for (;;) {
		__asm__ volatile("" : : "r"(&on_awake_stack) : "memory"); // it has to stay where it is
		sched_yield();
	}
	return NULL;
}

static __thread ints in_tls;

/* Waits for good, with a channel on its stack and one in a variable of its own. */
static void *asleep_with(void *arg)
{
	ints on_asleep_stack, asleep;

	(void)arg;
	REQUIRE_EQ(gor_thread_enter(), 0);
	REQUIRE_EQ(gor_make(in_tls, 0), 0);
	REQUIRE_EQ(gor_make(on_asleep_stack, 0), 0);
	REQUIRE_EQ(gor_make(asleep, 0), 0);
	gor_go_copy(sit, on_asleep_stack);
	gor_go_copy(sit, in_tls);
	atomic_store(&asleep_tid, check_tid());
	gor_recv(asleep, NULL); // nobody else has it
	__asm__ volatile("" : : "r"(&on_asleep_stack) : "memory");
	return NULL;
}

/* On one processor a goroutine that has counted itself waits by the time that another runs. */
static void leave_them(void)
{
	check_thread(awake, NULL);
	asleep_thread = check_thread(asleep_with, NULL);
	while (atomic_load(&settled) < 4)
		gor_yield();
	check_await_asleep(&asleep_tid);
}

struct object {
	char name[32];
	uint64_t id;
	int64_t where; // -1: the search says nothing of it
	char what[64];
};

/* The objects of a trace by the names that the program gave them, and what the search says. */
static int read_objects(struct object *objects, int room)
{
	struct gtrace_error err;
	struct gtrace_reader *r;
	struct gtrace_event ev;
	int n = 0;

	if (gtrace_reader_open(&r, trace, &err) < 0)
		fail_msg("%s", err.text);
	while (gtrace_reader_next(r, &ev, &err) == 1) {
		if (ev.id == GTRACE_OBJ_NEW && n < room) {
			const struct gtrace_site_info *site = gtrace_reader_site(r, ev.arg[2]);
			objects[n] = (struct object){.id = ev.arg[0], .where = -1};
			snprintf(objects[n++].name, sizeof objects->name, "%s", site->text);
		}
		for (int i = 0; ev.id == GTRACE_REACH && i < n; i++) {
			if (objects[i].id != ev.arg[0])
				continue;
			objects[i].where = (int64_t)ev.arg[1];
			snprintf(objects[i].what, sizeof objects->what, "%.*s", (int)ev.arg[2], ev.bytes[2]);
		}
	}
	gtrace_reader_close(r);
	return n;
}

static void expect(const struct object *objects, int n, const char *name, int64_t where,
                   const char *what)
{
	for (int i = 0; i < n; i++) {
		if (strcmp(objects[i].name, name) != 0)
			continue;
		print_message("%s: %lld %s\n", name, (long long)objects[i].where, objects[i].what);
		assert_int_equal(objects[i].where, where);
		assert_int_equal(strncmp(objects[i].what, what, strlen(what)), 0);
		return;
	}
	fail_msg("no object '%s'", name);
}

static void stacks_of_threads(void **state)
{
	struct object objects[16];
	char options[64];

	(void)state;
	int fd = mkstemp(trace);
	assert_true(fd >= 0);
	close(fd);
	unlink(trace); // a recording never overwrites
	snprintf(options, sizeof options, "out=%s", trace);
	assert_int_equal(gor_trace_start(options), 0);
	check_run(leave_them, 1);
	gor_trace_stop();
	assert_int_equal(pthread_join(asleep_thread, NULL), 0); // it was let go
	int n = read_objects(objects, 16);
	unlink(trace);
	if (SLOW > 1) // a sanitizer keeps copies of everything: there is no search
		return;
	expect(objects, n, "on_awake_stack", 3, "stack of goroutine ");
	expect(objects, n, "in_tls", 2, "");
	expect(objects, n, "on_asleep_stack", 0, "");
	expect(objects, n, "asleep", 0, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(stacks_of_threads)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

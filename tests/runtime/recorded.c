/* SPDX-License-Identifier: MIT */
/**
 * recorded.c: run one test of a suite with the recorder on, and check the trace it leaves.
 *
 *	recorded [EMULATOR] PROGRAM TEST
 *
 * The test still has to pass.  Its trace must be complete, say how the run ended, and hold an order
 * of events that could have happened.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>
#include "legal.h"

struct run {
	char **argv;      // emulator, program, test
	const char *test; // the last of them
	char dir[64];
	char trace[96];
};

static int set_up(void **state)
{
	struct run *run = *state;

	strcpy(run->dir, "recorded.XXXXXX"); // in the build directory
	if (!mkdtemp(run->dir))
		return -1;
	snprintf(run->trace, sizeof run->trace, "%s/run.gtrace", run->dir);
	return 0;
}

static int tear_down(void **state)
{
	struct run *run = *state;
	char *argv[] = {"rm", "-rf", run->dir, NULL};
	pid_t pid = fork();

	if (pid == 0) {
		execvp(argv[0], argv);
		_exit(127);
	}
	return waitpid(pid, NULL, 0) == pid ? 0 : -1;
}

static void passes(const struct run *run)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		setenv("GTRACE", run->trace, 1);
		execvp(run->argv[0], run->argv);
		_exit(127);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static void is_legal(const struct run *run)
{
	const struct gtrace_info *info;
	struct gtrace_error err = {0};
	struct gtrace_reader *r;
	struct gtrace_event ev;
	struct legal l = {0};
	int got;

	if (gtrace_reader_open(&r, run->trace, &err) < 0)
		fail_msg("%s", err.text);
	while ((got = gtrace_reader_next(r, &ev, &err)) == 1)
		legal_event(&l, r, &ev);
	if (got < 0)
		fail_msg("%s", err.text);
	info = gtrace_reader_info(r);
	print_message("%llu events in %llu bytes, %llu goroutines, %llu inversions, end %d\n",
	              (unsigned long long)info->events, (unsigned long long)info->file_bytes,
	              (unsigned long long)l.started, (unsigned long long)info->inversions,
	              (int)info->end);
	if (l.illegal)
		fail_msg("%llu illegal events, first %s", (unsigned long long)l.illegal, l.first);
	assert_int_equal(info->broken, 0);
	assert_int_equal(info->lost_batches, 0);
	assert_int_equal(info->lost_events, 0);
	assert_false(info->sidecar);
	assert_false(info->truncated);
	assert_int_not_equal(info->end, GTRACE_END_CUT);
	assert_true(l.started >= 1);
	if (strcmp(run->test, "num_goroutine") == 0)
		assert_int_equal(l.marks, 3);
	gtrace_reader_close(r);
	legal_release(&l);
}

static void trace_is_legal(void **state)
{
	passes(*state);
	is_legal(*state);
}

int main(int argc, char **argv)
{
	struct run run = {.argv = argv + 1, .test = argv[argc - 1]};
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_prestate_setup_teardown(trace_is_legal, set_up, tear_down, &run)};

	return argc >= 3 ? cmocka_run_group_tests(tests, NULL, NULL) : 2;
}

/* SPDX-License-Identifier: MIT */
/* fork.c: a child of fork() has no runtime, and is told so. */
#include "check.h"
#include <string.h>
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

static const struct check_child children[] = {{"child_yields", child_yields}, {NULL, NULL}};

int main(int argc, char **argv)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(parent_goes_on),
		cmocka_unit_test(use_in_child),
	};

	check_child_main(children, argc, argv);
	return CHECK_MAIN(tests, argc, argv);
}

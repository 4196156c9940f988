/* SPDX-License-Identifier: MIT */
/**
 * replay.c: one seed, one sequence of events, recorded twice and compared; and for another seed
 * another one, where the program leaves a choice.
 *
 * Each run is a fork of this process, which never calls the runtime itself.
 */
#define _GNU_SOURCE
#include "blocks.h"
#include "check.h"
#include "digest.h"
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SEEDS = 20 / SLOW };

static struct {
	char dir[32], trace[64];
} files;

static int set_up(void **state)
{
	(void)state;
	strcpy(files.dir, "replay.XXXXXX"); // in the build directory
	if (!mkdtemp(files.dir))
		return -1;
	snprintf(files.trace, sizeof files.trace, "%s/t", files.dir);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	return rmdir(files.dir);
}

static void child(int program, int seed)
{
	const struct blocks_kind *kind = blocks_kind(program);
	char debug[64], bytes[sizeof program], *argv[] = {bytes, NULL};
	int null = open("/dev/null", O_WRONLY);

	// A machine that stands still for a second is no choice of the scheduler's.
	snprintf(debug, sizeof debug, "seed=%d,policy=%s%s,handoff=60s", seed, kind->policy,
	         kind->vtime ? ",vtime=1" : "");
	setenv("GOR_DEBUG", debug, 1);
	setenv("GTRACE", files.trace, 1);
	dup2(null, STDERR_FILENO); // a deadlock says much
	memcpy(bytes, &program, sizeof program);
	exit(gor_run(blocks_main, 1, argv));
}

/* Run it and read its trace. */
static char *digest(int program, int seed)
{
	pid_t pid = fork();
	int status;

	if (pid == 0)
		child(program, seed);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (!WIFEXITED(status) || (WEXITSTATUS(status) != 0 && WEXITSTATUS(status) != 2))
		fail_msg("program %d with seed %d ended with %#x", program, seed, (unsigned)status);
	char *text = digest_of(files.trace);

	unlink(files.trace);
	return text;
}

/* Returns how many different sequences there were. */
static int replay(int program)
{
	char *seen[SEEDS], what[64];
	int different = 0;

	for (int seed = 0; seed < SEEDS; seed++) {
		char *a = digest(program, seed), *b = digest(program, seed);
		snprintf(what, sizeof what, "program %d, seed %d", program, seed);
		digest_equal(a, b, what);
		free(b);
		int i = 0;
		while (i < different && strcmp(seen[i], a) != 0)
			i++;
		if (i == different)
			seen[different++] = a;
		else
			free(a);
	}
	for (int i = 0; i < different; i++)
		free(seen[i]);
	return different;
}

static void replay_all(bool vtime)
{
	for (int program = 0; program < BLOCKS_PROGRAMS; program++) {
		const struct blocks_kind *kind = blocks_kind(program);
		if (kind->vtime != vtime)
			continue;
		int different = replay(program);
		if (strcmp(kind->policy, "random") == 0)
			assert_true(different > SEEDS / 2);
		else if (strcmp(kind->policy, "natural") != 0)
			assert_true(different > SEEDS / 10);
	}
}

static void without_time(void **state)
{
	(void)state;
	replay_all(false);
}

static void with_virtual_time(void **state)
{
	(void)state;
	replay_all(true);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_time),
		cmocka_unit_test(with_virtual_time),
	};

	check_filter(argc, argv);
	return cmocka_run_group_tests(tests, set_up, tear_down);
}

/* SPDX-License-Identifier: MIT */
/** kill.c: whatever a program had told the world before SIGKILL is in its trace. */
#include "support.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define THREADS 2
#define ROUNDS 25

/** Smaller than PIPE_BUF: whole or not at all. */
struct said {
	uint64_t thread;
	uint64_t number;
};

static struct gtrace_rec *rec;
static int pipe_out;

static void *child_thread(void *arg)
{
	struct gtrace_stream *s = gtrace_stream_new(rec, GTRACE_thread_kind_WORKER, 1);
	uint64_t seed = s->number;

	(void)arg;
	for (uint64_t i = 1;; i++) {
		GTRACE_EMIT(s, BUSY, i, random_next(&seed), random_next(&seed), 0, 0);
		if (i % 16)
			continue;
		struct said said = {s->number, i};

		if (write(pipe_out, &said, sizeof(said)) != sizeof(said))
			_exit(1);
	}
	return NULL;
}

static void child(const char *path)
{
	struct gtrace_options opt = options_for(path);
	struct gtrace_error err;
	pthread_t id;

	if (gtrace_rec_open(&rec, &opt, NULL, NULL, &err))
		_exit(1);
	for (int i = 1; i < THREADS; i++)
		pthread_create(&id, NULL, child_thread, NULL);
	child_thread(NULL);
}

static void round_of(unsigned round, uint64_t events)
{
	char path[512];
	char name[32];
	int fds[2];
	struct said said;
	uint64_t last_said[THREADS + 1] = {0};
	uint64_t last_read[THREADS + 1] = {0};

	snprintf(name, sizeof(name), "k%u.gtrace", round);
	strcpy(path, temp_path(name));
	assert_int_equal(pipe(fds), 0);
	pid_t pid = fork();

	if (!pid) {
		pipe_out = fds[1];
		child(path);
	}
	close(fds[1]);
	// The child's own progress says when, so that the moments differ on fast and slow machines
	// alike.
	while (read(fds[0], &said, sizeof(said)) == sizeof(said)) {
		last_said[said.thread] = said.number;
		if (said.number >= events)
			kill(pid, SIGKILL);
	}
	waitpid(pid, NULL, 0);
	close(fds[0]);
	struct events e = events_read(path);

	assert_int_equal(e.result, 0);
	assert_true(e.info.sidecar);
	assert_int_equal(e.info.end, GTRACE_END_CUT);
	assert_int_equal(e.info.lost_batches, 0);
	for (size_t i = 0; i < e.count; i++) {
		if (e.event[i].id != GTRACE_BUSY)
			continue;
		assert_int_equal(e.event[i].arg[0], last_read[e.event[i].thread] + 1);
		last_read[e.event[i].thread]++;
	}
	for (int t = 1; t <= THREADS; t++)
		assert_true(last_read[t] >= last_said[t]);
	events_free(&e);
}

static void kills(void **state)
{
	uint64_t seed = (uint64_t)time(NULL);

	(void)state;
	for (unsigned i = 0; i < ROUNDS; i++)
		round_of(i, random_next(&seed) % (i % 5 ? 40000 : 200));
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(kills)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

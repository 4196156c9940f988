/* SPDX-License-Identifier: MIT */
/* check.c: see check.h. */
#define _GNU_SOURCE
#include "check.h"
#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <spawn.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

void check_failed(const char *file, int line, const char *what)
{
	dprintf(STDERR_FILENO, "%s:%d: failed: %s\n", file, line, what);
	_exit(1);
}

void check_equal(const char *file, int line, const char *what, long long a, long long b)
{
	if (a == b)
		return;
	dprintf(STDERR_FILENO, "%s:%d: failed: %s: %lld and %lld\n", file, line, what, a, b);
	_exit(1);
}

/* The body goes to the entry as an argument, in an array that looks like one of strings. */
static int run_body(int argc, char **argv)
{
	void (*body)(void);

	(void)argc;
	memcpy(&body, argv[0], sizeof body);
	body();
	return 42;
}

void check_run(void (*body)(void), int procs)
{
	char bytes[sizeof body];
	char *argv[] = {bytes, NULL};

	memcpy(bytes, &body, sizeof body);
	if (procs > 0)
		gor_max_procs(procs);
	assert_int_equal(gor_run(run_body, 1, argv), 42);
}

void check_filter(int argc, char **argv)
{
	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
}

void check_child_main(const struct check_child *table, int argc, char **argv)
{
	if (argc != 3 || strcmp(argv[1], "child") != 0)
		return;
	for (; table->name; table++)
		if (strcmp(table->name, argv[2]) == 0)
			exit(gor_run(table->entry, argc, argv));
	dprintf(STDERR_FILENO, "no child '%s'\n", argv[2]);
	exit(99);
}

/* Append what fd has to the text; false at its end. */
static bool drain(int fd, char *text, size_t room, size_t *len)
{
	char bytes[4096];
	ssize_t n = read(fd, bytes, sizeof bytes);
	size_t keep;

	if (n <= 0)
		return false;
	keep = (size_t)n < room - 1 - *len ? (size_t)n : room - 1 - *len;
	memcpy(text + *len, bytes, keep);
	*len += keep;
	text[*len] = '\0';
	return true;
}

/* /proc/self/exe itself would be the emulator, if there is one. */
static void own_path(char *path, size_t room)
{
	ssize_t n = readlink("/proc/self/exe", path, room - 1);

	assert_true(n > 0);
	path[n] = '\0';
}

void check_spawn(const char *name, struct check_result *r)
{
	char self[4096], *argv[] = {getenv("CHECK_EMULATOR"), self, "child", (char *)name, NULL};
	char **words = argv[0] ? argv : argv + 1;
	int out[2], err[2], status;
	posix_spawn_file_actions_t actions;
	size_t out_len = 0, err_len = 0;
	pid_t pid;

	memset(r, 0, sizeof *r);
	own_path(self, sizeof self);
	assert_int_equal(pipe(out), 0);
	assert_int_equal(pipe(err), 0);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, out[1], STDOUT_FILENO);
	posix_spawn_file_actions_adddup2(&actions, err[1], STDERR_FILENO);
	for (int i = 0; i < 2; i++) {
		posix_spawn_file_actions_addclose(&actions, out[i]);
		posix_spawn_file_actions_addclose(&actions, err[i]);
	}
	assert_int_equal(posix_spawnp(&pid, words[0], &actions, NULL, words, environ), 0);
	posix_spawn_file_actions_destroy(&actions);
	close(out[1]);
	close(err[1]);

	struct pollfd fds[] = {{out[0], POLLIN, 0}, {err[0], POLLIN, 0}};
	while (fds[0].fd >= 0 || fds[1].fd >= 0) {
		poll(fds, 2, -1);
		if (fds[0].revents && !drain(out[0], r->out, sizeof r->out, &out_len))
			fds[0].fd = -1;
		if (fds[1].revents && !drain(err[0], r->err, sizeof r->err, &err_len))
			fds[1].fd = -1;
	}
	close(out[0]);
	close(err[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	r->status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static const char *next_line(const char *text)
{
	const char *end = strchr(text, '\n');

	return end ? end + 1 : NULL;
}

/* The first line of text that begins with these words, or NULL. */
static const char *find_line(const char *text, const char *prefix)
{
	size_t n = strlen(prefix);

	while (text && strncmp(text, prefix, n) != 0)
		text = next_line(text);
	return text;
}

bool check_has_line(const char *text, const char *line)
{
	size_t n = strlen(line);

	while ((text = find_line(text, line)) && text[n] != '\n' && text[n] != '\0')
		text = next_line(text);
	return text != NULL;
}

bool check_has_prefix(const char *text, const char *prefix)
{
	return find_line(text, prefix) != NULL;
}

/* ThreadSanitizer takes a millisecond for a goroutine. */
static int slower(void)
{
#if defined(__SANITIZE_THREAD__)
	return 50;
#else
	return SLOW > 1 || getenv("CHECK_EMULATOR") ? 10 : 1;
#endif
}

int check_times(int n)
{
	const char *times = getenv("CHECK_TIMES");

	n /= slower();
	return n * (times ? atoi(times) : 1);
}

/*
 * With k degrees of freedom, P(chi >= k + 2 sqrt(k x) + 2 x) <= exp(-x): Laurent and Massart 2000,
 * lemma 1.  x = 23 makes that 1e-10.
 */
bool check_even(const int *counts, int n)
{
	double x = 23, k = n - 1, chi = 0, mean = 0;

	for (int i = 0; i < n; i++)
		mean += (double)counts[i] / n;
	for (int i = 0; i < n; i++)
		chi += (counts[i] - mean) * (counts[i] - mean) / mean;
	double over = chi - k - 2 * x;
	if (over <= 0 || over * over <= 4 * k * x)
		return true;
	fprintf(stderr, "chi square %.1f with %d degrees of freedom\n", chi, n - 1);
	return false;
}

/* ── threads, from outside ────────────────────────────────────────────────────────────────────────
 */

static long number_after(const char *text, const char *key)
{
	const char *at = strstr(text, key);

	return at ? strtol(at + strlen(key), NULL, 10) : 0;
}

/* Whether a thread sleeps, as far as /proc says; *switches: how often it has given up its
 * processor. */
static bool thread_sleeps(const char *tid, long *switches)
{
	char path[300], text[4096];

	snprintf(path, sizeof path, "/proc/self/task/%s/status", tid);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
	if (fd >= 0)
		close(fd);
	if (n <= 0)
		return true; // it has ended
	text[n] = 0;
	*switches += number_after(text, "\nvoluntary_ctxt_switches:\t") +
	             number_after(text, "\nnonvoluntary_ctxt_switches:\t");
	return strstr(text, "State:\tS") != NULL;
}

static bool others_sleep(bool but_monitor, long *switches)
{
	long own = syscall(SYS_gettid), main = getpid();
	bool sleep = true;
	DIR *dir = opendir("/proc/self/task");

	REQUIRE(dir != NULL);
	*switches = 0;
	for (struct dirent *e; (e = readdir(dir));) {
		long tid = strtol(e->d_name, NULL, 10);
		if (tid && tid != own && !(but_monitor && tid == main))
			sleep &= thread_sleeps(e->d_name, switches);
	}
	closedir(dir);
	return sleep;
}

void check_still(long ms, bool but_monitor)
{
	for (long before = -1, now;; before = now) {
		bool sleep = others_sleep(but_monitor, &now);
		if (sleep && now == before)
			return;
		nanosleep(&(struct timespec){.tv_nsec = ms * 1000000}, NULL);
	}
}

static void *write_when_still(void *arg)
{
	check_still(2, true);
	REQUIRE_EQ(write(*(int *)arg, "x", 1), 1);
	return NULL;
}

void check_quiet(void)
{
	int fd[2];
	char byte;
	pthread_t thread;

	REQUIRE_EQ(pipe(fd), 0);
	REQUIRE_EQ(pthread_create(&thread, NULL, write_when_still, &fd[1]), 0);
	REQUIRE_EQ(gor_read(fd[0], &byte, 1), 1);
	REQUIRE_EQ(pthread_join(thread, NULL), 0);
	REQUIRE_EQ(gor_close_fd(fd[0]), 0);
	REQUIRE_EQ(gor_close_fd(fd[1]), 0);
}

pthread_t check_thread(void *(*fn)(void *), void *arg)
{
	pthread_t thread;

	REQUIRE_EQ(pthread_create(&thread, NULL, fn, arg), 0);
	return thread;
}

struct starting {
	void *(*fn)(void *);
	void *arg;
	_Atomic bool registered;
};

static void *starting_main(void *arg)
{
	struct starting *s = arg;
	void *(*fn)(void *) = s->fn;

	arg = s->arg;
	REQUIRE_EQ(gor_thread_enter(), 0);
	atomic_store(&s->registered, true);
	return fn(arg); // its end detaches it
}

pthread_t check_thread_registered(void *(*fn)(void *), void *arg)
{
	struct starting s = {.fn = fn, .arg = arg};
	pthread_t thread = check_thread(starting_main, &s);

	while (!atomic_load(&s.registered))
		gor_yield();
	return thread;
}

static int join_it(void *arg)
{
	return pthread_join(*(pthread_t *)arg, NULL);
}

void check_join(pthread_t thread)
{
	REQUIRE_EQ(gor_blocking(join_it, &thread), 0);
}

int check_tid(void)
{
	return (int)syscall(SYS_gettid);
}

void check_await_asleep(_Atomic int *tid)
{
	char path[64], text[512], state = 0;

	while (!atomic_load(tid))
		gor_yield();
	snprintf(path, sizeof path, "/proc/self/task/%d/stat", atomic_load(tid));
	while (state != 'S') {
		gor_yield();
		FILE *f = fopen(path, "r");
		REQUIRE(f != NULL);
		size_t n = fread(text, 1, sizeof text - 1, f);
		fclose(f);
		text[n] = 0;
		const char *after = strrchr(text, ')'); // the name before it may hold anything
		REQUIRE(after != NULL);
		state = after[2];
	}
}

int check_receive_awake(ints ch)
{
	int got = 0;

	while (gor_try_recv(ch, &got) != 1)
		gor_yield();
	return got;
}

uint64_t check_random(uint64_t *state)
{
	uint64_t x = *state;

	x ^= x >> 12;
	x ^= x << 25;
	x ^= x >> 27;
	*state = x;
	return x * UINT64_C(0x2545f4914f6cdd1d);
}

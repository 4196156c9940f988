/* SPDX-License-Identifier: MIT */
/**
 * seed.c: GOR_DEBUG=seed=N,policy=...: one worker, the same choices for the same N, and bugs found
 * that the usual order never shows.
 */
#define _GNU_SOURCE
#include "check.h"
#include "digest.h"
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* ── children ─────────────────────────────────────────────────────────────────────────────────────
 */

enum { CHOICES = 32 };

struct log {
	char text[16 * CHOICES];
	int len;
	gor_waitgroup wg;
};

static void put(struct log *log, int c)
{
	log->text[log->len++] = (char)c;
}

struct writer {
	struct log *log;
	int letter;
};

static void write_letters(struct writer *w)
{
	for (int i = 0; i < 8; i++) {
		put(w->log, w->letter);
		gor_yield();
	}
	gor_wg_done(&w->log->wg);
}

/* Prints the choices that were made: cases of a select, and who ran. */
static int choices(int argc, char **argv)
{
	static struct log log;
	ints ch[4];

	(void)argc, (void)argv;
	for (int i = 0; i < 4; i++)
		gor_make(ch[i], CHOICES);
	for (int i = 0; i < CHOICES; i++)
		put(&log, '0' + gor_select(gor_on_send(ch[0], 1), gor_on_send(ch[1], 1),
		                           gor_on_send(ch[2], 1), gor_on_send(ch[3], 1)));
	gor_wg_add(&log.wg, 6);
	for (int i = 0; i < 6; i++)
		gor_go_copy(write_letters, ((struct writer){&log, 'a' + i}));
	for (int i = 0; i < 4; i++)
		gor_free(ch[i]); // counts as an operation too
	gor_wg_wait(&log.wg);
	printf("%.*s\n", log.len, log.text);
	return 0;
}

static int nothing(int argc, char **argv)
{
	(void)argc, (void)argv;
	return 0;
}

static void note_thread(void *arg)
{
	gor_yield();
	*(pid_t *)arg = gettid();
}

static int threads(int argc, char **argv)
{
	enum { MANY = 1100 }; // more than fit into a ring
	static pid_t tid[MANY];
	gor_waitgroup wg = {0};

	(void)argc, (void)argv;
	REQUIRE_EQ(gor_max_procs(4), 1);
	REQUIRE_EQ(gor_max_procs(0), 1);
	for (int i = 0; i < MANY; i++)
		gor_wg_go(&wg, note_thread, &tid[i]);
	gor_wg_wait(&wg);
	for (int i = 0; i < MANY; i++)
		REQUIRE_EQ(tid[i], gettid());
	return 0;
}

/* CPU time: a loaded machine does not matter. */
static int64_t own_cpu_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return (int64_t)ts.tv_sec * GOR_SECOND + ts.tv_nsec;
}

static void compute(void *arg)
{
	int64_t until = own_cpu_ns() + 30 * GOR_MILLISECOND;

	while (own_cpu_ns() < until)
		;
	*(bool *)arg = true;
}

/* A goroutine that computes for longer than a slice is waited for. */
static int computing(int argc, char **argv)
{
	static bool computed;

	(void)argc, (void)argv;
	gor_go(compute, &computed);
	while (!computed)
		gor_yield();
	return 0;
}

static int sleep_a_little(void *arg)
{
	return usleep((unsigned)*(int *)arg);
}

static void put_after_call(struct writer *w)
{
	REQUIRE_EQ(gor_blocking(sleep_a_little, &(int){w->letter % 2 ? 3000 : 1000}), 0);
	put(w->log, w->letter);
	gor_wg_done(&w->log->wg);
}

/* Prints in which order calls came back that take unlike times. */
static int blocking_calls(int argc, char **argv)
{
	static struct log log;

	(void)argc, (void)argv;
	gor_wg_add(&log.wg, 6);
	for (int i = 0; i < 6; i++)
		gor_go_copy(put_after_call, ((struct writer){&log, 'a' + i}));
	gor_wg_wait(&log.wg);
	printf("%.*s\n", log.len, log.text);
	return 0;
}

static void spin(void *arg)
{
	_Atomic int *state = arg;

	atomic_store(state, 1);
	while (atomic_load(state) != 2)
		; // no call of the runtime
}

/* A goroutine that never comes back. */
static int spinning(int argc, char **argv)
{
	static _Atomic int state;

	(void)argc, (void)argv;
	gor_go(spin, (void *)&state);
	while (!atomic_load(&state))
		gor_yield();
	atomic_store(&state, 2);
	return 0;
}

static void pinned(struct writer *w)
{
	pid_t home;

	gor_pin();
	home = gettid();
	for (int i = 0; i < 8; i++) {
		put(w->log, w->letter);
		gor_yield();
		REQUIRE_EQ(gettid(), home);
	}
	gor_unpin();
	gor_wg_done(&w->log->wg);
}

/* The same letters, by goroutines some of which have a thread of their own. */
static int pinned_too(int argc, char **argv)
{
	static struct log log;

	(void)argc, (void)argv;
	gor_wg_add(&log.wg, 4);
	for (int i = 0; i < 4; i++)
		if (i % 2)
			gor_go_copy(pinned, ((struct writer){&log, 'a' + i}));
		else
			gor_go_copy(write_letters, ((struct writer){&log, 'a' + i}));
	gor_wg_wait(&log.wg);
	printf("%.*s\n", log.len, log.text);
	return 0;
}

static const struct check_child children[] = {
	{"choices", choices},       {"nothing", nothing},   {"threads", threads},
	{"computing", computing},   {"spinning", spinning}, {"blocking_calls", blocking_calls},
	{"pinned_too", pinned_too}, {NULL, NULL},
};

static struct check_result result;

/* Run a child with these settings; it has to end well, and may say nothing. */
static const char *printed(const char *child, const char *debug)
{
	setenv("GOR_DEBUG", debug, 1);
	check_spawn(child, &result);
	unsetenv("GOR_DEBUG");
	if (result.status != 0 || *result.err)
		fail_msg("%s with %s ended with %d and said\n%s", child, debug, result.status, result.err);
	return result.out;
}

/* ── the same, and another ────────────────────────────────────────────────────────────────────────
 */

/** Equal seeds, equal choices; and each way to write a number. */
static void repeats(void **state)
{
	static const char *const same[][2] = {
		{"seed=1", "seed=1,policy=random"},
		{"seed=1,policy=natural", "policy=natural,seed=0x1"},
		{"seed=7,policy=pct:3", "seed=7,policy=pct:3"},
		{"seed=18446744073709551615", "seed=-1"},
		{"seed=9223372036854775808", "seed=-9223372036854775808"},
		{"seed=1", "seed=1,policy=random:1000000"},
		{"seed=1", "seed=1,vtime=1"},
		{"seed=1", "seed=1,stack=1M"},
	};
	char *first;

	(void)state;
	for (size_t i = 0; i < sizeof same / sizeof *same; i++) {
		first = strdup(printed("choices", same[i][0]));
		assert_string_equal(first, printed("choices", same[i][1]));
		free(first);
	}
	first = strdup(printed("pinned_too", "seed=4"));
	assert_string_equal(first, printed("pinned_too", "seed=4"));
	free(first);
	first = strdup(printed("blocking_calls", "seed=4"));
	assert_string_equal(first, printed("blocking_calls", "seed=4"));
	free(first);
}

/** Another seed, another policy: other choices.  natural leaves only the select to the seed. */
static void differs(void **state)
{
	static const char *const unlike[][2] = {
		{"seed=1", "seed=2"},
		{"seed=1", "seed=1,policy=natural"},
		{"seed=1", "seed=1,policy=random:3"},
		{"seed=1", "seed=1,policy=pct:3"},
		{"seed=1,policy=pct:3", "seed=2,policy=pct:3"},
		{"seed=1,policy=natural", "seed=2,policy=natural"},
	};
	char *first;

	(void)state;
	for (size_t i = 0; i < sizeof unlike / sizeof *unlike; i++) {
		first = strdup(printed("choices", unlike[i][0]));
		assert_string_not_equal(first, printed("choices", unlike[i][1]));
		free(first);
	}
	first = strdup(printed("choices", "seed=1,policy=natural"));
	assert_string_equal(first + CHOICES, printed("choices", "seed=2,policy=natural") + CHOICES);
	free(first);
}

/* Record it twice; it does what it did unrecorded, and the traces say the same. */
static void same_recorded(const char *debug, const char *const (*header)[2])
{
	char dir[] = "seed.XXXXXX", path[2][64], *text[2];
	char *first = strdup(printed("choices", debug));

	assert_non_null(mkdtemp(dir));
	for (int i = 0; i < 2; i++) {
		snprintf(path[i], sizeof path[i], "%s/%d", dir, i);
		setenv("GTRACE", path[i], 1);
		assert_string_equal(first, printed("choices", debug));
		unsetenv("GTRACE");
		text[i] = digest_of(path[i]);
	}
	digest_equal(text[0], text[1], debug); // of two processes, whose addresses are not the same
	for (; (*header)[0]; header++) {
		char *value = digest_header(path[0], (*header)[0]);
		assert_string_equal(value, (*header)[1]);
		free(value);
	}
	for (int i = 0; i < 2; i++) {
		free(text[i]);
		unlink(path[i]);
	}
	rmdir(dir);
	free(first);
}

/** It does not matter whether it is recorded, and the trace says how to repeat it. */
static void recorded_or_not(void **state)
{
	(void)state;
	same_recorded("seed=42,policy=pct:3:100,vtime=1",
	              (const char *const[][2]){{"seed", "42"},
	                                       {"policy", "pct:3:100"},
	                                       {"vtime", "1"},
	                                       {"maxprocs", "1"},
	                                       {NULL, NULL}});
	same_recorded("seed=-1", (const char *const[][2]){{"seed", "18446744073709551615"},
	                                                  {"policy", "random"},
	                                                  {"vtime", "0"},
	                                                  {NULL, NULL}});
	same_recorded("seed=3,policy=natural",
	              (const char *const[][2]){{"policy", "natural"}, {NULL, NULL}});
	same_recorded("seed=3,policy=random:20",
	              (const char *const[][2]){{"policy", "random:20"}, {NULL, NULL}});
	same_recorded("seed=5,policy=pct:2",
	              (const char *const[][2]){{"policy", "pct:2"}, {NULL, NULL}});
}

/* ── the environment ──────────────────────────────────────────────────────────────────────────────
 */

/** One worker, whatever else was asked for. */
static void one_worker(void **state)
{
	(void)state;
	setenv("GOR_MAXPROCS", "8", 1);
	printed("threads", "seed=3");
	printed("threads", "seed=3,policy=pct:3,vtime=1");
	printed("threads", "seed=3,policy=natural");
	unsetenv("GOR_MAXPROCS");
}

/** What cannot be meant gets one line, and counts as not given. */
static void bad_values(void **state)
{
	static const char number[] = "gor: GOR_DEBUG: seed= takes a number of 64 bits\n";
	static const char policy[] =
		"gor: GOR_DEBUG: policy= takes natural, random, random:OPERATIONS, pct:D or "
		"pct:D:OPERATIONS\n";
	static const char *const bad[][2] = {
		{"seed=x", number},
		{"seed=", number},
		{"seed=1x", number},
		{"seed= 1", number},
		{"seed=--1", number},
		{"seed=0x", number},
		{"seed=18446744073709551616", number},
		{"seed=-9223372036854775809", number},
		{"policy=fast", policy},
		{"policy=random:", policy},
		{"policy=random:-1", policy},
		{"policy=random:3:3", policy},
		{"policy=pct", policy},
		{"policy=pct:", policy},
		{"policy=pct:0", policy},
		{"policy=pct:65", policy},
		{"policy=pct:-1", policy},
		{"policy=pct:3:", policy},
		{"policy=pct:3:0", policy},
		{"policy=pct:3:9:9", policy},
		{"vtime=2", "gor: GOR_DEBUG: bad value '2' for 'vtime' (bool)\n"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		setenv("GOR_DEBUG", bad[i][0], 1);
		check_spawn("nothing", &result);
		unsetenv("GOR_DEBUG");
		assert_int_equal(result.status, 0);
		assert_string_equal(result.err, bad[i][1]);
	}
}

/** Without a number one is drawn, and the line that says so repeats the run. */
static void drawn(void **state)
{
	static const char *const lone[] = {"policy=random", "policy=pct:2", "vtime=1"};
	char debug[128], *first;
	uint64_t seed;

	(void)state;
	for (int i = 0; i < 3; i++) {
		setenv("GOR_DEBUG", lone[i], 1);
		check_spawn("choices", &result);
		unsetenv("GOR_DEBUG");
		assert_int_equal(result.status, 0);
		assert_int_equal(
			sscanf(result.err, "gor: GOR_DEBUG: no seed is given; drawn: seed=%" SCNu64, &seed), 1);
		first = strdup(result.out);
		snprintf(debug, sizeof debug, "seed=%" PRIu64 ",%s", seed, lone[i]);
		assert_string_equal(first, printed("choices", debug));
		free(first);
	}
}

static void help(void **state)
{
	(void)state;
	setenv("GOR_DEBUG", "help=1", 1);
	check_spawn("nothing", &result);
	unsetenv("GOR_DEBUG");
	assert_true(check_has_prefix(result.err, "gor: GOR_DEBUG: seed="));
	assert_true(check_has_prefix(result.err, "gor: GOR_DEBUG: policy="));
	assert_true(check_has_prefix(result.err, "gor: GOR_DEBUG: vtime="));
}

/* ── the last resort ──────────────────────────────────────────────────────────────────────────────
 */

static bool trace_has(const char *child, const char *debug, const char *event)
{
	char dir[] = "seed.XXXXXX", path[64];

	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof path, "%s/t", dir);
	setenv("GTRACE", path, 1);
	printed(child, debug);
	unsetenv("GTRACE");
	char *text = digest_of(path);
	bool has = strstr(text, event) != NULL;

	free(text);
	unlink(path);
	rmdir(dir);
	return has;
}

/** A goroutine keeps the processor while it computes, but not for ever; then the trace tells. */
static void handoff(void **state)
{
	(void)state;
	assert_false(trace_has("computing", "seed=1,handoff=1h", " HANDOFF "));
	assert_false(trace_has("blocking_calls", "seed=1,handoff=1h", " HANDOFF "));
	assert_true(trace_has("spinning", "seed=1,handoff=20ms", " HANDOFF "));
	assert_true(trace_has("spinning", "seed=1,vtime=1,policy=pct:2", " HANDOFF "));
}

/* ── bugs ─────────────────────────────────────────────────────────────────────────────────────────
 */

/* Runs entry in a fork with these settings; returns its exit status.  This process has not called
 * the runtime. */
static int status_of(int (*entry)(int, char **), const char *policy, int seed)
{
	char debug[64];
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		dup2(open("/dev/null", O_WRONLY), STDERR_FILENO);
		snprintf(debug, sizeof debug, "seed=%d,policy=%s", seed, policy);
		setenv("GOR_DEBUG", debug, 1);
		exit(gor_run(entry, 0, NULL));
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

/* How many seeds until it ends with this status; -1: it does not within most. */
static int seeds_until(int (*entry)(int, char **), const char *policy, int want, int most)
{
	for (int seed = 0; seed < most; seed++)
		if (status_of(entry, policy, seed) == want)
			return seed;
	return -1;
}

struct box {
	bool open;
	bool bug;
	gor_mutex mu;
	gor_waitgroup wg;
};

static void work(struct box *box, int ops)
{
	for (int i = 0; i < ops; i++) {
		gor_mutex_lock(&box->mu);
		gor_mutex_unlock(&box->mu);
	}
}

static void use(void *arg)
{
	struct box *box = arg;

	work(box, 4);
	if (box->open) {
		work(box, 1);
		box->bug = !box->open; // shut between the look and the use
	}
	work(box, 4);
}

static void shut(void *arg)
{
	struct box *box = arg;

	work(box, 6);
	box->open = false;
	work(box, 2);
}

/* A bug of depth two: the look comes before the shutting, and that before the use. */
static int look_shut_use(int argc, char **argv)
{
	struct box box = {.open = true};

	(void)argc, (void)argv;
	gor_wg_go(&box.wg, use, &box);
	gor_wg_go(&box.wg, shut, &box);
	gor_wg_wait(&box.wg);
	return box.bug;
}

/** pct finds an order of two steps that the natural order never takes. */
static void pct_finds_order(void **state)
{
	(void)state;
	assert_int_equal(seeds_until(look_shut_use, "natural", 1, 200 / SLOW), -1);
	assert_true(seeds_until(look_shut_use, "pct:2", 1, 400) >= 0);
	assert_true(seeds_until(look_shut_use, "pct:2:30", 1, 100) >= 0);
	assert_int_equal(seeds_until(look_shut_use, "pct:1", 1, 200 / SLOW), -1); // one step less
}

struct bell {
	gor_mutex mu;
	gor_cond cond;
	gor_waitgroup wg;
};

static void wait_for_bell(void *arg)
{
	struct bell *bell = arg;

	gor_mutex_lock(&bell->mu);
	gor_cond_wait(&bell->cond, &bell->mu); // without asking whether it has rung
	gor_mutex_unlock(&bell->mu);
}

static void ring(void *arg)
{
	struct bell *bell = arg;

	gor_mutex_lock(&bell->mu);
	gor_cond_signal(&bell->cond);
	gor_mutex_unlock(&bell->mu);
}

static int lost_wakeup(int argc, char **argv)
{
	static struct bell bell;

	(void)argc, (void)argv;
	gor_wg_go(&bell.wg, ring, &bell);
	gor_wg_go(&bell.wg, wait_for_bell, &bell); // runs first in the natural order
	gor_wg_wait(&bell.wg);
	return 0;
}

/** random finds a wake-up that comes too early; it ends as a deadlock. */
static void random_finds_lost_wakeup(void **state)
{
	(void)state;
	assert_int_equal(seeds_until(lost_wakeup, "natural", 2, 200 / SLOW), -1);
	assert_true(seeds_until(lost_wakeup, "random", 2, 20) >= 0);
	assert_true(seeds_until(lost_wakeup, "pct:2", 2, 20) >= 0);
}

/* ── who polls ────────────────────────────────────────────────────────────────────────────────────
 */

static void answer(void *arg)
{
	ints *ch = arg;

	while (gor_try_recv(ch[0], NULL) == -EAGAIN)
		;
	while (gor_try_send(ch[1], 1) == -EAGAIN)
		;
}

static int poll_each_other(int argc, char **argv)
{
	gor_waitgroup wg = {0};
	ints ch[2];

	(void)argc, (void)argv;
	for (int i = 0; i < 2; i++)
		gor_make(ch[i], 1);
	gor_wg_go(&wg, answer, ch);
	while (gor_try_send(ch[0], 1) == -EAGAIN)
		;
	while (gor_try_recv(ch[1], NULL) == -EAGAIN)
		;
	gor_wg_wait(&wg);
	for (int i = 0; i < 2; i++)
		gor_free(ch[i]);
	return 0;
}

/** Two that poll for each other's progress make some, whoever comes first. */
static void polls(void **state)
{
	(void)state;
	for (int seed = 0; seed < 8; seed++) {
		assert_int_equal(status_of(poll_each_other, "natural", seed), 0);
		assert_int_equal(status_of(poll_each_other, "random", seed), 0);
		assert_int_equal(status_of(poll_each_other, "pct:1", seed), 0);
		assert_int_equal(status_of(poll_each_other, "pct:3", seed), 0);
	}
}

/* ── ties ─────────────────────────────────────────────────────────────────────────────────────────
 */

/* The case that takes the value of the first of two timers that are due at the same time. */
static int tie(int argc, char **argv)
{
	gor_timer first, second;

	(void)argc, (void)argv;
	int64_t until = gor_deadline(GOR_HOUR);
	gor_timer_start(&first, until - gor_now());
	gor_timer_start(&second, until - gor_now());
	int done = gor_select(gor_on_recv(second.c, NULL), gor_on_recv(first.c, NULL));
	gor_timer_stop(&first);
	gor_timer_stop(&second);
	return done;
}

/* Has the second fired when the first is known to have? */
static int between(int argc, char **argv)
{
	gor_timer first, second;

	(void)argc, (void)argv;
	int64_t until = gor_deadline(GOR_HOUR);
	gor_timer_start(&first, until - gor_now());
	gor_timer_start(&second, until - gor_now());
	gor_recv(first.c, NULL);
	int fired = gor_len(second.c) == 1;
	gor_timer_stop(&second);
	return fired;
}

/** A goroutine may run between two timers that are due. */
static void goroutine_between_timers(void **state)
{
	int count[2] = {0};

	(void)state;
	for (int seed = 0; seed < 20; seed++)
		count[status_of(between, "random,vtime=1", seed)]++;
	assert_true(count[0] > 0 && count[1] > 0);
}

/** In the natural order the timer armed first fires first; else that is a choice like others. */
static void timers_at_one_time(void **state)
{
	int count[2] = {0};

	(void)state;
	for (int seed = 0; seed < 20; seed++) {
		assert_int_equal(status_of(tie, "natural,vtime=1", seed), 1);
		count[status_of(tie, "random,vtime=1", seed)]++;
	}
	assert_true(count[0] > 0 && count[1] > 0);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(repeats),
		cmocka_unit_test(differs),
		cmocka_unit_test(recorded_or_not),
		cmocka_unit_test(one_worker),
		cmocka_unit_test(bad_values),
		cmocka_unit_test(drawn),
		cmocka_unit_test(help),
		cmocka_unit_test(handoff),
		cmocka_unit_test(pct_finds_order),
		cmocka_unit_test(random_finds_lost_wakeup),
		cmocka_unit_test(polls),
		cmocka_unit_test(timers_at_one_time),
		cmocka_unit_test(goroutine_between_timers),
	};

	check_child_main(children, argc, argv);
	return CHECK_MAIN(tests, argc, argv);
}

/* SPDX-License-Identifier: MIT */
/**
 * programs.c: random programs do what the reference says they may.
 *
 *	seed ──▶ program ──▶ the runtime ──▶ outcome: what each call returned, who is stuck
 *	            │                           │
 *	            └──▶ reference: is there an order of steps that leads to it? ──▶ no: shrink, print
 *
 * possible_on_*: the programs run in one process, one after another (play_watched() in play.h), on
 * so many processors.  for_real: each is a process, and what is judged is how that ends as well.
 *
 * A process runs a batch of seeds as a child of the test: if it crashes or hangs, the parent knows
 * in which seed.  The parent tries smaller and smaller programs in the same way, each several times
 * since not every run of a program goes wrong, and prints the smallest that still fails.
 *
 * catches_mistakes turns this on a runtime with a mistake, of which there is a list: it is caught
 * within a number of seeds, and the program that shows it is small in the end.
 */
#define _GNU_SOURCE
#include "check.h"
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include "legal.h"
#include "play.h"
#include "reference.h"
#include "shrink.h"

enum { HANGS_S = 30, SHRINK_S = 40 };

enum end { FINE, WRONG, UNDECIDED, CRASHED, HUNG };
static const char *const end_words[] = {
	[FINE] = "does as it should",
	[WRONG] = "comes to an end that the reference cannot come to",
	[UNDECIDED] = "has too many orders to look at",
	[CRASHED] = "crashes",
	[HUNG] = "hangs",
};

/* One child's work, in memory that the parent sees as well. */
struct batch {
	uint64_t from, to;       // seeds; or
	const struct program *p; // this one program
	int runs, procs;         // how often each runs, on how many processors
	unsigned hangs_s;        // how long a run may take
	struct program at;       // the one that runs now
	struct outcome seen;     // and what is seen of it
	uint64_t noise;          // of its run
	enum end end;
	unsigned long ran, states; // how many in all; how many states the reference looked at
};

static struct batch *batch; // shared with the children

static void share(void)
{
	batch = mmap(NULL, sizeof *batch, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	REQUIRE(batch != MAP_FAILED);
}

static void report(uint64_t seed)
{
	static char text[8192];

	program_print(&batch->at, &batch->seen, text, sizeof text);
	fprintf(stderr, "seed %llu, noise %llu, on %d: this program %s\n%s", (unsigned long long)seed,
	        (unsigned long long)batch->noise, batch->procs, end_words[batch->end], text);
}

/* ── in one process ───────────────────────────────────────────────────────────────────────────────
 */

static enum end judge(const struct program *p, const struct outcome *seen)
{
	switch (reference_judge(p, seen, &batch->states)) {
	case POSSIBLE:
		return FINE;
	case IMPOSSIBLE:
		return WRONG;
	default:
		return UNDECIDED;
	}
}

static bool run_seed(uint64_t seed)
{
	if (batch->p)
		batch->at = *batch->p;
	else
		program_random(&batch->at, seed);
	for (int run = 0; run < batch->runs; run++) {
		struct play *play = play_new();
		REQUIRE(play != NULL);
		batch->noise = run == 0 ? 0 : seed * 16 + (uint64_t)run;
		play_watched(play, &batch->at, &batch->seen, batch->noise);
		batch->ran++;
		batch->end = judge(&batch->at, &batch->seen);
		if (batch->end != FINE)
			return false;
	}
	return true;
}

static int run_batch(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	for (; batch->from <= batch->to; batch->from++) { // the parent sees how far it came
		alarm(batch->hangs_s);
		if (!run_seed(batch->from))
			_exit(1);
	}
	batch->end = FINE;
	gor_trace_stop();
	_exit(0);
}

static void run_child(void)
{
	int status;

	batch->end = CRASHED; // unless it comes to say otherwise
	pid_t pid = fork();
	if (pid == 0) {
		gor_max_procs(batch->procs);
		gor_run(run_batch, 0, NULL);
		_exit(3);
	}
	REQUIRE(pid > 0 && waitpid(pid, &status, 0) == pid);
	if (WIFSIGNALED(status))
		batch->end = WTERMSIG(status) == SIGALRM ? HUNG : CRASHED;
	else if (WEXITSTATUS(status) > 1)
		batch->end = CRASHED;
}

/* Does this program fail, in many runs?  For some time. */
static bool still_fails(void *until, const struct program *p)
{
	static struct program copy;

	if (gor_now() > *(int64_t *)until)
		return false;
	copy = *p;
	batch->p = &copy;
	batch->from = batch->to = 1;
	batch->runs = 300 / SLOW;
	batch->hangs_s = 3;
	run_child();
	return batch->end != FINE;
}

static void shrink_and_report(uint64_t seed)
{
	int64_t until = gor_deadline(SHRINK_S * GOR_SECOND);
	struct program p = batch->at;

	report(seed);
	fprintf(stderr, "looking for a smaller one\n");
	shrink(&p, still_fails, &until);
	until = gor_deadline(SHRINK_S * GOR_SECOND);
	if (still_fails(&until, &p))
		report(seed);
}

enum { EACH = 1000 };

/* A child after another, since goroutines that are stuck stay, and pinned ones with their threads.
 */
static void run_seeds(int procs, uint64_t from, int seeds)
{
	uint64_t to = from + (uint64_t)seeds;

	share();
	*batch = (struct batch){.runs = 3, .procs = procs, .hangs_s = HANGS_S};
	for (; from < to; from += EACH) {
		batch->from = from;
		batch->to = from + EACH < to ? from + EACH - 1 : to - 1;
		run_child();
		if (batch->end != FINE) {
			shrink_and_report(batch->from);
			REQUIRE(!"a program went wrong");
		}
	}
	printf("%lu runs, %lu states\n", batch->ran, batch->states);
}

static void possible_on_one(void **state)
{
	(void)state;
	run_seeds(1, 10000000, check_times(12000));
}

static void possible_on_two(void **state)
{
	(void)state;
	run_seeds(2, 20000000, check_times(6000));
}

static void possible_on_four(void **state)
{
	(void)state;
	run_seeds(4, 40000000, check_times(6000));
}

static void possible_on_eight(void **state)
{
	(void)state;
	run_seeds(8, 80000000, check_times(6000));
}

/** And if threads lose their processors all the time, in the middle of a program. */
static void possible_with_handoffs(void **state)
{
	(void)state;
	setenv("GOR_DEBUG", "handoff=100us", 1);
	play_keeps_ns = 2 * GOR_MILLISECOND;
	run_seeds(1, 210000000, check_times(400));
	run_seeds(2, 220000000, check_times(400));
	play_keeps_ns = 0;
	unsetenv("GOR_DEBUG");
}

/* What a child has recorded could have happened. */
static void check_trace(const char *path)
{
	struct gtrace_error err = {0};
	struct gtrace_reader *r;
	struct gtrace_event ev;
	struct legal l = {0};
	int got;

	if (gtrace_reader_open(&r, path, &err) < 0)
		fail_msg("%s", err.text);
	while ((got = gtrace_reader_next(r, &ev, &err)) == 1)
		legal_event(&l, r, &ev);
	if (got < 0 || l.illegal)
		fail_msg("%s", got < 0 ? err.text : l.first);
	printf("%llu events\n", (unsigned long long)gtrace_reader_info(r)->events);
	assert_int_equal(gtrace_reader_info(r)->broken, 0);
	assert_int_equal(gtrace_reader_info(r)->lost_events, 0);
	gtrace_reader_close(r);
	legal_release(&l);
}

/** The same with the recorder on, and the trace is checked as well. */
static void possible_while_recording(void **state)
{
	char dir[] = "programs.XXXXXX", path[64];
	int seeds = check_times(500); // of one child, which leaves one trace

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof path, "%s/run.gtrace", dir);
	setenv("GTRACE", path, 1);
	for (int procs = 1; procs <= 8; procs *= 2) {
		run_seeds(procs, 160000000 + (uint64_t)procs * EACH, seeds < EACH ? seeds : EACH);
		check_trace(path);
		unlink(path);
	}
	rmdir(dir);
	unsetenv("GTRACE");
}

/* ── each a process ───────────────────────────────────────────────────────────────────────────────
 */

/* How a process ended, from its status and the first line it wrote.  False: in no proper way. */
static bool read_ending(int status, const char *line, struct outcome *seen)
{
	static const char asleep[] = "fatal error: all goroutines are asleep - deadlock!\n";
	static const char nobody[] =
		"fatal error: no goroutines (main called runtime.Goexit) - deadlock!\n";

	if (WIFEXITED(status) && WEXITSTATUS(status) == 0) {
		seen->ending = RETURNED;
		return *line == '\0';
	}
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 2)
		return false;
	if (strncmp(line, asleep, sizeof asleep - 1) == 0) {
		seen->ending = ASLEEP;
		return true;
	}
	if (strncmp(line, nobody, sizeof nobody - 1) == 0) {
		seen->ending = NOBODY;
		return true;
	}
	seen->ending = PANIC;
	for (seen->panic = 0; seen->panic < PANICS; seen->panic++) {
		const char *words = panic_words[seen->panic];
		const char *kind = seen->panic < UNLOCK_UNLOCKED ? "panic: " : "fatal error: ";
		if (strncmp(line, kind, strlen(kind)) == 0 &&
		    strncmp(line + strlen(kind), words, strlen(words)) == 0)
			return true;
	}
	return false;
}

/* The program as a process of its own; its stderr goes to a pipe, which holds all of it. */
static int run_process(uint64_t noise, char *text, size_t room)
{
	int out[2], status;

	REQUIRE(pipe(out) == 0);
	pid_t pid = fork();
	if (pid == 0) {
		dup2(out[1], STDERR_FILENO);
		alarm(batch->hangs_s);
		gor_max_procs(batch->procs);
		_exit(play_for_real(play_new(), &batch->at, &batch->seen, noise));
	}
	close(out[1]);
	ssize_t n = read(out[0], text, room - 1);
	text[n > 0 ? n : 0] = '\0';
	REQUIRE(pid > 0 && waitpid(pid, &status, 0) == pid);
	close(out[0]);
	return status;
}

/** The process ends as one of the orders would end: it returns, it is all asleep, it panics. */
static void for_real(void **state)
{
	int endings[PANIC + 1] = {0};
	static char text[4096];
	uint64_t seeds = (uint64_t)check_times(600);

	(void)state;
	share();
	*batch = (struct batch){.hangs_s = HANGS_S};
	for (uint64_t seed = 50001; seed <= 50000 + seeds; seed++) {
		program_random(&batch->at, seed);
		batch->procs = 1 << seed % 4;
		batch->noise = seed % 3 ? seed : 0;
		int status = run_process(batch->noise, text, sizeof text);
		if (!read_ending(status, text, &batch->seen)) {
			report(seed);
			fprintf(stderr, "status %#x, and it wrote\n%s", (unsigned)status, text);
			REQUIRE(!"no proper end");
		}
		endings[batch->seen.ending]++;
		batch->end = judge(&batch->at, &batch->seen);
		if (batch->end != FINE) {
			report(seed);
			REQUIRE(!"a program went wrong");
		}
	}
	printf("%d asleep, %d nobody left, %d returned, %d panics; %lu states\n", endings[ASLEEP],
	       endings[NOBODY], endings[RETURNED], endings[PANIC], batch->states);
	REQUIRE(endings[ASLEEP] > 0 && endings[RETURNED] > 0 && endings[PANIC] > 0);
}

/* ── that mistakes are caught ─────────────────────────────────────────────────────────────────────
 */

struct mistake {
	unsigned fault;
	uint64_t random;
};

static void stop_in_close(const struct op *op)
{
	if (op->call == CLOSE)
		_exit(9);
}

static void hang_in_close(const struct op *op)
{
	while (op->call == CLOSE)
		pause();
}

/** A crash and a hang of a child are seen for what they are, and the crash in a small program. */
static void survives_the_worst(void **state)
{
	static void (*const plants[])(const struct op *) = {stop_in_close, hang_in_close};
	static const enum end ends[] = {CRASHED, HUNG};

	(void)state;
	for (int i = 0; i < 2; i++) {
		share();
		*batch = (struct batch){.from = 1, .to = 1000, .runs = 1, .procs = 2, .hangs_s = 1};
		play_before_call = plants[i];
		run_child();
		assert_int_equal(batch->end, ends[i]);
		struct program p = batch->at;
		int64_t until = i == 0 ? gor_deadline(SHRINK_S * GOR_SECOND) : 0;
		shrink(&p, still_fails, &until);
		assert_true(i == 1 || program_size(&p) == 1);
	}
	play_before_call = NULL;
}

/* Does a runtime with this mistake come to an end with p that is not possible? */
static bool is_caught(void *arg, const struct program *p)
{
	struct mistake *mistake = arg;
	static struct outcome seen;

	for (int i = 0; i < 60; i++) {
		reference_run(p, mistake->fault, &mistake->random, &seen);
		if (judge(p, &seen) == WRONG)
			return true;
	}
	return false;
}

/* Catch it in one of so many seeds; p is the smallest program that shows it. */
static bool catch (unsigned fault, int seeds, struct program *p)
{
	struct mistake mistake = {fault, UINT64_C(0x9e3779b97f4a7c15)};

	for (int seed = 1; seed <= seeds; seed++) {
		program_random(p, (uint64_t)seed);
		if (is_caught(&mistake, p)) {
			shrink(p, is_caught, &mistake);
			return true;
		}
	}
	return false;
}

/** Each mistake that the fake runtime can make is caught, and shown in a few calls. */
static void catches_mistakes(void **state)
{
	static const int calls[FAULTS] = {
		[0] = 2, 3, 3, 3, 1, 2, 2, 4, 3, 3, 5, 6, 5, 5, 3,
	};
	static char text[4096];

	(void)state;
	share();
	for (int i = 0; i < FAULTS; i += check_times(50) < 5 ? 4 : 1) { // no goroutine runs here
		struct program p;

		if (!catch (1u << i, 3000, &p))
			fail_msg("mistake %d is not caught", i);
		program_print(&p, NULL, text, sizeof text);
		printf("mistake %d, %d calls\n%s", i, program_size(&p), text);
		assert_true(program_size(&p) <= calls[i]);
	}
}

/** A fake runtime without a mistake is never accused. */
static void accuses_nobody(void **state)
{
	struct mistake none = {0, UINT64_C(0x9e3779b97f4a7c15)};

	(void)state;
	share();
	for (uint64_t seed = 1; seed <= (uint64_t)check_times(2000); seed++) {
		struct program p;

		program_random(&p, seed);
		if (is_caught(&none, &p))
			fail_msg("seed %d", (int)seed);
	}
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(possible_on_one),
		cmocka_unit_test(possible_on_two),
		cmocka_unit_test(possible_on_four),
		cmocka_unit_test(possible_on_eight),
		cmocka_unit_test(possible_with_handoffs),
		cmocka_unit_test(possible_while_recording),
		cmocka_unit_test(for_real),
		cmocka_unit_test(survives_the_worst),
		cmocka_unit_test(catches_mistakes),
		cmocka_unit_test(accuses_nobody),
	};

	return CHECK_MAIN(tests, argc, argv);
}

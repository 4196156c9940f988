/* SPDX-License-Identifier: MIT */
/* stack.c: stacks give back what they do not use, and say so when they are too small. */
#define _GNU_SOURCE
#include "check.h"
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "scheduler.h"
#include "slab.h"

enum { PAGE = 4096 };

/* Touch `bytes` of stack, in frames of 1 KiB. */
static __attribute__((noinline)) int dig(size_t bytes)
{
	char frame[1024];
	int below = 0;

	memset(frame, 1, sizeof frame);
	__asm__ volatile("" ::"r"(frame) : "memory"); // somebody may look at it, says this
	if (bytes > sizeof frame)
		below = dig(bytes - sizeof frame);
	__asm__ volatile("" : "+r"(below)::"memory");
	return below + frame[3];
}

static long process_resident(void)
{
	long size, pages;
	FILE *f = fopen("/proc/self/statm", "r");

	REQUIRE(f && fscanf(f, "%ld %ld", &size, &pages) == 2);
	fclose(f);
	return pages * PAGE;
}

/* Bytes of all stacks that are in memory; where the kernel cannot be asked that, of all. */
static long resident(void)
{
	static unsigned char pages[1 << 16];
	long n = 0;

	for (struct stack_slab *slab = gor__slabs; slab; slab = slab->next) {
		size_t bytes = slab->stride * slab->stacks;
		for (size_t at = 0, step; at < bytes; at += step) {
			step = bytes - at < sizeof pages * PAGE ? bytes - at : sizeof pages * PAGE;
			if (mincore(slab->base + at, step, pages) != 0)
				return process_resident();
			for (size_t i = 0; i < step / PAGE; i++)
				n += pages[i] & 1;
		}
	}
	return n * PAGE;
}

/* The process' memory, where a sanitizer has none in it. */
static long all_resident(void)
{
	return SLOW > 1 ? resident() : process_resident();
}

/* Pages of g's stack that are in memory, but for the one that g itself is in. */
static size_t stack_pages(const struct g *g)
{
	static unsigned char pages[(1 << 20) / PAGE];
	size_t bytes = ((uintptr_t)g & -(uintptr_t)PAGE) - (uintptr_t)g->stack_low, n = 0;

	REQUIRE(bytes <= sizeof pages * PAGE);
	REQUIRE_EQ(mincore(g->stack_low, bytes, pages), 0);
	for (size_t i = 0; i < bytes / PAGE; i++)
		n += pages[i] & 1;
	return n;
}

static void walk(void)
{
	gor__shrink_walk(gor__sched_now(), false);
}

/* ── parked ones ──────────────────────────────────────────────────────────────────────────────────
 */

struct crowd {
	ints gate;
	gor_waitgroup there, gone;
};

struct member {
	struct crowd *crowd;
	int number;
};

/* Parks with something on its stack that has to be there afterwards. */
static __attribute__((noinline)) void park_with(struct crowd *c, int number)
{
	int mine[500];

	for (int i = 0; i < 500; i++)
		mine[i] = number + i;
	gor_wg_done(&c->there);
	REQUIRE_EQ(gor_recv(c->gate, NULL), 0);
	for (int i = 0; i < 500; i++)
		REQUIRE_EQ(mine[i], number + i);
}

static void stand(struct member *m)
{
	dig(32 * 1024);
	park_with(m->crowd, m->number);
	REQUIRE(dig(32 * 1024) > 0);
	gor_wg_done(&m->crowd->gone);
}

static void gather(struct crowd *c, int n)
{
	*c = (struct crowd){0};
	gor_make(c->gate, 0);
	gor_wg_add(&c->there, n);
	gor_wg_add(&c->gone, n);
	for (int i = 0; i < n; i++)
		REQUIRE(gor_go_copy(stand, ((struct member){c, i})) != 0);
	gor_wg_wait(&c->there);
	for (int i = 0; i < n; i++) // the last steps from there to its park
		gor_yield();
}

static void dismiss(struct crowd *c)
{
	gor_close(c->gate);
	gor_wg_wait(&c->gone);
	gor_free(c->gate);
}

/* A hundred thousand, if they do not take more than a quarter of the memory that is free. */
static int crowd_size(void)
{
	long most = sysconf(_SC_AVPHYS_PAGES) / 4 / 10;

	return SLOW > 1 ? 1000 : most < 100000 ? (int)most : 100000; // TSan: 8128 at most
}

/** Of 40 KiB that each has touched, 8 are left after the second walk; and nothing is lost. */
TEST(parked_shrink)
{
	int n = crowd_size();
	struct crowd c;
	long before = resident();
	gather(&c, n);
	long most = resident(), process_most = all_resident();
	REQUIRE(most - before > n * 8L * PAGE);
	walk();
	REQUIRE(most - resident() < n * 1L * PAGE); // only seen
	walk();
	REQUIRE(most - resident() > n * 6L * PAGE);
	REQUIRE(process_most - all_resident() > n * 6L * PAGE);
	dismiss(&c);
}

struct visit {
	ints gate;
	_Atomic(struct g *) g;
};

static void come_and_go(void *arg)
{
	struct visit *v = arg;

	v->g = gor__self()->cur;
	dig(32 * 1024);
	while (gor_recv(v->gate, NULL) == 1)
		;
	gor_send(v->gate, 1); // panics: never done
}

static void until_parked(const struct g *g)
{
	while (!g || atomic_load(&g->state) != G_WAITING || atomic_load(&g->on_cpu))
		gor_yield();
}

/** Only who has been parked all the time from one walk to the next one shrinks. */
TEST(parking_again_counts_anew)
{
	struct visit v = {0};

	gor_make(v.gate, 0);
	gor_go(come_and_go, &v);
	while (!v.g)
		gor_yield();
	until_parked(v.g);
	for (int i = 0; i < 3; i++) {
		walk();
		gor_send(v.gate, 1);
		until_parked(v.g);
	}
	walk();
	REQUIRE(stack_pages(v.g) >= 8);
	walk();
	REQUIRE_EQ(stack_pages(v.g), 0);
}

/* ── woken meanwhile ──────────────────────────────────────────────────────────────────────────────
 */

struct relay {
	ints in, out;
};

static int deep_relay(const struct relay *r, int depth)
{
	volatile int mine[256];
	int v = 0;

	for (int i = 0; i < 256; i++)
		mine[i] = depth + i;
	if (depth == 0) {
		if (gor_recv(r->in, &v) != 1)
			return 0;
	} else {
		v = deep_relay(r, depth - 1);
	}
	for (int i = 0; i < 256; i++)
		REQUIRE_EQ(mine[i], depth + i);
	return v;
}

/* Passes each number on from another depth. */
static void relay(struct relay *r)
{
	int v;

	for (int depth = 0; (v = deep_relay(r, depth % 24)) > 0; depth++)
		gor_send(r->out, v + 1);
	gor_close(r->out);
}

static void *walk_on(void *arg)
{
	_Atomic bool *stop = arg;

	while (!atomic_load(stop))
		gor__shrink_walk(gor__sched_now(), true);
	return NULL;
}

static void short_lived(struct relay *r)
{
	dig(8 * 1024);
	gor_send(r->in, 1);
}

/** Stacks shrink all the time, and goroutines are woken, end and are born all the time. */
TEST(wakes_while_shrinking)
{
	enum { LENGTH = 8, ROUNDS = 20000 / SLOW };
	_Atomic bool stop = false;
	struct relay ends = {0};
	pthread_t thread;
	ints line[LENGTH + 1];
	int v;

	for (int i = 0; i <= LENGTH; i++)
		gor_make(line[i], i % 2);
	for (int i = 0; i < LENGTH; i++)
		gor_go_copy(relay, ((struct relay){line[i], line[i + 1]}));
	gor_make(ends.in, 0);
	REQUIRE_EQ(pthread_create(&thread, NULL, walk_on, &stop), 0);
	for (int i = 1; i <= ROUNDS; i++) {
		gor_send(line[0], i);
		gor_go_copy(short_lived, ends);
		REQUIRE_EQ(gor_recv(ends.in, NULL), 1);
		REQUIRE_EQ(gor_recv(line[LENGTH], &v), 1);
		REQUIRE_EQ(v, i + LENGTH);
	}
	atomic_store(&stop, true);
	pthread_join(thread, NULL);
	gor_close(line[0]);
	REQUIRE_EQ(gor_recv(line[LENGTH], NULL), 0);
	for (int i = 0; i <= LENGTH; i++)
		gor_free(line[i]);
	gor_free(ends.in);
}

/* ── dead ones ────────────────────────────────────────────────────────────────────────────────────
 */

static uint32_t free_count(void)
{
	struct sched *s = gor__sched_now();

	gor__lock(&s->free_lock);
	uint32_t n = s->free_count;
	gor__unlock(&s->free_lock);
	return n;
}

/** What a crowd leaves behind is given back by halves, and can be had again. */
TEST_PROCS(dead_cool_down, 1)
{
	int n = SLOW > 1 ? 1500 : 20000;
	struct crowd c;

	gather(&c, n);
	dismiss(&c);
	while (gor_num_goroutine() > 1)
		gor_yield();
	REQUIRE(free_count() > 0);
	long most = all_resident();
	uint32_t left = free_count();
	walk(); // was not there before, so that it may have been used since
	REQUIRE_EQ(free_count(), left);
	for (int i = 0; i < 20; i++) {
		walk();
		REQUIRE_EQ(free_count(), left - (left + 1) / 2);
		left = free_count();
	}
	REQUIRE_EQ(left, 0);
	REQUIRE(most - all_resident() > (n - G_CACHE_MAX) * 9L * PAGE); // the rest is p's
	gather(&c, n);
	walk();
	walk();
	dismiss(&c);
}

static void both_runs_body(void)
{
	struct crowd c;

	gather(&c, 3000 / SLOW);
	dismiss(&c);
	while (gor_num_goroutine() > 1)
		gor_yield();
}

/** The next run begins with the dead of the last one. */
static void dead_are_inherited(void **state)
{
	(void)state;
	check_run(both_runs_body, 1);
	long once = resident();
	for (int i = 0; i < 5; i++)
		check_run(both_runs_body, 1);
	assert_true(resident() < once + once / 2);
}

/* ── overflow ─────────────────────────────────────────────────────────────────────────────────────
 */

static __attribute__((noinline)) int dig_for_ever(int n)
{
	volatile char frame[256];

	frame[n % 256] = 1;
	return n < 0 ? 0 : dig_for_ever(n + 1) + frame[n % 256];
}

static void overflow(void *arg)
{
	dig_for_ever((int)(intptr_t)arg);
}

static int child_overflow(int argc, char **argv)
{
	(void)argc, (void)argv;
	gor_go(overflow, NULL);
	gor_recv((ints)NULL, NULL);
	return 0;
}

/* The stack comes from a group that was mapped anew. */
static int child_overflow_cold(int argc, char **argv)
{
	struct crowd c;

	(void)argc, (void)argv;
	gather(&c, SLOW > 1 ? 1500 : 6000);
	dismiss(&c);
	while (gor_num_goroutine() > 1)
		gor_yield();
	for (int i = 0; i < 20; i++)
		walk();
	gather(&c, SLOW > 1 ? 1500 : 6000);
	gor_go(overflow, NULL);
	gor_recv((ints)NULL, NULL);
	return 0;
}

/* The last frame is large, and touched at its low end only. */
static __attribute__((noinline)) int step_over(const char *low, size_t frame_bytes)
{
	volatile char *frame = __builtin_alloca(frame_bytes);

	if ((uintptr_t)frame < (uintptr_t)low + 8192) {
		volatile char *last = __builtin_alloca(12288);
		last[0] = 1;
		return last[0];
	}
	frame[0] = 1;
	return step_over(low, frame_bytes) + frame[0];
}

static void large_frame(void *arg)
{
	(void)arg;
	step_over(gor__self()->cur->stack_low, 2048);
}

static int child_large_frame(int argc, char **argv)
{
	(void)argc, (void)argv;
	gor_go(large_frame, NULL);
	gor_recv((ints)NULL, NULL);
	return 0;
}

static __attribute__((noinline)) int dig_down_to(const char *low)
{
	volatile char frame[256];

	frame[0] = 1;
	return (uintptr_t)frame < (uintptr_t)low ? 1 : dig_down_to(low) + frame[0];
}

static void a_little_too_deep(void *arg)
{
	dig_down_to(gor__self()->cur->stack_low);
	if (arg)
		gor_recv((ints)NULL, NULL);
}

static int child_unguarded_end(int argc, char **argv)
{
	(void)argc, (void)argv;
	gor__guard_limit(0);
	gor_go(a_little_too_deep, NULL);
	while (gor_num_goroutine() > 0)
		gor_yield();
	return 0;
}

static int child_unguarded_park(int argc, char **argv)
{
	(void)argc, (void)argv;
	gor__guard_limit(0);
	gor_go(a_little_too_deep, (void *)"park");
	while (gor_num_goroutine() > 0) {
		gor_yield();
		walk();
	}
	return 0;
}

/* Two guards by mprotect, then none; nobody overflows. */
static int child_unguarded_fine(int argc, char **argv)
{
	struct crowd c;

	(void)argc, (void)argv;
	gor__guard_limit(2);
	gather(&c, 100);
	walk();
	walk();
	dismiss(&c);
	return 5;
}

static const struct check_child children[] = {
	{"overflow", child_overflow},
	{"overflow_cold", child_overflow_cold},
	{"large_frame", child_large_frame},
	{"unguarded_end", child_unguarded_end},
	{"unguarded_park", child_unguarded_park},
	{"unguarded_fine", child_unguarded_fine},
	{NULL, NULL},
};

/* Who, born where, and what to set; exit status 2. */
static void expect_overflow(const char *child, const char *func)
{
	static struct check_result r;
	char created[64];

	setenv("ASAN_OPTIONS", "handle_segv=0", 1); // its own words would come first
	setenv("TSAN_OPTIONS", "handle_segv=0", 1);
	check_spawn(child, &r);
	if (r.status != 2)
		print_message("%s ended with %d and wrote\n%s\n", child, r.status, r.err);
	assert_int_equal(r.status, 2);
	assert_true(check_has_prefix(r.err, "gor: stack of goroutine "));
	assert_non_null(strstr(r.err, "(created at tests/runtime/stack.c:"));
	assert_non_null(strstr(r.err, ".stack_bytes"));
	assert_non_null(strstr(r.err, "GOR_DEBUG=stack="));
	assert_true(check_has_line(r.err, "fatal error: stack overflow"));
	snprintf(created, sizeof created, "created by %s in goroutine 1", func);
	if (func[0])
		assert_true(check_has_line(r.err, created));
}

static void overflow_is_told(void **state)
{
	(void)state;
	expect_overflow("overflow", "child_overflow");
	expect_overflow("overflow_cold", "child_overflow_cold");
}

static void large_frames_hit_the_guard(void **state)
{
	(void)state;
	expect_overflow("large_frame", "child_large_frame");
}

/** Without a guard it is noticed later, and still said whose stack it was. */
static void canary(void **state)
{
	static struct check_result r;

	(void)state;
	expect_overflow("unguarded_end", "");
	expect_overflow("unguarded_park", "");
	check_spawn("unguarded_fine", &r);
	assert_string_equal(r.err, "");
	assert_int_equal(r.status, 5);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parked_shrink),
		cmocka_unit_test(parking_again_counts_anew),
		cmocka_unit_test(wakes_while_shrinking),
		cmocka_unit_test(dead_cool_down),
		cmocka_unit_test(dead_are_inherited),
		cmocka_unit_test(overflow_is_told),
		cmocka_unit_test(canary),
		cmocka_unit_test(large_frames_hit_the_guard),
	};

	gor__config_read();
	gor__config.shrink_ns = 0; // the tests walk themselves
	check_child_main(children, argc, argv);
	return CHECK_MAIN(tests, argc, argv);
}

/* SPDX-License-Identifier: MIT */
/* spawn.c: starting goroutines: ids, arguments, options, counts. */
#include "check.h"
#include <stdlib.h>
#include <string.h>

enum { MANY = 10000 };

struct child {
	uint64_t id;
	gor_waitgroup *wg;
};

static void note_id(void *arg)
{
	struct child *c = arg;

	c->id = gor_id();
	gor_wg_done(c->wg);
}

static int by_id(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

/** gor_go() returns the id that the goroutine sees itself, and no two are equal. */
TEST(ids_are_unique)
{
	static struct child children[1000];
	static uint64_t ids[1000];
	gor_waitgroup wg = {0};

	REQUIRE_EQ(gor_id(), 1);
	gor_wg_add(&wg, 1000);
	for (int i = 0; i < 1000; i++) {
		children[i].wg = &wg;
		ids[i] = gor_go(note_id, &children[i]);
	}
	gor_wg_wait(&wg);
	for (int i = 0; i < 1000; i++)
		REQUIRE_EQ(children[i].id, ids[i]);
	qsort(ids, 1000, sizeof *ids, by_id);
	REQUIRE(ids[0] > 1);
	for (int i = 1; i < 1000; i++)
		REQUIRE(ids[i - 1] < ids[i]);
}

struct parcel {
	int number;
	char text[100];
	ints out;
};

static void open_parcel(struct parcel *p)
{
	REQUIRE_EQ(p->text[99], p->number);
	p->number *= 2; // its own copy
	gor_send(p->out, p->number);
}

/** The copy is made when gor_go_copy() is called: what becomes of the value later is of no account.
 */
TEST(copy_isolates)
{
	struct parcel p = {0};
	int sum = 0, got;

	gor_make(p.out, 0);
	for (int i = 0; i < 50; i++) {
		p.number = i;
		memset(p.text, i, sizeof p.text);
		REQUIRE(gor_go_copy(open_parcel, p) != 0);
		p.number = -1;
		memset(p.text, -1, sizeof p.text);
	}
	for (int i = 0; i < 50; i++) {
		gor_recv(p.out, &got);
		sum += got;
	}
	REQUIRE_EQ(sum, 50 * 49);
	gor_free(p.out);
}

struct large {
	_Alignas(16) char bytes[GOR_COPY_MAX - sizeof(void *)];
	gor_waitgroup *wg;
};
_Static_assert(sizeof(struct large) == GOR_COPY_MAX, "not the largest");

static void check_large(struct large *l)
{
	REQUIRE_EQ((uintptr_t)l % 16, 0);
	for (size_t i = 0; i < sizeof l->bytes; i++)
		REQUIRE_EQ(l->bytes[i], (char)i);
	gor_wg_done(l->wg);
}

/** The largest value allowed arrives whole, and aligned as its type asks. */
TEST(copy_of_the_largest)
{
	gor_waitgroup wg = {0};
	struct large l = {.wg = &wg};

	for (size_t i = 0; i < sizeof l.bytes; i++)
		l.bytes[i] = (char)i;
	gor_wg_add(&wg, 20);
	for (int i = 0; i < 20; i++)
		gor_go_copy(check_large, l);
	gor_wg_wait(&wg);
}

static int echo(int argc, char **argv)
{
	REQUIRE_EQ(argc, 2);
	REQUIRE(strcmp(argv[0], "a") == 0 && strcmp(argv[1], "b") == 0 && !argv[2]);
	return 7;
}

/** gor_run() hands over its arguments and gives back what the entry returned; outside, no id. */
static void run_passes_through(void **state)
{
	char a[] = "a", b[] = "b";
	char *argv[] = {a, b, NULL};

	(void)state;
	assert_int_equal(gor_id(), 0);
	assert_int_equal(gor_run(echo, 2, argv), 7);
	assert_int_equal(gor_id(), 0);
}

static int ask_procs(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	return gor_max_procs(0);
}

/** gor_max_procs() sets before gor_run() and asks at any time. */
static void max_procs(void **state)
{
	int before = gor_max_procs(0);

	(void)state;
	assert_true(before >= 1);
	assert_int_equal(gor_max_procs(3), before);
	assert_int_equal(gor_max_procs(0), 3);
	assert_int_equal(gor_run(ask_procs, 0, NULL), 3);
}

/* Touch `bytes` of stack, in frames of 1 KiB. */
static __attribute__((noinline)) int dig(size_t bytes)
{
	volatile char frame[1024];

	memset((char *)frame, 1, sizeof frame);
	return bytes > sizeof frame ? dig(bytes - sizeof frame) + frame[3] : frame[5];
}

struct depth {
	size_t bytes;
	gor_waitgroup *wg;
};

static void go_deep(struct depth *d)
{
	REQUIRE(dig(d->bytes) > 0);
	gor_yield();
	REQUIRE(dig(d->bytes) > 0);
	gor_wg_done(d->wg);
}

static void go_deep_arg(void *arg)
{
	go_deep(arg);
}

/** A stack has the room it was asked for, and a good part of 256 KiB if nothing was said. */
TEST(stack_bytes)
{
	gor_waitgroup wg = {0};
	struct depth small = {64 * 1024, &wg}, big = {1024 * 1024, &wg};

	gor_wg_add(&wg, 12);
	for (int i = 0; i < 10; i++)
		gor_go_copy(go_deep, small);
	for (int i = 0; i < 2; i++)
		gor_go_opt(go_deep_arg, &big, (&(gor_opt){.name = "deep", .stack_bytes = 4 << 20}));
	gor_wg_wait(&wg);
}

struct gate {
	ints open;
	gor_waitgroup arrived, gone;
};

static void pass_gate(void *arg)
{
	struct gate *g = arg;

	gor_wg_done(&g->arrived);
	REQUIRE_EQ(gor_recv(g->open, NULL), 0);
	gor_wg_done(&g->gone);
}

/** The count is right with 0, 100 and again 0 others; the trace must agree at each mark. */
TEST(num_goroutine)
{
	struct gate g = {0};

	REQUIRE_EQ(gor_num_goroutine(), 1);
	gor_trace_log("alive", "%zu", gor_num_goroutine());
	gor_make(g.open, 0);
	gor_wg_add(&g.arrived, 100);
	gor_wg_add(&g.gone, 100);
	for (int i = 0; i < 100; i++)
		gor_go(pass_gate, &g);
	REQUIRE_EQ(gor_num_goroutine(), 101);
	gor_wg_wait(&g.arrived);
	REQUIRE_EQ(gor_num_goroutine(), 101);
	gor_trace_log("alive", "%zu", gor_num_goroutine());
	gor_close(g.open);
	gor_wg_wait(&g.gone);
	while (gor_num_goroutine() > 1) // they have said good-bye, but may still be ending
		gor_yield();
	gor_trace_log("alive", "%zu", gor_num_goroutine());
	gor_free(g.open);
}

/** Ten thousand goroutines alive at once, parked, and let go by one close. */
TEST(ten_thousand)
{
	struct gate g = {0};
	int n = MANY / SLOW;

	gor_make(g.open, 0);
	gor_wg_add(&g.arrived, n);
	gor_wg_add(&g.gone, n);
	for (int i = 0; i < n; i++)
		REQUIRE(gor_go(pass_gate, &g) != 0);
	gor_wg_wait(&g.arrived);
	REQUIRE_EQ(gor_num_goroutine(), n + 1);
	gor_close(g.open);
	gor_wg_wait(&g.gone);
	gor_free(g.open);
}

struct leaver {
	gor_waitgroup *wg;
	bool *after;
};

static __attribute__((noinline)) void leave(struct leaver *l)
{
	gor_wg_done(l->wg);
	gor_exit();
}

static void leave_early(struct leaver *l)
{
	leave(l);
	*l->after = true;
}

/** gor_exit() ends the goroutine from any depth, and no other. */
TEST(exit_ends_one)
{
	gor_waitgroup wg = {0};
	bool after = false;

	gor_wg_add(&wg, 100);
	for (int i = 0; i < 100; i++)
		gor_go_copy(leave_early, ((struct leaver){&wg, &after}));
	gor_wg_wait(&wg);
	while (gor_num_goroutine() > 1)
		gor_yield();
	REQUIRE(!after);
}

struct sum {
	double start, want;
	gor_waitgroup *wg;
};

static void add_up(struct sum *s)
{
	double x = s->start;

	for (int i = 1; i <= 100; i++) {
		x += 1.0 / i;
		gor_yield();
	}
	REQUIRE(x == s->want);
	gor_wg_done(s->wg);
}

/** Registers, those of floating point among them, survive a switch. */
TEST(registers_survive)
{
	gor_waitgroup wg = {0};

	gor_wg_add(&wg, 20);
	for (int i = 0; i < 20; i++) {
		double want = i;

		for (int k = 1; k <= 100; k++)
			want += 1.0 / k;
		gor_go_copy(add_up, ((struct sum){i, want, &wg}));
	}
	gor_wg_wait(&wg);
}

static void name_oneself(void *arg)
{
	gor_set_name("worker %d of %s", 3, "a team with a name much longer than is kept");
	gor_wg_done((gor_waitgroup *)arg);
}

/** A long name is cut, not refused. */
TEST(long_name)
{
	gor_waitgroup wg = {0};

	gor_wg_add(&wg, 2);
	gor_go(name_oneself, &wg);
	gor_go_opt(name_oneself, &wg, (&(gor_opt){.name = "0123456789012345678901234567890123456789"}));
	gor_wg_wait(&wg);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ids_are_unique),      cmocka_unit_test(copy_isolates),
		cmocka_unit_test(copy_of_the_largest), cmocka_unit_test(run_passes_through),
		cmocka_unit_test(max_procs),           cmocka_unit_test(stack_bytes),
		cmocka_unit_test(num_goroutine),       cmocka_unit_test(ten_thousand),
		cmocka_unit_test(exit_ends_one),       cmocka_unit_test(registers_survive),
		cmocka_unit_test(long_name),
	};

	return CHECK_MAIN(tests, argc, argv);
}

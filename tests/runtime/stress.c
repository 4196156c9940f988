/* SPDX-License-Identifier: MIT */
/* stress.c: many goroutines doing little, on as many processors as GOR_MAXPROCS says. */
#include "check.h"
#include <stdatomic.h>

struct duplex {
	ints to, from;
	int n;
};

static void echo(void *arg)
{
	struct duplex *d = arg;
	int v;

	while (gor_recv(d->to, &v) == 1)
		gor_send(d->from, v + 1);
	gor_close(d->from);
}

/** Ping-pong: each value comes back one larger. */
TEST(ping_pong)
{
	struct duplex d = {.n = 50000 / SLOW};
	int got;

	gor_make(d.to, 0);
	gor_make(d.from, 0);
	gor_go(echo, &d);
	for (int i = 0; i < d.n; i++) {
		gor_send(d.to, i);
		REQUIRE_EQ(gor_recv(d.from, &got), 1);
		REQUIRE_EQ(got, i + 1);
	}
	gor_close(d.to);
	REQUIRE_EQ(gor_recv(d.from, NULL), 0);
	gor_free(d.to);
	gor_free(d.from);
}

struct fan {
	ints jobs, results;
	gor_waitgroup workers;
};

static void square(void *arg)
{
	struct fan *f = arg;
	int v;

	while (gor_recv(f->jobs, &v) == 1)
		gor_send(f->results, v % 1000);
}

static void close_results(void *arg)
{
	struct fan *f = arg;

	gor_wg_wait(&f->workers);
	gor_close(f->results);
}

static void send_jobs(void *arg)
{
	struct fan *f = arg;

	for (int i = 0; i < 20000 / SLOW; i++)
		gor_send(f->jobs, i);
	gor_close(f->jobs);
}

static void fan(size_t jobs_cap, size_t results_cap)
{
	struct fan f = {0};
	long sum = 0, want = 0;
	int got;

	gor_make(f.jobs, jobs_cap);
	gor_make(f.results, results_cap);
	for (int i = 0; i < 50; i++)
		gor_wg_go(&f.workers, square, &f);
	gor_go(send_jobs, &f);
	gor_go(close_results, &f);
	while (gor_recv(f.results, &got) == 1)
		sum += got;
	for (int i = 0; i < 20000 / SLOW; i++)
		want += i % 1000;
	REQUIRE_EQ(sum, want);
	gor_free(f.jobs);
	gor_free(f.results);
}

/** Fan-out to fifty workers and fan-in from them, with all kinds of buffers. */
TEST(fan_out_fan_in)
{
	fan(0, 0);
	fan(1, 0);
	fan(0, 7);
	fan(64, 64);
}

typedef gor_chan(long) longs;

struct node {
	longs up;
	long number, size;
};

static void skynet(struct node *n)
{
	long sum = 0, part;
	longs down;

	if (n->size == 1) {
		gor_send(n->up, n->number);
		return;
	}
	gor_make(down, 0);
	for (int i = 0; i < 10; i++)
		gor_go_copy(skynet, ((struct node){down, n->number + i * (n->size / 10), n->size / 10}));
	for (int i = 0; i < 10; i++) {
		gor_recv(down, &part);
		sum += part;
	}
	gor_free(down);
	gor_send(n->up, sum);
}

/** Skynet: a tree of goroutines, ten children each, adds up the numbers of its leaves. */
TEST(skynet_sum)
{
	long leaves = SLOW > 1 ? 1000 : 10000, sum = 0;
	longs top;

	gor_make(top, 0);
	for (int i = 0; i < 3; i++) {
		gor_go_copy(skynet, ((struct node){top, 0, leaves}));
		gor_recv(top, &sum);
		REQUIRE_EQ(sum, leaves * (leaves - 1) / 2);
	}
	gor_free(top);
}

struct ring {
	ints in, out;
};

static void pass_on(struct ring *r)
{
	int token;

	while (gor_recv(r->in, &token) == 1)
		gor_send(r->out, token - 1);
	gor_close(r->out);
	gor_free(r->in);
}

/** A ring of a thousand: several tokens go round and round. */
TEST(ring)
{
	enum { LENGTH = 1000 / SLOW, TOKENS = 5, ROUNDS = 20 };
	ints first, in, out;
	int token;

	gor_make(first, TOKENS);
	in = first;
	for (int i = 0; i < LENGTH; i++) {
		gor_make(out, i % 2);
		gor_go_copy(pass_on, ((struct ring){in, out}));
		in = out;
	}
	for (int round = 0; round < ROUNDS; round++) {
		for (int i = 0; i < TOKENS; i++)
			gor_send(first, LENGTH + i);
		for (int i = 0; i < TOKENS; i++) {
			REQUIRE_EQ(gor_recv(in, &token), 1);
			REQUIRE_EQ(token, i);
		}
	}
	gor_close(first);
	REQUIRE_EQ(gor_recv(in, NULL), 0);
	gor_free(in);
}

static void yield_often(void *arg)
{
	for (int i = 0; i < 1000 / SLOW; i++)
		gor_yield();
	gor_wg_done((gor_waitgroup *)arg);
}

/** Waves of goroutines that start, yield and end: stacks are reused under all processors. */
TEST(waves)
{
	gor_waitgroup wg = {0};

	for (int wave = 0; wave < 10; wave++) {
		gor_wg_add(&wg, 100);
		for (int i = 0; i < 100; i++)
			gor_go(yield_often, &wg);
		gor_wg_wait(&wg);
	}
}

/** All of this on four processors, whatever GOR_MAXPROCS says. */
TEST_PROCS(on_four, 4)
{
	ping_pong_body();
	fan_out_fan_in_body();
	skynet_sum_body();
	ring_body();
	waves_body();
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ping_pong), cmocka_unit_test(fan_out_fan_in), cmocka_unit_test(skynet_sum),
		cmocka_unit_test(ring),      cmocka_unit_test(waves),          cmocka_unit_test(on_four),
	};

	return CHECK_MAIN(tests, argc, argv);
}

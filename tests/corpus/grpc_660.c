/* SPDX-License-Identifier: MIT */
/*
 * grpc_660.c: the benchmark's loop leaves by its stop case while the task of the iteration still
 * has to send on an unbuffered done channel.
 *
 * expect: leak probable
 */
#include "corpus.h"

struct client {
	ints stop;
	ints done; // of one call
};

static void unary_call(struct client *c)
{
	gor_yield(); // the network
	gor_send(c->done, 1);
}

static void closed_loop(struct client *c)
{
	enum { DONE, STOP } got;

	do {
		gor_make(c->done, FIXED ? 1 : 0);
		gor_go_copy(unary_call, *c);
		got = gor_select([DONE] = gor_on_recv(c->done, NULL), [STOP] = gor_on_recv(c->stop, NULL));
		if (got == DONE)
			gor_free(c->done);
	} while (got != STOP);
}

static void benchmark(void *arg)
{
	struct client c = {0};

	(void)arg;
	gor_make(c.stop, 0);
	gor_go_copy(closed_loop, c);
	gor_sleep(GOR_MILLISECOND); // for so long it measures
	gor_close(c.stop);
}

static int app(void)
{
	gor_go(benchmark, NULL);
	gor_sleep(20 * GOR_MILLISECOND); // the next benchmark
	return 0;
}

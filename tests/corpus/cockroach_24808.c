/* SPDX-License-Identifier: MIT */
/*
 * cockroach_24808.c: start of the compactor sends into a one-slot channel that already holds a
 * value, before it has started the only receiver.
 *
 * expect: global-deadlock proven
 */
#include "corpus.h"

struct compactor {
	ints suggestions;
	int done;
	gor_waitgroup running;
};

static void run(void *arg)
{
	struct compactor *c = arg;

	while (gor_recv(c->suggestions, NULL))
		c->done++;
}

static void suggest(struct compactor *c)
{
	gor_try_send(c->suggestions, 1); // one that waits is as good as two
}

static void start(struct compactor *c)
{
	if (FIXED)
		gor_try_send(c->suggestions, 0);
	else
		gor_send(c->suggestions, 0); // look for old ones first of all
	gor_wg_go(&c->running, run, c);
}

static int app(void)
{
	struct compactor c = {0};

	gor_make(c.suggestions, 1);
	suggest(&c); // somebody deleted a range before we started
	start(&c);
	gor_close(c.suggestions);
	gor_wg_wait(&c.running);
	gor_free(c.suggestions);
	return 0;
}

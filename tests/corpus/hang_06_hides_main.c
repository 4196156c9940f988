/* SPDX-License-Identifier: MIT */
/*
 * hang_06_hides_main.c: two goroutines hand a token to each other for ever, which hides that main
 * waits for a channel that they were never given.
 *
 * expect: hidden-deadlock probable
 * names: hop()
 * end: term
 */
#include "corpus.h"

enum { HOPS = 100 };

struct ring {
	ints in, out;
	gor_chan(char) done;
};

static void hop(struct ring *r)
{
	int hops;

	while (gor_recv(r->in, &hops)) {
		if (FIXED && hops >= HOPS)
			break;
		if (hops == 20000)
			ready();
		gor_send(r->out, hops + 1);
	}
	gor_close(r->out);
	if (FIXED && hops >= HOPS)
		gor_close(r->done);
}

static int app(void)
{
	struct ring r = {0};
	gor_chan(char) done;

	gor_make(r.in, 1);
	gor_make(r.out, 1);
	gor_make(done, 0);
	if (FIXED)
		r.done = done;
	gor_go_copy(hop, r);
	gor_go_copy(hop, ((struct ring){r.out, r.in, r.done}));
	gor_send(r.in, 1);
	gor_recv(done, NULL);
	return 0;
}

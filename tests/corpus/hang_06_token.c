/* SPDX-License-Identifier: MIT */
/*
 * hang_06_token.c: two goroutines hand a token to each other for ever, and main waits for it to be
 * done.
 *
 * expect: livelock suspect
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
	struct ring r;

	gor_make(r.in, 1);
	gor_make(r.out, 1);
	gor_make(r.done, 0);
	gor_go_copy(hop, r);
	gor_go_copy(hop, ((struct ring){r.out, r.in, r.done}));
	gor_send(r.in, 1);
	gor_recv(r.done, NULL);
	return 0;
}

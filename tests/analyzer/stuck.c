/* SPDX-License-Identifier: MIT */
/** stuck.c: so many goroutines wait for good, each for a channel of its own. */
#include <gor.h>
#include <stdlib.h>

typedef gor_chan(long) longs;

struct waiter {
	longs c;
};

static void wait_run(struct waiter *w)
{
	gor_recv(w->c, NULL);
}

static int app(int argc, char **argv)
{
	long count = argc > 1 ? atol(argv[1]) : 1;
	longs done;

	gor_make(done, 0);
	for (long i = 0; i < count; i++) {
		struct waiter w = {NULL};
		gor_make(w.c, 0);
		gor_go_copy(wait_run, w);
	}
	gor_recv(done, NULL);
	return 0;
}

int main(int argc, char **argv)
{
	return gor_run(app, argc, argv);
}

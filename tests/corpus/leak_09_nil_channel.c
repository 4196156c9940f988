/* SPDX-License-Identifier: MIT */
/*
 * leak_09_nil_channel.c: A channel that was never made is received from.
 *
 * expect: leak proven
 */
#include "corpus.h"

struct options {
	ints updates;
};

static void follow(struct options *o)
{
	while (gor_recv(o->updates, NULL))
		;
}

static int app(void)
{
	struct options o = {0}; // updates are optional, and nobody thought of what that means

	if (FIXED)
		gor_make(o.updates, 1);
	gor_go_copy(follow, o);
	if (FIXED)
		gor_close(o.updates);
	gor_sleep(20 * GOR_MILLISECOND); // the program goes on
	gor_free(o.updates);
	return 0;
}

/* SPDX-License-Identifier: MIT */
/*
 * hang_07_respawn.c: A task that fails is started again by its own end, at once and for ever.
 *
 * expect: runaway-spawn fact
 * end: term
 */
#include "corpus.h"

struct service {
	int starts;
	gor_chan(char) up;
};

static void run(struct service *s)
{
	bool fails = !FIXED || s->starts < 3;

	s->starts++;
	if (s->starts == 30000)
		ready();
	if (fails)
		gor_go_copy(run, *s);
	else
		gor_close(s->up);
}

static int app(void)
{
	struct service s = {0};

	gor_make(s.up, 0);
	gor_go_copy(run, s);
	gor_recv(s.up, NULL);
	gor_free(s.up);
	return 0;
}

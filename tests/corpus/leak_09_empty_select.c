/* SPDX-License-Identifier: MIT */
/*
 * leak_09_empty_select.c: A list of sources that happens to be empty is selected from.
 *
 * expect: leak proven
 */
#include "corpus.h"

struct sources {
	ints chans[4];
	int count;
};

static void poll_all(struct sources *s)
{
	gor_case cases[4];

	for (int i = 0; i < s->count; i++)
		cases[i] = gor_on_recv(s->chans[i], NULL);
	if (FIXED && s->count == 0)
		return;
	gor_select_n(cases, s->count);
}

static int app(void)
{
	gor_go_copy(poll_all, (struct sources){.count = 0});
	gor_sleep(20 * GOR_MILLISECOND); // the program goes on
	return 0;
}

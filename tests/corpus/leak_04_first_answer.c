/* SPDX-License-Identifier: MIT */
/*
 * leak_04_first_answer.c: several replicas are asked, the first answer wins, and the others wait
 * for ever to give theirs.
 *
 * expect: leak probable
 */
#include "corpus.h"

enum { REPLICAS = 4 };

static void replica(ints *answers)
{
	gor_send(*answers, 1);
}

static void ask_all(void *arg)
{
	ints answers;
	int first;

	(void)arg;
	gor_make(answers, FIXED ? REPLICAS : 0);
	for (int i = 0; i < REPLICAS; i++)
		gor_go_copy(replica, answers);
	gor_recv(answers, &first);
}

static int app(void)
{
	gor_go(ask_all, NULL);
	gor_sleep(20 * GOR_MILLISECOND); // the next question
	return 0;
}

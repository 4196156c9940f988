/* SPDX-License-Identifier: MIT */
/* work.c: see work.h. */
#include "work.h"
#include <gor.h>

typedef gor_chan(int) ints;

static ints questions, answers;

static void answer(void *arg)
{
	int question;

	(void)arg;
	if (gor_recv(questions, &question) == 1)
		gor_send(answers, question + 1);
}

static int begin(void)
{
	if (gor_make(questions, 0) < 0 || gor_make(answers, 0) < 0)
		return -1;
	return gor_go(answer, NULL) ? 0 : -1;
}

int take_answer(int argc, char **argv)
{
	int number = 0;

	(void)argc, (void)argv;
	if (begin() < 0)
		return 0;
	gor_send(questions, 41);
	gor_recv(answers, &number);
	return number;
}

int go_away(int argc, char **argv)
{
	(void)argc, (void)argv;
	begin();
	return 42; // it should have closed the questions
}

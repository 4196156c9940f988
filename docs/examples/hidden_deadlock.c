/* SPDX-License-Identifier: MIT */
/* hidden_deadlock.c: a deadlock that a busy goroutine hides from the deadlock detector. */
#include <gor.h>
#include <stdio.h>

typedef gor_chan(int) ints;

static void spin(void *arg)
{
	(void)arg;
	for (;;)
		;
}

static int app(int argc, char **argv)
{
	ints done;

	(void)argc;
	(void)argv;
	if (gor_make(done, 0) < 0)
		return 1;
	gor_go(spin, NULL);
	puts("waiting for done");
	fflush(stdout);
	gor_recv(done, NULL); // nobody ever sends, but as long as spin runs, somebody might
	puts("never printed");
	gor_free(done);
	return 0;
}

int main(int argc, char **argv)
{
	return gor_run(app, argc, argv);
}

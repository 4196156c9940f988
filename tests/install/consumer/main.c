/* SPDX-License-Identifier: MIT */
/** main.c: a program of somebody else's, in ISO C but for what gor.h itself needs. */
#include <gor.h>
#include <stdio.h>
#include <string.h>

typedef gor_chan(int) ints;

static void square(void *arg)
{
	ints *c = arg;
	int n = 0;

	gor_recv(c[0], &n);
	gor_send(c[1], n * n);
}

static int app(int argc, char **argv)
{
	ints c[2];
	int n = 0;

	(void)argc;
	(void)argv;
	if (gor_make(c[0], 0) || gor_make(c[1], 1) || !gor_go(square, c))
		return 3;
	gor_send(c[0], 7);
	gor_select(gor_on_recv(c[1], &n), gor_on_timeout(10 * GOR_SECOND));
	gor_free(c[0]);
	gor_free(c[1]);
	printf("%d\n", n);
	return 0;
}

int main(int argc, char **argv)
{
	if (strcmp(gor_version(), GOR_VERSION) != 0)
		return 4;
	return gor_run(app, argc, argv);
}

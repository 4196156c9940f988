/* SPDX-License-Identifier: MIT */
/* leak.c: ask n replicas, take the first answer.  The other n-1 goroutines never end. */
#include <gor.h>
#include <stdio.h>
#include <stdlib.h>

typedef gor_chan(int) ints;

struct replica {
	ints answers;
	int number;
};

static void ask(struct replica *r)
{
	gor_sleep(20 * GOR_MILLISECOND); // the network
	gor_send(r->answers, r->number); // one send is received; the others wait for ever
}

static int app(int argc, char **argv)
{
	int n = argc > 1 ? atoi(argv[1]) : 5;
	int first = -1;
	ints answers;

	if (gor_make(answers, 0) < 0) // a capacity of n would cure it
		return 1;
	for (int i = 0; i < n; i++)
		gor_go_copy(ask, ((struct replica){answers, i}));
	gor_recv(answers, &first);
	printf("replica %d answered first\n", first);

	gor_sleep(200 * GOR_MILLISECOND); // the program goes on
	printf("%zu goroutines are alive, 1 is needed\n", gor_num_goroutine());
	return 0;
}

int main(int argc, char **argv)
{
	return gor_run(app, argc, argv);
}

/* SPDX-License-Identifier: MIT */
/* sieve.c: a concurrent prime sieve; one goroutine for each prime, joined by channels. */
#include <gor.h>
#include <stdio.h>
#include <stdlib.h>

typedef gor_chan(int) ints;

struct stage {
	ints in, out;
	int number; // the generator: the last number; a filter: its prime
	gor_waitgroup *running;
};

static void generate(struct stage *s)
{
	for (int n = 2; n <= s->number; n++)
		gor_send(s->out, n);
	gor_close(s->out);
	gor_wg_done(s->running);
}

static void filter(struct stage *s)
{
	int n;

	while (gor_recv(s->in, &n) == 1)
		if (n % s->number != 0)
			gor_send(s->out, n);
	gor_close(s->out); // the end goes down the line
	gor_free(s->in);   // and who saw it was the last user
	gor_wg_done(s->running);
}

static int app(int argc, char **argv)
{
	int limit = argc > 1 ? atoi(argv[1]) : 2000;
	gor_waitgroup running = {0};
	int prime, count = 0;
	ints in, out;

	gor_make(in, 0);
	gor_wg_add(&running, 1);
	gor_go_copy(generate, ((struct stage){NULL, in, limit, &running}));
	for (; gor_recv(in, &prime) == 1; in = out, count++) {
		gor_make(out, 0);
		gor_wg_add(&running, 1);
		gor_go_copy(filter, ((struct stage){in, out, prime, &running}));
	}
	gor_free(in);
	gor_wg_wait(&running);
	printf("%d primes up to %d\n", count, limit);
	return 0;
}

int main(int argc, char **argv)
{
	return gor_run(app, argc, argv);
}

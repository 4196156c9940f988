/* SPDX-License-Identifier: MIT */
/* counting_sieve.c: a prime sieve that marks each prime in the trace, and only then prints its
 * number. */
#include <gor.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

typedef gor_chan(int) ints;

struct stage {
	ints in, out;
	int prime;
};

static void generate(void *arg)
{
	for (int n = 2;; n++)
		gor_send((ints)arg, n);
}

static void filter(struct stage *s)
{
	int n;

	while (gor_recv(s->in, &n) == 1)
		if (n % s->prime != 0)
			gor_send(s->out, n);
}

static int app(int argc, char **argv)
{
	int count = argc > 1 ? atoi(argv[1]) : 2000, prime;
	ints in, out;

	gor_make(in, 0);
	gor_go(generate, (void *)in);
	for (int i = 1; i <= count; i++, in = out) {
		gor_recv(in, &prime);
		gor_trace_log("seq", "%d", i);
		if (dprintf(STDOUT_FILENO, "%d\n", i) < 0) // past stdio's buffer
			return 1;
		gor_make(out, 0);
		gor_go_copy(filter, ((struct stage){in, out, prime}));
	}
	return 0;
}

int main(int argc, char **argv)
{
	return gor_run(app, argc, argv);
}

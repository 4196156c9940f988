/* SPDX-License-Identifier: MIT */
/*
 * healthy_blocking_tells.c: main waits for a goroutine that is in a call which blocks its thread,
 * and has something to tell afterwards.
 *
 * expect: clean
 * end: term
 */
#include "corpus.h"
#include <unistd.h>

static int read_byte(void *arg)
{
	char byte;

	return (int)read(*(int *)arg, &byte, 1);
}

struct reader {
	int fd;
	ints got;
};

static void reader(struct reader *r)
{
	gor_send(r->got, gor_blocking(read_byte, &r->fd));
}

static int app(void)
{
	struct reader r;
	ints got;
	int fds[2]; // a child has the other end, say

	if (pipe(fds) < 0)
		return 1;
	gor_make(r.got, 0);
	r.fd = fds[0];
	got = r.got;
	gor_go_copy(reader, r);
	ready();
	gor_recv(got, NULL);
	return 0;
}

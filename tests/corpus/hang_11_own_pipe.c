/* SPDX-License-Identifier: MIT */
/*
 * hang_11_own_pipe.c: A goroutine reads by read(2) from a pipe whose other end only this process
 * has, and nobody writes.
 *
 * expect: stuck-call fact
 * end: kill
 */
#include "corpus.h"
#include <unistd.h>

static int wires[2];

static void listen_to_child(ints *status)
{
	char byte = 0;

	if (read(wires[0], &byte, 1) < 0)
		byte = -1;
	gor_send(*status, byte);
}

static int app(void)
{
	ints status;

	if (pipe(wires) < 0)
		return 1;
	if (FIXED)
		close(wires[1]); // the child has it; and when that ends, so does the read
	gor_make(status, 0);
	gor_go_copy(listen_to_child, status);
	if (!FIXED) {
		gor_sleep(1500 * GOR_MILLISECOND); // longer than any child starts
		ready();
	}
	gor_recv(status, NULL);
	gor_free(status);
	return 0;
}

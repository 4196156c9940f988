/* SPDX-License-Identifier: MIT */
/*
 * moby_33293.c: on an error the function itself sends on the unbuffered error channel, before it
 * has returned it to any reader.
 *
 * expect: leak probable
 */
#include "corpus.h"

static bool sandbox_fails(void)
{
	enum { GOOD, BAD };
	ints good, bad;
	int got;

	gor_make(good, 1);
	gor_make(bad, 1);
	gor_send(good, 0);
	gor_send(bad, 0);
	got = gor_select([GOOD] = gor_on_recv(good, NULL), [BAD] = gor_on_recv(bad, NULL));
	gor_free(good);
	gor_free(bad);
	return got == BAD; // in half of the cases
}

static ints container_wait(void)
{
	ints errors;

	gor_make(errors, FIXED ? 1 : 0);
	if (sandbox_fails())
		gor_send(errors, 1);
	else
		gor_close(errors);
	return errors;
}

static void attach(void *arg)
{
	ints errors = container_wait();

	(void)arg;
	gor_recv(errors, NULL);
	gor_free(errors);
}

static int app(void)
{
	gor_go(attach, NULL);
	gor_sleep(20 * GOR_MILLISECOND); // the daemon goes on
	return 0;
}

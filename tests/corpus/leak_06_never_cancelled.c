/* SPDX-License-Identifier: MIT */
/*
 * leak_06_never_cancelled.c: A request starts a task that waits for the cancellation of its
 * context, and ends without cancelling it.
 *
 * expect: leak probable
 */
#include "corpus.h"

static void watch(void *arg)
{
	gor_recv(gor_ctx_done(arg), NULL); // then it would clean up
}

static void request(void *arg)
{
	gor_ctx *ctx = gor_ctx_with_cancel(gor_ctx_background());

	(void)arg;
	gor_go(watch, ctx);
	gor_yield(); // the request's work
	if (FIXED)
		gor_ctx_cancel(ctx);
}

static int app(void)
{
	for (int i = 0; i < 3; i++)
		gor_go(request, NULL);
	gor_sleep(20 * GOR_MILLISECOND); // other requests
	return 0;
}

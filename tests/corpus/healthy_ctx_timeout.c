/* SPDX-License-Identifier: MIT */
/*
 * healthy_ctx_timeout.c: main waits for a context that ends by its time, an hour from now.
 *
 * expect: clean
 * end: term
 */
#include "corpus.h"

static int app(void)
{
	gor_ctx *ctx = gor_ctx_with_timeout(gor_ctx_background(), GOR_HOUR);

	ready();
	gor_recv(gor_ctx_done(ctx), NULL);
	gor_ctx_free(ctx);
	return 0;
}

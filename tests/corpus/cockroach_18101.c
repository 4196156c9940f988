/* SPDX-License-Identifier: MIT */
/*
 * cockroach_18101.c: the reader of the backup returns on the first element because the context is
 * done; the producer fills the six-slot buffer and blocks on the next send.
 *
 * expect: leak probable
 */
#include "corpus.h"

enum { CONCURRENT = 6, SPANS = 20 };

struct restore {
	ints ready;
	gor_ctx *ctx;
};

static void split_and_scatter(struct restore *r)
{
	for (int span = 0; span < SPANS; span++) {
		if (FIXED && gor_ctx_err(r->ctx))
			break;
		if (FIXED)
			gor_select(gor_on_send(r->ready, span), gor_on_recv(gor_ctx_done(r->ctx), NULL));
		else
			gor_send(r->ready, span);
	}
	gor_close(r->ready);
}

static void restore(void *arg)
{
	struct restore r = {.ctx = arg};
	int span;

	gor_make(r.ready, CONCURRENT);
	gor_go_copy(split_and_scatter, r);
	while (gor_recv(r.ready, &span))
		if (gor_ctx_err(r.ctx) && !FIXED)
			return; // cancelled, and so is everything, one hopes
	gor_free(r.ready);
}

static int app(void)
{
	gor_ctx *ctx = gor_ctx_with_cancel(gor_ctx_background());

	gor_ctx_cancel(ctx); // the user gave up
	gor_go(restore, ctx);
	gor_sleep(20 * GOR_MILLISECOND); // the server goes on
	gor_ctx_free(ctx);
	return 0;
}

/* SPDX-License-Identifier: MIT */
/*
 * grpc_862.c: the dial is cancelled, but the connection's own context never is, so its loop of
 * reconnections sleeps and tries for ever: alive, never deadlocked.
 *
 * expect: alive-at-exit fact
 */
#include "corpus.h"

struct connection {
	gor_ctx *ctx;
	int tries;
	ints dialled;
};

static bool connect_transport(struct connection *c)
{
	return ++c->tries < 0; // the address is blocked
}

static void reset_transport(void *arg)
{
	enum { RETRY, CLOSED };
	struct connection *c = arg;

	while (!connect_transport(c))
		if (gor_select([RETRY] = gor_on_timeout(GOR_MILLISECOND), [CLOSED] = gor_on_recv(
																	  gor_ctx_done(c->ctx),
																	  NULL)) == CLOSED)
			break;
	gor_close(c->dialled);
}

static struct connection *dial(gor_ctx *ctx)
{
	enum { DIALLED, CANCELLED };
	struct connection *c = calloc(1, sizeof *c);

	c->ctx = gor_ctx_with_cancel(gor_ctx_background());
	gor_make(c->dialled, 0);
	gor_go(reset_transport, c);
	if (gor_select([DIALLED] = gor_on_recv(c->dialled, NULL), [CANCELLED] =
	                                                              gor_on_recv(gor_ctx_done(ctx),
	                                                                          NULL)) == DIALLED)
		return c;
	if (FIXED) {
		gor_ctx_cancel(c->ctx);
		gor_recv(c->dialled, NULL);
		gor_free(c->dialled);
		gor_ctx_free(c->ctx);
		free(c);
	}
	return NULL;
}

static void cancel(void *arg)
{
	gor_ctx_cancel(arg);
}

static int app(void)
{
	gor_ctx *ctx = gor_ctx_with_cancel(gor_ctx_background());
	struct connection *c;

	gor_go(cancel, ctx);
	c = dial(ctx);
	gor_sleep(5 * GOR_MILLISECOND); // the program goes on without it
	gor_ctx_free(ctx);
	return c != NULL;
}

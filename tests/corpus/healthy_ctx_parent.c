/* SPDX-License-Identifier: MIT */
/*
 * healthy_ctx_parent.c: workers wait for their own contexts, which only their parent's
 * cancellation ends; and that one main has, who returns.
 *
 * expect: clean
 */
#include "corpus.h"

static gor_ctx *program;

static void work(void *arg)
{
	gor_ctx *own = gor_ctx_with_cancel(program);

	(void)arg;
	gor_recv(gor_ctx_done(own), NULL);
	gor_ctx_free(own);
}

static int app(void)
{
	program = gor_ctx_with_cancel(gor_ctx_background());
	for (int i = 0; i < 3; i++)
		gor_go(work, NULL);
	gor_sleep(5 * GOR_MILLISECOND);
	return 0;
}

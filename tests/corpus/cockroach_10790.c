/* SPDX-License-Identifier: MIT */
/*
 * cockroach_10790.c: cancellation wins the select half-way through the loop, so a cleanup task is
 * spawned that receives from channels whose only sender has already left.
 *
 * expect: leak probable
 */
#include "corpus.h"

enum { COMMANDS = 2 };

struct beginning {
	ints chans[COMMANDS]; // the answer of each command
	gor_ctx *ctx;
};

static void execute(struct beginning *b)
{
	for (int i = 0; i < COMMANDS; i++) {
		if (gor_ctx_err(b->ctx)) {
			for (int j = i; FIXED && j < COMMANDS; j++)
				gor_close(b->chans[j]);
			return; // nobody answers the rest
		}
		gor_send(b->chans[i], i);
	}
}

static void clean_up(struct beginning *b)
{
	for (int i = 0; i < COMMANDS; i++) {
		gor_recv(b->chans[i], NULL);
		gor_free(b->chans[i]);
	}
}

static void begin_commands(void *arg)
{
	enum { ANSWER, CANCELLED };
	struct beginning b = {.ctx = arg};

	for (int i = 0; i < COMMANDS; i++)
		gor_make(b.chans[i], 1);
	gor_go_copy(execute, b);
	for (int i = 0; i < COMMANDS; i++) {
		ints *c = &b.chans[i];

		if (gor_select([ANSWER] = gor_on_recv(*c, NULL), [CANCELLED] =
		                                                     gor_on_recv(gor_ctx_done(b.ctx),
		                                                                 NULL)) == CANCELLED) {
			memmove(b.chans, c, (COMMANDS - (size_t)i) * sizeof *c);
			memset(b.chans + COMMANDS - i, 0, (size_t)i * sizeof *c);
			for (int j = COMMANDS - i; j < COMMANDS; j++) {
				gor_make(b.chans[j], 0); // nothing is left to wait for
				gor_close(b.chans[j]);
			}
			gor_go_copy(clean_up, b);
			return;
		}
		gor_free(*c);
		*c = NULL;
	}
}

static int app(void)
{
	gor_ctx *ctx = gor_ctx_with_cancel(gor_ctx_background());

	gor_go(begin_commands, ctx);
	gor_yield();
	gor_ctx_cancel(ctx);
	gor_sleep(20 * GOR_MILLISECOND); // the server goes on
	gor_ctx_free(ctx);
	return 0;
}

/* SPDX-License-Identifier: MIT */
/*
 * healthy_packed.c: the only address of a channel is at an odd place in a buffer of messages, when
 * main returns.
 *
 * expect: clean
 */
#include "corpus.h"

static struct __attribute__((packed)) message {
	char kind;
	ints reply;
} outbox[4];

static int messages;

static void ask(void *arg)
{
	ints reply;

	(void)arg;
	gor_make(reply, 0);
	outbox[messages].kind = 'a';
	memcpy(&outbox[messages].reply, &reply, sizeof reply);
	messages++;
	gor_recv(reply, NULL);
}

static void post(void *arg)
{
	ints reply;

	(void)arg;
	gor_sleep(GOR_HOUR);
	while (messages > 0) {
		memcpy(&reply, &outbox[--messages].reply, sizeof reply);
		gor_send(reply, 1);
	}
}

static int app(void)
{
	gor_go(ask, NULL);
	gor_go(post, NULL);
	gor_sleep(5 * GOR_MILLISECOND);
	return 0;
}

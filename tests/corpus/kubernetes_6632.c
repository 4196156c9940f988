/* SPDX-License-Identifier: MIT */
/*
 * kubernetes_6632.c: the frame writer sends on the reset channel with the write lock held; the
 * monitor left its receive and asks for the write lock in order to close that channel.
 *
 * expect: partial-deadlock probable
 */
#include "corpus.h"

struct connection {
	gor_mutex write_lock;
	ints reset;
	gor_chan(char) closed;
	bool gone;
	gor_waitgroup users;
};

// The idle-aware framer: every frame resets the time-out.
static void write_frame(struct connection *c, int stream)
{
	gor_mutex_lock(&c->write_lock);
	if (c->reset && FIXED)
		gor_select(gor_on_send(c->reset, stream), gor_on_recv(c->closed, NULL));
	else if (c->reset)
		gor_send(c->reset, stream);
	gor_mutex_unlock(&c->write_lock);
}

static void monitor(void *arg)
{
	struct connection *c = arg;
	enum { RESET, CLOSED } got;

	do {
		got = gor_select([RESET] = gor_on_recv(c->reset, NULL), [CLOSED] =
		                                                            gor_on_recv(c->closed, NULL));
	} while (got == RESET);
	gor_mutex_lock(&c->write_lock);
	gor_free(c->reset); // nobody may reset the time-out any more
	c->reset = NULL;
	gor_mutex_unlock(&c->write_lock);
	gor_wg_done(&c->users);
}

static void writer(void *arg)
{
	struct connection *c = arg;

	write_frame(c, 1);
	write_frame(c, 2);
	gor_wg_done(&c->users);
}

static void serve(void *arg)
{
	struct connection *c = calloc(1, sizeof *c);

	(void)arg;
	gor_make(c->reset, 0);
	gor_make(c->closed, 0);
	gor_wg_add(&c->users, 2);
	gor_go(monitor, c);
	gor_go(writer, c);
	gor_close(c->closed); // the peer hangs up
	gor_wg_wait(&c->users);
	gor_free(c->closed);
	free(c);
}

static int app(void)
{
	gor_go(serve, NULL);
	gor_sleep(20 * GOR_MILLISECOND); // other connections
	return 0;
}

/* SPDX-License-Identifier: MIT */
/*
 * etcd_6857.c: the run loop of a node takes the stop case and exits before a status request
 * arrives on its unbuffered channel.
 *
 * expect: leak probable
 */
#include "corpus.h"

struct node {
	ints status;
	gor_chan(char) stop, done;
};

static void run(struct node *n)
{
	enum { STATUS, STOP } got;

	do {
		got = gor_select([STATUS] = gor_on_recv(n->status, NULL), [STOP] =
		                                                              gor_on_recv(n->stop, NULL));
	} while (got != STOP);
	gor_close(n->done);
}

static void ask_status(struct node *n)
{
	if (FIXED)
		gor_select(gor_on_send(n->status, 1), gor_on_recv(n->done, NULL));
	else
		gor_send(n->status, 1);
}

static void node(void *arg)
{
	struct node n;

	(void)arg;
	gor_make(n.status, 0);
	gor_make(n.stop, 0);
	gor_make(n.done, 0);
	gor_go_copy(run, n);
	gor_go_copy(ask_status, n);
	gor_send(n.stop, 0);
	gor_recv(n.done, NULL);
}

static int app(void)
{
	gor_go(node, NULL);
	gor_sleep(20 * GOR_MILLISECOND); // the cluster's other nodes
	return 0;
}

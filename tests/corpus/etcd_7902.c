/* SPDX-License-Identifier: MIT */
/*
 * etcd_7902.c: A follower waits for the next round's channel while holding the mutex that the
 * leader needs to reach the close of it.
 *
 * expect: partial-deadlock probable
 * missed: no such finding yet
 */
#include "corpus.h"

enum { CLIENTS = 3 };

struct election {
	gor_mutex mu;
	gor_chan(char) next_round;
	int leader, left;
};

static void validate(struct election *e, int client)
{
	gor_mutex_lock(&e->mu);
	if (e->leader == 0)
		e->leader = client;
	e->left--;
	gor_mutex_unlock(&e->mu);
}

static void release(struct election *e, int client)
{
	bool last;

	gor_mutex_lock(&e->mu);
	last = e->leader == client;
	if (last)
		gor_close(e->next_round); // the others may go on
	gor_mutex_unlock(&e->mu);
	if (last)
		return;
	if (!FIXED)
		gor_mutex_lock(&e->mu); // so that the round's state is not read in between
	gor_recv(e->next_round, NULL);
	if (!FIXED)
		gor_mutex_unlock(&e->mu);
}

struct client {
	struct election *e;
	gor_waitgroup *running;
	int number;
};

static void campaign(struct client *c)
{
	validate(c->e, c->number);
	release(c->e, c->number);
	gor_wg_done(c->running);
}

static void round_of_elections(void *arg)
{
	struct election *e = calloc(1, sizeof *e);
	gor_waitgroup running = {0};

	(void)arg;
	e->left = CLIENTS;
	gor_make(e->next_round, 0);
	gor_wg_add(&running, CLIENTS);
	for (int i = 1; i <= CLIENTS; i++)
		gor_go_copy(campaign, ((struct client){e, &running, i}));
	gor_wg_wait(&running);
	gor_free(e->next_round);
	free(e);
}

static int app(void)
{
	gor_go(round_of_elections, NULL);
	gor_sleep(20 * GOR_MILLISECOND); // what else is tested
	return 0;
}

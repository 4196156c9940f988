/* SPDX-License-Identifier: MIT */
/*
 * etcd_7902.c: A follower waits for the next round's channel while holding the mutex that the
 * leader needs to reach the close of it.
 *
 * expect: partial-deadlock probable
 */
#include "corpus.h"

enum { CLIENTS = 3 };

struct election {
	gor_mutex mu;
	gor_chan(char) next_round;
	gor_waitgroup votes;
	int leader;
};

static void validate(struct election *e, int client)
{
	gor_mutex_lock(&e->mu);
	if (e->leader == 0)
		e->leader = client;
	gor_mutex_unlock(&e->mu);
	gor_wg_done(&e->votes);
}

// The leader lets the others go on when all have voted.
static void release(struct election *e, int client)
{
	bool leads = e->leader == client;

	if (leads)
		gor_wg_wait(&e->votes);
	if (!FIXED || leads)
		gor_mutex_lock(&e->mu);
	if (leads)
		gor_close(e->next_round);
	else
		gor_recv(e->next_round, NULL);
	if (!FIXED || leads)
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
	gor_wg_add(&e->votes, CLIENTS);
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

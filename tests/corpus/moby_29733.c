/* SPDX-License-Identifier: MIT */
/*
 * moby_29733.c: A waiter waits until its plugin is active, and the deactivating path never
 * broadcasts.
 *
 * expect: global-deadlock|lost-wakeup proven
 */
#include "corpus.h"

struct plugin {
	gor_mutex mu;
	gor_cond activated;
	bool active, failed;
};

struct plugins {
	gor_mutex mu;
	struct plugin entry;
	gor_chan(char) handled;
};

static void wait_active(struct plugin *p)
{
	gor_mutex_lock(&p->mu);
	while (!p->active && !p->failed)
		gor_cond_wait(&p->activated, &p->mu);
	gor_mutex_unlock(&p->mu);
}

static void handle(void *arg)
{
	struct plugins *all = arg;

	gor_mutex_lock(&all->mu);
	wait_active(&all->entry);
	gor_mutex_unlock(&all->mu);
	gor_close(all->handled);
}

static void activate(void *arg)
{
	struct plugins *all = arg;
	struct plugin *p = &all->entry;

	gor_mutex_lock(&p->mu);
	p->active = false; // the handshake failed
	p->failed = FIXED;
	if (FIXED)
		gor_cond_broadcast(&p->activated);
	gor_mutex_unlock(&p->mu);
}

static int app(void)
{
	struct plugins all = {0};

	gor_make(all.handled, 0);
	gor_go(handle, &all);
	gor_go(activate, &all);
	gor_recv(all.handled, NULL);
	gor_free(all.handled);
	return 0;
}

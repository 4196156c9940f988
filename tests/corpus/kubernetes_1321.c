/* SPDX-License-Identifier: MIT */
/*
 * kubernetes_1321.c: the distributor sends to a watcher with the mux's lock held; the watcher, the
 * only receiver, is stopping and asks for the lock.
 *
 * expect: partial-deadlock probable
 */
#include "corpus.h"

struct mux {
	gor_mutex mu;
	ints incoming;
	ints watcher; // NULL once it has stopped
	gor_chan(char) stopped, quit;
};

static void stop_watcher(struct mux *m)
{
	gor_mutex_lock(&m->mu);
	gor_free(m->watcher);
	m->watcher = NULL;
	gor_mutex_unlock(&m->mu);
}

static void distribute(void *arg)
{
	struct mux *m = arg;
	int event;

	while (gor_recv(m->incoming, &event)) {
		gor_mutex_lock(&m->mu);
		if (FIXED && m->watcher)
			gor_select(gor_on_send(m->watcher, event), gor_on_recv(m->quit, NULL));
		else if (m->watcher)
			gor_send(m->watcher, event);
		gor_mutex_unlock(&m->mu);
	}
	gor_close(m->stopped);
}

static void watch(void *arg)
{
	struct mux *m = arg;

	gor_recv(m->watcher, NULL); // the first event is all it wanted
	if (FIXED)
		gor_close(m->quit);
	stop_watcher(m);
}

static void broadcast(void *arg)
{
	struct mux *m = calloc(1, sizeof *m);

	(void)arg;
	gor_make(m->incoming, 2);
	gor_make(m->watcher, 0);
	gor_make(m->stopped, 0);
	gor_make(m->quit, 0);
	gor_go(distribute, m);
	gor_go(watch, m);
	gor_send(m->incoming, 1);
	gor_send(m->incoming, 2);
	gor_close(m->incoming);
	gor_recv(m->stopped, NULL);
}

static int app(void)
{
	gor_go(broadcast, NULL);
	gor_sleep(20 * GOR_MILLISECOND); // the server goes on
	return 0;
}

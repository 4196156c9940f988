/* SPDX-License-Identifier: MIT */
/*
 * kubernetes_11298.c: the abort path signals a condition variable before its waiter has begun to
 * wait, then waits for that waiter: the wake-up is lost.
 *
 * expect: global-deadlock|lost-wakeup proven
 */
#include "corpus.h"

struct driver {
	gor_mutex mu;
	gor_cond status;
	bool finished;
	gor_chan(char) aborted, ended;
};

static void wait_for_status(void *arg)
{
	struct driver *d = arg;

	gor_mutex_lock(&d->mu);
	if (FIXED)
		while (!d->finished)
			gor_cond_wait(&d->status, &d->mu);
	else
		gor_cond_wait(&d->status, &d->mu); // one signal, one wake-up
	gor_mutex_unlock(&d->mu);
	gor_close(d->ended);
}

static void run(void *arg)
{
	struct driver *d = arg;

	gor_recv(d->aborted, NULL);
	gor_mutex_lock(&d->mu);
	d->finished = true;
	gor_cond_signal(&d->status);
	gor_mutex_unlock(&d->mu);
}

static int app(void)
{
	struct driver d = {0};
	gor_timer grace;

	gor_make(d.aborted, 0);
	gor_make(d.ended, 0);
	gor_timer_start(&grace, GOR_SECOND);
	gor_go(wait_for_status, &d);
	gor_go(run, &d);
	gor_close(d.aborted);
	gor_timer_stop(&grace);
	gor_recv(d.ended, NULL);
	gor_free(d.aborted);
	gor_free(d.ended);
	return 0;
}

/* SPDX-License-Identifier: MIT */
/** beside.c: plots by a thread with a connection of its own to the database. */
#include "plot/beside.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

#include "act/table.h"
#include "interval/table.h"
#include "plot/plot.h"
#include "talk.h"

struct plot_beside {
	pthread_t thread;
	const char *path, *dir;
	int got;
};

static void *beside_run(void *arg)
{
	struct plot_beside *b = arg;
	sqlite3 *db = NULL;

	// the lock of who wrote it is no obstacle: nobody writes now
	if (sqlite3_open_v2(b->path, &db, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, "unix-none") ==
	        SQLITE_OK &&
	    interval_register(db) == SQLITE_OK && act_register(db) == SQLITE_OK) {
		b->got = plot_all(db, b->dir);
	} else {
		talk("cannot read '%s': %s", b->path, sqlite3_errmsg(db));
		b->got = -EIO;
	}
	sqlite3_close(db);
	return NULL;
}

struct plot_beside *plot_beside_begin(const char *path, const char *dir)
{
	struct plot_beside *b = malloc(sizeof *b);
	sigset_t all, old;

	if (!b)
		return NULL;
	*b = (struct plot_beside){.path = path, .dir = dir};
	sigfillset(&all); // signals are for the thread that began
	pthread_sigmask(SIG_SETMASK, &all, &old);
	int err = pthread_create(&b->thread, NULL, beside_run, b);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (err) {
		free(b);
		return NULL;
	}
	return b;
}

int plot_beside_end(struct plot_beside *b)
{
	pthread_join(b->thread, NULL);
	int got = b->got;

	free(b);
	return got;
}

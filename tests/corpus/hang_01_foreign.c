/* SPDX-License-Identifier: MIT */
/*
 * hang_01_foreign.c: main waits for an event that nobody has for it, hidden behind a thread of the
 * program's own that is attached and waits in its own code.
 *
 * expect: hidden-deadlock probable
 * names: may call in
 * end: term
 */
#include "corpus.h"
#include <pthread.h>
#include <semaphore.h>
#include <unistd.h>

static int wake[2]; // the window system's socket
static sem_t attached;

static void *window(void *arg)
{
	ints events = *(ints *)arg;
	char what;

	gor_thread_enter();
	sem_post(&attached);
	if (read(wake[0], &what, 1) == 1)
		gor_send(events, what);
	gor_thread_leave();
	return NULL;
}

static int app(void)
{
	pthread_t thread;
	ints events, other;
	char what = 1;

	gor_make(events, 0);
	gor_make(other, 0);
	if (pipe(wake) < 0 || sem_init(&attached, 0, 0) < 0 ||
	    pthread_create(&thread, NULL, window, &events))
		return 1;
	sem_wait(&attached); // not by a channel: until it is attached, nobody knows of it
	if (FIXED && write(wake[1], &what, 1) != 1)
		return 1;
	ready();
	gor_recv(FIXED ? events : other, NULL); // the wrong channel
	pthread_join(thread, NULL);
	gor_free(events);
	gor_free(other);
	return 0;
}

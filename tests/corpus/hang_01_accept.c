/* SPDX-License-Identifier: MIT */
/*
 * hang_01_accept.c: main waits for the end of a worker that has ended already, hidden behind an
 * accept loop.
 *
 * expect: hidden-deadlock probable
 * names: accept_loop() waits
 * end: term
 */
#include "corpus.h"

struct server {
	int fd;
	gor_chan(char) stopped;
};

static void accept_loop(struct server *s)
{
	int client;

	while ((client = gor_accept(s->fd)) >= 0)
		gor_close_fd(client);
	gor_close(s->stopped);
}

static void migrate(gor_chan(char) * done)
{
	if (FIXED)
		gor_close(*done);
}

static int app(void)
{
	gor_chan(char) migrated;
	struct server s = {.fd = gor_listen("127.0.0.1:0")};

	gor_make(s.stopped, 0);
	gor_make(migrated, 0);
	gor_go_copy(accept_loop, s);
	gor_go_copy(migrate, migrated);
	ready();
	gor_recv(migrated, NULL); // nothing is served before that
	gor_close_fd(s.fd);
	gor_recv(s.stopped, NULL);
	gor_free(s.stopped);
	gor_free(migrated);
	return 0;
}

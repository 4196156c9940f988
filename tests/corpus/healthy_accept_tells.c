/* SPDX-License-Identifier: MIT */
/*
 * healthy_accept_tells.c: main waits for the accept loop of a server, which tells it of the first
 * connection.
 *
 * expect: clean
 * end: term
 */
#include "corpus.h"

struct server {
	int fd;
	ints served;
};

static void accept_one(struct server *s)
{
	int client = gor_accept(s->fd);

	gor_close_fd(client);
	gor_send(s->served, 1);
}

static int app(void)
{
	struct server s = {.fd = gor_listen("127.0.0.1:0")};
	ints served;

	gor_make(s.served, 0);
	served = s.served;
	gor_go_copy(accept_one, s);
	ready();
	gor_recv(served, NULL);
	return 0;
}

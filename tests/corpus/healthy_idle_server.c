/* SPDX-License-Identifier: MIT */
/*
 * healthy_idle_server.c: A server waits for connections that do not come, and main for its end;
 * then it is told to stop.
 *
 * expect: clean
 * end: term
 */
#include "corpus.h"

static void serve(int *client)
{
	char request[64];

	while (gor_read(*client, request, sizeof request) > 0)
		gor_write(*client, "ok\n", 3);
	gor_close_fd(*client);
}

static void accept_loop(int *fd)
{
	int client;

	while ((client = gor_accept(*fd)) >= 0)
		gor_go_copy(serve, client);
}

static int app(void)
{
	char reply[8], address[32];
	int fd = gor_listen("127.0.0.1:0"), client;

	gor_go_copy(accept_loop, fd);
	snprintf(address, sizeof address, "127.0.0.1:%d", gor_port(fd));
	client = gor_dial(address);
	gor_write(client, "hello\n", 6);
	gor_read(client, reply, sizeof reply);
	ready();
	gor_read(client, reply, sizeof reply); // a connection that is kept
	return 0;
}

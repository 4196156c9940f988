/* SPDX-License-Identifier: MIT */
/**
 * program.c: what the tests look into.  It prints the port it serves at and that it has begun what
 * its argument says, and ends at the end of its standard input.  Whoever looks waits until all are
 * where they wait: it cannot tell that of itself.
 *
 *     idle    six goroutines wait: three to receive, two for a lock, one sleeps
 *     stuck   every processor has a goroutine that computes and never calls the runtime
 *     fork    a child of fork() is there, whose number it prints
 *     work    two goroutines hand something to and fro
 *     leak    four goroutines send to a channel that nobody has any more
 */
#include <gor.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef gor_chan(int) ints;

static ints never;
static gor_mutex held;

static void receive(void *arg)
{
	(void)arg;
	gor_set_name("receiver");
	gor_recv(never, NULL);
}

static void lock(void *arg)
{
	(void)arg;
	gor_mutex_lock(&held);
}

static void nap(void *arg)
{
	(void)arg;
	gor_sleep(GOR_HOUR);
}

static void busy_spin(void *arg)
{
	(void)arg;
	for (volatile uint64_t spun = 0;;)
		spun = spun * 3 + 1;
}

static void send_away(void *arg)
{
	gor_send((ints)arg, 1);
}

/** A goroutine of its own, whose stack is gone with the last copy of the channel's address. */
static void leave(void *arg)
{
	ints lost;

	(void)arg;
	gor_make(lost, 0);
	for (int i = 0; i < 4; i++)
		gor_go(send_away, lost);
}

/** The work that a trace shows. */
static void hop(void *arg)
{
	for (ints *way = arg;;) {
		gor_send(way[0], 1);
		gor_recv(way[1], NULL);
	}
}

static void hop_back(void *arg)
{
	for (ints *way = arg;;) {
		gor_recv(way[0], NULL);
		gor_sleep(100 * GOR_MICROSECOND);
		gor_send(way[1], 1);
	}
}

static void work(void)
{
	static ints way[2];

	gor_make(way[0], 0);
	gor_make(way[1], 0);
	gor_go(hop, way);
	gor_go(hop_back, way);
}

static void idle(void)
{
	gor_make(never, 0);
	gor_mutex_lock(&held);
	for (int i = 0; i < 3; i++)
		gor_go(receive, NULL);
	for (int i = 0; i < 2; i++)
		gor_go(lock, NULL);
	gor_go(nap, NULL);
}

static int app(int argc, char **argv)
{
	const char *mode = argc > 1 ? argv[1] : "idle";
	char byte;

	printf("%d\n", argc > 2 ? gor_debug_serve(argv[2]) : 0);
	if (strcmp(mode, "idle") == 0)
		idle();
	else if (strcmp(mode, "leak") == 0)
		gor_go(leave, NULL);
	else if (strcmp(mode, "work") == 0)
		work();
	printf("ready\n");
	fflush(stdout);
	if (strcmp(mode, "fork") == 0) {
		if (fork() == 0) {
			printf("%d\n", (int)getpid()); // by itself: then it has let go of the sockets
			fflush(stdout);
			for (;;)
				pause();
		}
	}
	for (int i = strcmp(mode, "stuck") == 0 ? gor_max_procs(0) : 0; i > 1; i--)
		gor_go(busy_spin, NULL);
	if (strcmp(mode, "stuck") == 0)
		busy_spin(NULL);
	while (gor_read(0, &byte, 1) > 0)
		;
	return 0;
}

int main(int argc, char **argv)
{
	return gor_run(app, argc, argv);
}

/* SPDX-License-Identifier: MIT */
/*
 * hang_12_stopped.c: the process is stopped for more than a second, as by a debugger or a closed
 * lid, and goes on: nothing is wrong.
 *
 * expect: clean
 */
#include "corpus.h"
#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void stop_for_a_while(void)
{
	struct timespec while_ = {1, 200000000};
	pid_t parent = getpid(), child = fork();

	if (child == 0) {
		nanosleep(&while_, NULL);
		kill(parent, SIGCONT);
		_exit(0);
	}
	raise(SIGSTOP);
	waitpid(child, NULL, 0);
}

static void pong(ints *balls)
{
	while (gor_recv(balls[0], NULL))
		gor_yield();
}

static int app(void)
{
	ints balls;

	gor_make(balls, 1);
	gor_go_copy(pong, balls);
	for (int i = 0; i < 20; i++) {
		gor_send(balls, i);
		if (i == 10)
			stop_for_a_while();
	}
	gor_close(balls);
	return 0;
}

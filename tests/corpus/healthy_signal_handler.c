/* SPDX-License-Identifier: MIT */
/*
 * healthy_signal_handler.c: A goroutine waits for signals by a pipe, as long as the program runs.
 *
 * expect: clean
 */
#include "corpus.h"
#include <signal.h>
#include <unistd.h>

static int signals[2];
static ints reloads;

static void on_signal(int number)
{
	char byte = (char)number;

	if (write(signals[1], &byte, 1) != 1)
		_exit(3);
}

static void watch(void *arg)
{
	char byte;

	(void)arg;
	while (gor_read(signals[0], &byte, 1) == 1)
		gor_send(reloads, byte);
}

static int app(void)
{
	struct sigaction act = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
	int number;

	if (pipe(signals) < 0)
		return 1;
	gor_make(reloads, 1);
	sigaction(SIGHUP, &act, NULL);
	gor_go(watch, NULL);
	raise(SIGHUP);
	gor_recv(reloads, &number);
	return number == SIGHUP ? 0 : 1;
}

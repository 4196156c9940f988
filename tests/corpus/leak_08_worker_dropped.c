/* SPDX-License-Identifier: MIT */
/*
 * leak_08_worker_dropped.c: an object with a worker inside is freed, but its worker is never told
 * to stop.
 *
 * expect: leak probable
 */
#include "corpus.h"

struct logger {
	char name[32];
	ints lines;
	gor_chan(char) stopped;
};

struct channels {
	ints lines;
	gor_chan(char) stopped;
};

static void write_lines(struct channels *c)
{
	while (gor_recv(c->lines, NULL))
		;
	gor_close(c->stopped);
}

static struct logger *logger_new(const char *name)
{
	struct logger *l = calloc(1, sizeof *l);

	snprintf(l->name, sizeof l->name, "%s", name);
	gor_make(l->lines, 8);
	gor_make(l->stopped, 0);
	gor_go_copy(write_lines, ((struct channels){l->lines, l->stopped}));
	return l;
}

static void logger_free(struct logger *l)
{
	if (FIXED) {
		gor_close(l->lines);
		gor_recv(l->stopped, NULL);
		gor_free(l->lines);
		gor_free(l->stopped);
	}
	free(l);
}

static void request(void *arg)
{
	struct logger *l = logger_new("request");

	(void)arg;
	gor_send(l->lines, 1);
	gor_send(l->lines, 2);
	logger_free(l);
}

static int app(void)
{
	gor_go(request, NULL);
	gor_sleep(20 * GOR_MILLISECOND); // other requests
	return 0;
}

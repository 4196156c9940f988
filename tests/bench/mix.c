/* SPDX-License-Identifier: MIT */
/**
 * mix.c: a program that makes a trace as long as one likes: GTRACE=big.gtrace bench_mix EVENTS.
 *
 * Half of the events are those of a server: clients ask, a goroutine each answers on a channel of
 * its own, under a lock, and some requests have a timer.  The other half are those of pipelines,
 * whose goroutines live as long as the program.  How many events it were is up to the scheduling,
 * so EVENTS is met roughly; `gtrace info` knows.
 */
#include <gor.h>
#include <stdio.h>
#include <stdlib.h>

enum { CLIENTS = 64, PIPES = 16, STAGES = 4, ITEMS = 4, TIMER_EVERY = 16, TABLES = 8 };
enum { EVENTS_A_REQUEST = 30 }; // its share of the pipelines included

typedef gor_chan(long) longs;

struct table {
	gor_mutex mu;
	long sum;
};

struct request {
	longs reply;
	struct table *table;
	long value;
};

struct stage {
	longs in, out;
};

static struct table tables[TABLES];
static longs heads[PIPES];

static void stage_run(struct stage *s)
{
	long value;

	while (gor_recv(s->in, &value) == 1) {
		if (s->out)
			gor_send(s->out, value + 1);
	}
	if (s->out)
		gor_close(s->out);
	gor_free(s->in);
}

static void pipe_start(longs *head)
{
	struct stage s = {0};

	gor_make(s.in, 16);
	*head = s.in;
	for (int i = 0; i < STAGES; i++) {
		s.out = NULL;
		if (i + 1 < STAGES)
			gor_make(s.out, 16);
		gor_go_copy(stage_run, s);
		s.in = s.out;
	}
}

static void answer(struct request *r)
{
	gor_mutex_lock(&r->table->mu);
	r->table->sum += r->value;
	gor_yield(); // others come for the lock
	gor_mutex_unlock(&r->table->mu);
	gor_send(r->reply, r->value);
}

static void ask(long n)
{
	struct request r = {.table = &tables[n % TABLES], .value = n};
	gor_timer timer;
	long value;

	gor_make(r.reply, 0);
	gor_go_copy(answer, r);
	if (n % TIMER_EVERY == 0) {
		gor_timer_start(&timer, GOR_SECOND);
		gor_select(gor_on_recv(r.reply, &value), gor_on_recv(timer.c, NULL));
		gor_timer_stop(&timer);
	} else {
		gor_recv(r.reply, &value);
	}
	gor_free(r.reply);
}

struct client {
	gor_waitgroup *wg;
	long number, requests;
};

static void client_run(struct client *c)
{
	for (long i = 0; i < c->requests; i++) {
		ask(i * CLIENTS + c->number);
		for (int k = 0; k < ITEMS; k++)
			gor_send(heads[c->number % PIPES], i);
	}
	gor_wg_done(c->wg);
}

static int app(int argc, char **argv)
{
	long events = argc > 1 ? atol(argv[1]) : 0;
	gor_waitgroup wg = {0};

	if (events <= 0) {
		fprintf(stderr, "usage: bench_mix EVENTS\n");
		return 2;
	}
	for (int i = 0; i < PIPES; i++)
		pipe_start(&heads[i]);
	gor_wg_add(&wg, CLIENTS);
	for (long i = 0; i < CLIENTS; i++) {
		struct client c = {&wg, i, events / EVENTS_A_REQUEST / CLIENTS + 1};
		gor_go_copy(client_run, c);
	}
	gor_wg_wait(&wg);
	for (int i = 0; i < PIPES; i++)
		gor_close(heads[i]);
	return 0;
}

int main(int argc, char **argv)
{
	return gor_run(app, argc, argv);
}

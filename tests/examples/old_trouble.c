/* SPDX-License-Identifier: MIT */
/*
 * old_trouble.c: goroutines that parked for good at the beginning, and a program that has run for
 * long since: so long that a flight recorder has forgotten how it came to that.
 *
 *     old_trouble leak|select|locks[-fixed] dump|wait|panic|crash|alarm|report|busy
 */
#include <gor.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROUNDS 80000 // several rings of 512 KiB

typedef gor_chan(int) ints;

static gor_mutex a, b;
static ints there, back, quit;
static gor_timer alarm_clock;
static bool fixed;
static atomic_int locked; // who has the first of both locks
static atomic_int ended;
static atomic_int chosen; // by choose(), which is over then

static void answer(void *arg)
{
	gor_send(*(ints *)arg, 42);
}

/* Two answers, and nobody who wants the second; what it was for is gone with this stack. */
static void ask(void *arg)
{
	ints c;
	int first;

	(void)arg;
	gor_make(c, fixed ? 2 : 0);
	gor_go_copy(answer, c);
	gor_go_copy(answer, c);
	gor_recv(c, &first);
	if (fixed) {
		gor_recv(c, &first);
		gor_free(c);
	}
	memset(&c, 0, sizeof c);
	atomic_fetch_add(&ended, 1);
}

struct pair {
	ints x, y;
};

static void choose(struct pair *p)
{
	int v;

	gor_select(gor_on_recv(p->x, &v), gor_on_recv(p->y, &v));
	gor_free(p->x);
	atomic_fetch_add(&chosen, 1);
}

/* The channels are nobody's but its own; or one is the program's, which closes it at its end. */
static void offer(void *arg)
{
	struct pair p;

	(void)arg;
	gor_make(p.x, 0);
	p.y = quit;
	if (!fixed)
		gor_make(p.y, 0);
	gor_go_copy(choose, p);
	memset(&p, 0, sizeof p);
	atomic_fetch_add(&ended, 1);
}

static void lock_both(gor_mutex *first, gor_mutex *second)
{
	gor_mutex_lock(first);
	atomic_fetch_add(&locked, 1);
	while (!fixed && atomic_load(&locked) < 2)
		gor_sleep(GOR_MILLISECOND);
	gor_mutex_lock(second);
	gor_mutex_unlock(second);
	gor_mutex_unlock(first);
	atomic_fetch_add(&ended, 1);
}

static void ab(void *arg)
{
	(void)arg;
	lock_both(&a, &b);
}

static void ba(void *arg)
{
	(void)arg;
	if (fixed)
		lock_both(&a, &b);
	else
		lock_both(&b, &a);
}

static void echo(void *arg)
{
	int v;

	(void)arg;
	while (gor_recv(there, &v))
		gor_send(back, v);
}

static void say(const char *line)
{
	puts(line);
	fflush(stdout);
}

static void churn(void)
{
	for (int i = 0, v; i < ROUNDS; i++) {
		gor_send(there, i);
		gor_recv(back, &v);
	}
}

static void wait_for(atomic_int *count, int wanted)
{
	while (atomic_load(count) < wanted)
		gor_sleep(GOR_MILLISECOND);
	gor_sleep(20 * GOR_MILLISECOND); // for their last step
}

static void trouble(const char *what)
{
	fixed = strstr(what, "fixed") != NULL;
	gor_make(quit, 0);
	gor_timer_start(&alarm_clock, 3600 * GOR_SECOND);
	if (what[0] == 'l' && what[1] == 'o') {
		gor_go(ab, NULL);
		gor_go(ba, NULL);
		wait_for(fixed ? &ended : &locked, 2);
	} else {
		gor_go(what[0] == 's' ? offer : ask, NULL);
		wait_for(&ended, 1);
	}
	// What ended has left its stack to these, which leave nothing on it.
	gor_make(there, 0);
	gor_make(back, 0);
	gor_go(echo, NULL);
}

static int app(int argc, char **argv)
{
	const char *end = argc > 2 ? argv[2] : "dump";

	trouble(argc > 1 ? argv[1] : "leak");
	churn();
	if (strcmp(end, "dump") == 0) {
		say(gor_trace_dump("the test wants one") == 0 ? "dumped" : "not dumped");
	} else if (strcmp(end, "panic") == 0) {
		gor_panic("enough");
	} else if (strcmp(end, "crash") == 0) {
		raise(SIGSEGV);
	} else if (strcmp(end, "alarm") == 0) {
		int64_t now;
		gor_close(there);
		say("ready");
		gor_recv(alarm_clock.c, &now); // all are parked, and it is no deadlock
	} else if (strcmp(end, "report") == 0) {
		gor_timer_stop(&alarm_clock);
		gor_close(there);
		say("ready");
		gor_recv(back, NULL); // nobody sends: and so all are asleep
	} else if (strcmp(end, "busy") == 0) {
		static volatile uint64_t n;
		say("ready");
		for (;;)
			n++;
	}
	say("ready");
	while (strcmp(end, "wait") == 0)
		churn();
	gor_close(quit);
	while (fixed && argc > 1 && argv[1][0] == 's' && !atomic_load(&chosen))
		gor_yield();
	gor_timer_stop(&alarm_clock);
	return 0;
}

int main(int argc, char **argv)
{
	return gor_run(app, argc, argv);
}

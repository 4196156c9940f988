/* SPDX-License-Identifier: MIT */
/**
 * runtime.c: what the runtime's operations cost.
 *
 *	bench_runtime [NAME|all] [PROCS]
 *
 * Prints a line `name procs value unit spread` for each: the median of seven runs after one to warm
 * up, and the spread from the fastest to the slowest, in per cent of the median.
 */
#include <gor.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { RUNS = 7 };

typedef gor_chan(int) ints;
typedef gor_chan(long) longs;

/* A benchmark does its work once, and says how many operations that were. */
struct bench {
	const char *name;
	const char *unit;
	long (*run)(void);
	int runs; // 0: RUNS
};

static void yield_many(void *arg)
{
	for (int i = 0; i < 500000; i++)
		gor_yield();
	gor_wg_done((gor_waitgroup *)arg);
}

static long bench_yield(void)
{
	gor_waitgroup wg = {0};

	gor_wg_add(&wg, 4);
	for (int i = 0; i < 4; i++)
		gor_go(yield_many, &wg);
	gor_wg_wait(&wg);
	return 4 * 500000;
}

struct duplex {
	ints to, from;
};

static void echo(void *arg)
{
	struct duplex *d = arg;
	int v;

	while (gor_recv(d->to, &v) == 1)
		gor_send(d->from, v);
	gor_close(d->from);
}

static long bench_pingpong(void)
{
	struct duplex d;
	long n = 500000;

	gor_make(d.to, 0);
	gor_make(d.from, 0);
	gor_go(echo, &d);
	for (long i = 0; i < n; i++) {
		gor_send(d.to, 1);
		gor_recv(d.from, NULL);
	}
	gor_close(d.to);
	gor_recv(d.from, NULL);
	gor_free(d.to);
	gor_free(d.from);
	return n;
}

static void produce(void *arg)
{
	for (int i = 0; i < 2000000; i++)
		gor_send((ints)arg, i);
	gor_close((ints)arg);
}

static long bench_buffered(void)
{
	ints ch;

	gor_make(ch, 128);
	gor_go(produce, (void *)ch);
	while (gor_recv(ch, NULL) == 1)
		;
	gor_free(ch);
	return 2000000;
}

static void do_nothing(void *arg)
{
	gor_wg_done((gor_waitgroup *)arg);
}

static long bench_spawn(void)
{
	gor_waitgroup wg = {0};

	for (int wave = 0; wave < 500; wave++) {
		gor_wg_add(&wg, 1000);
		for (int i = 0; i < 1000; i++)
			gor_go(do_nothing, &wg);
		gor_wg_wait(&wg);
	}
	return 500 * 1000;
}

struct feeds {
	ints ch[8];
	int n;
	ints quit;
};

static void feed(void *arg)
{
	struct feeds *f = arg;

	for (int i = 0; i < 300000; i++)
		gor_send(f->ch[i % f->n], i);
	gor_close(f->quit);
}

/* One sender in turn on n - 1 channels, one receiver in a select on all of them and quit. */
static long select_of(int n)
{
	struct feeds f = {.n = n - 1};
	gor_case cases[8];

	gor_make(f.quit, 0);
	for (int i = 0; i < n - 1; i++) {
		gor_make(f.ch[i], 0);
		cases[i] = gor_on_recv(f.ch[i], NULL);
	}
	cases[n - 1] = gor_on_recv(f.quit, NULL);
	gor_go(feed, &f);
	while (gor_select_n(cases, n) != n - 1)
		;
	for (int i = 0; i < n - 1; i++)
		gor_free(f.ch[i]);
	gor_free(f.quit);
	return 300000;
}

static long bench_select2(void)
{
	return select_of(2);
}

static long bench_select8(void)
{
	return select_of(8);
}

static long bench_mutex(void)
{
	gor_mutex mu = {0};

	for (int i = 0; i < 10000000; i++) {
		gor_mutex_lock(&mu);
		gor_mutex_unlock(&mu);
	}
	return 10000000;
}

struct contended {
	gor_mutex mu;
	gor_waitgroup wg;
};

static void lock_and_yield(void *arg)
{
	struct contended *c = arg;

	for (int i = 0; i < 50000; i++) {
		gor_mutex_lock(&c->mu);
		gor_yield();
		gor_mutex_unlock(&c->mu);
	}
	gor_wg_done(&c->wg);
}

static long bench_mutex_yield8(void)
{
	struct contended c = {0};

	gor_wg_add(&c.wg, 8);
	for (int i = 0; i < 8; i++)
		gor_go(lock_and_yield, &c);
	gor_wg_wait(&c.wg);
	return 8 * 50000;
}

struct node {
	longs up;
	long number, size;
};

static void skynet(struct node *n)
{
	long sum = 0, part;
	longs down;

	if (n->size == 1) {
		gor_send(n->up, n->number);
		return;
	}
	gor_make(down, 0);
	for (int i = 0; i < 10; i++)
		gor_go_copy(skynet, ((struct node){down, n->number + i * (n->size / 10), n->size / 10}));
	for (int i = 0; i < 10; i++) {
		gor_recv(down, &part);
		sum += part;
	}
	gor_free(down);
	gor_send(n->up, sum);
}

static long bench_skynet(void)
{
	long sum = 0;
	longs top;

	gor_make(top, 0);
	gor_go_copy(skynet, ((struct node){top, 0, 1000000}));
	gor_recv(top, &sum);
	gor_free(top);
	return sum == 499999500000 ? 1 : -1;
}

struct crowd {
	ints gate;
	gor_waitgroup arrived, gone;
};

static void park(void *arg)
{
	struct crowd *c = arg;

	gor_wg_done(&c->arrived);
	gor_recv(c->gate, NULL);
	gor_wg_done(&c->gone);
}

static long resident_bytes(void)
{
	long pages = 0, unused = 0;
	FILE *f = fopen("/proc/self/statm", "r");

	if (f && fscanf(f, "%ld %ld", &unused, &pages) != 2)
		pages = 0;
	if (f)
		fclose(f);
	return pages * 4096;
}

/* Prints lines of its own: bytes, and times for birth, the close and the wake-up of each. */
static long bench_parked_million(void)
{
	struct crowd c = {0};
	int n = 1000000;
	long before = resident_bytes();
	int64_t t0 = gor_now(), t1, t2, t3;

	gor_make(c.gate, 0);
	gor_wg_add(&c.arrived, n);
	gor_wg_add(&c.gone, n);
	for (int i = 0; i < n; i++)
		if (!gor_go(park, &c))
			return -1;
	gor_wg_wait(&c.arrived);
	t1 = gor_now();
	printf("parked_bytes %d %.0f bytes\n", gor_max_procs(0),
	       (double)(resident_bytes() - before) / n);
	gor_close(c.gate);
	t2 = gor_now();
	gor_wg_wait(&c.gone);
	t3 = gor_now();
	printf("parked_birth %d %.0f ns\n", gor_max_procs(0), (double)(t1 - t0) / n);
	printf("parked_close %d %.1f ms\n", gor_max_procs(0), (double)(t2 - t1) / 1e6);
	printf("parked_wake %d %.0f ns\n", gor_max_procs(0), (double)(t3 - t1) / n);
	gor_free(c.gate);
	return n;
}

static const struct bench benches[] = {
	{"yield", "ns", bench_yield, 0},
	{"pingpong", "ns", bench_pingpong, 0},
	{"buffered", "ns", bench_buffered, 0},
	{"spawn", "ns", bench_spawn, 0},
	{"select2", "ns", bench_select2, 0},
	{"select8", "ns", bench_select8, 0},
	{"mutex", "ns", bench_mutex, 0},
	{"mutex_yield8", "ns", bench_mutex_yield8, 0},
	{"skynet", "ms", bench_skynet, 3},
	{"parked_million", "ns", bench_parked_million, 1},
	{NULL, NULL, NULL, 0},
};

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static int measure(const struct bench *b)
{
	int runs = b->runs ? b->runs : RUNS;
	double value[RUNS], scale = strcmp(b->unit, "ms") == 0 ? 1e6 : 1;

	for (int i = runs > 1 ? -1 : 0; i < runs; i++) { // -1: warm up
		int64_t began = gor_now();
		long n = b->run();

		if (n < 0)
			return 1;
		if (i >= 0)
			value[i] = (double)(gor_now() - began) / (double)n / scale;
	}
	qsort(value, (size_t)runs, sizeof *value, by_value);
	printf("%s %d %.1f %s %.0f%%\n", b->name, gor_max_procs(0), value[runs / 2], b->unit,
	       100 * (value[runs - 1] - value[0]) / value[runs / 2]);
	fflush(stdout);
	return 0;
}

static int app(int argc, char **argv)
{
	(void)argc;
	for (const struct bench *b = benches; b->name; b++)
		if (strcmp(argv[0], b->name) == 0)
			return measure(b);
	fprintf(stderr, "no benchmark '%s'\n", argv[0]);
	return 2;
}

/* In a process of its own: no benchmark finds stacks that another has warmed. */
static int run_alone(const char *name)
{
	char *argv[] = {(char *)name, NULL};
	pid_t pid = fork();
	int status = 1;

	if (pid == 0)
		exit(gor_run(app, 1, argv));
	if (pid < 0 || waitpid(pid, &status, 0) != pid || status != 0)
		fprintf(stderr, "%s failed\n", name);
	return status != 0;
}

int main(int argc, char **argv)
{
	const char *name = argc > 1 ? argv[1] : "all";
	int failed = 0;

	if (argc > 2)
		gor_max_procs(atoi(argv[2]));
	if (strcmp(name, "all") != 0)
		return run_alone(name);
	for (const struct bench *b = benches; b->name; b++)
		failed += run_alone(b->name);
	return failed > 0;
}

/* SPDX-License-Identifier: MIT */
/**
 * runtime.c: what the runtime's operations cost.
 *
 *	bench_runtime [ROW]      GOR_MAXPROCS and GTRACE as for any program
 *
 * Does the work of one row, once, and prints lines `figure value`; without ROW, every row in a
 * process of its own.  go/main.go does the same work in Go; compare.sh runs both in turn and makes
 * the table; targets.txt says what each figure is.
 *
 * A row that is timed by the operation is done a tenth as long first, to warm up.  The others are
 * about the first time: fresh stacks are in the figure.
 */
#include <gor.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

typedef gor_chan(int) ints;
typedef gor_chan(long) longs;

#define REQUIRE(cond) ((cond) ? (void)0 : fail(#cond))

static void fail(const char *what)
{
	fprintf(stderr, "bench_runtime: wrong result: not %s\n", what);
	exit(1);
}

static void figure(const char *name, double value)
{
	printf("%s %.2f\n", name, value);
}

/* ── switching and channels ───────────────────────────────────────────────────────────────────────
 */

struct team {
	gor_waitgroup wg;
	gor_mutex mu;
	long each;
};

static void yield_many(void *arg)
{
	struct team *t = arg;

	for (long i = 0; i < t->each; i++)
		gor_yield();
	gor_wg_done(&t->wg);
}

static void bench_yield(long n)
{
	struct team t = {.each = n / 4};

	gor_wg_add(&t.wg, 4);
	for (int i = 0; i < 4; i++)
		gor_go(yield_many, &t);
	gor_wg_wait(&t.wg);
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

static void bench_pingpong(long n)
{
	struct duplex d;
	long sum = 0;
	int v;

	gor_make(d.to, 0);
	gor_make(d.from, 0);
	gor_go(echo, &d);
	for (long i = 0; i < n; i++) {
		gor_send(d.to, 1);
		gor_recv(d.from, &v);
		sum += v;
	}
	gor_close(d.to);
	gor_recv(d.from, NULL);
	gor_free(d.to);
	gor_free(d.from);
	REQUIRE(sum == n);
}

struct feed {
	ints ch[7];
	int chans;
	long n;
	ints quit;
};

static void produce(void *arg)
{
	struct feed *f = arg;

	for (long i = 0; i < f->n; i++)
		gor_send(f->ch[0], 1);
	gor_close(f->ch[0]);
}

static void bench_buffered(long n)
{
	struct feed f = {.n = n};
	long sum = 0;
	int v;

	gor_make(f.ch[0], 128);
	gor_go(produce, &f);
	while (gor_recv(f.ch[0], &v) == 1)
		sum += v;
	gor_free(f.ch[0]);
	REQUIRE(sum == n);
}

static void feed_in_turn(void *arg)
{
	struct feed *f = arg;

	for (long i = 0; i < f->n; i++)
		gor_send(f->ch[i % f->chans], 1);
	gor_close(f->quit);
}

static void feed_begin(struct feed *f)
{
	gor_make(f->quit, 0);
	for (int i = 0; i < f->chans; i++)
		gor_make(f->ch[i], 0);
	gor_go(feed_in_turn, f);
}

static void feed_end(struct feed *f, long sum)
{
	for (int i = 0; i < f->chans; i++)
		gor_free(f->ch[i]);
	gor_free(f->quit);
	REQUIRE(sum == f->n);
}

static void bench_select2(long n)
{
	struct feed f = {.n = n, .chans = 1};
	long sum = 0;
	int v;

	feed_begin(&f);
	while (gor_select(gor_on_recv(f.ch[0], &v), gor_on_recv(f.quit, NULL)) != 1)
		sum += v;
	feed_end(&f, sum);
}

static void bench_select8(long n)
{
	struct feed f = {.n = n, .chans = 7};
	long sum = 0;
	int v;

	feed_begin(&f);
	while (gor_select(gor_on_recv(f.ch[0], &v), gor_on_recv(f.ch[1], &v), gor_on_recv(f.ch[2], &v),
	                  gor_on_recv(f.ch[3], &v), gor_on_recv(f.ch[4], &v), gor_on_recv(f.ch[5], &v),
	                  gor_on_recv(f.ch[6], &v), gor_on_recv(f.quit, NULL)) != 7)
		sum += v;
	feed_end(&f, sum);
}

/* ── spawning and locks ───────────────────────────────────────────────────────────────────────────
 */

#define WAVE 1000

static void do_nothing(void *arg)
{
	gor_wg_done((gor_waitgroup *)arg);
}

static void bench_spawn(long n)
{
	gor_waitgroup wg = {0};

	for (long wave = 0; wave < n / WAVE; wave++) {
		gor_wg_add(&wg, WAVE);
		for (int i = 0; i < WAVE; i++)
			gor_go(do_nothing, &wg);
		gor_wg_wait(&wg);
	}
}

static void bench_mutex(long n)
{
	struct team t = {0};

	for (long i = 0; i < n; i++) {
		gor_mutex_lock(&t.mu);
		t.each++;
		gor_mutex_unlock(&t.mu);
	}
	REQUIRE(t.each == n);
}

static void lock_and_yield(void *arg)
{
	struct team *t = arg;

	for (long i = 0; i < t->each; i++) {
		gor_mutex_lock(&t->mu);
		gor_yield();
		gor_mutex_unlock(&t->mu);
	}
	gor_wg_done(&t->wg);
}

static void bench_mutex_yield8(long n)
{
	struct team t = {.each = n / 8};

	gor_wg_add(&t.wg, 8);
	for (int i = 0; i < 8; i++)
		gor_go(lock_and_yield, &t);
	gor_wg_wait(&t.wg);
}

/* ── crowds ───────────────────────────────────────────────────────────────────────────────────────
 */

/* A line of /proc/self/status that is in kB. */
static double status_kb(const char *key)
{
	char line[256];
	size_t len = strlen(key);
	double kb = 0;
	FILE *f = fopen("/proc/self/status", "r");

	if (!f)
		return 0;
	while (fgets(line, sizeof line, f))
		if (strncmp(line, key, len) == 0 && line[len] == ':')
			kb = strtod(line + len + 1, NULL);
	fclose(f);
	return kb;
}

static double resident_bytes(void)
{
	return 1024 * (status_kb("VmRSS") + status_kb("VmPTE"));
}

static double cpu_ms(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1e3 +
	       (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e3;
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

static double skynet_ms(long n)
{
	int64_t began = gor_now();
	long sum = 0;
	longs top;

	gor_make(top, 0);
	gor_go_copy(skynet, ((struct node){top, 0, n}));
	gor_recv(top, &sum);
	gor_free(top);
	REQUIRE(sum == n / 2 * (n - 1));
	return (double)(gor_now() - began) / 1e6;
}

static void bench_skynet(long n)
{
	figure("skynet", skynet_ms(n));
	figure("skynet_rss", status_kb("VmHWM") / 1024);
	figure("skynet_again", skynet_ms(n));
}

static void sleep_ten_times(void *arg)
{
	struct team *t = arg;

	for (int i = 0; i < 10; i++)
		gor_sleep(GOR_MILLISECOND);
	gor_wg_done(&t->wg);
}

static void bench_sleep(long n)
{
	struct team t = {0};
	double cpu = cpu_ms();
	int64_t began = gor_now();

	gor_wg_add(&t.wg, (int)n);
	for (long i = 0; i < n; i++)
		gor_go(sleep_ten_times, &t);
	gor_wg_wait(&t.wg);
	figure("sleep_cpu", cpu_ms() - cpu);
	figure("sleep_wall", (double)(gor_now() - began) / 1e6);
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

static void bench_parked(long n)
{
	struct crowd c = {0};
	double before = resident_bytes();
	int64_t t0 = gor_now(), t1, t2, t3;

	gor_make(c.gate, 0);
	gor_wg_add(&c.arrived, (int)n);
	gor_wg_add(&c.gone, (int)n);
	for (long i = 0; i < n; i++)
		REQUIRE(gor_go(park, &c));
	gor_wg_wait(&c.arrived);
	t1 = gor_now();
	figure("parked_bytes", (resident_bytes() - before) / (double)n);
	t2 = gor_now();
	gor_close(c.gate);
	t3 = gor_now();
	gor_wg_wait(&c.gone);
	figure("parked_born", (double)(t1 - t0) / (double)n);
	figure("parked_close", (double)(t3 - t2) / 1e6);
	figure("parked_woken", (double)(gor_now() - t2) / (double)n);
	gor_free(c.gate);
}

/* ── the sieve ────────────────────────────────────────────────────────────────────────────────────
 */

struct filter {
	ints in, out;
	int prime;
};

static void generate(void *arg)
{
	for (int i = 2; gor_send_until((ints)arg, i, GOR_FOREVER) == 0; i++)
		;
}

static void sift(struct filter *f)
{
	for (int v;;) {
		gor_recv(f->in, &v);
		if (v % f->prime)
			gor_send(f->out, v);
	}
}

/* The first n primes; its goroutines are left waiting, as in Go. */
static void bench_sieve(long n)
{
	int64_t began = gor_now();
	ints ch;
	int prime = 0;

	gor_make(ch, 0);
	gor_go(generate, (void *)ch);
	for (long i = 0; i < n; i++) {
		struct filter f = {.in = ch};
		gor_recv(ch, &prime);
		gor_make(f.out, 0);
		f.prime = prime;
		gor_go_copy(sift, f);
		ch = f.out;
	}
	figure("sieve", (double)(gor_now() - began) / 1e6);
	REQUIRE(n != 512 || prime == 3671);
}

/* ── rows ─────────────────────────────────────────────────────────────────────────────────────────
 */

struct row {
	const char *name;
	long n;
	void (*run)(long n);
	bool own_figures; // else: ns an operation
};

static const struct row rows[] = {
	{"yield", 4000000, bench_yield, false},
	{"pingpong", 1000000, bench_pingpong, false},
	{"buffered", 5000000, bench_buffered, false},
	{"spawn", 1000000, bench_spawn, false},
	{"select2", 800000, bench_select2, false},
	{"select8", 400000, bench_select8, false},
	{"mutex", 20000000, bench_mutex, false},
	{"mutex_yield8", 1600000, bench_mutex_yield8, false},
	{"skynet", 1000000, bench_skynet, true},
	{"sleep", 100000, bench_sleep, true},
	{"parked", 1000000, bench_parked, true},
	{"sieve", 512, bench_sieve, true},
	{NULL, 0, NULL, false},
};

static int app(int argc, char **argv)
{
	const struct row *row = rows;
	int64_t began;

	(void)argc;
	while (row->name && strcmp(row->name, argv[0]) != 0)
		row++;
	if (!row->name) {
		fprintf(stderr, "bench_runtime: no row '%s'\n", argv[0]);
		return 2;
	}
	if (row->own_figures) {
		row->run(row->n);
	} else {
		row->run(row->n / 10);
		began = gor_now();
		row->run(row->n);
		figure(row->name, (double)(gor_now() - began) / (double)row->n);
	}
	return 0;
}

/* In a process of its own: no row finds stacks that another has warmed. */
static int run_alone(const char *name)
{
	char *argv[] = {(char *)name, NULL};
	int status = 1;

	fflush(stdout);
	pid_t pid = fork();
	if (pid == 0)
		exit(gor_run(app, 1, argv));
	if (pid < 0 || waitpid(pid, &status, 0) != pid || status != 0)
		fprintf(stderr, "bench_runtime: %s failed\n", name);
	return status != 0;
}

int main(int argc, char **argv)
{
	int failed = 0;

	if (argc > 1)
		return gor_run(app, 1, argv + 1);
	for (const struct row *row = rows; row->name; row++)
		failed += run_alone(row->name);
	return failed > 0;
}

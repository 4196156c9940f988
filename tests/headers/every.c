/* SPDX-License-Identifier: MIT */
/*
 * every.c: every macro of gor.h once, in ISO C but for what the macros themselves need.
 *
 * It is compiled with WRONG from 1 up as well, and then has one error that the compiler must see.
 */
#include <gor.h>

#ifndef WRONG
#define WRONG 0
#endif

typedef gor_chan(int) ints;
struct pair {
	double a, b;
};
typedef gor_chan(struct pair) pairs;

static void worker(void *arg)
{
	(void)arg;
}

static void with_pair(struct pair *p)
{
	p->a = 1;
}

static void once_only(void)
{
}

static int call(void *arg)
{
	return arg != NULL;
}

static int channels(void)
{
	ints c;
	pairs d;
	int v = 0, sum = 0;
	struct pair p = {1, 2};

	sum += gor_make(c, 3) + gor_make(d, 0);
	sum += gor_send(c, 1) + gor_send_until(c, v, gor_deadline(GOR_SECOND)) + gor_try_send(c, 2);
	sum += gor_send(d, p) + gor_try_send(d, ((struct pair){3, 4}));
	sum += gor_recv(c, &v) + gor_recv_until(c, &v, GOR_NOW) + gor_try_recv(c, &v);
	sum += gor_recv(c, NULL) + gor_recv(d, &p);
	sum += (int)gor_len(c) + (int)gor_cap(c);
	gor_close(c);
	gor_free(c);
	gor_free(d);
	return sum;
}

static int selects(ints c, pairs d)
{
	enum { QUIT, DATA, OUT };
	struct pair p = {0, 0};
	bool ok = false;
	int v = 0;

	switch (gor_select([QUIT] = gor_on_recv(c, NULL), [DATA] = gor_on_recv_ok(d, &p, &ok),
	                   [OUT] = gor_on_send(c, v + 1), gor_on_timeout(GOR_SECOND))) {
	case QUIT:
		return gor_select(gor_on_recv(c, &v), gor_on_default);
	case DATA:
		return ok;
	default: {
		gor_case cases[] = {gor_on_recv(c, &v), gor_on_send(d, p)};
		return gor_select_n(cases, 2);
	}
	}
}

static void locks(void)
{
	gor_mutex mu = {0};
	gor_rwmutex rw = {0};
	gor_cond cond = {0};
	gor_once once = {0};
	gor_sem sem = {0};
	gor_waitgroup wg = {0};

	gor_mutex_lock(&mu);
	gor_cond_signal(&cond);
	gor_cond_broadcast(&cond);
	gor_cond_wait(&cond, &mu);
	gor_mutex_unlock(&mu);
	if (gor_mutex_trylock(&mu) == 0)
		gor_mutex_unlock(&mu);
	gor_rwmutex_lock(&rw);
	gor_rwmutex_unlock(&rw);
	gor_rwmutex_rlock(&rw);
	gor_rwmutex_runlock(&rw);
	if (gor_rwmutex_trylock(&rw) == 0 || gor_rwmutex_tryrlock(&rw) == 0)
		gor_rwmutex_unlock(&rw);
	gor_once_do(&once, once_only);
	gor_sem_release(&sem, 2);
	gor_sem_acquire(&sem, 1);
	(void)gor_sem_try_acquire(&sem, 1);
	gor_wg_add(&wg, 1);
	gor_wg_done(&wg);
	gor_wg_go(&wg, worker, NULL);
	gor_wg_wait(&wg);
}

static int times(void)
{
	gor_timer timer;
	gor_ticker ticker;
	gor_ctx *ctx = gor_ctx_with_cancel(gor_ctx_background());
	gor_ctx *below = gor_ctx_with_timeout(ctx, GOR_MINUTE);
	int64_t now = 0;
	int sum = gor_timer_start(&timer, GOR_MILLISECOND) + gor_ticker_start(&ticker, GOR_HOUR);

	sum += gor_recv(timer.c, &now) + gor_timer_reset(&timer, 1) + gor_timer_stop(&timer);
	gor_ticker_reset(&ticker, GOR_MICROSECOND);
	gor_ticker_stop(&ticker);
	sum += gor_select(gor_on_recv(gor_ctx_done(below), NULL), gor_on_recv(ticker.c, &now));
	gor_ctx_cancel(ctx);
	sum += gor_ctx_err(below);
	gor_ctx_free(below);
	gor_ctx_free(ctx);
	gor_sleep(GOR_NANOSECOND);
	return sum;
}

#if WRONG == 1
static void wrong(ints c)
{
	char *text = NULL;
	gor_send(c, text); // another element type
}
#elif WRONG == 2
static void wrong(ints c)
{
	double d = 0;
	gor_recv(c, &d); // likewise
}
#elif WRONG == 3
static void wrong(ints c)
{
	pairs d = c; // another channel type
	gor_close(d);
}
#elif WRONG == 4
static void wrong(pairs d)
{
	int v = 0;
	gor_select(gor_on_recv(d, &v)); // as 2, in a select
}
#elif WRONG == 5
static void wrong(pairs d)
{
	gor_select(gor_on_send(d, 1)); // as 1, in a select
}
#elif WRONG == 6
static void wrong(ints c)
{
	gor_go_copy(with_pair, c); // not what the function takes
}
#elif WRONG == 7
static void wrong(int c)
{
	gor_send(c, 1); // no channel
}
#elif WRONG == 8
static void wrong(ints c)
{
	struct {
		char bytes[GOR_COPY_MAX + 1];
	} large = {{0}};
	gor_go_copy(with_pair, large); // too large
	gor_close(c);
}
#elif WRONG == 9
static void wrong(ints c)
{
	char text[2] = "";
	gor_try_recv(c, text); // as 2
}
#elif WRONG == 10
static void wrong(gor_mutex mu)
{
	gor_mutex_lock(mu); // not its address
}
#else
#define RIGHT
#endif

int main(int argc, char **argv)
{
	gor_opt opt = {.name = "w", .stack_bytes = 1 << 20};
	struct pair p = {1, 2};

	(void)argv;
	if (gor_go(worker, NULL) == 0 || gor_go_opt(worker, NULL, &opt) == 0 ||
	    gor_go_copy(with_pair, p) == 0)
		return 1;
	gor_yield();
	if (argc > 1)
		gor_panic("%d: %s", gor_blocking(call, NULL), gor_version());
	locks();
	return channels() + selects(NULL, NULL) + times();
}

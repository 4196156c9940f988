/* SPDX-License-Identifier: MIT */
/**
 * blocks.c: see blocks.h.
 *
 * A program is a few workers that share channels, locks and the like.  Each takes steps that its
 * own numbers choose, so that what a worker does depends on the program only, and what comes of it
 * on the order in which they run.  Steps without time cannot block for good by themselves; the
 * others have a time limit, or goroutine 1's helper wakes them.
 */
#include "blocks.h"
#include "check.h"
#include <string.h>

enum { CHANS = 3, SIZES = 4 };

static struct {
	ints chan[CHANS];
	gor_mutex mu;
	gor_rwmutex rw;
	gor_sem sem;
	gor_cond cond;
	gor_once once;
	gor_waitgroup wg;
	int done; // mu
} shared;

struct worker {
	uint64_t rng;
	unsigned steps;
	int count;
};

static unsigned draw(struct worker *w, unsigned sides)
{
	return (unsigned)(check_random(&w->rng) >> 33) % sides;
}

static ints a_chan(struct worker *w)
{
	return shared.chan[draw(w, CHANS)];
}

static int64_t a_while(struct worker *w)
{
	return (1 + (int64_t)draw(w, 4)) * GOR_MILLISECOND;
}

/* ── steps without time ───────────────────────────────────────────────────────────────────────────
 */

static void try_send(struct worker *w)
{
	gor_try_send(a_chan(w), 1);
}

static void try_recv(struct worker *w)
{
	gor_try_recv(a_chan(w), NULL);
}

static void poll_all(struct worker *w)
{
	gor_select(gor_on_recv(shared.chan[0], NULL), gor_on_send(a_chan(w), 2),
	           gor_on_recv(shared.chan[2], NULL), gor_on_default);
}

static void lock(struct worker *w)
{
	gor_mutex_lock(&shared.mu);
	if (draw(w, 2))
		gor_yield();
	shared.done++;
	gor_mutex_unlock(&shared.mu);
}

static void trylock(struct worker *w)
{
	(void)w;
	if (gor_mutex_trylock(&shared.mu) == 0) {
		gor_yield();
		gor_mutex_unlock(&shared.mu);
	}
}

static void rlock(struct worker *w)
{
	gor_rwmutex_rlock(&shared.rw);
	try_recv(w);
	gor_rwmutex_runlock(&shared.rw);
}

static void wlock(struct worker *w)
{
	gor_rwmutex_lock(&shared.rw);
	try_send(w);
	gor_rwmutex_unlock(&shared.rw);
}

static void permits(struct worker *w)
{
	uint32_t n = 1 + draw(w, 2);

	gor_sem_acquire(&shared.sem, n);
	gor_yield();
	gor_sem_release(&shared.sem, n);
}

static void done_once(void)
{
	gor_yield();
	gor_try_send(shared.chan[0], 3);
}

static void once(struct worker *w)
{
	(void)w;
	gor_once_do(&shared.once, done_once);
}

static void yield(struct worker *w)
{
	(void)w;
	gor_yield();
}

static void lock_and_go(void *arg)
{
	(void)arg;
	gor_mutex_lock(&shared.mu);
	shared.done++;
	gor_mutex_unlock(&shared.mu);
}

static void spawn(struct worker *w)
{
	gor_waitgroup wg = {0};

	for (unsigned i = 0, n = 1 + draw(w, 3); i < n; i++)
		gor_wg_go(&wg, lock_and_go, NULL);
	gor_wg_wait(&wg);
}

struct game {
	ints there, back;
};

static void return_ball(struct game *game)
{
	int ball;

	while (gor_recv(game->there, &ball) == 1)
		gor_send(game->back, ball + 1);
	gor_close(game->back);
}

static void ping_pong(struct worker *w)
{
	struct game game;
	int ball = 0;

	gor_make(game.there, draw(w, 2));
	gor_make(game.back, draw(w, 2));
	gor_go_copy(return_ball, game);
	for (int i = 0; i < 3; i++) {
		gor_send(game.there, ball);
		gor_recv(game.back, &ball);
	}
	gor_close(game.there);
	REQUIRE_EQ(gor_recv(game.back, NULL), 0);
	REQUIRE_EQ(ball, 3);
	gor_free(game.there);
	gor_free(game.back);
}

/* ── steps that take time ─────────────────────────────────────────────────────────────────────────
 */

static void send_until(struct worker *w)
{
	gor_send_until(a_chan(w), 4, gor_deadline(a_while(w)));
}

static void recv_until(struct worker *w)
{
	gor_recv_until(a_chan(w), NULL, gor_deadline(a_while(w)));
}

static void select_until(struct worker *w)
{
	ints a = a_chan(w);

	gor_select(gor_on_recv(a, NULL), gor_on_send(a_chan(w), 5), gor_on_recv(a, NULL),
	           gor_on_timeout(a_while(w)));
}

static void nap(struct worker *w)
{
	gor_sleep(a_while(w));
}

static void timers(struct worker *w)
{
	gor_timer a, b;

	gor_timer_start(&a, a_while(w));
	gor_timer_start(&b, a_while(w));
	gor_select(gor_on_recv(a.c, NULL), gor_on_recv(b.c, NULL), gor_on_recv(a_chan(w), NULL));
	gor_timer_stop(&a);
	gor_timer_stop(&b);
}

static void ticks(struct worker *w)
{
	gor_ticker t;

	gor_ticker_start(&t, a_while(w));
	for (int i = 0; i < 3; i++)
		gor_recv(t.c, NULL);
	gor_ticker_stop(&t);
}

static void wait_done(void *arg)
{
	gor_ctx *ctx = arg;

	gor_recv(gor_ctx_done(ctx), NULL);
}

static void context(struct worker *w)
{
	gor_ctx *ctx = gor_ctx_with_timeout(gor_ctx_background(), a_while(w));
	gor_waitgroup wg = {0};

	gor_wg_go(&wg, wait_done, ctx);
	gor_wg_go(&wg, wait_done, ctx);
	if (draw(w, 2))
		gor_sleep(a_while(w));
	if (draw(w, 2))
		gor_ctx_cancel(ctx);
	gor_wg_wait(&wg);
	gor_ctx_free(ctx);
}

static void await(struct worker *w)
{
	(void)w;
	gor_mutex_lock(&shared.mu);
	gor_cond_wait(&shared.cond, &shared.mu); // wake_all() sees to it
	gor_mutex_unlock(&shared.mu);
}

static void signal_one(struct worker *w)
{
	(void)w;
	gor_cond_signal(&shared.cond);
}

/* ── programs ─────────────────────────────────────────────────────────────────────────────────────
 */

enum {
	TRY_SEND = 1 << 0,
	TRY_RECV = 1 << 1,
	POLL_ALL = 1 << 2,
	LOCK = 1 << 3,
	TRYLOCK = 1 << 4,
	RLOCK = 1 << 5,
	WLOCK = 1 << 6,
	PERMITS = 1 << 7,
	ONCE = 1 << 8,
	YIELD = 1 << 9,
	SPAWN = 1 << 10,
	PING_PONG = 1 << 11,
	WITHOUT_TIME = (1 << 12) - 1,
	SEND_UNTIL = 1 << 12,
	RECV_UNTIL = 1 << 13,
	SELECT_UNTIL = 1 << 14,
	NAP = 1 << 15,
	TIMERS = 1 << 16,
	TICKS = 1 << 17,
	CONTEXT = 1 << 18,
	AWAIT = 1 << 19,
	SIGNAL_ONE = 1 << 20,
	ALL = (1 << 21) - 1,
};

static void (*const steps[])(struct worker *) = {
	try_send,     try_recv, poll_all, lock,  trylock,   rlock,      wlock,
	permits,      once,     yield,    spawn, ping_pong, send_until, recv_until,
	select_until, nap,      timers,   ticks, context,   await,      signal_one,
};

static const struct blocks_kind kinds[] = {
	{TRY_SEND | TRY_RECV | POLL_ALL | YIELD, "random", false},
	{LOCK | TRYLOCK | YIELD, "random", false},
	{RLOCK | WLOCK | TRYLOCK, "random", false},
	{PERMITS | ONCE | SPAWN, "random", false},
	{PING_PONG | SPAWN, "pct:3", false},
	{WITHOUT_TIME, "random", false},
	{WITHOUT_TIME, "natural", false},
	{WITHOUT_TIME, "pct:2", false},
	{SEND_UNTIL | RECV_UNTIL | SELECT_UNTIL | NAP, "random", true},
	{TIMERS | TICKS | NAP, "random", true},
	{CONTEXT | AWAIT | SIGNAL_ONE | NAP, "random", true},
	{ALL, "random", true},
	{ALL, "natural", true},
	{ALL, "pct:3", true},
};

_Static_assert(sizeof kinds / sizeof *kinds * SIZES == BLOCKS_PROGRAMS, "each kind in each size");

const struct blocks_kind *blocks_kind(int program)
{
	return &kinds[program / SIZES];
}

static void work(struct worker *w)
{
	for (int i = 0; i < w->count;) {
		unsigned k = draw(w, sizeof steps / sizeof *steps);
		if (!(w->steps >> k & 1))
			continue;
		steps[k](w);
		i++;
	}
	gor_wg_done(&shared.wg);
}

static void wake_all(void *arg)
{
	(void)arg;
	for (;;) {
		gor_sleep(GOR_MILLISECOND);
		gor_cond_broadcast(&shared.cond);
	}
}

int blocks_main(int argc, char **argv)
{
	static const struct {
		int workers, steps;
	} sizes[SIZES] = {{2, 16}, {3, 10}, {5, 6}, {9, 4}};
	int program;

	(void)argc;
	memcpy(&program, argv[0], sizeof program);
	const struct blocks_kind *kind = blocks_kind(program);
	int workers = sizes[program % SIZES].workers;

	for (int i = 0; i < CHANS; i++)
		gor_make(shared.chan[i], i);
	gor_sem_release(&shared.sem, 2);
	gor_wg_add(&shared.wg, workers);
	if (kind->vtime)
		gor_go(wake_all, NULL);
	for (int i = 0; i < workers; i++)
		gor_go_copy(work, ((struct worker){.rng = (uint64_t)(program * 100 + i + 1),
		                                   .steps = kind->steps,
		                                   .count = sizes[program % SIZES].steps}));
	gor_wg_wait(&shared.wg);
	if (!kind->vtime && program % 7 == 0)
		gor_recv(shared.chan[0], NULL); // and this is the end: exit status 2
	return 0;
}

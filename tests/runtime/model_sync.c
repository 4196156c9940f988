/* SPDX-License-Identifier: MIT */
/**
 * model_sync.c: random programs of reader-writer locks, semaphores and condition variables.
 *
 * programs_*: goroutines do what a seed says, all at once, and the following must hold:
 *
 *   Y1  a writer of a register is alone; who reads it twice under the read lock reads the same
 *   Y2  a register has counted every write
 *   Y3  no more permits are out than there are; in the end all are back
 *   Y4  each value that went into the store came out once, one producer's in order; all end
 *
 * lockstep: a conductor makes goroutines do one call at a time and compares, after each, who is
 * blocked and who has got through with a reference: plain arrays and the rules in words
 *
 *   Z1  a semaphore serves in the order of coming, and the first in line is not overtaken
 *   Z2  a reader gets in if nobody writes and nobody waits; a writer if nobody is in
 *   Z3  a writer that leaves lets in all readers that wait, or else the first writer
 *   Z4  the last reader that leaves lets in the first writer
 *   Z5  a signal wakes who waits longest, a broadcast all; the mutex goes round as they come
 *
 * That a goroutine is blocked is known by the order of one processor: the conductor yields until
 * all that could run have run.  A handoff may upset this once in a while, so most of the seeds have
 * to agree, not all.
 */
#include "check.h"
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

/* ── programs ─────────────────────────────────────────────────────────────────────────────────────
 */

enum { REGISTERS = 3, SEMS = 3, ACTORS_MAX = 8, STEPS = 150, SLOTS = 3, ITEMS = 40 };

struct reg {
	gor_rwmutex rw;
	long value, copy; // rw
	_Atomic long writes;
};

struct pool {
	gor_sem sem;
	int permits;
	_Atomic int out;
};

struct store {
	gor_mutex mu;
	gor_cond filled, emptied;
	int items[SLOTS], first, len; // mu
	int next[ACTORS_MAX];         // mu: the number expected from each producer
	int left;                     // mu: items that still will come
};

struct program {
	struct reg reg[REGISTERS];
	struct pool pool[SEMS];
	struct store store;
	int actors;
	gor_waitgroup wg;
};

struct actor {
	struct program *p;
	uint64_t random;
	int number;
};

static int below(struct actor *a, int n)
{
	return (int)(check_random(&a->random) % (uint64_t)n);
}

static void maybe_yield(struct actor *a)
{
	if (below(a, 6) == 0)
		gor_yield();
	else if (below(a, 200) == 0)
		gor_sleep(10 * GOR_MICROSECOND);
}

static void write_register(struct actor *a, struct reg *r)
{
	if (below(a, 3) == 0) {
		if (gor_rwmutex_trylock(&r->rw) < 0)
			return;
	} else {
		gor_rwmutex_lock(&r->rw);
	}
	r->value++;
	maybe_yield(a);
	r->copy++;
	REQUIRE_EQ(r->value, r->copy); // Y1
	atomic_fetch_add(&r->writes, 1);
	gor_rwmutex_unlock(&r->rw);
}

/* Several registers at once, always in the same order, or nobody would get out. */
static void read_registers(struct actor *a)
{
	long seen[REGISTERS];
	int from = below(a, REGISTERS), to = from + 1 + below(a, REGISTERS - from);

	for (int i = from; i < to; i++) {
		if (below(a, 3) > 0 || gor_rwmutex_tryrlock(&a->p->reg[i].rw) < 0)
			gor_rwmutex_rlock(&a->p->reg[i].rw);
		seen[i] = a->p->reg[i].value;
	}
	maybe_yield(a);
	for (int i = from; i < to; i++) {
		REQUIRE_EQ(a->p->reg[i].value, seen[i]); // Y1
		REQUIRE_EQ(a->p->reg[i].copy, seen[i]);
		gor_rwmutex_runlock(&a->p->reg[i].rw);
	}
}

static void use_permits(struct actor *a, struct pool *p)
{
	int n = below(a, p->permits + 1);

	if (below(a, 3) > 0)
		gor_sem_acquire(&p->sem, (uint32_t)n);
	else if (gor_sem_try_acquire(&p->sem, (uint32_t)n) < 0)
		return;
	REQUIRE(atomic_fetch_add(&p->out, n) + n <= p->permits); // Y3
	maybe_yield(a);
	while (n > 0) { // in parts
		int part = 1 + below(a, n);

		atomic_fetch_sub(&p->out, part);
		gor_sem_release(&p->sem, (uint32_t)part);
		n -= part;
	}
}

static void put_item(struct actor *a, int number)
{
	struct store *s = &a->p->store;

	gor_mutex_lock(&s->mu);
	while (s->len == SLOTS)
		gor_cond_wait(&s->emptied, &s->mu);
	s->items[(s->first + s->len++) % SLOTS] = a->number * ITEMS + number;
	if (below(a, 4) == 0)
		gor_cond_broadcast(&s->filled);
	else
		gor_cond_signal(&s->filled);
	gor_mutex_unlock(&s->mu);
}

/* Returns: whether there was one. */
static bool get_item(struct actor *a)
{
	struct store *s = &a->p->store;

	gor_mutex_lock(&s->mu);
	while (s->len == 0 && s->left > 0)
		gor_cond_wait(&s->filled, &s->mu);
	bool any = s->len > 0;
	if (any) {
		int item = s->items[s->first];

		s->first = (s->first + 1) % SLOTS;
		s->len--;
		REQUIRE_EQ(item % ITEMS, s->next[item / ITEMS]++); // Y4
		if (--s->left == 0)
			gor_cond_broadcast(&s->filled); // that was all
	}
	gor_mutex_unlock(&s->mu);
	gor_cond_signal(&s->emptied);
	return any;
}

/* Even numbers produce, odd ones consume; all use the registers and the permits. */
static void act(struct actor *a)
{
	int items = 0;

	for (int i = 0; i < STEPS; i++) {
		switch (below(a, 4)) {
		case 0:
			write_register(a, &a->p->reg[below(a, REGISTERS)]);
			break;
		case 1:
			read_registers(a);
			break;
		case 2:
			use_permits(a, &a->p->pool[below(a, SEMS)]);
			break;
		default:
			if (a->number % 2 == 0 && items < ITEMS)
				put_item(a, items++);
			else if (a->number % 2 == 1)
				get_item(a);
		}
		maybe_yield(a);
	}
	while (a->number % 2 == 0 && items < ITEMS)
		put_item(a, items++);
	while (a->number % 2 == 1 && get_item(a))
		;
	gor_wg_done(&a->p->wg);
}

static void check_end(struct program *p)
{
	for (int i = 0; i < REGISTERS; i++) {
		REQUIRE_EQ(gor_rwmutex_trylock(&p->reg[i].rw), 0);
		REQUIRE_EQ(p->reg[i].value, atomic_load(&p->reg[i].writes)); // Y2
	}
	for (int i = 0; i < SEMS; i++) { // Y3
		REQUIRE_EQ(gor_sem_try_acquire(&p->pool[i].sem, (uint32_t)p->pool[i].permits), 0);
		REQUIRE_EQ(gor_sem_try_acquire(&p->pool[i].sem, 1), -EAGAIN);
	}
	for (int i = 0; i < p->actors; i += 2)
		REQUIRE_EQ(p->store.next[i], ITEMS); // Y4
}

static void run_program(uint64_t seed)
{
	static struct program p;
	struct actor a = {&p, seed * UINT64_C(0x9e3779b97f4a7c15), 0};

	memset(&p, 0, sizeof p);
	p.actors = 2 + below(&a, ACTORS_MAX - 1);
	p.store.left = (p.actors + 1) / 2 * ITEMS;
	for (int i = 0; i < SEMS; i++) {
		p.pool[i].permits = 1 + below(&a, 4);
		gor_sem_release(&p.pool[i].sem, (uint32_t)p.pool[i].permits);
	}
	gor_wg_add(&p.wg, p.actors);
	for (a.number = 0; a.number < p.actors; a.number++, check_random(&a.random))
		gor_go_copy(act, a);
	gor_wg_wait(&p.wg);
	check_end(&p);
}

static void run_seeds(uint64_t from, uint64_t to)
{
	for (uint64_t seed = from; seed <= to; seed++) {
		fprintf(stderr, "\rseed %d ", (int)seed); // the last one printed is the one that failed
		run_program(seed);
	}
	fprintf(stderr, "\n");
}

TEST_PROCS(programs_on_one, 1)
{
	run_seeds(1, 1000 / SLOW);
}

TEST_PROCS(programs_on_two, 2)
{
	run_seeds(1, 1000 / SLOW);
}

TEST_PROCS(programs_on_eight, 8)
{
	run_seeds(1001, 1000 + 1000 / SLOW);
}

/* ── lockstep: the reference ──────────────────────────────────────────────────────────────────────
 */

enum { PLAYERS = 6, MOVES = 120 };

enum call { NOTHING, ACQUIRE, RLOCK, LOCK, WAIT, RELEASE, RUNLOCK, UNLOCK, SIGNAL, BROADCAST };

/* Who waits, in the order of coming. */
struct line {
	int who[PLAYERS], len;
};

struct reference {
	int permits, want[PLAYERS];
	struct line sem, rw, cond;
	int readers, writer;    // of the lock; writer: -1 for none
	bool wants_to[PLAYERS]; // in rw: write
	bool reads[PLAYERS], blocked[PLAYERS];
};

static void line_push(struct line *l, int who)
{
	l->who[l->len++] = who;
}

static int line_take(struct line *l, int at)
{
	int who = l->who[at];

	memmove(l->who + at, l->who + at + 1, (size_t)(--l->len - at) * sizeof *l->who);
	return who;
}

static void ref_serve_sem(struct reference *r)
{
	while (r->sem.len && r->want[r->sem.who[0]] <= r->permits) { // Z1
		int who = line_take(&r->sem, 0);

		r->permits -= r->want[who];
		r->blocked[who] = false;
	}
}

static void ref_admit(struct reference *r, int who, bool write)
{
	r->blocked[who] = false;
	if (write) {
		r->writer = who;
	} else {
		r->readers++;
		r->reads[who] = true;
	}
}

static void ref_enter(struct reference *r, int who, bool write)
{
	bool can = r->writer < 0 && (write ? r->readers == 0 : r->rw.len == 0); // Z2

	r->wants_to[who] = write;
	r->blocked[who] = !can;
	if (can)
		ref_admit(r, who, write);
	else
		line_push(&r->rw, who);
}

static void ref_unlock(struct reference *r)
{
	r->writer = -1;
	for (int i = 0; i < r->rw.len;)
		if (r->wants_to[r->rw.who[i]])
			i++;
		else
			ref_admit(r, line_take(&r->rw, i), false); // Z3
	if (r->readers == 0 && r->rw.len)
		ref_admit(r, line_take(&r->rw, 0), true);
}

static void ref_runlock(struct reference *r, int who)
{
	r->reads[who] = false;
	if (--r->readers == 0 && r->rw.len)
		ref_admit(r, line_take(&r->rw, 0), true); // Z4
}

static void ref_wake(struct reference *r, int count)
{
	while (count-- > 0 && r->cond.len)
		r->blocked[line_take(&r->cond, 0)] = false; // Z5
}

/* What player who may do in this state. */
static bool ref_allows(const struct reference *r, int who, enum call call)
{
	bool holds = r->reads[who] || r->writer == who;

	switch (call) {
	case RLOCK:
	case LOCK:
		return !holds;
	case RUNLOCK:
		return r->reads[who];
	case UNLOCK:
		return r->writer == who;
	default:
		return true;
	}
}

static void ref_do(struct reference *r, int who, enum call call, int n)
{
	switch (call) {
	case ACQUIRE:
		r->want[who] = n;
		r->blocked[who] = true;
		line_push(&r->sem, who);
		ref_serve_sem(r);
		break;
	case RELEASE:
		r->permits += n;
		ref_serve_sem(r);
		break;
	case RLOCK:
	case LOCK:
		ref_enter(r, who, call == LOCK);
		break;
	case UNLOCK:
		ref_unlock(r);
		break;
	case RUNLOCK:
		ref_runlock(r, who);
		break;
	case WAIT:
		r->blocked[who] = true;
		line_push(&r->cond, who);
		break;
	default:
		ref_wake(r, call == SIGNAL ? 1 : PLAYERS);
	}
}

/* ── lockstep: the real thing ─────────────────────────────────────────────────────────────────────
 */

struct order {
	enum call call;
	int n;
};

struct stage {
	gor_sem sem;
	gor_rwmutex rw;
	gor_mutex mu;
	gor_cond cond;
	gor_chan(struct order) orders[PLAYERS];
	int given[PLAYERS];        // orders, the conductor's
	_Atomic int done[PLAYERS]; // calls that have returned
	_Atomic int players;
	gor_waitgroup wg;
};

static void play_one(struct stage *s, struct order o)
{
	switch (o.call) {
	case ACQUIRE:
		gor_sem_acquire(&s->sem, (uint32_t)o.n);
		break;
	case RELEASE:
		gor_sem_release(&s->sem, (uint32_t)o.n);
		break;
	case RLOCK:
		gor_rwmutex_rlock(&s->rw);
		break;
	case LOCK:
		gor_rwmutex_lock(&s->rw);
		break;
	case RUNLOCK:
		gor_rwmutex_runlock(&s->rw);
		break;
	case UNLOCK:
		gor_rwmutex_unlock(&s->rw);
		break;
	case WAIT:
		gor_mutex_lock(&s->mu);
		gor_cond_wait(&s->cond, &s->mu);
		gor_mutex_unlock(&s->mu);
		break;
	case SIGNAL:
		gor_cond_signal(&s->cond);
		break;
	default:
		gor_cond_broadcast(&s->cond);
	}
}

static void play(void *arg)
{
	struct stage *s = arg;
	int me = atomic_fetch_add(&s->players, 1);
	struct order o;

	while (gor_recv(s->orders[me], &o) == 1) {
		play_one(s, o);
		atomic_fetch_add(&s->done[me], 1);
	}
	gor_wg_done(&s->wg);
}

/* Let all run that can, then see whether just those are blocked that should be. */
static bool agrees(const struct stage *s, const struct reference *r)
{
	for (int i = 0; i < 2 * PLAYERS; i++)
		gor_yield();
	for (int i = 0; i < PLAYERS; i++)
		if ((atomic_load(&s->done[i]) < s->given[i]) != r->blocked[i])
			return false;
	return true;
}

/* Returns: whether the reference agrees. */
static bool give(struct stage *s, struct reference *r, int who, struct order o)
{
	ref_do(r, who, o.call, o.n);
	s->given[who]++;
	gor_send(s->orders[who], o);
	return agrees(s, r);
}

static bool random_move(struct stage *s, struct reference *r, struct actor *a)
{
	static const enum call calls[] = {ACQUIRE, ACQUIRE, RELEASE, RELEASE, RLOCK, RLOCK,  LOCK,
	                                  UNLOCK,  UNLOCK,  RUNLOCK, RUNLOCK, WAIT,  SIGNAL, BROADCAST};
	enum call call = calls[below(a, (int)(sizeof calls / sizeof *calls))];
	int who = below(a, PLAYERS), n = below(a, 4);

	if (r->blocked[who] || !ref_allows(r, who, call) || (call == RELEASE && r->permits > 4))
		return true;
	return give(s, r, who, (struct order){call, n});
}

/* One move towards the end: whoever can gives up what he has, and who waits gets it. */
static bool last_move(struct stage *s, struct reference *r)
{
	for (int i = 0; i < PLAYERS; i++) {
		if (r->blocked[i])
			continue;
		if (r->writer == i)
			return give(s, r, i, (struct order){UNLOCK, 0});
		if (r->reads[i])
			return give(s, r, i, (struct order){RUNLOCK, 0});
	}
	enum call call = r->sem.len ? RELEASE : BROADCAST;
	ref_do(r, 0, call, 1);
	play_one(s, (struct order){call, 1});
	return agrees(s, r);
}

static bool is_over(const struct reference *r)
{
	return r->sem.len + r->rw.len + r->cond.len + r->readers == 0 && r->writer < 0;
}

/* Returns: whether both agreed to the end; if not, its goroutines are left as they are. */
static bool perform(struct stage *s, uint64_t seed)
{
	struct actor a = {NULL, seed * UINT64_C(0x9e3779b97f4a7c15), 0};
	struct reference r = {.writer = -1};

	gor_wg_add(&s->wg, PLAYERS);
	for (int i = 0; i < PLAYERS; i++) {
		REQUIRE_EQ(gor_make(s->orders[i], 0), 0);
		gor_go(play, s);
	}
	while (atomic_load(&s->players) < PLAYERS)
		gor_yield();
	for (int i = 0; i < MOVES; i++)
		if (!random_move(s, &r, &a))
			return false;
	while (!is_over(&r))
		if (!last_move(s, &r))
			return false;
	for (int i = 0; i < PLAYERS; i++)
		gor_close(s->orders[i]);
	gor_wg_wait(&s->wg);
	for (int i = 0; i < PLAYERS; i++)
		gor_free(s->orders[i]);
	return true;
}

TEST_PROCS(lockstep, 1)
{
	enum { SEEDS = 2000 / SLOW };
	static struct stage stages[SEEDS];
	int good = 0;

	for (int i = 0; i < SEEDS; i++) {
		bool agreed = perform(&stages[i], (uint64_t)i + 1);

		if (!agreed)
			fprintf(stderr, "seed %d does not agree\n", i + 1);
		good += agreed;
	}
	REQUIRE(good >= SEEDS * 9 / 10);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(programs_on_one),
		cmocka_unit_test(programs_on_two),
		cmocka_unit_test(programs_on_eight),
		cmocka_unit_test(lockstep),
	};

	return CHECK_MAIN(tests, argc, argv);
}

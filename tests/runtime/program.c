/* SPDX-License-Identifier: MIT */
/* program.c: see program.h. */
#include "program.h"
#include "check.h"
#include <string.h>

const char *const panic_words[PANICS] = {
	[SEND_ON_CLOSED] = "send on closed channel",
	[CLOSE_OF_CLOSED] = "close of closed channel",
	[CLOSE_OF_NIL] = "close of nil channel",
	[NEGATIVE_COUNTER] = "sync: negative WaitGroup counter",
	[UNLOCK_UNLOCKED] = "sync: unlock of unlocked mutex",
	[UNLOCK_FOREIGN] = "sync: unlock of mutex held by goroutine",
	[WUNLOCK_UNLOCKED] = "sync: Unlock of unlocked RWMutex",
	[WUNLOCK_FOREIGN] = "sync: Unlock of RWMutex held by goroutine",
	[RUNLOCK_UNLOCKED] = "sync: RUnlock of unlocked RWMutex",
};

bool program_is_child(const struct program *p, int g)
{
	for (int i = 0; i < p->goroutines; i++)
		for (int k = 0; k < p->len[i]; k++)
			if (p->ops[i][k].call == GO && p->ops[i][k].obj == g)
				return true;
	return false;
}

int program_value(int g, int op, int at)
{
	return 1 + (g * OPS + op) * CASES + at;
}

int program_size(const struct program *p)
{
	int n = 0;

	for (int g = 0; g < p->goroutines; g++)
		n += p->len[g];
	return n;
}

/* ── random ones ──────────────────────────────────────────────────────────────────────────────────
 */

struct writer {
	struct program *p;
	uint64_t random;
	int chans;  // in use
	int theme;  // what most calls are about
	bool timer; // is used
	int g;
};

static int below(struct writer *w, int n)
{
	return (int)(check_random(&w->random) % (uint64_t)n);
}

static int some_chan(struct writer *w)
{
	return below(w, 24) == 0 ? NIL : below(w, w->chans);
}

static int some_end(struct writer *w)
{
	return below(w, w->timer ? 3 : 40) == 0 ? TIMER : some_chan(w);
}

static void add(struct writer *w, enum call call, int obj, int n)
{
	struct program *p = w->p;

	if (p->len[w->g] < OPS)
		p->ops[w->g][p->len[w->g]++] =
			(struct op){.call = (uint8_t)call, .obj = (uint8_t)obj, .n = (uint8_t)n};
}

static void add_select(struct writer *w)
{
	struct program *p = w->p;
	int n = 1 + below(w, CASES);

	if (p->len[w->g] == OPS)
		return;
	struct op *op = &p->ops[w->g][p->len[w->g]++];
	*op = (struct op){.call = SELECT};
	for (int i = 0; i < n; i++) {
		int on = below(w, 10) < 8 ? below(w, 2) : ON_TIMEOUT + below(w, 2);
		int chan = on == ON_RECV ? some_end(w) : on == ON_SEND ? some_chan(w) : 0;
		bool twice = false;

		for (int k = 0; k < op->cases; k++)
			twice |= op->at[k].on == on && op->at[k].chan == chan;
		if (twice)
			continue;
		op->at[op->cases].on = (uint8_t)on;
		op->at[op->cases++].chan = (uint8_t)chan;
	}
}

static void add_chan(struct writer *w)
{
	static const enum call calls[] = {SEND, SEND, SEND,     SEND_EVER,  TRY_SEND, SEND_UNTIL,
	                                  RECV, RECV, RECV,     RECV,       TRY_RECV, RECV_UNTIL,
	                                  RECV, SEND, TRY_RECV, SEND_UNTIL, CLOSE,    CLOSE};

	if (below(w, 4) == 0)
		add_select(w);
	else
		add(w, calls[below(w, (int)(sizeof calls / sizeof *calls))], some_chan(w), 0);
}

static void add_timer(struct writer *w)
{
	static const enum call calls[] = {RESET, RESET, RESET,    STOP,      STOP,
	                                  RECV,  RECV,  TRY_RECV, RECV_UNTIL};

	w->timer = true;
	if (below(w, 3) == 0)
		add_select(w);
	else
		add(w, calls[below(w, (int)(sizeof calls / sizeof *calls))], TIMER, 0);
}

/* One call, in the middle of a critical section perhaps. */
static void add_any(struct writer *w)
{
	static const enum call rest[] = {YIELD, YIELD, SLEEP, BLOCKING};

	if (below(w, 6) == 0)
		add(w, rest[below(w, 4)], 0, 0);
	else
		add_chan(w);
}

/* Mostly as one should, now and then not. */
static void add_mutex(struct writer *w)
{
	int mu = below(w, MUTEXES);

	switch (below(w, 8)) {
	case 0:
		add(w, TRYLOCK, mu, 0);
		break;
	case 1:
		add(w, UNLOCK, mu, 0);
		break;
	default:
		add(w, LOCK, mu, 0);
		for (int n = below(w, 3); n > 0; n--)
			add_any(w);
		if (below(w, 8) > 0)
			add(w, UNLOCK, mu, 0);
	}
}

static void add_rwmutex(struct writer *w)
{
	static const enum call stray[] = {TRYWLOCK, TRYRLOCK, WUNLOCK, RUNLOCK, RLOCK, WLOCK};
	bool write = below(w, 2);

	if (below(w, 3) == 0) {
		add(w, stray[below(w, 6)], 0, 0);
		return;
	}
	add(w, write ? WLOCK : RLOCK, 0, 0);
	for (int n = below(w, 2); n > 0; n--)
		add_any(w);
	if (below(w, 8) > 0)
		add(w, write ? WUNLOCK : RUNLOCK, 0, 0);
}

static void add_cond(struct writer *w)
{
	int mu = below(w, MUTEXES);

	switch (below(w, 6)) {
	case 0:
		add(w, COND_SIGNAL, 0, 0);
		break;
	case 1:
		add(w, COND_BROADCAST, 0, 0);
		break;
	case 2:
		add(w, LOCK, mu, 0);
		add(w, COND_SIGNAL, 0, 0);
		add(w, UNLOCK, mu, 0);
		break;
	default:
		add(w, LOCK, mu, 0);
		add(w, COND_WAIT, below(w, 16) ? mu : 1 - mu, 0);
		add(w, UNLOCK, mu, 0);
	}
}

static void add_counts(struct writer *w)
{
	static const enum call calls[] = {WG_ADD,  WG_DONE,     WG_DONE,     WG_WAIT,     WG_WAIT,
	                                  SEM_TRY, SEM_ACQUIRE, SEM_ACQUIRE, SEM_RELEASE, SEM_RELEASE};

	add(w, calls[below(w, 10)], 0, below(w, 12) ? 1 + below(w, 2) : 0);
}

static void add_some(struct writer *w)
{
	static void (*const adds[])(struct writer *) = {add_chan, add_mutex,  add_rwmutex,
	                                                add_cond, add_counts, add_timer};
	int n = (int)(sizeof adds / sizeof *adds);

	if (below(w, 8) == 0)
		add_any(w);
	else if (below(w, 12) == 0)
		adds[below(w, n)](w);
	else
		adds[w->theme](w);
}

/* A call somewhere among those of g, in the place of one if there are too many. */
static void put_in(struct writer *w, int g, enum call call, int obj)
{
	struct op *ops = w->p->ops[g];
	int at = below(w, w->p->len[g]);

	if (w->p->len[g] < OPS)
		memmove(&ops[at + 1], &ops[at], (size_t)(w->p->len[g]++ - at) * sizeof *ops);
	ops[at] = (struct op){.call = (uint8_t)call, .obj = (uint8_t)obj};
}

void program_random(struct program *p, uint64_t seed)
{
	struct writer w = {.p = p, .random = (seed + 1) * UINT64_C(0x9e3779b97f4a7c15)};

	memset(p, 0, sizeof *p);
	check_random(&w.random);
	p->goroutines = (uint8_t)(2 + below(&w, GOROUTINES - 1));
	w.chans = 1 + below(&w, CHANS);
	w.theme = below(&w, 2) ? 0 : below(&w, 6);
	for (int c = 0; c < CHANS; c++)
		p->cap[c] = (uint8_t)below(&w, CAP_MAX + 1);
	p->count = (uint8_t)below(&w, 3);
	p->permits = (uint8_t)below(&w, 3);
	bool pins = below(&w, 16) == 0;
	for (w.g = 0; w.g < p->goroutines; w.g++) {
		int most = 1 + below(&w, OPS);
		p->pinned[w.g] = pins && below(&w, 2) == 0;
		while (p->len[w.g] < most)
			add_some(&w);
	}
	for (int g = 1; g < p->goroutines; g++)
		if (below(&w, 4) == 0)
			put_in(&w, below(&w, g), GO, g);
	if (below(&w, 16) == 0)
		put_in(&w, below(&w, p->goroutines), EXIT, 0);
}

/* ── less of one ──────────────────────────────────────────────────────────────────────────────────
 */

void program_drop_op(struct program *p, int g, int op)
{
	memmove(&p->ops[g][op], &p->ops[g][op + 1], (size_t)(--p->len[g] - op) * sizeof p->ops[g][0]);
	memset(&p->ops[g][p->len[g]], 0, sizeof p->ops[g][0]);
}

void program_drop_goroutine(struct program *p, int g)
{
	for (int i = 0; i < p->goroutines; i++)
		for (int k = p->len[i] - 1; k >= 0; k--) {
			struct op *op = &p->ops[i][k];

			if (op->call == GO && op->obj == g)
				program_drop_op(p, i, k);
			else if (op->call == GO && op->obj > g)
				op->obj--;
		}
	p->goroutines--;
	for (int i = g; i < GOROUTINES - 1; i++) {
		p->len[i] = p->len[i + 1];
		p->pinned[i] = p->pinned[i + 1];
		memcpy(p->ops[i], p->ops[i + 1], sizeof p->ops[i]);
	}
	p->len[GOROUTINES - 1] = 0;
	p->pinned[GOROUTINES - 1] = false;
	memset(p->ops[GOROUTINES - 1], 0, sizeof p->ops[0]);
}

/* ── text ─────────────────────────────────────────────────────────────────────────────────────────
 */

struct page {
	char *text;
	size_t room, len;
};

static void put(struct page *page, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void put(struct page *page, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	int n = vsnprintf(page->text + page->len, page->room - page->len, fmt, args);
	va_end(args);
	if (n > 0)
		page->len += (size_t)n < page->room - page->len ? (size_t)n : page->room - page->len - 1;
}

static const char *chan_name(int c)
{
	static const char *const names[ENDS] = {"a", "b", "c", "nil", "t.c"};

	return names[c];
}

static void put_select(struct page *page, const struct op *op, int g, int k)
{
	put(page, "gor_select(");
	for (int i = 0; i < op->cases; i++) {
		const char *c = chan_name(op->at[i].chan);

		if (i > 0)
			put(page, ", ");
		if (op->at[i].on == ON_RECV)
			put(page, "gor_on_recv(%s, &v)", c);
		else if (op->at[i].on == ON_SEND)
			put(page, "gor_on_send(%s, %d)", c, program_value(g, k, i));
		else
			put(page, op->at[i].on == ON_TIMEOUT ? "gor_on_timeout(soon)" : "gor_on_default");
	}
	put(page, ");");
}

/* How each call is written: %c its channel, %o its object, %n its number, %v its value. */
static const char *const spelling[CALLS] = {
	[YIELD] = "gor_yield();",
	[SLEEP] = "gor_sleep(soon);",
	[BLOCKING] = "gor_blocking(soon);",
	[GO] = "gor_go(g%o);",
	[EXIT] = "gor_exit();",
	[SEND] = "gor_send(%c, %v);",
	[TRY_SEND] = "gor_try_send(%c, %v);",
	[SEND_UNTIL] = "gor_send_until(%c, %v, soon);",
	[SEND_EVER] = "gor_send_until(%c, %v, GOR_FOREVER);",
	[RECV] = "gor_recv(%c, &v);",
	[TRY_RECV] = "gor_try_recv(%c, &v);",
	[RECV_UNTIL] = "gor_recv_until(%c, &v, soon);",
	[CLOSE] = "gor_close(%c);",
	[RESET] = "gor_timer_reset(&t, soon);",
	[STOP] = "gor_timer_stop(&t);",
	[LOCK] = "gor_mutex_lock(&mu%o);",
	[TRYLOCK] = "gor_mutex_trylock(&mu%o);",
	[UNLOCK] = "gor_mutex_unlock(&mu%o);",
	[WLOCK] = "gor_rwmutex_lock(&rw);",
	[TRYWLOCK] = "gor_rwmutex_trylock(&rw);",
	[WUNLOCK] = "gor_rwmutex_unlock(&rw);",
	[RLOCK] = "gor_rwmutex_rlock(&rw);",
	[TRYRLOCK] = "gor_rwmutex_tryrlock(&rw);",
	[RUNLOCK] = "gor_rwmutex_runlock(&rw);",
	[WG_ADD] = "gor_wg_add(&wg, %n);",
	[WG_DONE] = "gor_wg_done(&wg);",
	[WG_WAIT] = "gor_wg_wait(&wg);",
	[COND_WAIT] = "gor_cond_wait(&cond, &mu%o);",
	[COND_SIGNAL] = "gor_cond_signal(&cond);",
	[COND_BROADCAST] = "gor_cond_broadcast(&cond);",
	[SEM_ACQUIRE] = "gor_sem_acquire(&sem, %n);",
	[SEM_TRY] = "gor_sem_try_acquire(&sem, %n);",
	[SEM_RELEASE] = "gor_sem_release(&sem, %n);",
};

static void put_op(struct page *page, const struct op *op, int g, int k)
{
	if (op->call == SELECT) {
		put_select(page, op, g, k);
		return;
	}
	for (const char *s = spelling[op->call]; *s; s++) {
		if (*s != '%')
			put(page, "%c", *s);
		else if (*++s == 'c')
			put(page, "%s", chan_name(op->obj));
		else
			put(page, "%d", *s == 'o' ? op->obj : *s == 'n' ? op->n : program_value(g, k, 0));
	}
}

static void put_answer(struct page *page, const struct answer *a)
{
	switch (atomic_load(&a->progress)) {
	case NOT_BEGUN:
		put(page, " // not begun");
		break;
	case BEGUN:
		put(page, " // did not return");
		break;
	case DONE:
		put(page, " // %d", a->code);
		if (a->value != UNTOUCHED)
			put(page, ", v = %d", a->value);
		break;
	default:
		put(page, " // panic: %s", panic_words[a->code]);
	}
	if (a->invoked)
		put(page, " [%d", (int)a->invoked);
	if (a->returned)
		put(page, " to %d]", (int)a->returned);
	else if (a->invoked)
		put(page, " on]");
}

void program_print(const struct program *p, const struct outcome *seen, char *text, size_t room)
{
	static const char *const endings[] = {
		[QUIET] = "nobody could go on",
		[ASLEEP] = "all goroutines are asleep - deadlock",
		[NOBODY] = "no goroutines - deadlock",
		[RETURNED] = "g0 returned",
		[PANIC] = "panic",
	};
	struct page page = {text, room, 0};

	*text = '\0';
	put(&page, "a, b, c hold %d, %d, %d values; wg is %d; sem has %d\n", p->cap[0], p->cap[1],
	    p->cap[2], p->count, p->permits);
	for (int g = 0; g < p->goroutines; g++) {
		put(&page, "g%d:%s%s\n", g, p->pinned[g] ? " pinned" : "",
		    program_is_child(p, g) ? " started by another" : "");
		for (int k = 0; k < p->len[g]; k++) {
			put(&page, "\t");
			put_op(&page, &p->ops[g][k], g, k);
			if (seen)
				put_answer(&page, &seen->at[g][k]);
			put(&page, "\n");
		}
	}
	if (seen)
		put(&page, "the end: %s\n", endings[seen->ending]);
	if (seen && seen->ending == PANIC)
		put(&page, "panic: %s\n", panic_words[seen->panic]);
}

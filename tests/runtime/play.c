/* SPDX-License-Identifier: MIT */
/* play.c: see play.h. */
#include "play.h"
#include "check.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "emit.h"
#include "wait.h"

#define SOON (10 * GOR_MICROSECOND)

struct play {
	struct program p;
	struct outcome *out;
	ints ch[CHANS + 1]; // the last is NULL
	gor_timer timer;
	gor_mutex mu[MUTEXES];
	gor_rwmutex rw;
	gor_waitgroup wg;
	gor_cond cond;
	gor_sem sem;
	uint64_t noise;
	_Atomic uint64_t clock; // 0: no time stamps
};

int64_t play_keeps_ns;
void (*play_before_call)(const struct op *op);

struct role {
	struct play *play;
	int g;
	uint64_t random;
};

struct play *play_new(void)
{
	return calloc(1, sizeof(struct play));
}

/* ── the end, seen from inside ────────────────────────────────────────────────────────────────────
 */

enum { ELSEWHERE, PARKED, CALLED };

static struct {
	bool on;
	_Atomic int state;
	struct g *g; // who waits; before PARKED
} watcher;

static void act(struct role *r);

void __real_gor__deadlock(void);
void __wrap_gor__deadlock(void);
void __real_gor__panic(const struct gor_site *site, const char *fmt, ...) __attribute__((noreturn));
void __wrap_gor__panic(const struct gor_site *site, const char *fmt, ...) __attribute__((noreturn));
void __real_gor__fatal(const struct gor_site *site, const char *fmt, ...) __attribute__((noreturn));
void __wrap_gor__fatal(const struct gor_site *site, const char *fmt, ...) __attribute__((noreturn));

/* On the context of a thread without a p, which looks at the global list when this returns. */
void __wrap_gor__deadlock(void)
{
	int was = PARKED;

	if (!watcher.on) {
		__real_gor__deadlock();
		return;
	}
	if (!atomic_compare_exchange_strong(&watcher.state, &was, CALLED)) {
		if (was == CALLED) // another thread has seen it as well, and is quicker
			return;
		check_failed(__FILE__, __LINE__, "a deadlock is seen where there is none");
	}
	struct m *m = gor__self();
	emit_wake_by(m, watcher.g, 0, GTRACE_waker_TIMER, false);
	g_set_state(watcher.g, G_RUNNABLE);
	gor__global_put(m->sched, &watcher.g, 1);
}

static void wait_for_quiet(void)
{
	struct m *m = gor__enter();

	gor__wait_begin(m->cur, GTRACE_reason_SELECT_NONE, 0, GOR_SITE_(GOR_OP_SELECT, "quiet"), 0);
	watcher.g = m->cur;
	atomic_store(&watcher.state, PARKED);
	gor__park(m, NULL);
	atomic_store(&watcher.state, ELSEWHERE);
	gor__leave();
}

/* The role of the running goroutine, if it has one and is watched. */
static struct role *own_role(void)
{
	struct m *m = gor__self();
	void (*own)(void *) = (void (*)(void *))(void (*)(void))act;

	return watcher.on && m && m->cur && m->cur->fn == own ? m->cur->arg : NULL;
}

/* A panic of the program ends its goroutine. */
static void panicked(struct role *r, const char *text)
{
	struct answer *a = r->play->out->at[r->g];

	while (atomic_load(&a->progress) == DONE)
		a++;
	for (int kind = 0; kind < PANICS; kind++)
		if (strncmp(text, panic_words[kind], strlen(panic_words[kind])) == 0) {
			a->code = (int16_t)kind;
			atomic_store(&a->progress, PANICKED);
			gor_exit();
		}
}

#define WRAP_PANIC(name) \
	void __wrap_##name(const struct gor_site *site, const char *fmt, ...) \
	{ \
		struct role *r = own_role(); \
		char text[512]; \
		va_list args; \
		va_start(args, fmt); \
		vsnprintf(text, sizeof text, fmt, args); \
		va_end(args); \
		if (r) \
			panicked(r, text); \
		__real_##name(site, "%s", text); \
	}

WRAP_PANIC(gor__panic)
WRAP_PANIC(gor__fatal)

/* ── calls ────────────────────────────────────────────────────────────────────────────────────────
 */

/* What is received: an int, or a time from the timer. */
union received {
	int value;
	int64_t when;
};

static int value_of(const union received *got, int end)
{
	return end == TIMER && got->value != UNTOUCHED ? (got->when > 0 ? TICK : 0) : got->value;
}

static struct gor_hchan *end_of(struct play *play, int end)
{
	return end == TIMER ? GOR_HCHAN_(play->timer.c) : GOR_HCHAN_(play->ch[end]);
}

static gor_case make_case(struct play *play, const struct op *op, int i)
{
	static const int kinds[] = {
		[ON_RECV] = GOR_CASE_RECV,
		[ON_SEND] = GOR_CASE_SEND,
		[ON_TIMEOUT] = GOR_CASE_TIMEOUT,
		[ON_DEFAULT] = GOR_CASE_DEFAULT,
	};
	int on = op->at[i].on;

	return (gor_case){.kind = kinds[on],
	                  .chan = on <= ON_SEND ? end_of(play, op->at[i].chan) : NULL,
	                  .dur_ns = SOON};
}

static int call_select(struct play *play, const struct op *op, int g, int k, int *value)
{
	gor_case cases[CASES];
	union received in[CASES];
	int out[CASES];
	bool ok[CASES];

	for (int i = 0; i < op->cases; i++) {
		in[i].when = in[i].value = UNTOUCHED;
		ok[i] = true;
		out[i] = program_value(g, k, i);
		cases[i] = make_case(play, op, i);
		cases[i].value = op->at[i].on == ON_SEND ? &out[i] : &in[i].value;
		cases[i].ok = &ok[i];
	}
	int done = gor_select_n(cases, op->cases);
	for (int i = 0; i < op->cases; i++) {
		REQUIRE(i == done || in[i].value == UNTOUCHED); // what was not done leaves no trace
		REQUIRE((i == done && op->at[i].on == ON_RECV) || ok[i]);
	}
	*value = value_of(&in[done], op->at[done].chan);
	REQUIRE(op->at[done].on != ON_RECV || ok[done] == (*value != 0));
	return done;
}

static int call_timer(struct play *play, const struct op *op, int *value)
{
	gor_chan(int64_t) ch = play->timer.c;
	union received got = {.value = UNTOUCHED};
	int code;

	switch (op->call) {
	case RESET:
		return gor_timer_reset(&play->timer, SOON);
	case STOP:
		return gor_timer_stop(&play->timer);
	case RECV:
		code = gor_recv(ch, &got.when);
		break;
	case TRY_RECV:
		code = gor_try_recv(ch, &got.when);
		break;
	default:
		code = gor_recv_until(ch, &got.when, gor_deadline(SOON));
	}
	*value = value_of(&got, TIMER);
	return code;
}

static int call_chan(struct play *play, const struct op *op, int sent, int *value)
{
	ints ch = play->ch[op->obj];

	switch (op->call) {
	case SEND:
		return gor_send(ch, sent);
	case TRY_SEND:
		return gor_try_send(ch, sent);
	case SEND_UNTIL:
		return gor_send_until(ch, sent, gor_deadline(SOON));
	case SEND_EVER:
		return gor_send_until(ch, sent, GOR_FOREVER);
	case RECV:
		return gor_recv(ch, value);
	case TRY_RECV:
		return gor_try_recv(ch, value);
	case RECV_UNTIL:
		return gor_recv_until(ch, value, gor_deadline(SOON));
	default:
		gor_close(ch);
		return 0;
	}
}

static int call_lock(struct play *play, const struct op *op)
{
	switch (op->call) {
	case LOCK:
		gor_mutex_lock(&play->mu[op->obj]);
		return 0;
	case TRYLOCK:
		return gor_mutex_trylock(&play->mu[op->obj]);
	case UNLOCK:
		gor_mutex_unlock(&play->mu[op->obj]);
		return 0;
	case WLOCK:
		gor_rwmutex_lock(&play->rw);
		return 0;
	case TRYWLOCK:
		return gor_rwmutex_trylock(&play->rw);
	case WUNLOCK:
		gor_rwmutex_unlock(&play->rw);
		return 0;
	case RLOCK:
		gor_rwmutex_rlock(&play->rw);
		return 0;
	case TRYRLOCK:
		return gor_rwmutex_tryrlock(&play->rw);
	default:
		gor_rwmutex_runlock(&play->rw);
		return 0;
	}
}

static int call_sync(struct play *play, const struct op *op)
{
	switch (op->call) {
	case WG_ADD:
		gor_wg_add(&play->wg, op->n);
		return 0;
	case WG_DONE:
		gor_wg_done(&play->wg);
		return 0;
	case WG_WAIT:
		gor_wg_wait(&play->wg);
		return 0;
	case COND_WAIT:
		gor_cond_wait(&play->cond, &play->mu[op->obj]);
		return 0;
	case COND_SIGNAL:
		gor_cond_signal(&play->cond);
		return 0;
	case COND_BROADCAST:
		gor_cond_broadcast(&play->cond);
		return 0;
	case SEM_ACQUIRE:
		gor_sem_acquire(&play->sem, op->n);
		return 0;
	case SEM_TRY:
		return gor_sem_try_acquire(&play->sem, op->n);
	default:
		gor_sem_release(&play->sem, op->n);
		return 0;
	}
}

static void start(struct play *play, int g)
{
	struct role r = {play, g, (play->noise + (uint64_t)g) * UINT64_C(0x9e3779b97f4a7c15)};

	REQUIRE(gor_go_copy(act, r) > 0);
}

static void spin(unsigned n)
{
	while (n-- > 0)
		gor__relax();
}

static int short_call(void *arg)
{
	(void)arg;
	spin(100);
	return 0;
}

static int call(struct role *r, int k, int *value)
{
	struct play *play = r->play;
	const struct op *op = &play->p.ops[r->g][k];

	switch (op->call) {
	case YIELD:
		gor_yield();
		return 0;
	case SLEEP:
		gor_sleep(SOON);
		return 0;
	case BLOCKING:
		return gor_blocking(short_call, NULL);
	case GO:
		start(play, op->obj);
		return 0;
	case EXIT:
		return 0;
	case SELECT:
		return call_select(play, op, r->g, k, value);
	default:
		if (op->obj == TIMER)
			return call_timer(play, op, value);
		if (op->call <= CLOSE)
			return call_chan(play, op, program_value(r->g, k, 0), value);
		return op->call <= RUNLOCK ? call_lock(play, op) : call_sync(play, op);
	}
}

/* Not inside the runtime, so that the monitor takes the processor away. */
static void keep_thread(struct role *r)
{
	int64_t ns = (int64_t)(check_random(&r->random) % (uint64_t)play_keeps_ns);

	if (check_random(&r->random) >> 63)
		nanosleep(&(struct timespec){0, ns}, NULL);
	else
		for (int64_t until = gor_now() + ns; gor_now() < until;)
			;
}

/* Before a call: now and then something that changes who comes first. */
static void make_noise(struct role *r)
{
	if (!r->random)
		return;
	if (play_keeps_ns && check_random(&r->random) >> 61 == 0)
		keep_thread(r);
	switch (check_random(&r->random) >> 60) {
	case 0:
	case 1:
	case 2:
		gor_yield();
		break;
	case 3:
	case 4:
		spin(check_random(&r->random) % 64);
		break;
	case 5:
		spin(check_random(&r->random) % 2048);
		break;
	default:
		break;
	}
}

static uint64_t tick(struct play *play)
{
	return atomic_load_explicit(&play->clock, memory_order_relaxed)
	           ? atomic_fetch_add(&play->clock, 1)
	           : 0;
}

/* The goroutine's own calls; false: it is to end now. */
static bool perform(struct role *r)
{
	struct play *play = r->play;

	if (play->p.pinned[r->g])
		gor_pin();
	for (int k = 0; k < play->p.len[r->g]; k++) {
		struct answer *a = &play->out->at[r->g][k];
		int value = UNTOUCHED;

		make_noise(r);
		if (play_before_call)
			play_before_call(&play->p.ops[r->g][k]);
		a->invoked = tick(play);
		atomic_store(&a->progress, BEGUN);
		int code = call(r, k, &value);
		a->code = (int16_t)code;
		a->value = (int16_t)value;
		a->returned = tick(play);
		atomic_store(&a->progress, DONE);
		if (play->p.ops[r->g][k].call == EXIT)
			return false;
	}
	return true;
}

static void act(struct role *r)
{
	if (!perform(r))
		gor_exit();
}

/* ── programs ─────────────────────────────────────────────────────────────────────────────────────
 */

static void prepare(struct play *play, const struct program *p, struct outcome *out, uint64_t noise)
{
	memset(play, 0, sizeof *play);
	play->p = *p;
	play->out = out;
	play->noise = noise;
	atomic_store(&play->clock, noise % 2);
	memset(out, 0, sizeof *out);
	for (int c = 0; c < CHANS; c++)
		REQUIRE_EQ(gor_make(play->ch[c], p->cap[c]), 0);
	for (int g = 0; g < GOROUTINES; g++)
		for (int k = 0; k < OPS; k++)
			out->at[g][k].value = UNTOUCHED;
}

/* All that are there from the beginning, from goroutine `from` on; in the order of the noise. */
static void start_all(struct play *play, int from)
{
	int n = play->p.goroutines;

	REQUIRE_EQ(gor_timer_start(&play->timer, GOR_HOUR), 0);
	REQUIRE(gor_timer_stop(&play->timer));
	gor_wg_add(&play->wg, play->p.count);
	gor_sem_release(&play->sem, play->p.permits);
	for (int i = 0; i < n; i++) {
		int g = (int)((play->noise + (uint64_t)i) % (uint64_t)n);
		if (g >= from && !program_is_child(&play->p, g))
			start(play, g);
	}
}

void play_watched(struct play *play, const struct program *p, struct outcome *out, uint64_t noise)
{
	watcher.on = true;
	prepare(play, p, out, noise);
	start_all(play, 0);
	wait_for_quiet();
	out->ending = QUIET;
}

static int main_role(int argc, char **argv)
{
	struct play *play;

	(void)argc;
	memcpy(&play, argv[0], sizeof play);
	start_all(play, 1);
	act(&(struct role){play, 0, play->noise * UINT64_C(0x9e3779b97f4a7c15)});
	return 0;
}

int play_for_real(struct play *play, const struct program *p, struct outcome *out, uint64_t noise)
{
	char bytes[sizeof play];
	char *argv[] = {bytes, NULL};

	memcpy(bytes, &play, sizeof play);
	prepare(play, p, out, noise);
	return gor_run(main_role, 1, argv);
}

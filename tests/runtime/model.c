/* SPDX-License-Identifier: MIT */
/**
 * model.c: random programs of channels, checked against what must hold for each of them.
 *
 * A seed makes a program: channels of random capacities, goroutines that send a known number of
 * values each by a random mixture of calls (send, try, until, select), and goroutines that receive
 * in such ways until all channels are closed.  Every value says who sent it, on which channel, and
 * as his how many-eth there.
 *
 *   M1  each value whose send succeeded is received exactly once, on its channel
 *   M2  no value is received whose send did not succeed
 *   M3  one receiver sees the values of one sender on one channel in the order of sending
 *   M4  after the last value every receive says closed; no send succeeds after a close
 *
 * In half of the programs channels are closed when all senders have finished; in the others a
 * goroutine closes them at some moment, and senders, who then use the until forms only, must see
 * -EPIPE.
 *
 * sequential() compares one goroutine's calls with a plain queue, answer by answer.
 */
#include "check.h"
#include <errno.h>
#include <stdatomic.h>
#include <string.h>

enum { CHANS_MAX = 4, SENDERS_MAX = 5, RECEIVERS_MAX = 5, VALUES = 60 };

struct value {
	uint32_t sender, chan, number;
	uint32_t salt[3]; // so that a torn copy shows
};

typedef gor_chan(struct value) values;

struct program {
	values ch[CHANS_MAX];
	int chans, senders, receivers;
	bool early_close;
	gor_waitgroup sending, receiving;
	_Atomic uint8_t sent[SENDERS_MAX][CHANS_MAX][VALUES];
	_Atomic uint8_t received[SENDERS_MAX][CHANS_MAX][VALUES];
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
	if (below(a, 8) == 0)
		gor_yield();
	else if (below(a, 100) == 0)
		gor_sleep(10 * GOR_MICROSECOND);
}

static struct value make_value(struct actor *a, int chan, int number)
{
	struct value v = {(uint32_t)a->number, (uint32_t)chan, (uint32_t)number, {0}};

	for (int i = 0; i < 3; i++)
		v.salt[i] = (v.sender * 31 + v.chan) * 31 + v.number + (uint32_t)i;
	return v;
}

/* One try to send in a random way: 0, -EPIPE, or another error if it is worth trying again. */
static int send_somehow(struct actor *a, values ch, struct value v)
{
	bool plain = !a->p->early_close; // the forms that panic on a closed channel

	switch (below(a, 5)) {
	case 0:
		return gor_try_send(ch, v);
	case 1:
		return gor_send_until(ch, v, gor_deadline(below(a, 30) * GOR_MICROSECOND));
	case 2:
		return plain ? gor_send(ch, v) : gor_send_until(ch, v, GOR_FOREVER);
	case 3:
		if (!plain)
			return gor_send_until(ch, v, gor_deadline(GOR_MINUTE));
		return gor_select(gor_on_send(ch, v), gor_on_timeout(20 * GOR_MICROSECOND)) == 0 ? 0
		                                                                                 : -EAGAIN;
	default:
		if (!plain)
			return gor_try_send(ch, v);
		return gor_select(gor_on_default, gor_on_send(ch, v)) == 1 ? 0 : -EAGAIN;
	}
}

static void sender(struct actor *a)
{
	struct program *p = a->p;
	int next[CHANS_MAX] = {0}, left = p->chans * VALUES;
	bool closed[CHANS_MAX] = {false};

	while (left > 0) {
		int c = below(a, p->chans), err;

		if (next[c] == VALUES)
			continue;
		err = send_somehow(a, p->ch[c], make_value(a, c, next[c]));
		REQUIRE(err == 0 || err == -EPIPE || err == -EAGAIN || err == -ETIMEDOUT);
		REQUIRE(err != -EPIPE || p->early_close);
		REQUIRE(err != 0 || !closed[c]); // M4
		closed[c] = closed[c] || err == -EPIPE;
		if (err == 0)
			atomic_fetch_add(&p->sent[a->number][c][next[c]], 1);
		if (err == 0 || err == -EPIPE) {
			next[c]++;
			left--;
		} else {
			gor_yield();
		}
		maybe_yield(a);
	}
	gor_wg_done(&p->sending);
}

/* Receive from channel c in a random way: 1 a value, 0 closed, negative: try again. */
static int receive_somehow(struct actor *a, int c, struct value *v)
{
	values ch = a->p->ch[c];
	bool ok = true;

	switch (below(a, 4)) {
	case 0:
		return gor_try_recv(ch, v);
	case 1:
		return gor_recv_until(ch, v, gor_deadline(below(a, 30) * GOR_MICROSECOND));
	case 2:
		if (gor_select(gor_on_recv_ok(ch, v, &ok), gor_on_timeout(20 * GOR_MICROSECOND)) == 1)
			return -EAGAIN;
		return ok;
	default: // for ever, if no sender can meanwhile be stuck on another channel
		if (a->p->chans > 1 && !a->p->early_close)
			return gor_recv_until(ch, v, gor_deadline(50 * GOR_MICROSECOND));
		return gor_recv(ch, v);
	}
}

/* Receive from whichever of the open channels; *c says which. */
static int receive_any(struct actor *a, const bool *closed, int *c, struct value *v)
{
	gor_case cases[CHANS_MAX] = {{GOR_CASE_NONE, NULL, NULL, NULL, 0}};
	bool ok = true;

	for (int i = 0; i < a->p->chans; i++)
		if (!closed[i])
			cases[i] = gor_on_recv_ok(a->p->ch[i], v, &ok);
	*c = gor_select_n(cases, a->p->chans);
	return ok;
}

static void check_value(struct actor *a, const struct value *v, int c, uint32_t *next)
{
	struct value want;

	REQUIRE(v->chan == (uint32_t)c && v->number < VALUES);
	REQUIRE(v->sender < (uint32_t)a->p->senders);
	want = make_value(&(struct actor){.number = (int)v->sender}, c, (int)v->number);
	REQUIRE(memcmp(v, &want, sizeof want) == 0);
	REQUIRE(v->number >= next[v->sender]); // M3
	next[v->sender] = v->number + 1;
	REQUIRE_EQ(atomic_fetch_add(&a->p->received[v->sender][c][v->number], 1), 0); // M1
}

static void receiver(struct actor *a)
{
	struct program *p = a->p;
	uint32_t next[CHANS_MAX][SENDERS_MAX] = {{0}};
	bool closed[CHANS_MAX] = {false};
	int open = p->chans;

	while (open > 0) {
		int c = below(a, p->chans), got;
		struct value v = {0};

		if (below(a, 3) == 0)
			got = receive_any(a, closed, &c, &v);
		else
			got = receive_somehow(a, c, &v);
		REQUIRE(got >= 0 || got == -EAGAIN || got == -ETIMEDOUT);
		REQUIRE(got == 0 || got < 0 || !closed[c]); // M4
		if (got == 1)
			check_value(a, &v, c, next[c]);
		if (got == 0 && !closed[c]) {
			closed[c] = true;
			open--;
		}
		if (got < 0)
			gor_yield();
		maybe_yield(a);
	}
	gor_wg_done(&p->receiving);
}

static void closer(struct actor *a)
{
	for (int c = 0; c < a->p->chans; c++) {
		for (int n = below(a, 40); n > 0; n--)
			gor_yield();
		gor_close(a->p->ch[c]);
	}
}

static void run_program(uint64_t seed)
{
	static struct program p;
	struct actor a = {&p, seed * UINT64_C(0x9e3779b97f4a7c15), 0};

	memset(&p, 0, sizeof p);
	p.chans = 1 + below(&a, CHANS_MAX);
	p.senders = 1 + below(&a, SENDERS_MAX);
	p.receivers = 1 + below(&a, RECEIVERS_MAX);
	p.early_close = below(&a, 2);
	for (int c = 0; c < p.chans; c++)
		REQUIRE_EQ(gor_make(p.ch[c], (size_t)below(&a, 4)), 0);
	gor_wg_add(&p.sending, p.senders);
	gor_wg_add(&p.receiving, p.receivers);
	for (a.number = 0; a.number < p.senders; a.number++, check_random(&a.random))
		gor_go_copy(sender, a);
	for (a.number = 0; a.number < p.receivers; a.number++, check_random(&a.random))
		gor_go_copy(receiver, a);
	if (p.early_close)
		closer(&a);
	gor_wg_wait(&p.sending);
	for (int c = 0; c < p.chans && !p.early_close; c++)
		gor_close(p.ch[c]);
	gor_wg_wait(&p.receiving);
	for (int s = 0; s < p.senders; s++)
		for (int c = 0; c < p.chans; c++)
			for (int i = 0; i < VALUES; i++) // M1, M2
				REQUIRE_EQ(atomic_load(&p.sent[s][c][i]), atomic_load(&p.received[s][c][i]));
	for (int c = 0; c < p.chans; c++)
		gor_free(p.ch[c]);
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
	run_seeds(1, 200 / SLOW);
}

TEST_PROCS(programs_on_two, 2)
{
	run_seeds(1, 200 / SLOW);
}

TEST_PROCS(programs_on_eight, 8)
{
	run_seeds(201, 200 + 100 / SLOW);
}

struct model {
	int queue[8], len, cap;
	bool closed;
};

static int model_send(struct model *m, int v)
{
	if (m->closed)
		return -EPIPE;
	if (m->len == m->cap)
		return -EAGAIN;
	m->queue[m->len++] = v;
	return 0;
}

static int model_recv(struct model *m, int *v)
{
	if (m->len == 0)
		return m->closed ? (*v = 0) : -EAGAIN;
	*v = m->queue[0];
	m->len--;
	memmove(m->queue, m->queue + 1, (size_t)m->len * sizeof *v);
	return 1;
}

static void compare_one(struct actor *a, ints ch, struct model *m, int v)
{
	int got = -7, want = -7;

	switch (below(a, 4)) {
	case 0:
		REQUIRE_EQ(gor_try_send(ch, v), model_send(m, v));
		break;
	case 1:
		REQUIRE_EQ(gor_try_recv(ch, &got), model_recv(m, &want));
		break;
	case 2:
		if (m->closed || m->len < m->cap)
			REQUIRE_EQ(gor_send_until(ch, v, gor_deadline(GOR_HOUR)), model_send(m, v));
		break;
	default:
		if (m->closed || m->len > 0)
			REQUIRE_EQ(gor_recv(ch, &got), model_recv(m, &want));
	}
	REQUIRE_EQ(got, want);
	REQUIRE_EQ(gor_len(ch), m->len);
	REQUIRE_EQ(gor_cap(ch), m->cap);
}

/** One goroutine's calls answer as a plain queue does, step by step, before and after a close. */
TEST(sequential)
{
	for (uint64_t seed = 1; seed <= 500 / SLOW; seed++) {
		struct actor a = {NULL, seed * UINT64_C(0x9e3779b97f4a7c15), 0};
		struct model m = {.cap = below(&a, 8)};
		ints ch;

		gor_make(ch, (size_t)m.cap);
		for (int i = 0; i < 200; i++) {
			compare_one(&a, ch, &m, i);
			if (i == 150) {
				gor_close(ch);
				m.closed = true;
			}
		}
		gor_free(ch);
	}
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(programs_on_one),
		cmocka_unit_test(programs_on_two),
		cmocka_unit_test(programs_on_eight),
		cmocka_unit_test(sequential),
	};

	return CHECK_MAIN(tests, argc, argv);
}

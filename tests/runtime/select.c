/* SPDX-License-Identifier: MIT */
/* select.c: waiting on several channels at once. */
#include "check.h"
#include <errno.h>
#include <stdatomic.h>

/** The default is taken when nothing is ready, and only then. */
TEST(default_case)
{
	ints a, b;
	int got = 0;

	gor_make(a, 1);
	gor_make(b, 1);
	REQUIRE_EQ(gor_select(gor_on_recv(a, &got), gor_on_recv(b, &got), gor_on_default), 2);
	gor_send(b, 7);
	REQUIRE_EQ(gor_select(gor_on_recv(a, &got), gor_on_recv(b, &got), gor_on_default), 1);
	REQUIRE_EQ(got, 7);
	REQUIRE_EQ(gor_select(gor_on_default, gor_on_send(a, 5)), 1);
	REQUIRE_EQ(gor_select(gor_on_default, gor_on_send(a, 6)), 0);
	REQUIRE_EQ(gor_select(gor_on_default), 0);
	gor_free(a);
	gor_free(b);
}

/** A timeout is taken when its time is up, and nothing is received or sent then. */
TEST(timeout)
{
	ints ch;
	int got = 3;
	int64_t began = gor_now();

	gor_make(ch, 0);
	REQUIRE_EQ(gor_select(gor_on_recv(ch, &got), gor_on_timeout(5 * GOR_MILLISECOND)), 1);
	REQUIRE(gor_now() - began >= 5 * GOR_MILLISECOND);
	REQUIRE_EQ(got, 3);
	REQUIRE_EQ(gor_select(gor_on_timeout(GOR_MILLISECOND), gor_on_send(ch, 1)), 0);
	REQUIRE_EQ(gor_select(gor_on_timeout(GOR_HOUR), gor_on_timeout(GOR_MILLISECOND)), 1);
	REQUIRE_EQ(gor_select(gor_on_timeout(GOR_MILLISECOND)), 0);
	REQUIRE_EQ(gor_try_recv(ch, &got), -EAGAIN); // nobody was left in a queue
	gor_free(ch);
}

/** Among eight ready cases each is drawn about as often as any other. */
TEST(fair)
{
	enum { CASES = 8, ROUNDS = 10000 };
	ints ch[CASES];
	gor_case cases[CASES];
	int count[CASES] = {0};

	for (int i = 0; i < CASES; i++) {
		gor_make(ch[i], 1);
		gor_send(ch[i], i);
		cases[i] = gor_on_recv(ch[i], NULL);
	}
	for (int i = 0; i < ROUNDS; i++) {
		int got = gor_select_n(cases, CASES);

		REQUIRE(got >= 0 && got < CASES);
		count[got]++;
		gor_send(ch[got], got);
	}
	for (int i = 0; i < CASES; i++)
		gor_free(ch[i]);
	REQUIRE(check_even(count, CASES));
}

/** Labels name the cases; the holes between them are never taken. */
TEST(labels_with_holes)
{
	enum { QUIT = 5, WORK = 2, TICK = 9 };
	ints work, quit;
	int got = 0, ticks = 0;

	gor_make(work, 1);
	gor_make(quit, 0);
	gor_send(work, 1);
	for (int i = 0; i < 100; i++) {
		switch (gor_select([QUIT] = gor_on_recv(quit, NULL), [WORK] = gor_on_recv(work, &got),
		                   [TICK] = gor_on_timeout(100 * GOR_MICROSECOND))) {
		case WORK:
			REQUIRE_EQ(got, 1);
			break;
		case TICK:
			ticks++;
			break;
		default:
			REQUIRE(!"a case that cannot be ready");
		}
	}
	REQUIRE_EQ(ticks, 99);
	gor_free(work);
	gor_free(quit);
}

/** A send and a receive of one select never meet each other on an unbuffered channel. */
TEST(not_with_oneself)
{
	ints ch;
	int got = 0;

	gor_make(ch, 0);
	REQUIRE_EQ(gor_select(gor_on_send(ch, 1), gor_on_recv(ch, &got), gor_on_default), 2);
	REQUIRE_EQ(
		gor_select(gor_on_send(ch, 1), gor_on_recv(ch, &got), gor_on_timeout(GOR_MILLISECOND)), 2);
	gor_free(ch);
}

struct both {
	ints ch;
	_Atomic int sent, received;
	gor_waitgroup wg;
};

enum { SWAPS = 2000 / SLOW };

static void send_or_receive(void *arg)
{
	struct both *b = arg;
	int got;

	for (int i = 0; i < SWAPS; i++) {
		if (gor_select(gor_on_send(b->ch, i), gor_on_recv(b->ch, &got)) == 0)
			atomic_fetch_add(&b->sent, 1);
		else
			atomic_fetch_add(&b->received, 1);
	}
	gor_wg_done(&b->wg);
}

/** Two goroutines that each would send or receive on one channel, always meet. */
TEST(send_and_receive_on_one)
{
	struct both b = {0};

	gor_make(b.ch, 0);
	gor_wg_add(&b.wg, 2);
	gor_go(send_or_receive, &b);
	gor_go(send_or_receive, &b);
	gor_wg_wait(&b.wg);
	REQUIRE_EQ(atomic_load(&b.sent), SWAPS);
	REQUIRE_EQ(atomic_load(&b.received), SWAPS);
	gor_free(b.ch);
}

/** A receive from a closed channel is ready; its ok is false, its out zero; a buffer drains first.
 */
TEST(closed_is_ready)
{
	ints ch, idle;
	int got = -1;
	bool ok = false;

	gor_make(ch, 2);
	gor_make(idle, 0);
	gor_send(ch, 8);
	gor_close(ch);
	REQUIRE_EQ(gor_select(gor_on_recv(idle, NULL), gor_on_recv_ok(ch, &got, &ok)), 1);
	REQUIRE(ok && got == 8);
	for (int i = 0; i < 3; i++) {
		got = -1;
		ok = true;
		REQUIRE_EQ(gor_select(gor_on_recv(idle, NULL), gor_on_recv_ok(ch, &got, &ok)), 1);
		REQUIRE(!ok && got == 0);
	}
	gor_free(ch);
	gor_free(idle);
}

/** A case on the nil channel is never taken: how a case is switched off. */
TEST(nil_never)
{
	ints off = NULL, on;

	gor_make(on, 1);
	for (int i = 0; i < 100; i++) {
		gor_send(on, 1);
		REQUIRE_EQ(gor_select(gor_on_recv(off, NULL), gor_on_recv(on, NULL)), 1);
		REQUIRE_EQ(gor_select(gor_on_send(off, 1), gor_on_recv(off, NULL), gor_on_default), 2);
	}
	REQUIRE_EQ(gor_select(gor_on_send(off, 1), gor_on_timeout(GOR_MILLISECOND)), 1);
	gor_free(on);
}

struct feed {
	ints ch;
	int n;
};

static void feed(void *arg)
{
	struct feed *f = arg;

	for (int i = 0; i < f->n; i++)
		gor_send(f->ch, i);
	gor_close(f->ch);
}

/** One channel in two cases: each value comes once, by either. */
TEST(same_channel_twice)
{
	struct feed f = {.n = 2000 / SLOW};
	int a, b, seen = 0;
	bool ok_a = true, ok_b = true;

	gor_make(f.ch, 0);
	gor_go(feed, &f);
	for (;;) {
		int got = gor_select(gor_on_recv_ok(f.ch, &a, &ok_a), gor_on_recv_ok(f.ch, &b, &ok_b));

		if (!(got == 0 ? ok_a : ok_b))
			break;
		REQUIRE_EQ(got == 0 ? a : b, seen);
		seen++;
	}
	REQUIRE_EQ(seen, f.n);
	gor_free(f.ch);
}

enum { LISTENERS = 200 / (SLOW > 1 ? 4 : 1) };

struct listeners {
	ints quit, never[3];
	gor_waitgroup ready, gone;
};

static void listen_for_quit(void *arg)
{
	struct listeners *l = arg;
	bool ok = true;

	gor_wg_done(&l->ready);
	REQUIRE_EQ(gor_select(gor_on_recv(l->never[0], NULL), gor_on_recv(l->never[1], NULL),
	                      gor_on_recv_ok(l->quit, NULL, &ok), gor_on_send(l->never[2], 1)),
	           2);
	REQUIRE(!ok);
	gor_wg_done(&l->gone);
}

/** A close wakes every select that waits, and none stays behind in another channel's queue. */
TEST(close_is_a_broadcast)
{
	struct listeners l = {0};
	int got;

	gor_make(l.quit, 0);
	for (int i = 0; i < 3; i++)
		gor_make(l.never[i], 0);
	gor_wg_add(&l.ready, LISTENERS);
	gor_wg_add(&l.gone, LISTENERS);
	for (int i = 0; i < LISTENERS; i++)
		gor_go(listen_for_quit, &l);
	gor_wg_wait(&l.ready);
	gor_close(l.quit);
	gor_wg_wait(&l.gone);
	for (int i = 0; i < 3; i++) {
		REQUIRE(gor_select(gor_on_send(l.never[i], 1), gor_on_recv(l.never[i], &got),
		                   gor_on_default) == 2);
		gor_free(l.never[i]);
	}
	gor_free(l.quit);
}

struct cross {
	ints a, b;
	_Atomic int sum;
	int n;
	gor_waitgroup wg;
};

static void send_a_or_b(void *arg)
{
	struct cross *c = arg;

	for (int i = 1; i <= c->n; i++)
		gor_select(gor_on_send(c->a, i), gor_on_send(c->b, i));
	gor_wg_done(&c->wg);
}

static void recv_a_or_b(void *arg)
{
	struct cross *c = arg;
	int got = 0;

	for (int i = 1; i <= c->n; i++) {
		gor_select(gor_on_recv(c->b, &got), gor_on_recv(c->a, &got)); // the other way round
		atomic_fetch_add(&c->sum, got);
	}
	gor_wg_done(&c->wg);
}

/** Selects on both sides of the same channels, in opposite orders: no deadlock, nothing lost. */
TEST(selects_meet_selects)
{
	struct cross c = {.n = 3000 / SLOW};

	gor_make(c.a, 0);
	gor_make(c.b, 0);
	gor_wg_add(&c.wg, 8);
	for (int i = 0; i < 4; i++) {
		gor_go(send_a_or_b, &c);
		gor_go(recv_a_or_b, &c);
	}
	gor_wg_wait(&c.wg);
	REQUIRE_EQ(atomic_load(&c.sum), 4 * (c.n * (c.n + 1) / 2));
	gor_free(c.a);
	gor_free(c.b);
}

/** More cases than fit into any small fixed array. */
TEST(hundreds_of_cases)
{
	enum { N = 300 };
	static gor_case cases[N];
	static ints ch[N];
	static int got[N];

	for (int i = 0; i < N; i++) {
		gor_make(ch[i], 1);
		cases[i] = gor_on_recv(ch[i], &got[i]);
	}
	for (int i = 0; i < N; i++) {
		int at = (i * 77) % N;

		gor_send(ch[at], at + 1);
		REQUIRE_EQ(gor_select_n(cases, N), at);
		REQUIRE_EQ(got[at], at + 1);
	}
	for (int i = 0; i < N; i++)
		gor_free(ch[i]);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(default_case),
		cmocka_unit_test(timeout),
		cmocka_unit_test(fair),
		cmocka_unit_test(labels_with_holes),
		cmocka_unit_test(not_with_oneself),
		cmocka_unit_test(send_and_receive_on_one),
		cmocka_unit_test(closed_is_ready),
		cmocka_unit_test(nil_never),
		cmocka_unit_test(same_channel_twice),
		cmocka_unit_test(close_is_a_broadcast),
		cmocka_unit_test(selects_meet_selects),
		cmocka_unit_test(hundreds_of_cases),
	};

	return CHECK_MAIN(tests, argc, argv);
}

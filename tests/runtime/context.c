/* SPDX-License-Identifier: MIT */
/**
 * context.c: what the calling convention promises about a call holds for a call that switches.
 */
#include "check.h"
#include <fenv.h>

#define GOROUTINES 8
#define ROUNDS (2000 / SLOW)

struct work {
	_Atomic uint64_t seed;
	gor_waitgroup done;
};

/**
 * More values than there are registers that survive a call, each alive over every switch, and each
 * changed in every round in a way of its own.
 */
static void keeps_registers(void *arg)
{
	struct work *w = arg;
	uint64_t s = ++w->seed;
	uint64_t a = s, b = s + 1, c = s + 2, d = s + 3, e = s + 4, f = s + 5, g = s + 6, h = s + 7;
	uint64_t i = s + 8, j = s + 9, k = s + 10, l = s + 11;
	double p = (double)s, q = p + 1, r = p + 2, t = p + 3, u = p + 4, v = p + 5, x = p + 6;
	double y = p + 7, z = p + 8;

	for (uint64_t n = 0; n < ROUNDS; n++) {
		gor_yield();
		a += 1, b += 2, c += 3, d += 4, e += 5, f += 6, g += 7, h += 8, i += 9, j += 10;
		k += 11, l += 12;
		p += 1, q += 2, r += 3, t += 4, u += 5, v += 6, x += 7, y += 8, z += 9;
	}
	uint64_t n = ROUNDS;
	REQUIRE(a == s + n && b == s + 1 + 2 * n && c == s + 2 + 3 * n && d == s + 3 + 4 * n);
	REQUIRE(e == s + 4 + 5 * n && f == s + 5 + 6 * n && g == s + 6 + 7 * n && h == s + 7 + 8 * n);
	REQUIRE(i == s + 8 + 9 * n && j == s + 9 + 10 * n && k == s + 10 + 11 * n);
	REQUIRE(l == s + 11 + 12 * n);
	double o = (double)s, m = (double)n;
	REQUIRE(p == o + m && q == o + 1 + 2 * m && r == o + 2 + 3 * m && t == o + 3 + 4 * m);
	REQUIRE(u == o + 4 + 5 * m && v == o + 5 + 6 * m && x == o + 6 + 7 * m && y == o + 7 + 8 * m);
	REQUIRE(z == o + 8 + 9 * m);
}

TEST(registers_survive)
{
	struct work w = {0};

	for (int i = 0; i < GOROUTINES; i++)
		gor_wg_go(&w.done, keeps_registers, &w);
	gor_wg_wait(&w.done);
}

static const int modes[] = {FE_TONEAREST, FE_UPWARD, FE_DOWNWARD, FE_TOWARDZERO};

/* A third in the mode that is set; the compiler must neither know the numbers nor put it off. */
static double third(void)
{
	volatile double one = 1, three = 3, ratio = one / three;

	return ratio;
}

static void keeps_mode(void *arg)
{
	struct work *w = arg;
	int mode = modes[w->seed++ % 4];

	fesetround(mode);
	double mine = third();
	for (int n = 0; n < ROUNDS; n++) {
		gor_yield();
		REQUIRE_EQ(fegetround(), mode);
		REQUIRE(third() == mine);
	}
}

/** The control bits of the floating-point unit belong to the callee: they stay with a goroutine. */
TEST(rounding_mode_stays)
{
	struct work w = {0};
	double nearest = third();

	for (int i = 0; i < GOROUTINES; i++)
		gor_wg_go(&w.done, keeps_mode, &w);
	gor_wg_wait(&w.done);
	REQUIRE_EQ(fegetround(), FE_TONEAREST);
	fesetround(FE_UPWARD);
	REQUIRE(third() != nearest); // or the test above shows nothing
}

static double inherited;

static void takes_third(void *arg)
{
	inherited = third();
	gor_wg_done((gor_waitgroup *)arg);
}

/** A new goroutine starts in the mode of the one that started it, as a new thread does. */
TEST(rounding_mode_is_inherited)
{
	gor_waitgroup done = {0};
	double nearest = third();

	fesetround(FE_UPWARD);
	gor_wg_add(&done, 1);
	gor_go(takes_third, &done);
	fesetround(FE_TONEAREST);
	gor_wg_wait(&done);
	REQUIRE(inherited > nearest);
}

static void aligned(void *arg)
{
	_Alignas(64) char line[64];

	__asm__ volatile("" : : "r"(line) : "memory");
	REQUIRE_EQ((uintptr_t)line % 64, 0);
	REQUIRE_EQ((uintptr_t)__builtin_frame_address(0) % 16, 0);
	gor_wg_done((gor_waitgroup *)arg);
}

TEST(stack_is_aligned)
{
	gor_waitgroup done = {0};

	for (int i = 0; i < 64; i++) {
		gor_wg_add(&done, 1);
		gor_go(aligned, &done);
	}
	gor_wg_wait(&done);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(registers_survive),
		cmocka_unit_test(rounding_mode_stays),
		cmocka_unit_test(rounding_mode_is_inherited),
		cmocka_unit_test(stack_is_aligned),
	};

	return CHECK_MAIN(tests, argc, argv);
}

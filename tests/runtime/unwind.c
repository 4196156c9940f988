/* SPDX-License-Identifier: MIT */
/**
 * unwind.c: whoever follows a goroutine's stack outwards comes to its entry, and stops there.
 *
 * Two ways lead outwards: the unwind tables (debuggers, exceptions, backtrace(3)) and the chain of
 * frame pointers (profilers, the recorder).
 */
#include "check.h"
#include <execinfo.h>
#include <string.h>
#include <unwind.h>

#define DEPTH 40
#define FRAMES 256

/* Code of the runtime, in this order; hidden, but this program has the static library. */
void gor__context_entry(void);
void *gor__context_make(void *top, void (*entry)(void *), void *arg);

static bool is_entry(const void *pc)
{
	return (uintptr_t)pc > (uintptr_t)gor__context_entry &&
	       (uintptr_t)pc < (uintptr_t)gor__context_make;
}

/** The recursion, a few of the runtime's own frames, and the entry as the last. */
static void check_frames(void *const *pcs, int n)
{
	REQUIRE(n > DEPTH);
	REQUIRE(n < DEPTH + 16);
	for (int i = 0; i < n - 1; i++)
		REQUIRE(!is_entry(pcs[i]));
	REQUIRE(is_entry(pcs[n - 1]));
}

static void see_backtrace(void)
{
	void *pcs[FRAMES];
	int n = backtrace(pcs, FRAMES);

	// the C library may add the end of the chain, a zero
	while (n > 0 && !pcs[n - 1])
		n--;
	check_frames(pcs, n);
}

struct seen {
	void *pcs[FRAMES];
	int n;
};

static _Unwind_Reason_Code see_frame(struct _Unwind_Context *context, void *arg)
{
	struct seen *seen = arg;
	uintptr_t pc = _Unwind_GetIP(context);

	if (pc && seen->n < FRAMES)
		memcpy(&seen->pcs[seen->n++], &pc, sizeof pc);
	return _URC_NO_REASON;
}

static void see_unwinder(void)
{
	struct seen seen = {.n = 0};

	// a frame it had no table for, or that led nowhere, would be a fatal error
	REQUIRE_EQ(_Unwind_Backtrace(see_frame, &seen), _URC_END_OF_STACK);
	check_frames(seen.pcs, seen.n);
}

#if defined(__aarch64__)
/** Without the signature that a compiler may have added. */
static void *return_address(uintptr_t saved)
{
	register uintptr_t x30 __asm__("x30") = saved;

	__asm__("hint #7" : "+r"(x30)); // xpaclri
	return (void *)x30;
}
#else
static void *return_address(uintptr_t saved)
{
	return (void *)saved;
}
#endif

static void see_frame_pointers(void)
{
	const uintptr_t *fp = __builtin_frame_address(0);
	struct seen seen = {.n = 0};

	while (fp && seen.n < FRAMES) {
		seen.pcs[seen.n++] = return_address(fp[1]);
		REQUIRE(!fp[0] || fp[0] > (uintptr_t)fp);
		fp = (const uintptr_t *)fp[0];
	}
	check_frames(seen.pcs, seen.n);
}

/* What a goroutine of these tests does at the bottom of its recursion. */
struct dive {
	void (*see)(void);
	bool parks;
	gor_waitgroup done;
};

static int dive(struct dive *d, int depth)
{
	int below;

	if (depth > 0) {
		below = dive(d, depth - 1);
	} else {
		d->see();
		if (d->parks) {
			gor_sleep(GOR_MILLISECOND);
			d->see();
		}
		below = 0;
	}
	__asm__ volatile("" : "+r"(below)); // a call in tail position would leave no frame
	return below + 1;
}

static void diver(void *arg)
{
	REQUIRE_EQ(dive(arg, DEPTH), DEPTH + 1);
}

static void check_see(void (*see)(void))
{
	struct dive d = {.see = see, .parks = true};

	for (int i = 0; i < 4; i++)
		gor_wg_go(&d.done, diver, &d);
	gor_wg_wait(&d.done);
}

TEST(backtrace_ends_at_entry)
{
	check_see(see_backtrace);
}

TEST(unwinder_ends_at_entry)
{
	check_see(see_unwinder);
}

TEST(frame_pointers_end_at_entry)
{
	check_see(see_frame_pointers);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(backtrace_ends_at_entry),
		cmocka_unit_test(unwinder_ends_at_entry),
		cmocka_unit_test(frame_pointers_end_at_entry),
	};

	return CHECK_MAIN(tests, argc, argv);
}

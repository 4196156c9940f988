/* SPDX-License-Identifier: MIT */
/* profile_astray.c: the stacks of those that have any number for a frame pointer. */
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "profile_decode.h"

#define FRAME __asm__ volatile("")

static ints never;
static _Atomic bool stop, waiting;

/* fn(arg), with a frame pointer that is none: what is found where the chain leads is fp. */
void with_frame_pointer(uintptr_t fp, void (*fn)(void *), void *arg);
#if defined(__x86_64__)
__asm__(".text\n.type with_frame_pointer, @function\nwith_frame_pointer:\n"
        "push %rbp\n mov %rdi, %rbp\n mov %rdx, %rdi\n call *%rsi\n pop %rbp\n ret\n"
        ".size with_frame_pointer, . - with_frame_pointer\n");
#elif defined(__aarch64__)
__asm__(".text\n.type with_frame_pointer, %function\nwith_frame_pointer:\n"
        "stp x29, x30, [sp, -16]!\n mov x29, x0\n mov x0, x2\n blr x1\n"
        "ldp x29, x30, [sp], 16\n ret\n"
        ".size with_frame_pointer, . - with_frame_pointer\n");
#endif

static uintptr_t odd[] = {1, 8, UINTPTR_MAX, UINTPTR_MAX - 7, UINTPTR_MAX - 15, UINTPTR_MAX / 2};
static gor_waitgroup lost;

static void lost_waits(void *arg)
{
	(void)arg;
	gor_recv(never, NULL);
	FRAME;
}

static void lost_runs(void *arg)
{
	(void)arg;
	while (!atomic_load(&stop))
		FRAME;
	gor_wg_done(&lost);
}

static void goes_astray(void *arg)
{
	const uintptr_t *fp = arg;

	with_frame_pointer(*fp, atomic_load(&waiting) ? lost_runs : lost_waits, NULL);
	FRAME;
}

/* Code without frame pointers leaves any number there. */
TEST_PROCS(frame_pointers_that_are_none, 2)
{
	gor_make(never, 0);
	for (size_t i = 0; i < sizeof odd / sizeof *odd; i++)
		gor_go(goes_astray, &odd[i]);
	check_quiet();
	atomic_store(&waiting, true);
	for (size_t i = 0; i < sizeof odd / sizeof *odd; i++) {
		bool seen = false;
		atomic_store(&stop, false);
		gor_wg_add(&lost, 1);
		gor_go(goes_astray, &odd[i]);
		while (!seen) {
			char *text = written("goroutine", 2, NULL);
			seen = strstr(text, "[running]:\nlost_runs(...)\n");
			REQUIRE(strstr(text, "lost_waits(...)\n"));
			free(text);
		}
		atomic_store(&stop, true);
		gor_wg_wait(&lost);
	}
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(frame_pointers_that_are_none),
	};

	return CHECK_MAIN(tests, argc, argv);
}

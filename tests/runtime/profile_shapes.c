/* SPDX-License-Identifier: MIT */
/* profile_shapes.c DEBUG: a profile of goroutines with stacks of 50 shapes, to stdout. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "check.h"

#define FRAME __asm__ volatile("")

static ints never;
static gor_mutex mu;
static gor_waitgroup wg;

/* The innermost call, of one of five kinds. */
__attribute__((noinline)) static void waits(int kind)
{
	if (kind == 0)
		gor_recv(never, NULL);
	else if (kind == 1)
		gor_select(gor_on_recv(never, NULL), gor_on_timeout(GOR_HOUR));
	else if (kind == 2)
		gor_mutex_lock(&mu);
	else if (kind == 3)
		gor_wg_wait(&wg);
	else
		gor_sleep(GOR_HOUR);
	FRAME;
}

static inline __attribute__((always_inline)) void inlined(int kind)
{
	waits(kind);
	FRAME;
}

__attribute__((noinline)) static void deeper(int n, int kind)
{
	if (n > 0)
		deeper(n - 1, kind);
	else
		inlined(kind);
	FRAME;
}

/* shape_NM: deep by its first number, and waiting as its second one says. */
#define SHAPE(depth, kind) \
	__attribute__((noinline)) static void shape_##depth##kind(void *arg) \
	{ \
		(void)arg; \
		if ((depth) % 3 == 2) \
			gor_pin(); \
		deeper((depth) * (depth)*2, kind); \
		FRAME; \
	}
#define SHAPES(depth) \
	SHAPE(depth, 0) SHAPE(depth, 1) SHAPE(depth, 2) SHAPE(depth, 3) SHAPE(depth, 4)
SHAPES(0)
SHAPES(1)
SHAPES(2)
SHAPES(3)
SHAPES(4)
SHAPES(5)
SHAPES(6)
SHAPES(7)
SHAPES(8)
SHAPES(9)
#define NAMES(depth) \
	shape_##depth##0, shape_##depth##1, shape_##depth##2, shape_##depth##3, shape_##depth##4

static void (*const shapes[])(void *) = {NAMES(0), NAMES(1), NAMES(2), NAMES(3), NAMES(4),
                                         NAMES(5), NAMES(6), NAMES(7), NAMES(8), NAMES(9)};

static int app_shapes(int argc, char **argv)
{
	gor_make(never, 0);
	gor_mutex_lock(&mu);
	gor_wg_add(&wg, 1);
	for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
		gor_go(shapes[i], NULL);
	check_quiet();
	return gor_profile_write("goroutine", STDOUT_FILENO, argc > 1 ? atoi(argv[1]) : 2) != 0;
}

int main(int argc, char **argv)
{
	return gor_run(app_shapes, argc, argv);
}

/* SPDX-License-Identifier: MIT */
/*
 * profile_waits.c: goroutines that wait in every way there is.
 *
 * Lines and names of this file are in tests/runtime/profile/.  No call is the last thing in its
 * function, or the compiler would make a jump of it, which leaves no frame.
 */
#include "profile_waits.h"

#include <unistd.h>

#include "check.h"

#define FRAME __asm__ volatile("")

static ints in, full;
static gor_mutex mu, cond_mu;
static gor_rwmutex rw;
static gor_waitgroup wg;
static gor_cond cond;
static gor_sem sem;
static gor_once once;
static int pipes[2], blocking[2];

__attribute__((noinline)) static void deeper(int n)
{
	if (n == 0)
		gor_recv(in, NULL);
	else
		deeper(n - 1);
	FRAME;
}

static void receives(void *arg)
{
	(void)arg;
	deeper(2);
	FRAME;
}

static inline __attribute__((always_inline)) void inlined(void)
{
	gor_send(full, 2);
	FRAME;
}

static void sends(void *arg)
{
	(void)arg;
	inlined();
	FRAME;
}

static void receives_nil(void *arg)
{
	ints nil = NULL;

	(void)arg;
	gor_recv(nil, NULL);
	FRAME;
}

static void sends_nil(void *arg)
{
	ints nil = NULL;

	(void)arg;
	gor_send(nil, 1);
	FRAME;
}

static void selects(void *arg)
{
	(void)arg;
	gor_select(gor_on_recv(in, NULL), gor_on_send(full, 3));
	FRAME;
}

static void selects_nothing(void *arg)
{
	(void)arg;
	gor_select_n(NULL, 0);
	FRAME;
}

static void locks(void *arg)
{
	(void)arg;
	gor_mutex_lock(&mu);
	FRAME;
}

static void reads(void *arg)
{
	(void)arg;
	gor_rwmutex_rlock(&rw);
	FRAME;
}

static void writes(void *arg)
{
	(void)arg;
	gor_rwmutex_lock(&rw);
	FRAME;
}

static void waits_for_group(void *arg)
{
	(void)arg;
	gor_wg_wait(&wg);
	FRAME;
}

static void waits_for_condition(void *arg)
{
	(void)arg;
	gor_mutex_lock(&cond_mu);
	gor_cond_wait(&cond, &cond_mu);
	FRAME;
}

static void acquires(void *arg)
{
	(void)arg;
	gor_sem_acquire(&sem, 3);
	FRAME;
}

static void sleeps(void *arg)
{
	(void)arg;
	gor_sleep(GOR_HOUR);
	FRAME;
}

static void waits_for_input(void *arg)
{
	char byte;

	(void)arg;
	gor_read(pipes[0], &byte, 1);
	FRAME;
}

static void once_first(void)
{
	gor_recv(in, NULL);
	FRAME;
}

static void does_once(void *arg)
{
	(void)arg;
	gor_once_do(&once, once_first);
	FRAME;
}

static int block(void *arg)
{
	char byte;

	(void)arg;
	return (int)read(blocking[0], &byte, 1);
}

static void blocks(void *arg)
{
	(void)arg;
	gor_blocking(block, NULL);
	FRAME;
}

static void is_pinned(void *arg)
{
	(void)arg;
	gor_pin();
	gor_set_name("pinned");
	gor_recv(in, NULL);
	FRAME;
}

int profile_waits(void)
{
	static void (*const all[])(void *) = {
		receives,  receives,  sends,           receives_nil,
		sends_nil, selects,   selects_nothing, locks,
		reads,     writes,    waits_for_group, waits_for_condition,
		acquires,  sleeps,    waits_for_input, does_once,
		does_once, is_pinned, blocks,
	};
	int n = (int)(sizeof all / sizeof *all);

	gor_make(in, 0);
	gor_make(full, 1);
	gor_send(full, 1);
	REQUIRE(pipe(pipes) == 0 && pipe(blocking) == 0);
	gor_mutex_lock(&mu);
	gor_rwmutex_lock(&rw);
	gor_wg_add(&wg, 1);
	for (int i = 0; i < n; i++) {
		gor_go(all[i], NULL);
		check_quiet();
	}
	return n + 1;
}

void profile_waits_end(void)
{
	REQUIRE(write(blocking[1], "", 1) == 1);
}

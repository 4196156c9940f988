/* SPDX-License-Identifier: MIT */
/**
 * check.h: tests whose body is a goroutine.
 *
 * cmocka's own assertions leave by longjmp, which no goroutine may do.  REQUIRE ends the process
 * instead; each test is one, so that a failure is one red line either way.
 */
#ifndef CHECK_H
#define CHECK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>
#include <gor.h>
#include <pthread.h>

typedef gor_chan(int) ints;

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SLOW 10
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SLOW 10
#endif
#endif
#ifndef SLOW
#define SLOW 1 // counts are divided by it under a sanitizer or an emulator
#endif

#define REQUIRE(cond) ((cond) ? (void)0 : check_failed(__FILE__, __LINE__, #cond))
#define REQUIRE_EQ(a, b) \
	check_equal(__FILE__, __LINE__, #a " == " #b, (long long)(a), (long long)(b))

/** Print where and what, and end the process with status 1. */
void check_failed(const char *file, int line, const char *what) __attribute__((noreturn));
void check_equal(const char *file, int line, const char *what, long long a, long long b);

/** Run body as goroutine 1 on so many processors (0: as the environment says); it has to return. */
void check_run(void (*body)(void), int procs);

/** TEST(fifo) { ... }: a cmocka test whose body is goroutine 1. */
#define TEST(name) TEST_PROCS(name, 0)

/** TEST_PROCS(order, 1) { ... }: the same on a given number of processors. */
#define TEST_PROCS(name, procs) \
	static void name##_body(void); \
	static void name(void **state) \
	{ \
		(void)state; \
		check_run(name##_body, (procs)); \
	} \
	static void name##_body(void)

/** The rest of main(): run the table, or the one test that argv names. */
#define CHECK_MAIN(tests, argc, argv) \
	(check_filter((argc), (argv)), cmocka_run_group_tests((tests), NULL, NULL))
void check_filter(int argc, char **argv);

/** A named program for a child process; the table ends with a NULL name. */
struct check_child {
	const char *name;
	int (*entry)(int argc, char **argv); // run as goroutine 1
};

/** In main(): if this process is such a child, run it and never return. */
void check_child_main(const struct check_child *table, int argc, char **argv);

/** How a child ended, and what it wrote. */
struct check_result {
	int status;        // exit status, or 128 + the signal's number
	char err[1 << 16]; // stderr, cut
	char out[1 << 12]; // stdout, cut
};

/** Run this program again as the named child, until it ends. */
void check_spawn(const char *name, struct check_result *r);

/** Whether text holds a line that is, or a line that begins with, these words. */
bool check_has_line(const char *text, const char *line);
bool check_has_prefix(const char *text, const char *prefix);

/**
 * How many of something random to do: n, fewer under a sanitizer or an emulator, CHECK_TIMES as
 * many if that variable is set, for a longer look by hand.
 */
int check_times(int n);

/**
 * Are these counts as even as those of n equally likely cases would be?  By chi square, with a
 * bound that even ones exceed once in 10^10 times; each count should be in the hundreds.
 */
bool check_even(const int *counts, int n);

/**
 * Until no other thread has run for so many milliseconds; the monitor, which is the thread that
 * called gor_run, may be left out.  By a thread that is none of the runtime's.
 */
void check_still(long ms, bool but_monitor);

/** Until all other goroutines wait, and so their threads sleep.  By a goroutine. */
void check_quiet(void);

/** Start a thread of which the runtime knows nothing: nobody may wait for it before it has called.
 */
pthread_t check_thread(void *(*fn)(void *), void *arg);

/** From a goroutine: start a thread that is registered. */
pthread_t check_thread_registered(void *(*fn)(void *), void *arg);

/** From a goroutine: join a thread. */
void check_join(pthread_t thread);

/** The calling thread's number, and, in a goroutine: wait until the kernel says that one sleeps. */
int check_tid(void);
void check_await_asleep(_Atomic int *tid);

/** Receive without going to sleep. */
int check_receive_awake(ints ch);

/** A small random number generator of one's own: xorshift64*; never seed it with 0. */
uint64_t check_random(uint64_t *state);

#endif

/* SPDX-License-Identifier: MIT */
/* deep.c: goroutines that wait for good, each so many calls below the function that it began with.
 */
#include <gor.h>

typedef gor_chan(int) ints;

#if defined(__clang__)
#define NOT_INLINED __attribute__((noinline))
#else
#define NOT_INLINED __attribute__((noinline, noclone))
#endif
#define INLINED static inline __attribute__((always_inline))

static ints never;

/* Something is left to do after a call, or its frame would be gone. */
INLINED int later(int v)
{
	__asm__ volatile("" : "+r"(v));
	return v;
}

NOT_INLINED static int take(void)
{
	int v = 0;

	gor_recv(never, &v);
	return later(v);
}

INLINED int between(void)
{
	return later(take());
}

NOT_INLINED static int descend(int n)
{
	return later(n ? descend(n - 1) : between());
}

static void worker(void *arg)
{
	later(descend(*(int *)arg));
}

NOT_INLINED static void jumped_to(void *arg)
{
	later(descend(*(int *)arg));
}

/* The compiler may make a jump of its last call. */
static void jumps(void *arg)
{
	jumped_to(arg);
}

INLINED int take_here(void)
{
	int v = 0;

	gor_recv(never, &v);
	return v;
}

/* What it began with is told by no name in the source. */
static void by_pointer(void *arg)
{
	*(int *)arg += take_here();
}

static int app(int argc, char **argv)
{
	static int depth[] = {0, 2};
	void (*const fn[])(void *) = {by_pointer};

	(void)argc;
	(void)argv;
	if (gor_make(never, 0) < 0)
		return 1;
	gor_go(worker, &depth[0]);
	for (int i = 0; i < 2; i++)
		gor_go(worker, &depth[1]);
	gor_go(jumps, &depth[0]);
	gor_go(fn[0], &depth[0]);
	gor_sleep(GOR_SECOND); // over when all others wait, if time is virtual
	return 0;
}

int main(int argc, char **argv)
{
	return gor_run(app, argc, argv);
}

/* SPDX-License-Identifier: MIT */
/* two_locks.c: two goroutines that take two locks, in two orders, which seldom meet; `sure`: and
 * always; `fixed`: in one; `hang`: main waits for what nobody sends while a goroutine computes. */
#include <gor.h>
#include <string.h>

static gor_mutex a, b;
static gor_waitgroup done;
static bool sure;

static void lock_both(gor_mutex *first, gor_mutex *second)
{
	gor_mutex_lock(first);
	if (sure)
		gor_yield();
	gor_mutex_lock(second);
	gor_mutex_unlock(second);
	gor_mutex_unlock(first);
	gor_wg_done(&done);
}

static void ab(void *arg)
{
	(void)arg;
	lock_both(&a, &b);
}

static void ba(void *fixed)
{
	if (fixed)
		lock_both(&a, &b);
	else
		lock_both(&b, &a);
}

static void compute(void *arg)
{
	for (volatile bool *on = arg; *on;)
		;
}

static int app(int argc, char **argv)
{
	static volatile bool on = true;
	const char *what = argc > 1 ? argv[1] : "";
	gor_chan(int) never;

	if (strcmp(what, "hang") == 0) {
		gor_make(never, 0);
		gor_go(compute, (void *)&on);
		gor_recv(never, NULL);
	}
	sure = strcmp(what, "sure") == 0;
	gor_wg_add(&done, 2);
	gor_go(ab, NULL);
	gor_go(ba, strcmp(what, "fixed") == 0 ? &done : NULL);
	gor_wg_wait(&done);
	return strcmp(what, "fails") == 0 ? 7 : 0;
}

int main(int argc, char **argv)
{
	return gor_run(app, argc, argv);
}

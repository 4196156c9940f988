/* SPDX-License-Identifier: MIT */
/** time.c: the clock, sleeping, and waits that end by themselves. */
#include <errno.h>
#include <time.h>

#include "emit.h"
#include "seed.h"
#include "wait.h"

int64_t gor_now(void)
{
	if (__builtin_expect(atomic_load_explicit(&gor__seed.clock, memory_order_acquire) != CLOCK_REAL,
	                     0))
		return gor__seed_now();
	return gor__clock();
}

/** As gor_now(), for the runtime itself: it does not count as a look at the clock. */
int64_t gor__now(void)
{
	return __builtin_expect(gor__seed.vtime, 0)
	           ? atomic_load_explicit(&gor__seed.now, memory_order_relaxed)
	           : gor__clock();
}

int64_t gor__clock(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * GOR_SECOND + ts.tv_nsec;
}

int64_t gor_deadline(int64_t dur)
{
	int64_t now = gor_now(), deadline;

	if (dur < 0)
		return GOR_FOREVER;
	if (__builtin_add_overflow(now, dur, &deadline))
		return INT64_MAX - 1;
	return deadline > 0 ? deadline : 1;
}

static struct g *wait_expired(struct timer *t)
{
	struct wait *wait = t->arg;

	if (!gor__wait_claim(wait))
		return NULL;
	wait->result = WAIT_TIMED_OUT;
	return wait->g;
}

/**
 * Arm timer to end wait, which is shared from now on.  The caller deletes it when it runs again.
 *
 * Returns: 0, or -ENOMEM.
 */
int gor__wait_until(struct m *m, struct wait *wait, struct timer *timer, int64_t deadline)
{
	wait->shared = true;
	*timer = (struct timer){.when = deadline, .fire = wait_expired, .arg = wait};
	return gor__timer_add(m, timer) ? -ENOMEM : 0;
}

/** Tell the trace that the wait to come ends by itself. */
void gor__emit_until(struct m *m, int64_t deadline)
{
	if (__builtin_expect(m->stream == NULL, 1))
		return;
	int64_t left = deadline - gor__now();
	EMIT(m, WAIT_UNTIL, left > 0 ? (uint64_t)left : 0);
}

/** Park until an absolute time and nothing else.  Returns: WAIT_TIMED_OUT, or WAIT_CUT. */
int gor__sleep_until(struct m *m, int64_t deadline, unsigned reason, const struct gor_site *site)
{
	struct wait wait = {.g = m->cur, .result = WAIT_CUT};
	struct timer timer = {
		.when = deadline, .fire = wait_expired, .arg = &wait, .fixed = !m->foreign};

	gor__emit_until(m, deadline);
	gor__wait_begin(m->cur, reason, 0, site, GTRACE_WAIT_DEADLINE);
	if (gor__timer_add(m, &timer))
		gor__fatal(site, "gor: out of memory for a timer");
	gor__park(m, NULL);
	if (__builtin_expect(wait.result == WAIT_CUT, 0))
		gor__timer_del(&timer); // a foreign thread's: not fixed
	return wait.result;
}

/** Without a runtime. */
static void sleep_plainly(int64_t dur)
{
	struct timespec ts = {.tv_sec = dur / GOR_SECOND, .tv_nsec = dur % GOR_SECOND};

	if (dur > 0)
		clock_nanosleep(CLOCK_MONOTONIC, 0, &ts, NULL);
}

void gor_sleep_at(int64_t dur, const struct gor_site *site)
{
	struct m *m = gor__enter_if();

	if (!m) {
		sleep_plainly(dur);
		return;
	}
	if (dur <= 0)
		gor__yield(m, site);
	else
		gor__sleep_until(m, gor_deadline(dur), GTRACE_reason_SLEEP, site);
	gor__leave();
}

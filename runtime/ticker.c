/* SPDX-License-Identifier: MIT */
/**
 * ticker.c: timers and tickers as channels.
 *
 * The channel, of one slot, lies in the timer itself, so nothing is allocated and nothing can run
 * out.
 *
 * As in Go since 1.23: once stop or reset has returned, no value from before is in the channel.  A
 * tick that nobody took is dropped in favour of none: the channel holds the first.
 */
#include <errno.h>
#include <string.h>

#include "chan.h"
#include "emit.h"

/** What gor_timer and gor_ticker hold inside. */
struct tick {
	struct timer timer;
	int64_t period;        // 0: once
	bool known;            // used before: timer.p is set
	struct lock change;    // one stop or reset at a time
	struct gor_hchan chan; // its slot follows
};

_Static_assert(sizeof(struct tick) + sizeof(int64_t) <= sizeof(((gor_timer *)0)->inside),
               "gor_timer has room for a tick");
_Static_assert(sizeof(gor_timer) == sizeof(gor_ticker), "one layout for both");

static struct tick *tick_of(uint64_t *inside)
{
	return (struct tick *)(void *)(((uintptr_t)inside + 15) & ~(uintptr_t)15);
}

/**
 * A timer that fires once may be gone as soon as its value can be received, that is, after the
 * unlock of its channel: so it is marked as run before.  Who stops it takes that lock as well, to
 * drain the channel.
 */
static void tick_run(struct m *m, struct timer *timer)
{
	struct tick *t = timer->arg;
	int64_t now = gor__now(), period = t->period;
	uint64_t id = t->chan.id;
	struct chan_met met = {0};

	EMIT(m, TIMER_FIRE, id);
	gor__lock(&t->chan.lock);
	gor__chan_try_send(m, &t->chan, &now, NULL, &met);
	if (!period) {
		atomic_store_explicit(&t->chan.timed, false, memory_order_relaxed);
		gor__timer_ran(timer);
	}
	gor__unlock(&t->chan.lock);
	if (met.g) {
		emit_wake_by(m, met.g, id, GTRACE_waker_TIMER, true);
		gor__ready(m, met.g);
	}
	if (!period)
		return;
	timer->when += period;
	if (timer->when <= now) // ticks were missed: keep the rhythm, skip them
		timer->when += (now - timer->when) / period * period + period;
	if (gor__timer_add(m, timer))
		gor__fatal(NULL, "gor: out of memory for a timer");
}

/** Take out what an earlier shot left. */
static bool tick_drain(struct tick *t)
{
	gor__lock(&t->chan.lock);
	bool any = atomic_load_explicit(&t->chan.len, memory_order_relaxed) > 0;
	atomic_store_explicit(&t->chan.len, 0, memory_order_relaxed);
	gor__unlock(&t->chan.lock);
	return any;
}

static int tick_arm(struct m *m, struct tick *t, int64_t dur, int64_t period,
                    const struct gor_site *site)
{
	t->period = period;
	t->timer.arg = t;
	t->timer.run = tick_run;
	t->timer.when = gor_deadline(dur > 0 ? dur : 0);
	if (m->stream) {
		uint64_t number = emit_site(m, site);
		GTRACE_EMIT(m->stream, TIMER_ARM, t->chan.id, (uint64_t)(dur > 0 ? dur : 0),
		            (uint64_t)period, number);
	}
	atomic_store_explicit(&t->chan.timed, true, memory_order_relaxed);
	return gor__timer_add(m, &t->timer) ? -ENOMEM : 0;
}

static int tick_start(uint64_t *inside, int64_t dur, int64_t period, const struct gor_site *site)
{
	struct m *m = gor__enter_if();
	struct tick *t = tick_of(inside);

	if (!m)
		return -ECANCELED;
	memset(t, 0, sizeof *t);
	t->known = true;
	gor__chan_init(&t->chan, sizeof(int64_t), 1);
	t->chan.id = gor__obj_id(m);
	if (m->stream) {
		uint64_t number = emit_site(m, site);
		GTRACE_EMIT(m->stream, OBJ_NEW, t->chan.id, GTRACE_object_TIMER, number, 1);
	}
	int err = tick_arm(m, t, dur, period, site);
	gor__leave();
	return err;
}

/** Under t->change.  Returns: whether it was armed, or had fired and nobody had taken the value. */
static bool tick_halt(struct m *m, struct tick *t, const struct gor_site *site)
{
	bool armed = gor__timer_cancel(&t->timer);

	atomic_store_explicit(&t->chan.timed, false, memory_order_relaxed);

	armed |= tick_drain(t);
	if (m->stream) {
		uint64_t number = emit_site(m, site);
		GTRACE_EMIT(m->stream, TIMER_STOP, t->chan.id, number);
	}
	return armed;
}

static bool tick_stop(uint64_t *inside, const struct gor_site *site)
{
	struct tick *t = tick_of(inside);
	struct m *m = gor__enter_if();

	if (!m)
		return false;
	gor__lock(&t->change);
	bool armed = tick_halt(m, t, site);
	gor__unlock(&t->change);
	gor__leave();
	return armed;
}

static bool tick_reset(uint64_t *inside, int64_t dur, int64_t period, const struct gor_site *site)
{
	struct tick *t = tick_of(inside);
	struct m *m = gor__enter();

	gor__lock(&t->change);
	bool armed = tick_halt(m, t, site);
	int err = tick_arm(m, t, dur, period, site);
	gor__unlock(&t->change);
	if (err)
		gor__fatal(site, "gor: out of memory for a timer");
	gor__leave();
	return armed;
}

static void *tick_chan(uint64_t *inside)
{
	return &tick_of(inside)->chan;
}

int gor_timer_start_at(gor_timer *t, int64_t dur, const struct gor_site *site)
{
	int err = tick_start(t->inside, dur, 0, site);

	t->c = err ? NULL : tick_chan(t->inside);
	return err;
}

bool gor_timer_stop_at(gor_timer *t, const struct gor_site *site)
{
	if (!tick_of(t->inside)->known)
		gor__panic(site, "time: Stop called on uninitialized Timer");
	return tick_stop(t->inside, site);
}

bool gor_timer_reset_at(gor_timer *t, int64_t dur, const struct gor_site *site)
{
	if (!tick_of(t->inside)->known)
		gor__panic(site, "time: Reset called on uninitialized Timer");
	return tick_reset(t->inside, dur, 0, site);
}

int gor_ticker_start_at(gor_ticker *t, int64_t period, const struct gor_site *site)
{
	if (period <= 0)
		gor__panic(site, "non-positive interval for NewTicker");
	int err = tick_start(t->inside, period, period, site);

	t->c = err ? NULL : tick_chan(t->inside);
	return err;
}

void gor_ticker_stop_at(gor_ticker *t, const struct gor_site *site)
{
	if (tick_of(t->inside)->known)
		tick_stop(t->inside, site);
}

void gor_ticker_reset_at(gor_ticker *t, int64_t period, const struct gor_site *site)
{
	if (period <= 0)
		gor__panic(site, "non-positive interval for Ticker.Reset");
	if (!tick_of(t->inside)->known)
		gor__panic(site, "time: Reset called on uninitialized Ticker");
	tick_reset(t->inside, period, period, site);
}

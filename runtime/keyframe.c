/* SPDX-License-Identifier: MIT */
/**
 * keyframe.c: all goroutines as they are, for a flight recorder, while they go on.
 *
 * The recorder's writer thread calls this (gtrace_rec_set_keyframe).  All rows have one time, which
 * has passed when the first goroutine is looked at:
 *
 *   K1  A goroutine that ended before that time has no row: it is DEAD before its GO_END is
 *       written, and the barrier behind the time makes that seen.
 *   K2  Whatever a goroutine did after that time is in its events, which come behind its row, also
 *       at the end of a recording.  So a row that mixes two of its states does no harm, and no
 *       goroutine has to stand still: readers believe the events.
 *   K3  One that is being made has no row: its GO_NEW is not written, or has been a moment ago.
 *       One made after that time may have a row, before its GO_NEW.
 *
 * Descriptors are never unmapped, so they may be read at any time; what they say of a goroutine
 * that is replaced meanwhile is thrown away, by its id.
 */
#include <errno.h>
#include <string.h>

#include "chan.h"
#include "emit.h"
#include "handoff.h"
#include "peek.h"
#include "reach.h"
#include "search.h"

#define CASES_MAX 64u
#define LOOKED_MAX 1024 // goroutines in a row
#define ROW_BYTES 20    // of a usual row, and its share of the sites in a batch

struct keyframe {
	const struct gtrace_keyframe *to;
	const struct sched *sched;
	uint64_t looked, count;
};

__attribute__((no_sanitize("thread"))) static bool keyframe_counts(const struct keyframe *k,
                                                                   const struct g *g)
{
	enum g_state state = g_state(g);

	return g->sched == k->sched && state != G_DEAD && state != G_NEW;
}

__attribute__((no_sanitize("thread"))) static void keyframe_count(void *arg, struct g *g)
{
	struct keyframe *k = arg;

	if (k->looked++ % LOOKED_MAX == 0)
		gtrace_keyframe_drain(k->to);
	k->count += keyframe_counts(k, g);
}

static uint64_t keyframe_site(struct gtrace_stream *s, const struct gor_site *site)
{
	return site ? gtrace_site_number(s, (const struct gtrace_site *)site) : 0;
}

static bool keyframe_read(void *to, const void *from, size_t bytes)
{
	return gor__peek(to, (uint64_t)(uintptr_t)from, bytes) == bytes;
}

/** The objects of a select. */
static void keyframe_cases(const struct keyframe *k, uint64_t id, const void *on, uint32_t n)
{
	gor_case cases[CASES_MAX];
	uint64_t obj;

	n = n < CASES_MAX ? n : CASES_MAX;
	if (!keyframe_read(cases, on, n * sizeof *cases))
		return;
	for (uint32_t i = 0; i < n; i++) {
		bool sends = cases[i].kind == GOR_CASE_SEND;
		if ((sends || cases[i].kind == GOR_CASE_RECV) && cases[i].chan &&
		    keyframe_read(&obj, &cases[i].chan->id, sizeof obj) && obj)
			GTRACE_EMIT_AT(k->to->stream, k->to->ticks, STATUS_CASE, id, obj,
			               sends ? GTRACE_op_CHAN_SEND : GTRACE_op_CHAN_RECV);
	}
}

/** Who holds the lock. */
static void keyframe_held(const struct keyframe *k, unsigned reason, uint64_t obj, const void *on)
{
	uint64_t holder = 0, count = 0, mode = GTRACE_op_MUTEX_LOCK;
	gor_mutex mu;
	gor_rwmutex rw;

	if (reason == GTRACE_reason_MUTEX_LOCK) {
		if (keyframe_read(&mu, on, sizeof mu) && mu.id == obj) {
			holder = mu.word >> 1;
			count = mu.count;
		}
	} else if (keyframe_read(&rw, on, sizeof rw) && rw.id == obj) {
		holder = rw.writer;
		count = rw.count;
		mode = GTRACE_op_RWMUTEX_LOCK;
	}
	if (holder)
		GTRACE_EMIT_AT(k->to->stream, k->to->ticks, STATUS_HELD, obj, holder, count, mode);
}

__attribute__((no_sanitize("thread"))) static void keyframe_row(void *arg, struct g *g)
{
	static const uint8_t states[] = {
		[G_RUNNABLE] = GTRACE_state_RUNNABLE,
		[G_RUNNING] = GTRACE_state_RUNNING,
		[G_WAITING] = GTRACE_state_WAITING,
	};
	struct keyframe *k = arg;
	struct gtrace_stream *s = k->to->stream;
	uint64_t id = g->id;
	enum g_state state = g_state(g);
	bool waits = state == G_WAITING;
	unsigned reason = waits ? g->reason : 0, flags = waits ? g->wait_flags : 0;
	uint64_t obj = waits ? g->wait_obj : 0, parent = g->parent;
	const struct gor_site *site = g->site, *born = g->born;
	const void *on = waits ? g->wait_on : NULL;
	uint32_t cases = g->wait_cases;
	char name[G_NAME_MAX];

	memcpy(name, g->name, sizeof name);
	name[sizeof name - 1] = 0;
	atomic_thread_fence(memory_order_acquire);
	if (!keyframe_counts(k, g) || !id || g->id != id || state == G_DEAD || state == G_NEW)
		return; // another one has its place, K3
	keyframe_site(s, site);
	// If a new batch had to begin for this one, that does not have the other.
	uint64_t birth = keyframe_site(s, born), at = keyframe_site(s, site);

	GTRACE_EMIT_AT(s, k->to->ticks, GO_STATUS, id, states[state], reason, obj, at, flags, parent,
	               birth);
	if (on && reason == GTRACE_reason_SELECT)
		keyframe_cases(k, id, on, cases);
	else if (on && (reason == GTRACE_reason_MUTEX_LOCK || reason == GTRACE_reason_RWMUTEX_LOCK ||
	                reason == GTRACE_reason_RWMUTEX_RLOCK))
		keyframe_held(k, reason, obj, on);
	if (name[0]) {
		const char *text = name;
		gtrace_stream_text_at(s, k->to->ticks, GTRACE_GO_NAME, (const uint64_t[]){id, 0}, &text,
		                      NULL);
	}
}

/**
 * A search takes its time: not with each list of a ring or of files that rotate.  Those without a
 * limit come at doubling intervals.
 */
static bool keyframe_searches(const struct gtrace_keyframe *to)
{
	return to->why != GTRACE_snap_PERIODIC || to->bytes_max == UINT64_MAX;
}

int gor__keyframe(void *arg, const struct gtrace_keyframe *to)
{
	struct sched *s = gor__sched_now();
	struct keyframe k = {.to = to, .sched = s};

	(void)arg;
	if (!s)
		return 0;
	gor__search_leave_out();
	gor__barrier(s); // keeps K1
	gor__g_each(keyframe_count, &k);
	if (k.count * ROW_BYTES > to->bytes_max)
		return -EFBIG;
	GTRACE_EMIT_AT(to->stream, to->ticks, SNAP_BEGIN, to->why, k.count);
	gor__g_each(keyframe_row, &k);
	GTRACE_EMIT_AT(to->stream, to->ticks, SNAP_END);
	if (keyframe_searches(to) && !atomic_load(&s->stopped))
		gor__reach(s, to->stream, GTRACE_snap_REQUEST, to);
	return 0;
}

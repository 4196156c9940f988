/* SPDX-License-Identifier: MIT */
/**
 * record.c: the one recording of this process, from GTRACE or gor_trace_start() to its exit.
 *
 * It outlives runs: what happens between them, and the exit status, belong to it.
 *
 * One that was stopped is released once nobody can have it any more:
 *
 *   E1  Who takes it from `rec` or from a run's, is counted in `users` before he looks, until he is
 *       through with it, or has a stream of it.
 *   E2  A thread that makes a new stream ends the one before; until then the old recording is used.
 *   E3  So it can go when it is in no such place, `users` was 0 after that, each stream of it has
 *       ended, and no thread takes it for what it last knew of: another may get its address.
 *
 * A thread that sleeps all the time keeps one, no more.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "backtrace.h"
#include "emit.h"
#include "handoff.h"
#include "monitor.h"
#include "reach.h"
#include "search.h"
#include "seed.h"
#include "signals.h"
#include "timer.h"

#define TELL_NS (200 * GOR_MILLISECOND)
#define OBJ_BLOCK 64 // object ids a p takes at a time

/** A recording that was stopped, and is not released yet. */
struct record_old {
	struct gtrace_rec *rec;
	struct record_old *next;
};

static struct {
	_Atomic(struct gtrace_rec *) rec;
	_Atomic unsigned users; // keeps E1
	struct record_old *old; // changing
	_Atomic bool tried;     // GTRACE was looked at
	_Atomic bool closed;
	_Atomic bool at_exit; // it is closed then
	_Atomic uint64_t next_obj;
	pthread_mutex_t changing; // a recording begins or ends
} record = {.changing = PTHREAD_MUTEX_INITIALIZER};

static __thread struct gtrace_stream *record_foreign; // of a thread that is none of ours

static void record_warn(void *arg, const char *line)
{
	(void)arg;
	gor__say("gor: %s\n", line);
}

static void record_notify(const char *line)
{
	gor__say("gor: %s\n", line);
}

static void record_at_exit(int status, void *arg)
{
	(void)arg;
	gor__record_close(GTRACE_END_EXIT, status);
}

static int record_open(const struct gtrace_options *opt)
{
	struct gtrace_rec *rec;
	struct gtrace_error err;
	char info[256], seed[128];

	gor__seed_text(seed, sizeof seed);
	snprintf(info, sizeof info, "runtime=gor " GOR_VERSION "\nmaxprocs=%u\n%s", gor__config.procs,
	         seed);
	int code = gtrace_rec_open(&rec, opt, info, record_notify, &err);
	if (code < 0) {
		gor__say("gor: not recording: %s\n", err.text);
		return code;
	}
	gtrace_rec_set_keyframe(rec, gor__keyframe, NULL);
	atomic_store(&record.closed, false);
	atomic_store(&record.rec, rec);
	if (!atomic_exchange(&record.at_exit, true))
		on_exit(record_at_exit, NULL);
	return 0;
}

/** The recording, opened if the environment asks for one; NULL: none. */
struct gtrace_rec *gor__record_begin(void)
{
	const char *value = secure_getenv("GTRACE");
	struct gtrace_options opt;

	if (!atomic_exchange(&record.tried, true) && !atomic_load(&record.rec) && value && *value) {
		gtrace_options_init(&opt);
		int code = gtrace_options_parse(&opt, value, record_warn, NULL);
		if (code == 0)
			record_open(&opt);
	}
	return atomic_load(&record.closed) ? NULL : atomic_load(&record.rec);
}

/** Is this thread, when it next says something, sure to know of rec? */
static bool record_known(const struct m *m, const struct gtrace_rec *rec)
{
	return atomic_load(&m->rec) == rec || atomic_load(&m->dozing) ||
	       !atomic_load_explicit(&m->in_rt, memory_order_acquire) || atomic_load(&m->ended);
}

/**
 * Have all threads of a run that goes on write to rec, or to none.  Each makes its own stream: when
 * it next comes into the runtime, since it is marked, or when it wakes up.  Who is inside and does
 * neither for a while may be left behind: there the trace has a gap.
 */
static void record_tell(struct sched *s, struct gtrace_rec *rec)
{
	int64_t until = gor__clock() + TELL_NS;
	unsigned round = 0;

	atomic_store(&s->rec, rec);
	struct m *all = atomic_load(&s->all_m);
	for (struct m *m = all; m; m = m->all_next) {
		uint32_t none = 0;
		atomic_compare_exchange_strong(&m->mark, &none, 1);
	}
	gor__barrier(s);
	for (struct m *m = all; m; m = m->all_next)
		while (!record_known(m, rec) && gor__clock() < until)
			gor__backoff(&round);
	while (atomic_load(&s->monitor_rec) != rec && !atomic_load(&s->stopped) &&
	       gor__clock() < until) {
		gor__monitor_kick(s);
		gor__backoff(&round);
	}
}

/** Does a thread of the present run, or its monitor, know of no later one? */
static bool record_last_known(const struct sched *s, const struct gtrace_rec *rec)
{
	for (const struct m *m = s ? atomic_load(&s->all_m) : NULL; m; m = m->all_next) {
		if (atomic_load(&m->rec) == rec)
			return true;
	}
	return s && atomic_load(&s->monitor_rec) == rec;
}

/** Release those of before that can go.  `changing` held. */
static void record_sweep(void)
{
	const struct sched *s = gor__sched_now();

	for (struct record_old **p = &record.old, *old; (old = *p);) {
		if (atomic_load(&record.users) || gtrace_rec_used(old->rec) ||
		    record_last_known(s, old->rec)) { // E3
			p = &old->next;
			continue;
		}
		*p = old->next;
		gtrace_rec_free(old->rec);
		free(old);
	}
}

/** It was stopped, and nothing leads to it any more.  `changing` held. */
static void record_drop(void)
{
	struct record_old *old = malloc(sizeof *old);
	struct gtrace_rec *rec = atomic_exchange(&record.rec, NULL);

	for (struct sched *s = gor__sched_now(); s; s = s->before) {
		struct gtrace_rec *its = rec;
		atomic_compare_exchange_strong(&s->rec, &its, NULL);
	}
	if (old && rec) {
		*old = (struct record_old){rec, record.old};
		record.old = old;
	} else {
		free(old);
	}
	record_sweep();
}

/** The run that goes on; NULL: none does. */
static struct sched *record_run(void)
{
	struct sched *s = gor__sched_now();

	return s && !atomic_load(&s->stopped) ? s : NULL;
}

__attribute__((no_sanitize("thread"))) static void record_forget(void *arg, struct g *g)
{
	(void)arg;
	g->trace_stream = 0; // a number of the recording before this one
}

/** `changing` held. */
static int record_start(const struct gtrace_options *opt)
{
	struct sched *s = record_run();
	int err = gor__record_begin() ? -EBUSY : record_open(opt);

	if (err || !s)
		return err;
	gor__g_each(record_forget, NULL);
	record_tell(s, atomic_load(&record.rec));
	gor__signals_install();
	return gtrace_rec_begin(atomic_load(&record.rec));
}

int gor_trace_start(const char *options)
{
	struct gtrace_options opt;

	gor__config_read();
	if (gor__record_begin())
		return -EBUSY;
	gtrace_options_init(&opt);
	if (gtrace_options_parse(&opt, options, record_warn, NULL) != 0)
		return -EINVAL;
	pthread_mutex_lock(&record.changing);
	record_sweep();
	int err = record_start(&opt);
	pthread_mutex_unlock(&record.changing);
	return err;
}

/** In a forked child, where those are not who held and used it.  It may record itself. */
void gor__record_forked(void)
{
	atomic_store(&record.rec, NULL);
	pthread_mutex_init(&record.changing, NULL);
	atomic_store(&record.users, 0);
}

void gor_trace_stop(void)
{
	struct sched *s = record_run();

	pthread_mutex_lock(&record.changing);
	gor__record_close(GTRACE_END_STOPPED, 0);
	if (s)
		record_tell(s, NULL);
	record_drop();
	pthread_mutex_unlock(&record.changing);
}

int gor_trace_dump(const char *reason)
{
	struct gtrace_rec *rec = gor__record_hold();
	int err = rec ? gtrace_rec_dump(rec, GTRACE_END_DUMP, reason, NULL, 0) : -EINVAL;

	gor__record_release();
	return err;
}

/** The runtime's own wish, if this is a flight recorder. */
void gor__record_dump(enum gtrace_end end, const char *reason)
{
	struct gtrace_rec *rec = gor__record_hold();
	char path[4200];

	if (rec && gtrace_rec_dump(rec, end, reason, path, sizeof path) == 0)
		gor__say("gor: wrote '%s'\n", path);
	gor__record_release();
}

void gor__record_close(enum gtrace_end end, int code)
{
	atomic_fetch_add(&record.users, 1);
	struct gtrace_rec *rec = atomic_load(&record.rec);

	if (rec) {
		atomic_store(&record.closed, true);
		gtrace_rec_close(rec, end, code);
		gor__search_put_back(); // that thread has ended, and another may get its stack
	}
	gor__record_release();
}

struct gtrace_rec *gor__record(void)
{
	return atomic_load(&record.closed) ? NULL : atomic_load(&record.rec);
}

/** The same, and it stays until gor__record_release(), which comes in any case. */
struct gtrace_rec *gor__record_hold(void)
{
	atomic_fetch_add(&record.users, 1);
	return gor__record();
}

/** For handlers: also while it is closed, or after. */
struct gtrace_rec *gor__record_hold_last(void)
{
	atomic_fetch_add(&record.users, 1);
	return atomic_load(&record.rec);
}

void gor__record_release(void)
{
	atomic_fetch_sub(&record.users, 1);
}

/** A stream for m's thread, which calls this. */
void gor__record_thread(struct m *m, unsigned kind)
{
	struct gtrace_stream *before = m->stream;

	atomic_fetch_add(&record.users, 1);
	struct gtrace_rec *rec = atomic_load(&m->sched->rec);

	m->stream = rec ? gtrace_stream_new(rec, kind, (uint64_t)atomic_load(&m->tid)) : NULL;
	m->sync = m->stream && gtrace_rec_level(rec) >= GTRACE_LEVEL_SYNC ? m->stream : NULL;
	if (m->stream && m->cur)
		m->stream->g = m->cur->id;
	m->watched = gor__config.block_ns > 0 || m->stream;
	atomic_store(&m->stream_number, m->stream ? m->stream->number : 0);
	atomic_store(&m->rec, rec);
	gor__record_release();
	gtrace_stream_end(before); // keeps E2
}

/** A recording has begun, or ended, while m was in the program or slept. */
void gor__record_changed(struct m *m)
{
	gor__record_thread(m, m->foreign ? GTRACE_thread_kind_FOREIGN : GTRACE_thread_kind_WORKER);
}

/** The same for the monitor. */
void gor__record_monitor(struct sched *s)
{
	struct gtrace_stream *before = s->monitor_stream;

	if (atomic_load(&s->rec) == atomic_load_explicit(&s->monitor_rec, memory_order_relaxed))
		return;
	atomic_fetch_add(&record.users, 1);
	struct gtrace_rec *rec = atomic_load(&s->rec);

	s->monitor_stream =
		rec ? gtrace_stream_new(rec, GTRACE_thread_kind_MONITOR, (uint64_t)getpid()) : NULL;
	s->stacks = 0;
	atomic_store(&s->monitor_rec, rec);
	gor__record_release();
	gtrace_stream_end(before);
}

void gor__attempts_flush(struct m *m)
{
	struct g *g = m->cur;
	uint64_t site = emit_site(m, g->attempt_site);

	GTRACE_EMIT(m->stream, ATTEMPTS, site, g->attempts);
	g->attempts = 0;
}

void gor__attempt(struct m *m, const struct gor_site *site)
{
	struct g *g = m->cur;

	if (!g)
		return;
	if (g->attempts && g->attempt_site != site) {
		if (emit_is_pause(site))
			return; // between tries: these tell enough
		if (emit_is_pause(g->attempt_site) && g->attempts < ATTEMPTS_FIRST) {
			g->attempts = 0; // likewise
		} else {
			gor__attempts_flush(m);
			g->attempts_most = ATTEMPTS_FIRST;
		}
	}
	g->attempt_site = site;
	if (++g->attempts < g->attempts_most)
		return;
	gor__attempts_flush(m);
	if (g->attempts_most < ATTEMPTS_MOST)
		g->attempts_most *= 2;
}

struct snapshot {
	struct m *m;
	uint64_t count;
	bool emit;
};

static void snapshot_row(void *arg, struct g *g)
{
	static const uint8_t states[] = {
		[G_NEW] = GTRACE_state_RUNNABLE,    [G_RUNNABLE] = GTRACE_state_RUNNABLE,
		[G_RUNNING] = GTRACE_state_RUNNING, [G_WAITING] = GTRACE_state_WAITING,
		[G_DEAD] = GTRACE_state_ENDED,
	};
	struct snapshot *snap = arg;
	struct m *m = snap->m;
	enum g_state state = g_state(g);

	if (g->sched != m->sched || state == G_DEAD)
		return;
	snap->count++;
	if (!snap->emit)
		return;
	bool waits = state == G_WAITING;
	uint64_t site, stack;
	const uint8_t *base, *pos;
	do { // until both are defined in the batch that the row goes to
		base = m->stream->base;
		pos = m->stream->pos;
		site = g->site ? emit_site(m, g->site) : 0;
		stack = waits ? gor__backtrace_number(m->stream, g) : 0;
	} while (m->stream->base != base || m->stream->pos < pos);
	GTRACE_EMIT(m->stream, GO_STATUS, g->id, states[state], waits ? g->reason : 0,
	            waits ? g->wait_obj : 0, site, waits ? g->wait_flags : 0, 0,
	            0); // born in this trace
	if (stack)
		GTRACE_EMIT(m->stream, STACK, stack);
}

/** Write down every goroutine as it is.  The other threads are expected to stand still. */
void gor__record_snapshot(struct m *m, unsigned why)
{
	struct snapshot snap = {.m = m};

	if (!m || !m->stream)
		return;
	gor__g_each(snapshot_row, &snap);
	EMIT(m, SNAP_BEGIN, why, snap.count);
	snap.emit = true;
	gor__g_each(snapshot_row, &snap);
	EMIT(m, SNAP_END);
}

/** gor_run returns: the survivors, by the monitor's thread. */
void gor__record_run_end(struct sched *s)
{
	struct m boot = {.sched = s, .stream = s->monitor_stream};

	if (!s->monitor_stream)
		return;
	gor__reach(s, boot.stream, GTRACE_snap_END, NULL);
	gor__record_snapshot(&boot, GTRACE_snap_END);
	s->monitor_stream = NULL;
	gtrace_stream_end(boot.stream);
}

/** An id for an object; m inside the runtime, or NULL. */
uint64_t gor__obj_id(struct m *m)
{
	struct p *p = m ? m->p : NULL;

	if (!p)
		return atomic_fetch_add_explicit(&record.next_obj, 1, memory_order_relaxed) + 1;
	if (p->obj_id == p->obj_id_end) {
		p->obj_id =
			atomic_fetch_add_explicit(&record.next_obj, OBJ_BLOCK, memory_order_relaxed) + 1;
		p->obj_id_end = p->obj_id + OBJ_BLOCK;
	}
	return p->obj_id++;
}

static struct gtrace_stream *record_foreign_stream(void)
{
	atomic_fetch_add(&record.users, 1);
	struct gtrace_rec *rec = gor__record_begin();

	if (record_foreign && record_foreign->rec != rec) {
		gtrace_stream_end(record_foreign);
		record_foreign = NULL;
	}
	if (rec && !record_foreign)
		record_foreign =
			gtrace_stream_new(rec, GTRACE_thread_kind_FOREIGN, (uint64_t)syscall(SYS_gettid));
	gor__record_release();
	return record_foreign;
}

void gor_trace_log(const char *category, const char *fmt, ...)
{
	struct m *m = gor__here() ? gor__enter_if() : NULL;
	struct gtrace_stream *stream = m ? m->stream : record_foreign_stream();

	if (stream) {
		char text[4096];
		va_list args;
		va_start(args, fmt);
		int len = vsnprintf(text, sizeof text, fmt, args);
		va_end(args);
		size_t bytes = len < 0 ? 0 : (size_t)len < sizeof text ? (size_t)len : sizeof text - 1;
		const char *strs[] = {category ? category : "", text};
		gtrace_stream_text(stream, GTRACE_MARK, (const uint64_t[]){0, 0}, strs,
		                   (const size_t[]){strlen(strs[0]), bytes});
	}
	if (m)
		gor__leave();
}

/* SPDX-License-Identifier: MIT */
/** thread.c: a worker thread from its start. */
#define _GNU_SOURCE
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "emit.h"
#include "signals.h"
#include "tally.h"

#define THREAD_STACK (256u << 10) // its own context only schedules

static void *thread_main(void *arg)
{
	struct m *m = arg;

	gor__m = m;
	atomic_store_explicit(&m->tid, (int)syscall(SYS_gettid), memory_order_release);
	gor__record_thread(m, GTRACE_thread_kind_WORKER);
	void *signal_stack = gor__signals_thread();

	pthread_attr_t attr;
	void *low;
	size_t bytes;
	if (pthread_getattr_np(pthread_self(), &attr) == 0) {
		pthread_attr_getstack(&attr, &low, &bytes);
		m->g0.san.low = low;
		m->g0.san.bytes = bytes;
		atomic_store(&m->hide_low, low); // below this frame lies only the runtime
		atomic_store(&m->hide_high, __builtin_frame_address(0));
		pthread_attr_destroy(&attr);
	}
	san_thread(&m->g0.san);
	gor__loop(m);
	if (m->stream)
		gtrace_stream_end(m->stream);
	gor__signals_thread_end(signal_stack);
	gor__m = NULL;
	atomic_store_explicit(&m->ended, true, memory_order_release);
	return NULL;
}

/** For a thread that is to be started: one left by an attempt that failed, or a new one. */
static struct m *thread_m(struct sched *s)
{
	gor__lock(&s->lock);
	struct m *m = s->spare_m;
	if (m)
		s->spare_m = m->idle_next;
	gor__unlock(&s->lock);
	if (m) {
		atomic_store(&m->mark, 1); // it is in the list: the end of the run may have set it
		atomic_store(&m->ended, false);
		return m;
	}
	m = calloc(1, sizeof *m);
	if (!m)
		return NULL;
	m->sched = s;
	m->seen_cpu_ns = -1;
	atomic_store(&m->in_rt, 1);
	atomic_store(&m->mark, s->marked || atomic_load(&s->stopped));
	gor__lock(&s->lock);
	m->all_next = atomic_load_explicit(&s->all_m, memory_order_relaxed);
	atomic_store_explicit(&s->all_m, m, memory_order_release);
	gor__unlock(&s->lock);
	return m;
}

/** Start a thread that begins with p.  NULL: there is none to be had. */
struct m *gor__thread_new(struct sched *s, struct p *p, struct handoff handoff)
{
	uint32_t number = atomic_fetch_add(&s->m_count, 1);
	if (number >= gor__config.threads)
		gor__fatal(NULL, "gor: program exceeds %u-thread limit", gor__config.threads);
	const struct tally_place place = {.site = handoff.site, .why = handoff.why};
	struct m *m = thread_m(s);
	pthread_attr_t attr;

	if (!m)
		goto fail;
	m->number = number;
	m->next_p = p;
	m->handoff = handoff;
	atomic_store(&m->wake, 1);
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, THREAD_STACK);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	pthread_t thread;
	gor__tally_add(TALLY_THREADS, &place, 1, 0); // before it can look
	int err = pthread_create(&thread, &attr, thread_main, m);
	pthread_attr_destroy(&attr);
	if (!err)
		return m;
	gor__tally_add(TALLY_THREADS, &place, UINT64_MAX, 0); // less one
	atomic_store(&m->ended, true); // it stays in the list of all threads, for the next attempt
	gor__lock(&s->lock);
	m->idle_next = s->spare_m;
	s->spare_m = m;
	gor__unlock(&s->lock);
fail:
	atomic_fetch_sub(&s->m_count, 1);
	return NULL;
}

/* SPDX-License-Identifier: MIT */
/**
 * emit.h: events from the runtime; one predicted branch when nothing is recorded.
 */
#ifndef GOR_EMIT_H
#define GOR_EMIT_H

#include "scheduler.h"

_Static_assert(sizeof(struct gor_site) == sizeof(struct gtrace_site) &&
                   sizeof(struct gor_site) == 32,
               "a call site has one layout");

#define EMIT_ON(stream, name, ...) \
	do { \
		if (__builtin_expect((stream) != NULL, 0)) \
			GTRACE_EMIT((stream), name, ##__VA_ARGS__); \
	} while (0)

/** EMIT(m, NAME, args...): at any level.  EMIT_SYNC: from level sync up. */
#define EMIT(m, name, ...) EMIT_ON((m)->stream, name, ##__VA_ARGS__)
#define EMIT_SYNC(m, name, ...) EMIT_ON((m)->sync, name, ##__VA_ARGS__)

/**
 * At the time of the stream's last record, which this very call of the runtime has written: what it
 * tells in several records happens at once, and each look at the clock takes as long as a record.
 */
#define EMIT_TOO(stream, name, ...) GTRACE_EMIT_AT((stream), (stream)->ticks, name, ##__VA_ARGS__)

/** The number of a site in the thread's stream. */
static inline uint64_t emit_site(struct m *m, const struct gor_site *site)
{
	return gtrace_site_number(m->stream, (const struct gtrace_site *)site);
}

/** The seq argument of g's next start or wake by this thread; see events.def at GO_START. */
static inline uint64_t emit_seq(struct m *m, struct g *g)
{
	uint32_t here = (uint32_t)m->stream->number;

	g->trace_seq++;
	if (g->trace_stream == here)
		return 0;
	g->trace_stream = here;
	return g->trace_seq;
}

/** g was made runnable by the goroutine that m runs, for obj.  `told`: see EMIT_TOO. */
static inline void emit_wake(struct m *m, struct g *g, uint64_t obj, bool told)
{
	if (__builtin_expect(m->stream == NULL, 1))
		return;
	if (told)
		EMIT_TOO(m->stream, GO_WAKE, g->id, emit_seq(m, g), obj);
	else
		GTRACE_EMIT(m->stream, GO_WAKE, g->id, emit_seq(m, g), obj);
}

static inline void emit_wake_by(struct m *m, struct g *g, uint64_t obj, unsigned by, bool told)
{
	if (__builtin_expect(m->stream == NULL, 1))
		return;
	if (told)
		EMIT_TOO(m->stream, GO_WAKE_BY, g->id, emit_seq(m, g), obj, by);
	else
		GTRACE_EMIT(m->stream, GO_WAKE_BY, g->id, emit_seq(m, g), obj, by);
}

#define ATTEMPTS_FIRST 64u // told at first; then after twice as many each time
#define ATTEMPTS_MOST 65536u

/** record.c: tell the trace of the attempts so far. */
void gor__attempts_flush(struct m *m);
void gor__attempt(struct m *m, const struct gor_site *site);

/**
 * A non-blocking operation of the running goroutine could not be done.  These are counted: they
 * come in millions where somebody polls.  The trace has the count when the goroutine parks or ends,
 * tries somewhere else, or has tried often enough.
 */
static inline void emit_attempt(struct m *m, const struct gor_site *site)
{
	if (__builtin_expect(m->stream != NULL, 0))
		gor__attempt(m, site);
}

/** A yield, or a sleep for no time: a loop of nothing else polls. */
static inline bool emit_is_pause(const struct gor_site *site)
{
	return site->op == GTRACE_op_YIELD || site->op == GTRACE_op_SLEEP;
}

/** The running goroutine yielded, and there was nobody else to run. */
static inline void emit_yielded(struct m *m, const struct gor_site *site)
{
	if (__builtin_expect(m->stream != NULL, 0) && site && emit_is_pause(site))
		gor__attempt(m, site);
}

/** m runs g from here on; g is NULL when it runs none. */
static inline void emit_context(struct m *m, const struct g *g)
{
	if (__builtin_expect(m->stream != NULL, 0))
		m->stream->g = g ? g->id : 0;
}

#endif

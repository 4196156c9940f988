/* SPDX-License-Identifier: MIT */
/**
 * gtrace_emit.h: how an event gets into a batch; part of gtrace.h.
 *
 * A runtime emits some tens of millions of events a second, so this is counted in instructions:
 *
 *   - Nearly always each number of a record is below 0x80, which makes it a byte; ids and addresses
 *     are written as differences for that.  Then the record is put together in a word or two, and
 *     stored at once.  Any other record is written by gtrace_stream_text_at().
 *   - Behind that call there is nothing more to do, so that a function that emits saves no
 *     registers for it.
 *   - rdtsc takes 36 cycles, but nothing waits for it: the processor goes on meanwhile, as long as
 *     no branch that it foresees wrongly depends on the time.  Those here do not.
 *
 * The bytes are whole in the sidecar when the store of *used is: killed at any instruction, the
 * trace holds an event or does not.
 */
#ifndef GTRACE_EMIT_H
#define GTRACE_EMIT_H

#include <gtrace.h>

/** The OS clock in place of the TSC, where that cannot be trusted.  Set before the first recording
 * opens. */
extern GTRACE_EXPORT bool gtrace_clock_os;
GTRACE_EXPORT uint64_t gtrace_clock_os_ticks(void);

#define GTRACE_TICK_SHIFT 5 // a tick is 32 cycles of the TSC, or 32 ns of the OS clock

#if defined(__x86_64__)
#define GTRACE_TSC 1
#define gtrace_ticks_quick() (__builtin_ia32_rdtsc() >> GTRACE_TICK_SHIFT)
#else
#define GTRACE_TSC 0
#define gtrace_ticks_quick() gtrace_clock_os_ticks()
#endif

GTRACE_INLINE uint64_t gtrace_ticks(void)
{
	return __builtin_expect(gtrace_clock_os, 0) ? gtrace_clock_os_ticks() : gtrace_ticks_quick();
}

GTRACE_INLINE uint8_t *gtrace_put(uint8_t *p, uint64_t v)
{
	while (v >= 0x80) {
		*p++ = (uint8_t)(v | 0x80);
		v >>= 7;
	}
	*p++ = (uint8_t)v;
	return p;
}

enum gtrace_arity {
#define EVENT(id, name, ...) \
	GTRACE_ARITY_##name = \
		(int)(sizeof((const char *const[]){"", ##__VA_ARGS__}) / sizeof(char *)) - 1,
#include <gtrace_events.def>
#undef EVENT
};

#define GTRACE_KIND_(arg, kind) (__builtin_strcmp(__builtin_strchr(arg, ':'), ":" kind) == 0)
#define GTRACE_KINDS_(kind, a, b, c, d, e, f, g, h, ...) \
	(GTRACE_KIND_(a, kind) | GTRACE_KIND_(b, kind) << 1 | GTRACE_KIND_(c, kind) << 2 | \
	 GTRACE_KIND_(d, kind) << 3 | GTRACE_KIND_(e, kind) << 4 | GTRACE_KIND_(f, kind) << 5 | \
	 GTRACE_KIND_(g, kind) << 6 | GTRACE_KIND_(h, kind) << 7)

/** Eight bits for each enum gtrace_delta, lowest first: bit i says that argument i is of it. */
enum gtrace_kinds {
#define EVENT(id, name, ...) \
	GTRACE_DELTAS_##name = \
		GTRACE_KINDS_("g", ##__VA_ARGS__, ":", ":", ":", ":", ":", ":", ":", ":", ":") | \
		GTRACE_KINDS_("obj", ##__VA_ARGS__, ":", ":", ":", ":", ":", ":", ":", ":", ":") << 8 | \
		GTRACE_KINDS_("site", ##__VA_ARGS__, ":", ":", ":", ":", ":", ":", ":", ":", ":") << 16 | \
		GTRACE_KINDS_("pc", ##__VA_ARGS__, ":", ":", ":", ":", ":", ":", ":", ":", ":") << 24,
#include <gtrace_events.def>
#undef EVENT
};

/** Zigzag, for arguments of kind "z". */
GTRACE_INLINE uint64_t gtrace_zigzag(int64_t v)
{
	return ((uint64_t)v << 1) ^ (uint64_t)(v >> 63);
}

#define GTRACE_USED_BEFORE 120 // bytes of whole records, as 32 bits, so far before the batch itself

/** So many bytes of the batch are whole: release here, acquire in the readers. */
GTRACE_INLINE void gtrace_publish(struct gtrace_stream *s, const uint8_t *p)
{
	atomic_store_explicit((_Atomic uint32_t *)(void *)(s->base - GTRACE_USED_BEFORE),
	                      (uint32_t)(p - s->base), memory_order_release);
}

/** The batch is full, or the clock another.  A copy, so that the arguments themselves never need to
 * be in memory. */
GTRACE_INLINE void gtrace_emit_slow(struct gtrace_stream *s, const uint64_t *ticks,
                                    enum gtrace_event_id id, int n, const uint64_t *args)
{
	uint64_t copy[GTRACE_ARGS_MAX] = {0};

#pragma GCC unroll 8
	for (int i = 0; i < n; i++) // one by one, as below
		__atomic_store_n(&copy[i], args[i], __ATOMIC_RELAXED);
	if (ticks)
		gtrace_stream_text_at(s, *ticks, id, copy, NULL, NULL);
	else
		gtrace_stream_text(s, id, copy, NULL, NULL);
}

/** Numbers of any size. */
GTRACE_INLINE uint8_t *gtrace_put_all(uint8_t *p, uint64_t dt, int n, const uint64_t *v)
{
	uint64_t copy[1 + GTRACE_ARGS_MAX] = {dt};

#pragma GCC unroll 8
	for (int i = 0; i < n; i++)
		copy[1 + i] = v[i];
#pragma GCC unroll 1
	for (int i = 0; i <= n; i++)
		p = gtrace_put(p, copy[i]);
	return p;
}

/** `given`: the time is the caller's, not read just now. */
GTRACE_INLINE void gtrace_emit_any(struct gtrace_stream *s, bool given, uint64_t ticks,
                                   enum gtrace_event_id id, int n, uint32_t deltas,
                                   const uint64_t *args)
{
	uint64_t dt = ticks - s->ticks, all = dt;
	uint64_t last[GTRACE_DELTA_COUNT] = {0};
	uint64_t v[GTRACE_ARGS_MAX] = {0};

	if (__builtin_expect(s->pos >= s->limit, 0)) {
		gtrace_emit_slow(s, given ? &ticks : NULL, id, n, args);
		return;
	}
#pragma GCC unroll 8
	for (int i = 0; i < n; i++) {
		v[i] = args[i];
#pragma GCC unroll 4
		for (int k = 0; k < GTRACE_DELTA_COUNT; k++) {
			uint32_t of_kind = deltas >> 8 * k & 0xff;

			if (!(of_kind >> i & 1))
				continue;
			v[i] -= of_kind & ((1u << i) - 1) ? last[k] : s->last[k];
			v[i] = gtrace_zigzag((int64_t)v[i]);
			last[k] = args[i];
		}
		all |= v[i];
	}
	if (__builtin_expect(all >= 0x80, 0) && (int64_t)dt < 0) {
		gtrace_emit_slow(s, &ticks, id, n, args);
		return;
	}
#pragma GCC unroll 4
	for (int k = 0; k < GTRACE_DELTA_COUNT; k++) {
		if (deltas >> 8 * k & 0xff) // one by one: a compiler would make vectors of them, in memory
			__atomic_store_n(&s->last[k], last[k], __ATOMIC_RELAXED);
	}
	s->ticks = ticks;
	uint8_t *p = s->pos;

	if (__builtin_expect(all < 0x80, 1)) {
		uint64_t word[2] = {(uint64_t)id | dt << 8, 0};

#pragma GCC unroll 8
		for (int i = 0; i < n; i++)
			word[(i + 2) / 8] |= v[i] << (i + 2) % 8 * 8;
		__builtin_memcpy(p, word, n > 6 ? 16 : 8);
		p += n + 2;
	} else {
		*p++ = (uint8_t)id;
		p = gtrace_put_all(p, dt, n, v);
	}
	s->pos = p;
	gtrace_publish(s, p);
}

/**
 * Append one event at a given time, which may not be before the stream's last one (it is then taken
 * as that).
 */
GTRACE_INLINE void gtrace_emit_at(struct gtrace_stream *s, uint64_t ticks, enum gtrace_event_id id,
                                  int n, uint32_t deltas, const uint64_t *args)
{
	gtrace_emit_any(s, true, ticks, id, n, deltas, args);
}

/** The same now. */
GTRACE_INLINE void gtrace_emit(struct gtrace_stream *s, enum gtrace_event_id id, int n,
                               uint32_t deltas, const uint64_t *args)
{
	gtrace_emit_any(s, false, gtrace_ticks_quick(), id, n, deltas, args);
}

/** Declares the arguments of an event: their number is checked at compile time. */
#define GTRACE_ARGS_(name, ...) \
	const uint64_t gtrace_args_[] = {0, ##__VA_ARGS__}; \
	_Static_assert(sizeof gtrace_args_ / sizeof(uint64_t) - 1 == GTRACE_ARITY_##name, \
	               "wrong number of arguments for event " #name)

/** GTRACE_EMIT_AT(stream, ticks, GO_START, g, seq) */
#define GTRACE_EMIT_AT(s, ticks, name, ...) \
	do { \
		GTRACE_ARGS_(name, ##__VA_ARGS__); \
		gtrace_emit_at((s), (ticks), GTRACE_##name, GTRACE_ARITY_##name, GTRACE_DELTAS_##name, \
		               gtrace_args_ + 1); \
	} while (0)

#define GTRACE_EMIT(s, name, ...) \
	do { \
		GTRACE_ARGS_(name, ##__VA_ARGS__); \
		gtrace_emit((s), GTRACE_##name, GTRACE_ARITY_##name, GTRACE_DELTAS_##name, \
		            gtrace_args_ + 1); \
	} while (0)

#define GTRACE_SITE_NEAR 65536 // so many sites are remembered in a bit set
extern GTRACE_EXPORT const char gtrace_site_anchor[];

/**
 * The number of a call site in this stream: its distance from a fixed address, so that no table is
 * looked up.  Writes its SITE record first if the batch's generation has not seen it.  Call it
 * before the GTRACE_EMIT that uses it, never between two records that belong together.
 */
static inline uint64_t gtrace_site_number(struct gtrace_stream *s, const struct gtrace_site *site)
{
	uint64_t n = (uint64_t)(((const char *)site - gtrace_site_anchor) >> 3);
	uint64_t near = n + GTRACE_SITE_NEAR / 2;

	if (__builtin_expect(s->pos < s->limit && near < GTRACE_SITE_NEAR &&
	                         (s->site_seen[near >> 6] >> (near & 63) & 1),
	                     1))
		return n;
	return gtrace_stream_site(s, site);
}

/**
 * GTRACE_SITE(stream, CHAN_SEND, "reply"): the number of this very place in the program, whose
 * record it makes: file, line and function are known.  As gtrace_site_number().
 */
#define GTRACE_SITE(s, op_name, what) \
	__extension__({ \
		static const struct gtrace_site gtrace_site_here = {__FILE__, __func__, (what), __LINE__, \
		                                                    GTRACE_op_##op_name}; \
		gtrace_site_number((s), &gtrace_site_here); \
	})

#endif

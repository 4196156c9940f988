/* SPDX-License-Identifier: MIT */
/**
 * timeline.c: ticks to nanoseconds since the start of the trace, straight between readings.
 *
 * A reading is good to some 100 ns, so two of them give a rate only if they are well apart.  All in
 * integers, as the specification has it: another reader gets the same times.
 */
#include "reader/timeline.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define APART_NS 50000000u    // readings nearer than this add nothing but noise
#define APART_NS_MIN 1000000u // for the only rate there is
#define RATE_MAX (UINT64_C(1) << 62)
#define HINT_UNKNOWN 10000u // picoseconds

int gtrace__timeline_add(struct timeline *t, const struct gtrace__clock *clock)
{
	if (t->reading_count == t->reading_cap) {
		size_t cap = t->reading_cap ? 2 * t->reading_cap : 16;
		struct reading *readings = realloc(t->readings, cap * sizeof(*readings));

		if (!readings)
			return -ENOMEM;
		t->readings = readings;
		t->reading_cap = cap;
	}
	t->readings[t->reading_count++] = (struct reading){clock->ticks, clock->mono_ns};
	return 0;
}

/** True if b may count behind a. */
static bool behind(const struct reading *b, const struct reading *a, uint64_t apart_ns)
{
	return b->ticks > a->ticks && b->mono_ns >= a->mono_ns && b->mono_ns - a->mono_ns >= apart_ns;
}

/** Keep those that count, the start before them.  Returns how many. */
static size_t readings_thin(struct timeline *t, struct reading *kept, struct reading start)
{
	size_t n = 0;

	kept[n++] = start;
	for (size_t i = 0; i < t->reading_count; i++) {
		if (behind(&t->readings[i], &kept[n - 1], APART_NS))
			kept[n++] = t->readings[i];
	}
	for (size_t i = t->reading_count; i-- && n == 1;) {
		if (behind(&t->readings[i], &start, APART_NS_MIN))
			kept[n++] = t->readings[i];
	}
	return n;
}

static uint64_t rate(const struct reading *a, const struct reading *b)
{
	unsigned __int128 r =
		((unsigned __int128)(b->mono_ns - a->mono_ns) << 32) / (b->ticks - a->ticks);

	return r < RATE_MAX ? (uint64_t)r : RATE_MAX;
}

static int64_t clamp(__int128 ns)
{
	if (ns > GTRACE__TIME_MAX)
		return GTRACE__TIME_MAX;
	return ns < -GTRACE__TIME_MAX ? -GTRACE__TIME_MAX : (int64_t)ns;
}

/** From picoseconds a tick, as text. */
static uint64_t rate_hint(const char *text)
{
	unsigned __int128 ps = text ? strtoull(text, NULL, 10) : HINT_UNKNOWN;
	unsigned __int128 r = (ps << 32) / 1000;

	return r < RATE_MAX ? (uint64_t)r : RATE_MAX;
}

/** How far is all as near as it is mostly? */
static void lines_near(struct timeline *t)
{
	for (size_t i = 0; i < t->line_count && !t->exact; i++) {
		struct line *l = &t->lines[i];
		uint64_t next = i + 1 < t->line_count ? l[1].ticks : UINT64_MAX;
		unsigned __int128 room = (unsigned __int128)((__int128)GTRACE__TIME_MAX - l->ns) << 32;

		l->near = next - l->ticks;
		if (l->rate && room / l->rate < l->near)
			l->near = (uint64_t)(room / l->rate);
	}
}

int gtrace__timeline_build(struct timeline *t, const struct gtrace__clock *start,
                           const char *ps_per_tick)
{
	struct reading first = {start->ticks, start->mono_ns};
	struct reading *kept = malloc((t->reading_count + 1) * sizeof(*kept));

	t->start_ticks = start->ticks;
	t->lines = malloc((t->reading_count + 1) * sizeof(*t->lines));
	if (!kept || !t->lines) {
		free(kept);
		return -ENOMEM;
	}
	size_t n = readings_thin(t, kept, first);

	for (size_t i = 0; i + 1 < n; i++) {
		t->lines[i] = (struct line){kept[i].ticks, rate(&kept[i], &kept[i + 1]),
		                            clamp((__int128)kept[i].mono_ns - first.mono_ns), 0};
	}
	if (n == 1)
		t->lines[0] = (struct line){first.ticks, rate_hint(ps_per_tick), 0, 0};
	t->line_count = n > 1 ? n - 1 : 1;
	lines_near(t);
	free(kept);
	free(t->readings);
	t->readings = NULL;
	return 0;
}

int64_t gtrace__timeline_far(const struct timeline *t, uint64_t ticks, size_t *line)
{
	size_t i = *line;

	if (t->exact) // a shift of 31 at most
		return clamp(((__int128)ticks - t->start_ticks) * ((__int128)1 << t->shift));
	while (i + 1 < t->line_count && ticks >= t->lines[i + 1].ticks)
		i++;
	while (i && ticks < t->lines[i].ticks)
		i--;
	*line = i;
	const struct line *l = &t->lines[i];

	if (ticks < l->ticks) // before the first one; a shift rounds down
		return clamp(l->ns + (-((__int128)(l->ticks - ticks) * l->rate) >> 32));
	return clamp((__int128)l->ns +
	             (__int128)((unsigned __int128)(ticks - l->ticks) * l->rate >> 32));
}

void gtrace__timeline_release(struct timeline *t)
{
	free(t->readings);
	free(t->lines);
	memset(t, 0, sizeof(*t));
}

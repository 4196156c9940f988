/* SPDX-License-Identifier: MIT */
/**
 * timeline.c: ticks to nanoseconds since the start of the trace, straight between snapshots.
 *
 * A snapshot is good to some 100 ns, so two of them give a rate only if they are well apart.
 */
#include "reader/timeline.h"

#include <errno.h>
#include <stdlib.h>

#define APART_NS 50000000u // snapshots nearer than this add nothing but noise
#define NS_MAX 4e18        // no sum of times overflows below
#define POINT_NS_MAX (UINT64_C(1) << 60)
#define APART_NS_MIN 1000000u // for the only rate there is

int gtrace__timeline_add(struct timeline *t, const struct gtrace__clock *clock)
{
	if (t->count) { // most come in order: thin them out at once
		const struct point *last = &t->points[t->count - 1];

		if (t->count > 1 && clock->mono_ns >= last->mono_ns &&
		    last->mono_ns - last[-1].mono_ns < APART_NS)
			t->count--;
	}
	if (t->count == t->cap) {
		size_t cap = t->cap ? 2 * t->cap : 16;
		struct point *points = realloc(t->points, cap * sizeof(*points));

		if (!points)
			return -ENOMEM;
		t->points = points;
		t->cap = cap;
	}
	t->points[t->count++] = (struct point){.ticks = clock->ticks, .mono_ns = clock->mono_ns};
	return 0;
}

static int point_compare(const void *a, const void *b)
{
	const struct point *p = a;
	const struct point *q = b;

	return p->ticks < q->ticks ? -1 : p->ticks > q->ticks;
}

static double rate(const struct point *a, const struct point *b)
{
	return (double)(b->mono_ns - a->mono_ns) / (double)(b->ticks - a->ticks);
}

static int64_t point_ns(const struct point *p, uint64_t ticks)
{
	double ns = ticks >= p->ticks ? (double)(ticks - p->ticks) * p->ns_per_tick
	                              : -(double)(p->ticks - ticks) * p->ns_per_tick;

	ns += (double)p->ns;
	if (ns > NS_MAX || ns < -NS_MAX)
		return ns > 0 ? (int64_t)NS_MAX : -(int64_t)NS_MAX;
	return p->ns + (int64_t)(ns - (double)p->ns);
}

int gtrace__timeline_build(struct timeline *t, const struct gtrace__clock *start,
                           double ns_per_tick)
{
	size_t kept = 0;

	t->start_ticks = start->ticks;
	if (gtrace__timeline_add(t, start))
		return -ENOMEM;
	qsort(t->points, t->count, sizeof(*t->points), point_compare);
	for (size_t i = 0; i < t->count; i++) { // both clocks must go on
		struct point *last = kept ? &t->points[kept - 1] : NULL;
		struct point p = t->points[i];

		if (last && (p.ticks == last->ticks || p.mono_ns < last->mono_ns ||
		             p.mono_ns - t->points[0].mono_ns > POINT_NS_MAX))
			continue;
		if (kept > 1 && p.mono_ns - last->mono_ns < APART_NS && i + 1 == t->count)
			kept--; // the last one counts for more than the one before
		else if (kept && p.mono_ns - last->mono_ns < APART_NS && i + 1 < t->count)
			continue;
		t->points[kept++] = p;
	}
	t->count = kept;
	double last_rate = ns_per_tick > 0.001 && ns_per_tick < 1e6 ? ns_per_tick : 10;

	for (size_t i = 0; i < kept; i++) {
		struct point *p = &t->points[i];

		if (i + 1 < kept && (p[1].mono_ns - p->mono_ns >= APART_NS_MIN || ns_per_tick <= 0))
			last_rate = rate(p, p + 1);
		p->ns_per_tick = last_rate;
	}
	// Nanoseconds count from the start, which is one of the points or near one.
	size_t segment = 0;

	for (size_t i = 0; i < kept; i++)
		t->points[i].ns = (int64_t)(t->points[i].mono_ns - t->points[0].mono_ns);
	int64_t zero = gtrace__timeline_ns(t, start->ticks, &segment);

	if (zero > (int64_t)POINT_NS_MAX || zero < -(int64_t)POINT_NS_MAX)
		zero = 0;
	for (size_t i = 0; i < kept; i++)
		t->points[i].ns -= zero;
	return 0;
}

int64_t gtrace__timeline_ns(const struct timeline *t, uint64_t ticks, size_t *segment)
{
	size_t i = *segment;

	if (t->exact) {
		uint64_t d = ticks >= t->start_ticks ? ticks - t->start_ticks : t->start_ticks - ticks;
		int64_t ns = d > (uint64_t)NS_MAX >> t->shift ? (int64_t)NS_MAX : (int64_t)(d << t->shift);

		return ticks >= t->start_ticks ? ns : -ns;
	}
	while (i + 1 < t->count && ticks >= t->points[i + 1].ticks)
		i++;
	while (i && ticks < t->points[i].ticks)
		i--;
	*segment = i;
	return point_ns(&t->points[i], ticks);
}

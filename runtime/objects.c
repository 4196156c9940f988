/* SPDX-License-Identifier: MIT */
/**
 * objects.c: the channels, locks and so on that goroutines wait for, each with its waiters.
 *
 * An object is known by its address, and called what a waiter's call site calls it.  What it holds
 * is read by the kernel, as it may have gone meanwhile.
 */
#include "objects.h"

#include <stdio.h>
#include <stdlib.h>

#include "chan.h"
#include "out.h"
#include "peek.h"

#define CASES_MAX 64u
#define LISTED_MAX 100 // waiters of one object

static bool objects_add(struct wanted **array, size_t *count, size_t *room, struct wanted w)
{
	struct wanted *more = gor__snapshot_more(*array, room, *count, sizeof *more);

	if (!more)
		return false;
	*array = more;
	more[(*count)++] = w;
	return true;
}

static void objects_want(struct objects *o, const struct snapshot_row *row, const void *on,
                         unsigned reason)
{
	if (on)
		objects_add(&o->wanted, &o->count, &o->room,
		            (struct wanted){(uint64_t)(uintptr_t)on, row, (uint8_t)reason});
}

/** The cases of a select with a channel.  Returns: how many. */
static uint32_t objects_cases(const struct snapshot_row *row, gor_case cases[CASES_MAX])
{
	uint32_t n = row->cases < CASES_MAX ? row->cases : CASES_MAX, kept = 0;

	if (gor__peek(cases, (uint64_t)(uintptr_t)row->on, n * sizeof *cases) != n * sizeof *cases)
		return 0;
	for (uint32_t i = 0; i < n; i++)
		if ((cases[i].kind == GOR_CASE_RECV || cases[i].kind == GOR_CASE_SEND) && cases[i].chan)
			cases[kept++] = cases[i];
	return kept;
}

static void objects_select(struct objects *o, const struct snapshot_row *row)
{
	gor_case cases[CASES_MAX];
	uint32_t n = objects_cases(row, cases);

	for (uint32_t i = 0; i < n; i++)
		objects_want(o, row, cases[i].chan,
		             cases[i].kind == GOR_CASE_SEND ? GTRACE_reason_CHAN_SEND
		                                            : GTRACE_reason_CHAN_RECV);
}

static int objects_by_address(const void *a, const void *b)
{
	const struct wanted *x = a, *y = b;

	if (x->address != y->address)
		return x->address < y->address ? -1 : 1;
	if (x->reason != y->reason)
		return x->reason - y->reason;
	return x->row->id < y->row->id ? -1 : x->row->id > y->row->id;
}

static int objects_by_holder(const void *a, const void *b)
{
	uint64_t x = ((const struct wanted *)a)->row->holder,
			 y = ((const struct wanted *)b)->row->holder;

	return x < y ? -1 : x > y;
}

void gor__objects(struct objects *o, const struct snapshot *s)
{
	*o = (struct objects){.snapshot = s};
	for (size_t i = 0; i < s->count; i++) {
		const struct snapshot_row *row = &s->rows[i];
		if (row->state != SNAPSHOT_WAITS)
			continue;
		if (row->reason == GTRACE_reason_SELECT && row->cases)
			objects_select(o, row);
		else
			objects_want(o, row, row->on, row->reason);
	}
	if (o->count)
		qsort(o->wanted, o->count, sizeof *o->wanted, objects_by_address);
	for (size_t i = 0; i < o->count; i++)
		if (o->wanted[i].row->holder &&
		    (i == 0 || o->wanted[i - 1].address != o->wanted[i].address))
			objects_add(&o->held, &o->held_count, &o->held_room, o->wanted[i]);
	if (o->held_count)
		qsort(o->held, o->held_count, sizeof *o->held, objects_by_holder);
}

void gor__objects_free(struct objects *o)
{
	gor__snapshot_unmap(o->wanted, o->room, sizeof *o->wanted);
	gor__snapshot_unmap(o->held, o->held_room, sizeof *o->held);
	*o = (struct objects){0};
}

/* ── in words ─────────────────────────────────────────────────────────────────────────────────────
 */

static const char *objects_kind(unsigned reason)
{
	switch (reason) {
	case GTRACE_reason_CHAN_RECV:
	case GTRACE_reason_CHAN_SEND:
		return "chan";
	case GTRACE_reason_MUTEX_LOCK:
		return "sync.Mutex";
	case GTRACE_reason_RWMUTEX_RLOCK:
	case GTRACE_reason_RWMUTEX_LOCK:
		return "sync.RWMutex";
	case GTRACE_reason_WAITGROUP_WAIT:
		return "sync.WaitGroup";
	case GTRACE_reason_COND_WAIT:
		return "sync.Cond";
	default:
		return "semaphore";
	}
}

/** The first waiter for the object with that address. */
static const struct wanted *objects_find(const struct objects *o, uint64_t address)
{
	size_t low = 0, high = o->count;

	while (low < high) {
		size_t mid = low + (high - low) / 2;
		if (o->wanted[mid].address < address)
			low = mid + 1;
		else
			high = mid;
	}
	return low < o->count && o->wanted[low].address == address ? &o->wanted[low] : NULL;
}

/** What a call site calls it; "": all that wait are in selects.  first: its first waiter. */
static const char *objects_name(const struct objects *o, const struct wanted *first)
{
	for (const struct wanted *w = first; w < o->wanted + o->count; w++) {
		if (w->address != first->address)
			break;
		if (w->row->site && w->row->reason == w->reason)
			return w->row->site->text;
	}
	return "";
}

/** w: its first waiter. */
static void objects_one(struct out *out, const struct objects *o, const struct wanted *w)
{
	const char *name = objects_name(o, w);
	struct gor_hchan c;

	gor__out_say(out, "%s", objects_kind(w->reason));
	if (name[0])
		gor__out_say(out, " \"%s\"", name);
	gor__out_say(out, " 0x%llx", (unsigned long long)w->address);
	if (w->reason != GTRACE_reason_CHAN_RECV && w->reason != GTRACE_reason_CHAN_SEND) {
		if (w->row->obj)
			gor__out_say(out, " #%llu", (unsigned long long)w->row->obj);
	} else if (gor__peek(&c, w->address, sizeof c) == sizeof c) {
		if (c.id)
			gor__out_say(out, " #%llu", (unsigned long long)c.id);
		gor__out_say(out, " len %zu cap %zu%s", atomic_load(&c.len), c.cap,
		             atomic_load(&c.closed) ? " closed" : "");
	}
}

static void objects_held(struct out *out, const struct objects *o, uint64_t holder)
{
	size_t low = 0, high = o->held_count;

	while (low < high) {
		size_t mid = low + (high - low) / 2;
		if (o->held[mid].row->holder < holder)
			low = mid + 1;
		else
			high = mid;
	}
	for (; low < o->held_count && o->held[low].row->holder == holder; low++) {
		gor__out_say(out, "holds ");
		objects_one(out, o, objects_find(o, o->held[low].address));
		gor__out_say(out, "\n");
	}
}

static void objects_waits_for(struct out *out, const struct objects *o, const void *on)
{
	const struct wanted *w = objects_find(o, (uint64_t)(uintptr_t)on);

	if (!w)
		return;
	gor__out_say(out, "waits for ");
	objects_one(out, o, w);
	if (w->row->holder)
		gor__out_say(out, ", held by goroutine %llu", (unsigned long long)w->row->holder);
	gor__out_say(out, "\n");
}

/** What one goroutine waits for, and the locks it holds that others wait for. */
void gor__objects_of(struct out *out, const struct objects *o, const struct snapshot_row *row)
{
	gor_case cases[CASES_MAX];
	uint32_t n = row->on && row->cases ? objects_cases(row, cases) : 0;

	for (uint32_t i = 0; i < n; i++)
		objects_waits_for(out, o, cases[i].chan);
	if (row->on && !row->cases)
		objects_waits_for(out, o, row->on);
	objects_held(out, o, row->id);
}

/** Those that wait for one object.  Returns: the first one of the next object. */
static size_t objects_waiters(struct out *out, const struct objects *o, size_t i)
{
	const struct wanted *first = &o->wanted[i];
	unsigned listed = 0;

	if (first->row->holder)
		gor__out_say(out, "\theld by goroutine %llu\n", (unsigned long long)first->row->holder);
	for (; i < o->count && o->wanted[i].address == first->address; i++) {
		const struct wanted *w = &o->wanted[i];
		bool begins = w == first || w->reason != w[-1].reason;
		bool ends = i + 1 == o->count || w[1].address != w->address || w[1].reason != w->reason;
		if (begins) {
			gor__out_say(out, "\t%s: goroutine", gtrace_name("reason", w->reason));
			listed = 0;
		}
		if (listed++ < LISTED_MAX)
			gor__out_say(out, "%s %llu", begins ? "" : ",", (unsigned long long)w->row->id);
		if (ends && listed > LISTED_MAX)
			gor__out_say(out, " and %u more", listed - LISTED_MAX);
		if (ends)
			gor__out_say(out, "\n");
	}
	return i;
}

void gor__objects_write(struct out *out, const struct objects *o)
{
	for (size_t i = 0; i < o->count;) {
		objects_one(out, o, &o->wanted[i]);
		gor__out_say(out, "\n");
		i = objects_waiters(out, o, i);
	}
}

/* SPDX-License-Identifier: MIT */
/**
 * tally.c: events counted by place, from the start of the process on.
 *
 * A place is a call site, why, and a stack by frame pointers, which is read only for what is
 * counted.  They are in a table of fixed size with open addressing: a place is entered by one
 * compare-and-swap of the hash of all it is, and never goes, and counts are added up without order.
 * What finds no room is counted as lost.  The stacks lie apart, in memory that is mapped when the
 * first one comes: for most programs that is never.
 *
 * What is sampled is made up for, as Go does: of waits shorter than the rate, one in rate / ns is
 * counted, as rate / ns waits; of contentions one in rate, as that many.
 */
#include "tally.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "backtrace.h"
#include "counts.h"
#include "frames.h"
#include "module.h"
#include "out.h"
#include "profile.h"
#include "timer.h"

#define PLACES 2048u // a power of two

typedef uint64_t tally_stack[SNAPSHOT_FRAMES];

struct tally_entry {
	_Atomic uint64_t key; // 0: free
	_Atomic uint64_t count, ns;
	_Atomic bool there; // the rest can be read
	uint8_t why, frames;
	const struct gor_site *site;
};

static struct tally {
	_Atomic uint64_t lost;        // there were too many places
	_Atomic(tally_stack *) stack; // of each entry; NULL: none yet
	struct tally_entry entry[PLACES];
} tallies[TALLY_KINDS];

/** The stacks' memory; NULL: there is none to be had. */
static tally_stack *tally_stacks(struct tally *t)
{
	tally_stack *stack = atomic_load_explicit(&t->stack, memory_order_acquire);
	size_t bytes = PLACES * sizeof *stack;

	if (stack)
		return stack;
	void *more = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (more == MAP_FAILED)
		return NULL;
	if (atomic_compare_exchange_strong(&t->stack, &stack, (tally_stack *)more))
		return more;
	munmap(more, bytes); // somebody else was first
	return stack;
}

static uint64_t tally_key(const struct tally_place *place)
{
	uint64_t key = gor__mix((uint64_t)(uintptr_t)place->site + place->why);

	for (unsigned i = 0; i < place->frames; i++)
		key = gor__mix(key ^ place->pc[i]);
	return key ? key : 1;
}

/** A new entry: who has entered its key fills it. */
static void tally_enter(struct tally *t, struct tally_entry *e, const struct tally_place *place)
{
	tally_stack *stack = place->frames ? tally_stacks(t) : NULL;

	e->site = place->site;
	e->why = (uint8_t)place->why;
	e->frames = stack ? (uint8_t)place->frames : 0;
	if (stack)
		memcpy(stack[e - t->entry], place->pc, place->frames * sizeof *place->pc);
	atomic_store_explicit(&e->there, true, memory_order_release);
}

void gor__tally_add(enum tally_kind kind, const struct tally_place *place, uint64_t count,
                    uint64_t ns)
{
	struct tally *t = &tallies[kind];
	uint64_t key = tally_key(place);
	size_t at = key & (PLACES - 1);

	for (size_t i = 0; i < PLACES; i++, at = (at + 1) & (PLACES - 1)) {
		struct tally_entry *e = &t->entry[at];
		uint64_t have = atomic_load_explicit(&e->key, memory_order_relaxed);
		if (have == 0 && atomic_compare_exchange_strong(&e->key, &have, key)) {
			tally_enter(t, e, place);
			have = key;
		}
		if (have != key)
			continue;
		atomic_fetch_add_explicit(&e->count, count, memory_order_relaxed);
		atomic_fetch_add_explicit(&e->ns, ns, memory_order_relaxed);
		return;
	}
	atomic_fetch_add_explicit(&t->lost, count, memory_order_relaxed);
}

/** Count it at a site of the caller's goroutine g, with the stack from there on. */
static void tally_stack_add(enum tally_kind kind, const struct g *g, const struct tally_place *at,
                            uint64_t count, uint64_t ns)
{
	tally_stack pc;
	struct tally_place place = *at;

	place.pc = pc;
	place.frames = gor__frames((uint64_t)(uintptr_t)__builtin_frame_address(0), g->stack_low,
	                           g->stack_high, pc, 0, SNAPSHOT_FRAMES);
	gor__tally_add(kind, &place, count, ns);
}

/** One in n, on average; the runtime's own random numbers would change a seeded run. */
static bool tally_draw(uint64_t n, int64_t now)
{
	static _Atomic uint64_t drawn;

	return n <= 1 || gor__mix((uint64_t)now ^ atomic_fetch_add(&drawn, 1) << 40) % n == 0;
}

void gor__tally_blocked(const struct g *g, int64_t ns)
{
	const struct tally_place place = {.site = g->site, .why = g->reason};
	int64_t rate = gor__config.block_ns;

	switch (g->reason) {
	case GTRACE_reason_SLEEP: // these wait for no other goroutine
	case GTRACE_reason_IO_WAIT:
		return;
	default:
		break;
	}
	if (!g->site || ns < 0)
		return;
	int64_t times = ns < rate ? rate / (ns ? ns : 1) : 1;
	if (ns >= rate)
		tally_stack_add(TALLY_BLOCK, g, &place, 1, (uint64_t)ns);
	else if (tally_draw((uint64_t)times, gor__clock()))
		tally_stack_add(TALLY_BLOCK, g, &place, (uint64_t)times, (uint64_t)rate);
}

void gor__tally_contended(const struct gor_site *site, int64_t since_ns)
{
	int64_t now = gor__clock(), ns = now - since_ns;
	uint64_t rate = gor__config.mutex_rate;
	const struct tally_place place = {.site = site, .why = site ? site->op : 0};

	if (site && ns >= 0 && tally_draw(rate, now))
		tally_stack_add(TALLY_MUTEX, gor__self()->cur, &place, rate, rate * (uint64_t)ns);
}

/* ── what comes of it ─────────────────────────────────────────────────────────────────────────────
 */

static const struct {
	const char *title, *count, *ns; // ns NULL: it has no times
} kinds[] = {
	[TALLY_THREADS] = {"threadcreate", "threadcreate", NULL},
	[TALLY_BLOCK] = {"contention", "contentions", "delay"},
	[TALLY_MUTEX] = {"mutex", "contentions", "delay"},
};

static const char *tally_why(enum tally_kind kind, unsigned why)
{
	switch (kind) {
	case TALLY_BLOCK:
		return gtrace_name("reason", why);
	case TALLY_MUTEX:
		return gtrace_name("op", why);
	default:
		return why == GTRACE_why_NONE ? "goroutines to run" : gtrace_name("why", why);
	}
}

struct row {
	const struct tally_entry *entry;
	uint64_t count, ns;
};

static int row_order(const void *a, const void *b)
{
	const struct row *x = a, *y = b;
	uint64_t left = x->ns ? x->ns : x->count, right = y->ns ? y->ns : y->count;

	return left < right ? 1 : left > right ? -1 : (x->entry > y->entry) - (x->entry < y->entry);
}

/** The entries, the greatest first.  Returns: how many. */
static size_t tally_rows(enum tally_kind kind, struct row row[PLACES])
{
	size_t n = 0;

	for (size_t i = 0; i < PLACES; i++) {
		struct tally_entry *e = &tallies[kind].entry[i];
		uint64_t count = atomic_load(&e->count);
		if (count && atomic_load_explicit(&e->there, memory_order_acquire))
			row[n++] = (struct row){e, count, atomic_load(&e->ns)};
	}
	qsort(row, n, sizeof *row, row_order);
	return n;
}

static void tally_head(enum tally_kind kind, struct out *out, const struct row *row, size_t n)
{
	uint64_t total = 0;

	for (size_t i = 0; i < n; i++)
		total += row[i].count;
	if (kind == TALLY_THREADS)
		gor__out_say(out, "%s profile: total %" PRIu64 "\n", kinds[kind].title, total);
	else // Go counts in cycles of the processor
		gor__out_say(out, "--- %s:\ncycles/second=1000000000\n", kinds[kind].title);
	if (kind == TALLY_MUTEX)
		gor__out_say(out, "sampling period=%" PRIu64 "\n", gor__config.mutex_rate);
	if (atomic_load(&tallies[kind].lost))
		gor__out_say(out, "# %" PRIu64 " more at other places\n", atomic_load(&tallies[kind].lost));
}

/** An entry as the one row of a snapshot, whose stacks are all shown alike. */
static struct snapshot tally_as_snapshot(enum tally_kind kind, const struct tally_entry *e,
                                         struct snapshot_row *row)
{
	struct tally *t = &tallies[kind];

	*row = (struct snapshot_row){.state = SNAPSHOT_WAITS, .site = e->site, .frames = e->frames};
	return (struct snapshot){.pc = e->frames ? atomic_load(&t->stack)[e - t->entry] : NULL};
}

static void tally_text(enum tally_kind kind, struct out *out, const struct row *row, size_t n)
{
	const struct module *module = kinds[kind].ns && n ? gor__module() : NULL;

	tally_head(kind, out, row, n);
	for (size_t i = 0; i < n; i++) {
		const struct tally_entry *e = row[i].entry;
		struct snapshot_row one;
		struct snapshot s = tally_as_snapshot(kind, e, &one);
		if (kinds[kind].ns)
			gor__out_say(out, "%" PRIu64 " ", row[i].ns);
		gor__out_say(out, "%" PRIu64 " @", row[i].count);
		gor__counts_addresses(out, &s, &one);
		gor__out_say(out, "# labels: {\"why\":\"%s\"}\n", tally_why(kind, e->why));
		if (e->site)
			gor__counts_frames(out, &s, &one, module);
		gor__out_say(out, "\n");
	}
}

static void tally_sample(enum tally_kind kind, const struct module *module, struct pprof *p,
                         const struct row *row)
{
	const struct tally_entry *e = row->entry;
	struct frame frame[FRAMES_SHOWN];
	struct snapshot_row one;
	struct snapshot s = tally_as_snapshot(kind, e, &one);
	const struct module_label label = {"why", tally_why(kind, e->why)};

	module->pprof_sample(p, &(struct module_sample){
								.count = (int64_t)row->count,
								.ns = (int64_t)row->ns,
								.frame = frame,
								.frames =
									e->site ? gor__frames_shown(&s, &one, module, false, frame) : 0,
								.label = &label,
								.labels = 1});
}

static int tally_pprof(enum tally_kind kind, struct out *out, const struct row *row, size_t n,
                       unsigned procs)
{
	const struct module *module = gor__module();
	const char *count = kinds[kind].count, *ns = kinds[kind].ns;
	struct pprof *p = module ? gor__profile_begin(module, count, ns, ns ? ns : count, procs) : NULL;

	if (!p)
		return module ? -ENOMEM : -ENOSYS;
	for (size_t i = 0; i < n; i++)
		tally_sample(kind, module, p, &row[i]);
	return gor__profile_end(module, p, out);
}

int gor__tally_write(enum tally_kind kind, struct out *out, int debug, unsigned procs)
{
	struct row *row = malloc(PLACES * sizeof *row);

	if (!row)
		return -ENOMEM;
	size_t n = tally_rows(kind, row);
	int err = 0;

	if (debug == 0)
		err = tally_pprof(kind, out, row, n, procs);
	else
		tally_text(kind, out, row, n);
	free(row);
	return err ? err : gor__out_flush(out);
}

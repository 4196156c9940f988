/* SPDX-License-Identifier: MIT */
/**
 * tally.c: events counted by call site, from the start of the process on.
 *
 * A table of fixed size with open addressing: a site is entered by one compare-and-swap and never
 * goes, and counts are added up without order.  What finds no place is counted as lost.
 *
 * What is sampled is made up for, as Go does: of waits shorter than the rate, one in rate / ns is
 * counted, as rate / ns waits; of contentions one in rate, as that many.
 */
#include "tally.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "module.h"
#include "out.h"
#include "profile.h"
#include "timer.h"

#define WHY_SHIFT 56 // addresses have fewer bits

static struct tally tallies[TALLY_KINDS];

static const struct gor_site *tally_site(uint64_t key)
{
	return (const struct gor_site *)(uintptr_t)(key & (UINT64_MAX >> (64 - WHY_SHIFT))); // NOLINT
}

void gor__tally_add(enum tally_kind kind, const struct gor_site *site, unsigned why, uint64_t count,
                    uint64_t ns)
{
	struct tally *t = &tallies[kind];
	uint64_t key = (uint64_t)(uintptr_t)site | (uint64_t)why << WHY_SHIFT;
	size_t at = gor__mix(key) & (TALLY_SITES - 1);

	for (size_t i = 0; i < TALLY_SITES; i++, at = (at + 1) & (TALLY_SITES - 1)) {
		struct tally_entry *e = &t->entry[at];
		uint64_t have = atomic_load_explicit(&e->key, memory_order_relaxed);
		if (have != key && (have != 0 || !atomic_compare_exchange_strong(&e->key, &have, key)) &&
		    have != key)
			continue;
		atomic_fetch_add_explicit(&e->count, count, memory_order_relaxed);
		atomic_fetch_add_explicit(&e->ns, ns, memory_order_relaxed);
		return;
	}
	atomic_fetch_add_explicit(&t->lost, count, memory_order_relaxed);
}

/** One in n, on average; the runtime's own random numbers would change a seeded run. */
static bool tally_draw(uint64_t n, int64_t now)
{
	static _Atomic uint64_t drawn;

	return n <= 1 || gor__mix((uint64_t)now ^ atomic_fetch_add(&drawn, 1) << 40) % n == 0;
}

void gor__tally_blocked(const struct gor_site *site, unsigned reason, int64_t ns)
{
	int64_t rate = gor__config.block_ns;

	switch (reason) {
	case GTRACE_reason_SLEEP: // these wait for no other goroutine
	case GTRACE_reason_IO_WAIT:
		return;
	default:
		break;
	}
	if (!site || ns < 0)
		return;
	if (ns >= rate)
		gor__tally_add(TALLY_BLOCK, site, reason, 1, (uint64_t)ns);
	else if (tally_draw((uint64_t)(rate / (ns ? ns : 1)), gor__clock()))
		gor__tally_add(TALLY_BLOCK, site, reason, (uint64_t)(rate / (ns ? ns : 1)), (uint64_t)rate);
}

void gor__tally_contended(const struct gor_site *site, int64_t since_ns)
{
	int64_t now = gor__clock(), ns = now - since_ns;
	uint64_t rate = gor__config.mutex_rate;

	if (site && ns >= 0 && tally_draw(rate, now))
		gor__tally_add(TALLY_MUTEX, site, site->op, rate, rate * (uint64_t)ns);
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

static const char *tally_why(enum tally_kind kind, uint64_t key)
{
	unsigned why = (unsigned)(key >> WHY_SHIFT);

	switch (kind) { // of a thread one more than its number: a key is not 0
	case TALLY_BLOCK:
		return gtrace_name("reason", why);
	case TALLY_MUTEX:
		return gtrace_name("op", why);
	default:
		return why == GTRACE_why_NONE + 1 ? "goroutines to run" : gtrace_name("why", why - 1);
	}
}

struct row {
	uint64_t key, count, ns;
};

static int row_order(const void *a, const void *b)
{
	const struct row *x = a, *y = b;
	uint64_t left = x->ns ? x->ns : x->count, right = y->ns ? y->ns : y->count;

	return left < right ? 1 : left > right ? -1 : (x->key > y->key) - (x->key < y->key);
}

/** The entries, the greatest first.  Returns: how many. */
static size_t tally_rows(enum tally_kind kind, struct row row[TALLY_SITES])
{
	size_t n = 0;

	for (size_t i = 0; i < TALLY_SITES; i++) {
		struct tally_entry *e = &tallies[kind].entry[i];
		uint64_t count = atomic_load(&e->count);
		if (count)
			row[n++] = (struct row){atomic_load(&e->key), count, atomic_load(&e->ns)};
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

static void tally_text(enum tally_kind kind, struct out *out, const struct row *row, size_t n)
{
	tally_head(kind, out, row, n);
	for (size_t i = 0; i < n; i++) {
		const struct gor_site *site = tally_site(row[i].key);
		if (kinds[kind].ns)
			gor__out_say(out, "%" PRIu64 " ", row[i].ns);
		gor__out_say(out, "%" PRIu64 " @\n# labels: {\"why\":\"%s\"}\n", row[i].count,
		             tally_why(kind, row[i].key));
		if (site)
			gor__out_say(out, "#\t0x0\t%s+0x0\t%s:%u\n", site->func, site->file, site->line);
		gor__out_say(out, "\n");
	}
}

static void tally_sample(enum tally_kind kind, const struct module *module, struct pprof *p,
                         const struct row *row)
{
	const struct gor_site *site = tally_site(row->key);
	struct frame frame = {.func = "", .file = "", .inlined = true};
	const struct module_label label = {"why", tally_why(kind, row->key)};

	if (site) {
		frame.func = site->func;
		frame.file = site->file;
		frame.line = (int)site->line;
	}
	module->pprof_sample(p, &(struct module_sample){.count = (int64_t)row->count,
	                                                .ns = (int64_t)row->ns,
	                                                .frame = &frame,
	                                                .frames = site != NULL,
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
	struct row *row = malloc(TALLY_SITES * sizeof *row);

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

/* SPDX-License-Identifier: MIT */
/**
 * reach.c: can anybody still get at the channels that goroutines wait on?
 *
 * A goroutine that waits on a channel whose address lies nowhere but on the stacks of goroutines
 * that wait likewise can never be woken.  This looks, conservatively, for the addresses of all
 * channels that goroutines wait on without a time limit, in
 *
 *   every writable mapping   without goroutine stacks, without the stack frames of the runtime's
 * own threads, and without the stacks of attached foreign threads, which are stacks of goroutines
 *   the stacks               of goroutines that are not parked for good, from their stack pointer
 *                            up, and their arguments
 *   registers                of a busy goroutine, as the sampling signal saw them
 *
 * and, since a channel found makes its waiters alive, on their stacks too, until nothing new is
 * found.  What it finds goes into the trace, and what it does not find anywhere does too; the
 * analyzer concludes.
 *
 * The other threads go on meanwhile.  So parked for good is who was so at the beginning and has not
 * started or been woken since (trace_seq); all others count as alive, whatever they are at the
 * moment when they are looked at, and so does whoever is found to have moved, up to the end.  Only
 * of channels that one of the others' waits for is it said that they were not found.  An address
 * that moves from where we have not been to where we have been may be missed: not found is strong
 * evidence, no proof.  A stale copy in free memory may be found: then a leak goes unseen, and no
 * false alarm is raised.
 *
 * Not under a sanitizer: it keeps copies of everything.
 *
 * Memory is read through process_vm_readv() on ourselves: what is unmapped under our hands is an
 * error there and not a crash.  Only resident pages are read, BUDGET bytes at most; beyond that,
 * only what was found is told.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

#include "chan.h"
#include "emit.h"
#include "reach.h"

#define BUDGET (UINT64_C(256) << 20)
#define CHUNK (1u << 20)
#define PAGE 4096u
#define OBJECTS_MAX 65536u
#define CASES_MAX 64u
#define MAPS_BYTES (4u << 20)
#define HUGE_MAPPING (UINT64_C(1) << 30)

enum where { NOWHERE, IN_DATA, IN_HEAP, IN_GOROUTINE, IN_REGISTERS }; // the `where` of REACH

struct target {
	uint64_t address, id;
	uint8_t where;
	bool wanted; // by a sleeper that is not alive
	char what[54];
};

/** A goroutine that is parked for good, as far as it alone can tell. */
struct sleeper {
	struct g *g;
	uint64_t id, seq; // when it was first seen
	bool alive;       // something it waits for was found; its stack was looked at
};

struct reach {
	struct sched *sched;
	char *arena; // holds all that follows, so that it can be left out of the search
	size_t arena_bytes;
	char *chunk;
	char *maps;
	struct target *targets;
	uint32_t count;
	struct sleeper *sleepers;
	uint32_t sleeper_count;
	uint64_t self_low, self_high; // the stack of the recorder's thread, if that is who looks
	uint64_t left;                // of the budget
	bool whole;                   // everything was looked at
	bool hit;                     // reach_found() or reach_timed() found one
	uint64_t low, span;           // addresses of targets lie from low to low + span
};

static ssize_t reach_read(void *to, uint64_t from, size_t bytes)
{
	struct iovec local = {to, bytes},
				 remote = {(void *)(uintptr_t)from, bytes}; // NOLINT: an address

	return process_vm_readv(getpid(), &local, 1, &remote, 1, 0);
}

static struct target *reach_target(const struct reach *r, uint64_t address)
{
	uint32_t from = 0, to = r->count;

	while (from < to) {
		uint32_t mid = from + (to - from) / 2;
		if (r->targets[mid].address < address)
			from = mid + 1;
		else
			to = mid;
	}
	return from < r->count && r->targets[from].address == address ? &r->targets[from] : NULL;
}

/** Are these words copies of addresses that we look for? */
static void reach_words(struct reach *r, const uint64_t *words, size_t n, enum where where,
                        const char *what)
{
	for (size_t i = 0; i < n; i++) {
		if (words[i] - r->low > r->span)
			continue;
		struct target *t = reach_target(r, words[i]);
		if (!t || t->where)
			continue;
		t->where = (uint8_t)where;
		snprintf(t->what, sizeof t->what, "%s", what);
	}
}

static bool reach_resident(uint64_t from, size_t bytes)
{
	unsigned char pages[CHUNK / PAGE];

	if (mincore((void *)(uintptr_t)from, bytes, pages) != 0)
		return true;
	for (size_t i = 0; i < (bytes + PAGE - 1) / PAGE; i++)
		if (pages[i] & 1)
			return true;
	return false;
}

static void reach_range(struct reach *r, uint64_t from, uint64_t to, enum where where,
                        const char *what)
{
	while (from < to) {
		size_t bytes = to - from < CHUNK ? (size_t)(to - from) : CHUNK - from % PAGE;
		if (!reach_resident(from / PAGE * PAGE, bytes)) {
			from += bytes;
			continue;
		}
		if (bytes > r->left) {
			r->whole = false;
			return;
		}
		r->left -= bytes;
		ssize_t got = reach_read(r->chunk, from, bytes);
		if (got > 0)
			reach_words(r, (const uint64_t *)(void *)r->chunk, (size_t)got / 8, where, what);
		// a page that cannot be read is not the program's memory either: skip it
		from += got > 0 && (size_t)got == bytes ? bytes
		                                        : (got > 0 ? (size_t)got / PAGE * PAGE : 0) + PAGE;
	}
}

/** A goroutine's stack in use, and its argument; sp 0: from its lowest byte. */
static void reach_stack(struct reach *r, struct g *g, uint64_t sp)
{
	uint64_t low = (uint64_t)(uintptr_t)g->stack_low, high = (uint64_t)(uintptr_t)g->stack_high;
	uint64_t arg = (uint64_t)(uintptr_t)g->arg;
	char what[40];

	snprintf(what, sizeof what, "stack of goroutine %llu", (unsigned long long)g->id);
	reach_words(r, &arg, 1, IN_GOROUTINE, what);
	reach_range(r, (sp >= low && sp < high ? sp : low) & ~UINT64_C(7), high, IN_GOROUTINE, what);
}

/* ── which channels ───────────────────────────────────────────────────────────────────────────────
 */

static void reach_add(struct reach *r, const struct gor_hchan *c)
{
	struct target t = {.address = (uint64_t)(uintptr_t)c};

	if (!c)
		return;
	if (r->count == OBJECTS_MAX) {
		r->whole = false;
		return;
	}
	if (reach_read(&t.id, t.address + offsetof(struct gor_hchan, id), sizeof t.id) == sizeof t.id)
		r->targets[r->count++] = t;
}

static bool reach_is_sleeper(const struct g *g)
{
	return g_state(g) == G_WAITING &&
	       (g->reason == GTRACE_reason_CHAN_RECV || g->reason == GTRACE_reason_CHAN_SEND ||
	        g->reason == GTRACE_reason_SELECT) &&
	       !(g->wait_flags & (GTRACE_WAIT_DEADLINE | GTRACE_WAIT_CANCEL)) && g->wait_on;
}

/** The channels that g waits on. */
static void reach_wants(struct reach *r, const struct g *g,
                        void (*each)(struct reach *, const struct gor_hchan *))
{
	gor_case cases[CASES_MAX];
	uint32_t n = g->wait_cases;

	if (n == 0) {
		each(r, g->wait_on);
		return;
	}
	n = n < CASES_MAX ? n : CASES_MAX;
	if (reach_read(cases, (uint64_t)(uintptr_t)g->wait_on, n * sizeof *cases) !=
	    (ssize_t)(n * sizeof *cases))
		return;
	for (uint32_t i = 0; i < n; i++)
		if (cases[i].kind == GOR_CASE_RECV || cases[i].kind == GOR_CASE_SEND)
			each(r, cases[i].chan);
}

static void reach_timed(struct reach *r, const struct gor_hchan *c)
{
	bool timed;

	if (c && reach_read(&timed, (uint64_t)(uintptr_t)c + offsetof(struct gor_hchan, timed),
	                    sizeof timed) == sizeof timed)
		r->hit |= timed;
}

static void reach_collect(void *arg, struct g *g)
{
	struct reach *r = arg;

	if (g->sched != r->sched || !reach_is_sleeper(g))
		return;
	r->hit = false;
	reach_wants(r, g, reach_timed);
	if (r->hit)
		return; // a timer will wake it
	if (r->sleeper_count == OBJECTS_MAX) {
		r->whole = false;
		return;
	}
	r->sleepers[r->sleeper_count++] = (struct sleeper){.g = g, .id = g->id, .seq = g->trace_seq};
	reach_wants(r, g, reach_add);
}

static int reach_by_goroutine(const void *a, const void *b)
{
	uintptr_t x = (uintptr_t)((const struct sleeper *)a)->g;
	uintptr_t y = (uintptr_t)((const struct sleeper *)b)->g;

	return x < y ? -1 : x > y;
}

static int reach_by_address(const void *a, const void *b)
{
	uint64_t x = ((const struct target *)a)->address, y = ((const struct target *)b)->address;

	return x < y ? -1 : x > y;
}

static void reach_sort(struct reach *r)
{
	uint32_t kept = 0;

	qsort(r->targets, r->count, sizeof *r->targets, reach_by_address);
	for (uint32_t i = 0; i < r->count; i++)
		if (!kept || r->targets[kept - 1].address != r->targets[i].address)
			r->targets[kept++] = r->targets[i];
	r->count = kept;
	qsort(r->sleepers, r->sleeper_count, sizeof *r->sleepers, reach_by_goroutine);
	r->low = r->targets[0].address;
	r->span = r->targets[kept - 1].address - r->low;
}

/* ── where to look ────────────────────────────────────────────────────────────────────────────────
 */

/**
 * Memory that is the runtime's own: cut it out of the stretch [from, to) that begins at from.
 * Returns where to go on.
 */
static uint64_t reach_skip(const struct reach *r, uint64_t from, uint64_t *to)
{
	uint64_t low, high;

	for (unsigned i = 0;; i++) {
		if (i == 0) {
			low = (uint64_t)(uintptr_t)r->arena;
			high = low + r->arena_bytes;
		} else if (i == 1) { // the caller of gor_run is above its frame, the monitor below
			high = (uint64_t)(uintptr_t)r->sched->caller_frame;
			low = high - (8u << 20);
		} else if (i == 2 && r->self_high) {
			low = r->self_low;
			high = r->self_high;
		} else {
			break;
		}
		if (from >= low && from < high)
			return high < *to ? high : *to;
		if (from<low && * to> low)
			*to = low;
	}
	for (const struct m *m = atomic_load_explicit(&r->sched->all_m, memory_order_acquire); m;
	     m = m->all_next) {
		high = (uint64_t)(uintptr_t)atomic_load_explicit(&m->hide_high, memory_order_acquire);
		low = (uint64_t)(uintptr_t)atomic_load_explicit(&m->hide_low, memory_order_acquire);
		if (!high)
			continue;
		if (from >= low && from < high)
			return high < *to ? high : *to;
		if (from<low && * to> low)
			*to = low;
	}
	return gor__stack_skip(from, to);
}

static void reach_mapping(struct reach *r, uint64_t from, uint64_t to, const char *path)
{
	char what[55];
	enum where where = path[0] == '/' ? IN_DATA : IN_HEAP;
	const char *base = strrchr(path, '/');

	snprintf(what, sizeof what, "%s%s", where == IN_DATA ? "global data of " : "heap",
	         where == IN_DATA ? base + 1 : "");
	while (from < to) {
		uint64_t end = to, next = reach_skip(r, from, &end);
		if (next == from) {
			if (end - from > HUGE_MAPPING)
				r->whole = false;
			else
				reach_range(r, from, end, where, what);
			next = end;
		}
		from = next;
	}
}

static bool reach_maps(struct reach *r)
{
	int fd = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
	size_t len = 0;
	ssize_t n;

	if (fd < 0)
		return false;
	while (len < MAPS_BYTES - 1 && (n = read(fd, r->maps + len, MAPS_BYTES - 1 - len)) > 0)
		len += (size_t)n;
	close(fd);
	if (len == MAPS_BYTES - 1)
		return false;
	r->maps[len] = 0;
	for (char *line = r->maps, *end; *line; line = end + 1) {
		unsigned long long from, to;
		char perms[5] = "";
		int path = 0;
		end = strchr(line, '\n');
		if (!end)
			break;
		*end = 0;
		if (sscanf(line, "%llx-%llx %4s %*s %*s %*s %n", &from, &to, perms, &path) < 3 ||
		    perms[0] != 'r' || perms[1] != 'w')
			continue;
		if (!strstr(line + path, ".live")) // the recorder's buffer
			reach_mapping(r, from, to, line + path);
	}
	return true;
}

/** A goroutine that runs, or may: what is on its stack, and in its registers as far as known. */
static void reach_stack_live(struct reach *r, struct g *g)
{
	enum g_state state = g_state(g);
	uint64_t sp = state == G_RUNNING ? 0 : (uint64_t)(uintptr_t)g->sp;
	for (const struct m *m = atomic_load(&r->sched->all_m); m && state == G_RUNNING;
	     m = m->all_next) {
		if (atomic_load(&m->running) != g->id || !atomic_load(&m->sample.count))
			continue;
		reach_words(r, m->sample.regs, SAMPLE_REGS, IN_REGISTERS,
		            "registers of a running goroutine");
		sp = m->sample.sp - 128; // the red zone
	}
	reach_stack(r, g, sp);
}

/** Has it not moved since it was first seen? */
static bool reach_sleeps_still(const struct sleeper *s)
{
	return s->g->id == s->id && s->g->trace_seq == s->seq && reach_is_sleeper(s->g);
}

/** Goroutines that are not parked for good can use what is on their stacks. */
static void reach_live(void *arg, struct g *g)
{
	struct reach *r = arg;
	struct sleeper key = {.g = g};
	struct sleeper *sleeper =
		bsearch(&key, r->sleepers, r->sleeper_count, sizeof key, reach_by_goroutine);

	if (g->sched != r->sched || (sleeper && reach_sleeps_still(sleeper)))
		return;
	if (sleeper)
		sleeper->alive = true;
	reach_stack_live(r, g);
}

static void reach_found(struct reach *r, const struct gor_hchan *c)
{
	const struct target *t = reach_target(r, (uint64_t)(uintptr_t)c);

	r->hit |= t && t->where;
}

/** A sleeper that has moved, or one of whose channels was found, can use what it holds. */
static void reach_spread(struct reach *r)
{
	for (bool again = true; again;) {
		again = false;
		for (uint32_t i = 0; i < r->sleeper_count; i++) {
			struct sleeper *sleeper = &r->sleepers[i];
			if (sleeper->alive)
				continue;
			r->hit = !reach_sleeps_still(sleeper);
			if (!r->hit)
				reach_wants(r, sleeper->g, reach_found);
			if (!r->hit)
				continue;
			sleeper->alive = again = true;
			reach_stack_live(r, sleeper->g);
		}
	}
}

static void reach_wanted(struct reach *r, const struct gor_hchan *c)
{
	struct target *t = reach_target(r, (uint64_t)(uintptr_t)c);

	if (t)
		t->wanted = true;
}

static void reach_emit(struct reach *r, struct gtrace_stream *stream, unsigned snap)
{
	for (uint32_t i = 0; i < r->sleeper_count; i++)
		if (!r->sleepers[i].alive)
			reach_wants(r, r->sleepers[i].g, reach_wanted);
	GTRACE_EMIT(stream, SNAP_BEGIN, snap, 0);
	for (uint32_t i = 0; i < r->count; i++) {
		const struct target *t = &r->targets[i];
		const char *what = t->what;
		size_t len = strlen(what);
		if (t->where || (r->whole && t->wanted))
			gtrace_stream_text(stream, GTRACE_REACH, (const uint64_t[]){t->id, t->where, 0}, &what,
			                   &len);
	}
	GTRACE_EMIT(stream, SNAP_END);
}

/** The recorder's thread looks: nothing on its stack is the program's. */
static void reach_self(struct reach *r)
{
	pthread_attr_t attr;
	void *low;
	size_t bytes;

	if (pthread_getattr_np(pthread_self(), &attr) != 0)
		return;
	if (pthread_attr_getstack(&attr, &low, &bytes) == 0) {
		r->self_low = (uint64_t)(uintptr_t)low;
		r->self_high = r->self_low + bytes;
	}
	pthread_attr_destroy(&attr);
}

/**
 * Search, and write the result to stream, which is the calling thread's.  Takes about 0.2 ms a
 * resident MiB.
 */
void gor__reach(struct sched *s, struct gtrace_stream *stream, unsigned snap)
{
	size_t targets = OBJECTS_MAX * sizeof(struct target),
		   sleepers = OBJECTS_MAX * sizeof(struct sleeper);
	struct reach r = {.sched = s,
	                  .left = BUDGET,
	                  .whole = true,
	                  .arena_bytes = CHUNK + MAPS_BYTES + targets + sleepers};

	if (SAN_KEEPS_COPIES)
		return;
	if (snap == GTRACE_snap_REQUEST)
		reach_self(&r);
	r.arena = mmap(NULL, r.arena_bytes, PROT_READ | PROT_WRITE,
	               MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (r.arena == MAP_FAILED)
		return;
	r.chunk = r.arena;
	r.maps = r.chunk + CHUNK;
	r.targets = (struct target *)(void *)(r.maps + MAPS_BYTES);
	r.sleepers = (struct sleeper *)(void *)((char *)r.targets + targets);
	gor__g_each(reach_collect, &r);
	if (r.count) {
		reach_sort(&r);
		if (reach_maps(&r)) {
			gor__g_each(reach_live, &r);
			reach_spread(&r);
			reach_emit(&r, stream, snap);
		}
	}
	munmap(r.arena, r.arena_bytes);
}

/* SPDX-License-Identifier: MIT */
/**
 * search.c: looking for addresses in all of memory, conservatively, while the other threads go on.
 *
 * A place is found when a word that was looked at points into it, or, if it is one that counts as
 * soon as somebody can use the memory around it, when that memory was looked at.  Looked at are, to
 * begin with,
 *
 *   every mapping   that can be written, or has no file: without goroutine stacks, the stack frames
 *                   of the runtime's own threads, the stacks of attached foreign threads, which are
 *                   stacks of goroutines, and the blocks of malloc()
 *
 *   the kernel      what it keeps of words for the program (kept.c)
 *
 * and whatever the caller says; and then, until nothing new is found, the blocks whose addresses
 * were met (heap.c).  A word counts wherever it begins, and whatever its lowest three bits are.
 *
 * Memory is read through the kernel (peek.h): what is unmapped under our hands is an error there
 * and not a crash.  Only resident pages are read, BUDGET bytes at most.  The stacks of parked
 * goroutines are never unmapped, and read where they are, which takes a tenth of the time.
 *
 * The recorder's thread searches for seconds where there are a million of them.  Meanwhile it has
 * to write what others fill, or they would wait for the search: gor__search_rest().
 */
#define _GNU_SOURCE
#include "search.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "kept.h"
#include "peek.h"
#include "sort.h"

#define BUDGET (UINT64_C(256) << 20)
#define CHUNK (1u << 20)
#define PAGE 4096u
#define SMALL 65536u // a block that is read at once
#define CACHE_PAGES 1024u
#define MAPS_BYTES (4u << 20)
#define REST_BYTES 65536u // that are looked at in a row
#define RANGE_BYTES 512u  // a range takes as long as so many more
#define HUGE_MAPPING (UINT64_C(1) << 30)
#define RUNTIME_STACK (8u << 20)

static struct {
	_Atomic uint64_t low, high; // of the thread's stack; high 0: not known
} recorder, dumper;

/* ── places ───────────────────────────────────────────────────────────────────────────────────────
 */

void gor__search_add(struct search *s, struct places *to, uint64_t low, uint32_t bytes)
{
	if (to->count < PLACES_MAX)
		to->at[to->count++] = (struct place){.low = low, .bytes = bytes};
	else
		s->whole = false;
}

static int place_compare(const void *a, const void *b)
{
	uint64_t x = ((const struct place *)a)->low, y = ((const struct place *)b)->low;

	return x < y ? -1 : x > y;
}

static void places_sort(struct places *p)
{
	uint32_t kept = 0;

	gor__sort(p->at, p->count, sizeof *p->at, place_compare);
	for (uint32_t i = 0; i < p->count; i++)
		if (!kept || p->at[kept - 1].low != p->at[i].low)
			p->at[kept++] = p->at[i];
	p->count = kept;
}

/** How many of them begin at or below that address. */
static uint32_t places_below(const struct places *p, uint64_t address)
{
	uint32_t from = 0, to = p->count;

	while (from < to) {
		uint32_t mid = from + (to - from) / 2;
		if (p->at[mid].low <= address)
			from = mid + 1;
		else
			to = mid;
	}
	return from;
}

struct place *gor__search_place(const struct places *p, uint64_t low)
{
	uint32_t n = places_below(p, low);

	return n && p->at[n - 1].low == low ? &p->at[n - 1] : NULL;
}

static void search_found(const struct search *s, struct place *p)
{
	if (p->where)
		return;
	p->where = (uint8_t)s->where;
	memcpy(p->what, s->what, sizeof p->what);
}

void gor__search_lie(struct search *s, uint64_t address)
{
	struct place *p = gor__search_place(&s->lying, address);

	if (p)
		search_found(s, p);
}

/** Somebody can use this memory, and so what lies in it. */
static void search_lying(struct search *s, uint64_t from, uint64_t to)
{
	for (uint32_t i = s->lying.count ? places_below(&s->lying, to - 1) : 0;
	     i > 0 && s->lying.at[i - 1].low >= from; i--)
		search_found(s, &s->lying.at[i - 1]);
}

/* ── words ────────────────────────────────────────────────────────────────────────────────────────
 */

void gor__search_at(struct search *s, enum where where, const char *what)
{
	s->where = where;
	snprintf(s->what, sizeof s->what, "%s", what);
}

void gor__search_word(struct search *s, uint64_t word)
{
	if (word - s->low < s->span) {
		uint32_t n = places_below(&s->pointed, word);
		if (n && word - s->pointed.at[n - 1].low < s->pointed.at[n - 1].bytes)
			search_found(s, &s->pointed.at[n - 1]);
	}
	if (word - s->heap.low < s->heap.span)
		gor__heap_meet(&s->heap, word);
}

static void search_bytes(struct search *s, const char *bytes, size_t n)
{
	uint64_t low = s->all_low, span = s->all_span;

	for (size_t i = 0; i + sizeof(uint64_t) <= n; i++) {
		uint64_t word;
		memcpy(&word, bytes + i, sizeof word);
		if (word - low < span)
			gor__search_word(s, word);
	}
}

static bool search_resident(uint64_t from, size_t bytes)
{
	unsigned char pages[CHUNK / PAGE];

	if (mincore((void *)(uintptr_t)from, bytes, pages) != 0)
		return true;
	for (size_t i = 0; i < (bytes + PAGE - 1) / PAGE; i++)
		if (pages[i] & 1)
			return true;
	return false;
}

/** Returns: is the budget enough for so many bytes more? */
static bool search_spend(struct search *s, uint64_t bytes)
{
	s->whole &= bytes <= s->left;
	if (bytes > s->left)
		return false;
	s->left -= bytes;
	return true;
}

void gor__search_rest(struct search *s, uint64_t bytes)
{
	s->looked += bytes + RANGE_BYTES;
	if (!s->list || s->looked < REST_BYTES)
		return;
	s->looked = 0;
	gtrace_keyframe_drain(s->list);
}

void gor__search_mapped(struct search *s, uint64_t from, uint64_t to)
{
	if (from >= to || !search_spend(s, to - from))
		return;
	search_lying(s, from, to);
	search_bytes(s, (const char *)(uintptr_t)from, (size_t)(to - from)); // NOLINT: an address
	gor__search_rest(s, to - from);
}

void gor__search_range(struct search *s, uint64_t from, uint64_t to)
{
	if (from < to)
		search_lying(s, from, to);
	while (from < to) {
		size_t bytes = to - from < CHUNK ? (size_t)(to - from) : CHUNK - from % PAGE;
		size_t over = to - from - bytes < 7 ? (size_t)(to - from - bytes) : 7; // of the last words
		if (!search_resident(from / PAGE * PAGE, bytes)) {
			from += bytes;
			continue;
		}
		if (!search_spend(s, bytes))
			return;
		size_t got = gor__peek(s->chunk, from, bytes + over);
		search_bytes(s, s->chunk, got);
		// a page that cannot be read is not the program's memory either: skip it
		from += got >= bytes ? bytes : got / PAGE * PAGE + PAGE;
		gor__search_rest(s, got);
	}
}

/**
 * Copy part of a block by whole pages, which are kept: blocks that lead to each other are often
 * neighbours.  Returns: how much could be read.
 */
static size_t search_copy(struct search *s, char *to, uint64_t from, size_t bytes)
{
	size_t done = 0;

	while (done < bytes) {
		uint64_t page = (from + done) / PAGE, at = (from + done) % PAGE;
		size_t part = PAGE - at < bytes - done ? (size_t)(PAGE - at) : bytes - done;
		char *copy = s->cache + page % CACHE_PAGES * PAGE;
		if (s->cached[page % CACHE_PAGES] != page) {
			s->cached[page % CACHE_PAGES] = 0;
			if (gor__peek(copy, page * PAGE, PAGE) != PAGE)
				return done;
			s->cached[page % CACHE_PAGES] = page;
		}
		memcpy(to + done, copy + at, part);
		done += part;
	}
	return done;
}

void gor__search_blocks(struct search *s)
{
	uint64_t from, to;

	while (gor__heap_next(&s->heap, &from, &to)) {
		if (to - from > SMALL) {
			gor__search_range(s, from, to);
			continue;
		}
		if (!search_spend(s, to - from))
			return;
		search_lying(s, from, to);
		size_t got = search_copy(s, s->chunk, from, (size_t)(to - from));
		if (!gor__heap_is_tcache((const uint64_t *)(void *)s->chunk, got))
			search_bytes(s, s->chunk, got);
	}
}

void gor__search_changed(struct search *s)
{
	uint64_t from, to;

	gor__search_at(s, IN_MEMORY, "memory");
	while (gor__heap_changed(&s->heap, &from, &to)) {
		gor__search_range(s, from, to);
		gor__search_blocks(s);
	}
}

/* ── all of memory ────────────────────────────────────────────────────────────────────────────────
 */

/** Cut [low, high) out of the stretch [*from, *to).  Returns: did that move *from? */
static bool cut(uint64_t *from, uint64_t *to, uint64_t low, uint64_t high)
{
	if (*from >= low && *from < high) {
		*from = high < *to ? high : *to;
		return true;
	}
	if (*from<low && * to> low)
		*to = low;
	return false;
}

/**
 * Memory that is the runtime's own, and the heap's: cut it out of the stretch [from, *to) that
 * begins at from.  Returns where to go on.
 */
static uint64_t search_skip(const struct search *s, uint64_t from, uint64_t *to)
{
	uint64_t arena = (uint64_t)(uintptr_t)s->arena;
	uint64_t caller = (uint64_t)(uintptr_t)s->sched->caller_frame;
	uint64_t high = atomic_load(&recorder.high), dumps = atomic_load(&dumper.high);
	const struct m *m = atomic_load_explicit(&s->sched->all_m, memory_order_acquire);

	// the caller of gor_run is above its frame, the monitor below
	if (cut(&from, to, arena, arena + s->arena_bytes) ||
	    cut(&from, to, caller - RUNTIME_STACK, caller) ||
	    (high && cut(&from, to, atomic_load(&recorder.low), high)) ||
	    (dumps && cut(&from, to, atomic_load(&dumper.low), dumps)) ||
	    (s->own_high && cut(&from, to, s->own_low, s->own_high)))
		return from;
	for (; m; m = m->all_next) {
		high = (uint64_t)(uintptr_t)atomic_load_explicit(&m->hide_high, memory_order_acquire);
		uint64_t low =
			(uint64_t)(uintptr_t)atomic_load_explicit(&m->hide_low, memory_order_acquire);
		if (high && cut(&from, to, low, high))
			return from;
	}
	uint64_t next = gor__stack_skip(from, to);
	return next != from ? next : gor__heap_skip(&s->heap, from, to);
}

static void search_mapping(struct search *s, uint64_t from, uint64_t to)
{
	while (from < to) {
		uint64_t end = to, next = search_skip(s, from, &end);
		if (next == from) {
			if (end - from > HUGE_MAPPING)
				s->whole = false;
			else
				gor__search_range(s, from, end);
			next = end;
		}
		from = next;
	}
	gor__search_blocks(s);
}

struct mapping {
	uint64_t from, to;
	const char *path; // or [name], or empty
	bool writable;
};

/** The next line of the mappings; *at: where it begins.  Returns: was there one? */
static bool mapping_next(char **at, struct mapping *m)
{
	unsigned long long from, to;
	char perms[5] = "";
	int path = 0;
	char *line = *at, *end = line + strcspn(line, "\n");

	if (sscanf(line, "%llx-%llx %4s %*s %*s %*s%n", &from, &to, perms, &path) < 3)
		return false;
	*at = *end ? end + 1 : end;
	*m = (struct mapping){.from = from, .to = to, .writable = perms[1] == 'w', .path = ""};
	if (perms[0] != 'r')
		m->to = m->from; // nothing to see
	line += path;
	line += strspn(line, " ");
	if (line < end) {
		*end = 0;
		m->path = line;
	}
	return true;
}

/** All lines of the mappings, into s->maps. */
static bool search_read_maps(struct search *s)
{
	int fd = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
	size_t len = 0;
	ssize_t n;

	if (fd < 0)
		return false;
	while (len < MAPS_BYTES - 1 && (n = read(fd, s->maps + len, MAPS_BYTES - 1 - len)) > 0)
		len += (size_t)n;
	close(fd);
	s->maps[len] = 0;
	return len < MAPS_BYTES - 1;
}

bool gor__search_heap(struct search *s)
{
	struct mapping m;

	if (!search_read_maps(s))
		return false;
	for (char *at = s->maps; mapping_next(&at, &m);)
		if (m.writable && m.path[0] != '/')
			gor__heap_find(&s->heap, m.from, m.to, strcmp(m.path, "[heap]") == 0);
	return true;
}

/** Sort the places, and see between which addresses is all that is looked for. */
static void search_bound(struct search *s)
{
	const struct places *p = &s->pointed;
	uint64_t low = UINT64_MAX, high = 0;

	places_sort(&s->pointed);
	places_sort(&s->lying);
	if (p->count) {
		s->low = low = p->at[0].low;
		high = p->at[p->count - 1].low + p->at[p->count - 1].bytes;
		s->span = high - low;
	}
	if (s->heap.count && s->heap.low < low)
		low = s->heap.low;
	if (s->heap.count && s->heap.low + s->heap.span > high)
		high = s->heap.low + s->heap.span;
	s->all_low = low;
	s->all_span = low < high ? high - low : 0;
}

static void search_kept(void *arg, uint64_t word)
{
	gor__search_word(arg, word);
}

bool gor__search_memory(struct search *s)
{
	struct mapping m;
	char what[sizeof s->what];

	search_bound(s);
	if (!search_read_maps(s))
		return false;
	for (char *at = s->maps; mapping_next(&at, &m);) {
		bool file = m.path[0] == '/';
		if (strstr(m.path, ".live") || (!m.writable && m.path[0])) // the recorder's buffer
			continue;
		snprintf(what, sizeof what, "%s%.32s", file ? "global data of " : "memory",
		         file ? strrchr(m.path, '/') + 1 : "");
		gor__search_at(s, file ? IN_DATA : IN_MEMORY, what);
		search_mapping(s, m.from, m.to);
	}
	gor__search_at(s, IN_MEMORY, "the kernel");
	s->whole &= gor__kept(search_kept, s);
	gor__search_blocks(s);
	return true;
}

/* ── begin and end ────────────────────────────────────────────────────────────────────────────────
 */

/** The stack of the calling thread.  Returns: is it known? */
static bool search_own_stack(uint64_t *from, uint64_t *to)
{
	pthread_attr_t attr;
	void *low;
	size_t bytes;

	if (pthread_getattr_np(pthread_self(), &attr) != 0)
		return false;
	bool known = pthread_attr_getstack(&attr, &low, &bytes) == 0;
	pthread_attr_destroy(&attr);
	if (known) {
		*from = (uint64_t)(uintptr_t)low;
		*to = *from + bytes;
	}
	return known;
}

void gor__search_leave_out(void)
{
	uint64_t low, high;

	if (atomic_load(&recorder.high) || !search_own_stack(&low, &high))
		return;
	atomic_store(&recorder.low, low);
	atomic_store(&recorder.high, high);
}

void gor__search_leave_out_below(const void *frame, size_t bytes)
{
	uint64_t high = (uint64_t)(uintptr_t)frame;

	atomic_store(&dumper.low, high - bytes);
	atomic_store(&dumper.high, high);
}

void gor__search_hide_thread(struct search *s)
{
	search_own_stack(&s->own_low, &s->own_high);
}

void gor__search_put_back(void)
{
	atomic_store(&recorder.high, 0);
}

bool gor__search_begin(struct search *s, struct sched *sched, size_t more, void **memory)
{
	size_t places = PLACES_MAX * sizeof(struct place), cached = CACHE_PAGES * sizeof(uint64_t),
		   cache = CACHE_PAGES * PAGE;
	char *at;

	*s = (struct search){.sched = sched, .left = BUDGET, .whole = true};
	s->arena_bytes = CHUNK + MAPS_BYTES + HEAP_BYTES + 2 * places + cached + cache + more;
	at = mmap(NULL, s->arena_bytes, PROT_READ | PROT_WRITE,
	          MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (at == MAP_FAILED)
		return false;
	s->arena = at;
	s->chunk = at;
	s->maps = at += CHUNK;
	gor__heap_init(&s->heap, at += MAPS_BYTES, s->chunk);
	s->pointed.at = (struct place *)(void *)(at += HEAP_BYTES);
	s->lying.at = (struct place *)(void *)(at += places);
	s->cached = (uint64_t *)(void *)(at += places);
	s->cache = at += cached;
	*memory = at + cache;
	return true;
}

void gor__search_end(struct search *s)
{
	munmap(s->arena, s->arena_bytes);
}

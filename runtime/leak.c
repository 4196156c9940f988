/* SPDX-License-Identifier: MIT */
/**
 * leak.c: leak tests, which count what a test has started and not seen end.
 *
 * Between its begin and its end a test has a scope.  A goroutine that is born gets the scope of the
 * one that starts it, a pointer in struct g, so all descendants of the test have it; a scope begun
 * within another one points to that as its parent.
 *
 *   K1  scope->alive is how many goroutines were born in the scope or in one within it and have not
 *       ended.  The one that starts a goroutine counts it, before it can run or end.  So alive is 0
 *       only if there are none, and an end that finds 0 need not look at any goroutine.
 *   K2  whoever began a scope is not born in it, and counts in the scopes around it only.
 *   K3  memory of scopes is never unmapped, only used again: a look at the scope of a goroutine
 *       that ends meanwhile is harmless.  It is used again if alive is 0 and no scope within it is
 *       still open; one with a leak stays for good.
 *
 * What is printed, and what options leave out, takes a walk over the stacks, during which
 * goroutines are born and end:
 *
 *	the walk                     a, on another thread
 *	───────────────────────      ────────────────────
 *	slot 1: free
 *	                             starts b, in slot 1; ends
 *	slot 2: a has ended
 *
 * It saw none, and b is alive.  So a walk that did not see as many as alive says is done again.
 *
 * Outside a run a thread has a scope of its own, which goroutine 1 inherits, as a thread's
 * goroutine does when it is attached.  A goroutine that outlives its run never ends:
 * gor__leak_linger() gives those that are about to end the time for it.
 *
 * Rejected: comparing the ids alive before and after, as Go's leak tests do.  Tests that run at the
 * same time then see each other's goroutines.
 */
#define _GNU_SOURCE
#include "leak.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "aside.h"
#include "dump.h"
#include "frames.h"
#include "out.h"
#include "sort.h"

#define WAIT_USUAL GOR_SECOND // goroutines that end by themselves are long gone by then
#define PAUSE_FIRST (20 * GOR_MICROSECOND)
#define PAUSE_LAST (10 * GOR_MILLISECOND)
#define NO_RACES __attribute__((no_sanitize("thread"))) // K3
#define UNSETTLED_MOST 1000                             // walks, when time is up

struct gor_leak_scope {
	_Atomic int64_t alive;
	struct gor_leak_scope *parent;
	struct gor_leak_scope *next;   // leaks.lock: in the list of free ones
	struct gor_leak_scope *before; // in the list of all, which is what keeps them reachable
	uint64_t owner;                // goroutine that began it; 0 a thread
	uint32_t open;                 // leaks.lock: scopes begun in it, and not ended
	bool closed;                   // leaks.lock: ended itself
};

static struct {
	struct lock lock;
	struct gor_leak_scope *free, *all; // lock
	_Atomic(void (*)(const char *)) fail;
	_Atomic bool at_exit;
	_Atomic bool failed;
	_Atomic bool verify;
	_Atomic(const gor_leak_options *) verify_opt;
	uint64_t *current; // before `verify`: ids that were alive then
	size_t current_count;
} leaks;

__thread struct gor_leak_scope *gor__leak_thread;

/* ── births and ends ──────────────────────────────────────────────────────────────────────────────
 */

void gor__leak_born(struct gor_leak_scope *scope)
{
	for (; scope; scope = scope->parent)
		atomic_fetch_add_explicit(&scope->alive, 1, memory_order_relaxed);
}

/** The scope that g was born in: less those that it has begun itself. */
NO_RACES static struct gor_leak_scope *leak_birth(const struct g *g)
{
	struct gor_leak_scope *scope = g->scope;

	while (scope && scope->owner == g->id)
		scope = scope->parent;
	return scope;
}

void gor__leak_ended(const struct g *g)
{
	struct gor_leak_scope *scope = leak_birth(g);

	while (scope) {
		struct gor_leak_scope *parent = scope->parent; // at 0 it may be used again, K3
		atomic_fetch_sub_explicit(&scope->alive, 1, memory_order_release);
		scope = parent;
	}
}

/* ── who is left ──────────────────────────────────────────────────────────────────────────────────
 */

struct left {
	uint64_t id;
	struct sched *sched;
};

struct look {
	const struct gor_leak_scope *scope; // NULL: all goroutines
	const gor_leak_options *opt;        // or NULL
	const struct g *self;
	struct left *list; // those that count
	size_t count, room;
	size_t seen;          // and those that do not
	struct snapshot snap; // of the run that goes on, soon after
};

static bool leak_listed(const char *const *list, const char *name)
{
	for (; list && *list; list++)
		if (strcmp(*list, name) == 0)
			return true;
	return false;
}

static bool leak_is_current(uint64_t id)
{
	for (size_t i = 0; i < leaks.current_count; i++)
		if (leaks.current[i] == id)
			return true;
	return false;
}

NO_RACES static bool leak_ignored(const struct look *look, const struct g *g)
{
	const gor_leak_options *opt = look->opt;
	const struct gor_site *site = g->site, *born = g->born;

	if (!look->scope && !g->parent) // main, if another one ends the program
		return true;
	if (!opt || !born) // no born: it has just ended, and its page went
		return !born;
	const char *top = site ? site->func : born->text;
	return leak_listed(opt->ignore_top, top) || leak_listed(opt->ignore_created_by, born->func) ||
	       leak_listed(opt->ignore_any, top) || leak_listed(opt->ignore_any, born->text) ||
	       leak_listed(opt->ignore_any, born->func) ||
	       (opt->ignore_current && !look->scope && leak_is_current(g->id));
}

NO_RACES static bool leak_within(const struct look *look, const struct g *g)
{
	if (g == look->self || (g->home && g->home->foreign))
		return false;
	if (!look->scope)
		return true;
	const struct gor_leak_scope *scope = leak_birth(g);
	while (scope && scope != look->scope)
		scope = scope->parent;
	return scope != NULL;
}

NO_RACES static void leak_see(void *arg, struct g *g)
{
	struct look *look = arg;

	if (!leak_within(look, g))
		return;
	look->seen++;
	if (leak_ignored(look, g))
		return;
	if (look->count == look->room) {
		size_t room = look->room ? 2 * look->room : 64;
		struct left *list = realloc(look->list, room * sizeof *list);
		if (!list)
			gor__fatal(NULL, "gor: out of memory in a leak test");
		look->list = list;
		look->room = room;
	}
	look->list[look->count++] = (struct left){g->id, g->sched};
}

/** What is left, as it is: before anything that lets others run. */
static void leak_snap(struct look *look)
{
	const struct snapshot_caller nobody = {NULL, NULL};

	gor__snapshot_free(&look->snap);
	if (look->count && gor__sched_now())
		gor__snapshot(&look->snap, gor__sched_now(), SNAPSHOT_STACKS, &nobody);
}

static void leak_done(struct look *look)
{
	gor__snapshot_free(&look->snap);
	free(look->list);
}

static int leak_by_id(const void *a, const void *b)
{
	uint64_t x = ((const struct left *)a)->id, y = ((const struct left *)b)->id;

	return x < y ? -1 : x > y;
}

/** For each that is left; s is NULL if it has ended since. */
typedef void leak_row_fn(void *arg, const struct left *left, struct snapshot *s, size_t at);

/** The rows of those that are left, by id; on a stack that is large enough. */
static void leak_rows(const struct look *look, leak_row_fn *fn, void *arg)
{
	const struct snapshot_caller nobody = {NULL, NULL};
	struct snapshot s = look->snap, before = {.sched = NULL}; // of a run before, which stands still
	size_t at = 0;

	if (look->count)
		gor__sort(look->list, look->count, sizeof *look->list, leak_by_id);
	for (size_t i = 0; i < look->count; i++) {
		const struct left *left = &look->list[i];
		if (s.sched != left->sched) {
			gor__snapshot_free(&before);
			if (left->sched != look->snap.sched)
				gor__snapshot(&before, left->sched, SNAPSHOT_STACKS, &nobody);
			s = left->sched == look->snap.sched ? look->snap : before;
			at = 0;
		}
		while (at < s.count && s.rows[s.index[at].row].id < left->id)
			at++;
		bool there = at < s.count && s.rows[s.index[at].row].id == left->id;
		fn(arg, left, there ? &s : NULL, at);
	}
	gor__snapshot_free(&before);
}

/** By a function on its stack. */
static void leak_ignore_row(void *arg, const struct left *left, struct snapshot *s, size_t at)
{
	struct look *look = arg;
	struct frame frame[FRAMES_SHOWN];

	if (!s)
		return;
	unsigned n = gor__frames_shown(s, &s->rows[s->index[at].row], gor__module(), false, frame);
	bool ignored = n > 0 && leak_listed(look->opt->ignore_top, frame[0].func);

	for (unsigned k = 0; k < n && !ignored; k++)
		ignored = leak_listed(look->opt->ignore_any, frame[k].func);
	if (ignored)
		look->list[left - look->list].id = 0;
}

static void leak_ignore_stacks(void *arg)
{
	struct look *look = arg;
	size_t kept = 0;

	leak_rows(look, leak_ignore_row, look);
	for (size_t i = 0; i < look->count; i++)
		if (look->list[i].id)
			look->list[kept++] = look->list[i];
	look->count = kept;
}

/** How many there are, whether they count or not; of all: in the run that goes on. */
static size_t leak_alive(const struct look *look)
{
	if (look->scope)
		return (size_t)atomic_load_explicit(&look->scope->alive, memory_order_acquire);
	const struct sched *s = gor__sched_now();
	size_t others = look->self != NULL;
	if (!s || atomic_load(&s->stopped))
		return look->seen; // they stand still
	others += atomic_load(&s->attached);
	size_t n = gor_num_goroutine();
	return n > others ? n - others : 0;
}

/** Look at them.  False: it was not possible to see all. */
static bool leak_look(struct look *look)
{
	look->count = look->seen = 0;
	if (leak_alive(look) > 0 || !look->scope)
		gor__g_each(leak_see, look);
	if (look->count && look->opt && (look->opt->ignore_any || look->opt->ignore_top)) {
		leak_snap(look);
		gor__aside(leak_ignore_stacks, look);
	}
	return look->seen == leak_alive(look);
}

/** Can what is left still change? */
static bool leak_goes_on(void)
{
	const struct sched *s = gor__sched_now();

	return s && !atomic_load(&s->stopped);
}

/** Look until none is left or the time is up. */
static void leak_await(struct look *look, int64_t wait)
{
	int64_t deadline = gor_deadline(wait), pause = PAUSE_FIRST;
	unsigned unsettled = 0;

	for (;;) {
		bool settled = leak_look(look);
		if ((settled && !look->count) || !leak_goes_on())
			break;
		int64_t left = deadline < 0 ? PAUSE_LAST : deadline - gor_now();
		if (left <= 0 && (settled || look->count || ++unsettled > UNSETTLED_MOST))
			break;
		gor_sleep(left > 0 && left < pause ? left : pause);
		if (pause < PAUSE_LAST)
			pause *= 2;
	}
	leak_snap(look);
}

/* ── what is said ─────────────────────────────────────────────────────────────────────────────────
 */

/** What is left, as text on a descriptor. */
struct text {
	const struct look *look;
	struct out out;
	int fd;
};

static void leak_say(void *arg, const struct left *left, struct snapshot *s, size_t at)
{
	struct text *text = arg;

	if (!s) {
		gor__out_say(&text->out, "\nleaked goroutine: %llu, which has ended since\n",
		             (unsigned long long)left->id);
		return;
	}
	struct snapshot one = *s;
	one.index += at;
	one.count = 1;
	gor__out_say(&text->out, "\nleaked goroutine:\n");
	gor__dump_rows(&text->out, &one, gor__module(), 2);
}

static void leak_write_aside(void *arg)
{
	struct text *text = arg;
	const struct look *look = text->look;

	text->out = (struct out){.fd = text->fd};
	if (look->scope)
		gor__out_say(&text->out, "leak: found %zu goroutine%s started by this test:\n", look->count,
		             look->count == 1 ? "" : "s");
	else
		gor__out_say(&text->out,
		             "leak: found unexpected goroutines: %zu at the end of the program\n",
		             look->count);
	leak_rows(look, leak_say, text);
	gor__out_flush(&text->out);
}

static void leak_write(const struct look *look, int fd)
{
	gor__aside(leak_write_aside, &(struct text){.look = look, .fd = fd});
}

/** What leak_write() writes; the caller's.  NULL: no memory for it. */
static char *leak_text(const struct look *look)
{
	int fd = memfd_create("leak", MFD_CLOEXEC);
	char *text = NULL;

	if (fd < 0)
		return NULL;
	leak_write(look, fd);
	off_t bytes = lseek(fd, 0, SEEK_END);
	if (bytes >= 0 && (text = malloc((size_t)bytes + 1))) {
		ssize_t n = pread(fd, text, (size_t)bytes, 0);
		text[n > 0 ? n : 0] = 0;
	}
	close(fd);
	return text;
}

static const struct g *leak_self(void)
{
	const struct m *m = gor__here();

	return m ? m->cur : NULL;
}

/** The caller's id; 0: a thread, whether it is attached now or not. */
static uint64_t leak_self_id(void)
{
	const struct m *m = gor__here();

	return m && m->cur && !m->foreign ? m->cur->id : 0;
}

static void leak_at_exit(int status, void *arg)
{
	(void)arg;
	if (gor__forked()) // the goroutines are its parent's
		return;
	if (atomic_load(&leaks.verify)) {
		struct look look = {.opt = atomic_load(&leaks.verify_opt), .self = leak_self()};
		leak_look(&look);
		leak_snap(&look);
		if (look.count) {
			leak_write(&look, STDERR_FILENO);
			atomic_store(&leaks.failed, true);
		}
		leak_done(&look);
	}
	if (!atomic_load(&leaks.failed) || status != 0)
		return;
	gor__record_close(GTRACE_END_EXIT, 1);
	fflush(NULL);
	_exit(1);
}

static void leak_watch_exit(void)
{
	if (!atomic_exchange(&leaks.at_exit, true))
		on_exit(leak_at_exit, NULL);
}

static void leak_fail(const struct look *look)
{
	void (*fail)(const char *) = atomic_load(&leaks.fail);
	char *text = fail ? leak_text(look) : NULL;

	if (fail) {
		fail(text ? text : "leak: goroutines are left, and there is no memory to say which\n");
		free(text);
		return;
	}
	leak_write(look, STDERR_FILENO);
	atomic_store(&leaks.failed, true);
	leak_watch_exit();
}

/* ── the calls ────────────────────────────────────────────────────────────────────────────────────
 */

/** The caller is in this scope from here on. */
static void leak_enter(struct gor_leak_scope *scope)
{
	struct m *m = gor__here();

	if (m && m->cur)
		m->cur->scope = scope;
	if (!m || m->foreign) // and a run that it is attached to later
		gor__leak_thread = scope;
}

gor_leak_mark gor_leak_begin(void)
{
	const struct g *self = leak_self();
	struct gor_leak_scope *before = self ? self->scope : gor__leak_thread;

	gor__lock(&leaks.lock);
	struct gor_leak_scope *scope = leaks.free;
	if (scope)
		leaks.free = scope->next;
	gor__unlock(&leaks.lock);
	bool made = !scope;
	if (made && !(scope = calloc(1, sizeof *scope)))
		gor__fatal(NULL, "gor: out of memory in a leak test");
	scope->parent = before;
	scope->owner = leak_self_id();
	scope->closed = false;
	gor__lock(&leaks.lock);
	if (made) {
		scope->before = leaks.all;
		leaks.all = scope;
	}
	if (before)
		before->open++;
	gor__unlock(&leaks.lock);
	leak_enter(scope);
	return (gor_leak_mark){.scope = scope, .before = before};
}

/** Nobody is in the scope any more, perhaps; K3. */
static void leak_close(gor_leak_mark mark, bool left)
{
	gor__lock(&leaks.lock);
	mark.scope->closed = true;
	if (mark.before)
		mark.before->open--;
	if (!left && !mark.scope->open && !atomic_load(&mark.scope->alive)) {
		mark.scope->next = leaks.free;
		leaks.free = mark.scope;
	}
	gor__unlock(&leaks.lock);
}

/** The caller frees look->list. */
static void leak_end(gor_leak_mark mark, int64_t wait, const gor_leak_options *opt,
                     struct look *look)
{
	if (mark.scope->closed || mark.scope->owner != leak_self_id())
		gor__panic(NULL, "gor_leak_end: twice, or not by the goroutine that called gor_leak_begin");
	*look = (struct look){.scope = mark.scope, .opt = opt, .self = leak_self()};
	leak_enter(mark.before);
	leak_await(look, wait);
	leak_close(mark, look->seen > 0);
}

size_t gor_leak_end_opt(gor_leak_mark mark, int64_t wait, int fd, const gor_leak_options *opt)
{
	struct look look;

	leak_end(mark, wait, opt, &look);
	if (look.count && fd >= 0)
		leak_write(&look, fd);
	leak_done(&look);
	return look.count;
}

size_t gor_leak_end(gor_leak_mark mark, int64_t wait, int fd)
{
	return gor_leak_end_opt(mark, wait, fd, NULL);
}

void gor_leak_check(const gor_leak_mark *mark)
{
	struct look look;

	leak_end(*mark, WAIT_USUAL, NULL, &look);
	if (look.count)
		leak_fail(&look);
	leak_done(&look);
}

void gor_leak_on_fail(void (*fail)(const char *text))
{
	atomic_store(&leaks.fail, fail);
}

static void leak_note_current(void *arg, struct g *g)
{
	uint64_t *ids = realloc(leaks.current, (leaks.current_count + 1) * sizeof *ids);

	(void)arg;
	if (!ids)
		gor__fatal(NULL, "gor: out of memory in a leak test");
	leaks.current = ids;
	ids[leaks.current_count++] = g->id;
}

void gor_verify_main_opt(const gor_leak_options *opt)
{
	if (atomic_load(&leaks.verify))
		return;
	if (opt && opt->ignore_current)
		gor__g_each(leak_note_current, NULL);
	atomic_store(&leaks.verify_opt, opt);
	atomic_store(&leaks.verify, true);
	leak_watch_exit();
}

void gor_verify_main(void)
{
	gor_verify_main_opt(NULL);
}

/** Goroutine 1 is about to end the run: if anybody will count what is left, let that end first. */
void gor__leak_linger(struct g *g)
{
	struct look look = {.self = g, .scope = leak_birth(g)};

	gor__leak_ended(g);
	g->scope = NULL;
	if (!look.scope && !atomic_load(&leaks.verify))
		return;
	if (!look.scope)
		look.opt = atomic_load(&leaks.verify_opt);
	leak_await(&look, WAIT_USUAL);
	leak_done(&look);
}

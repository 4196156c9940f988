/* SPDX-License-Identifier: MIT */
/**
 * order.c: merge the streams into one order that could have happened.
 *
 * Inside a stream the order is that of the bytes.  Between streams it is that of the clocks, unless
 * the goroutines say otherwise: each start and wake of a goroutine carries a count, and is let
 * through only when the goroutine is in the state, and its count at the number, just before.
 *
 *   unborn ──GO_NEW──▶ runnable ──GO_START──▶ running ──GO_PARK──▶ waiting ──GO_WAKE──▶ runnable
 *                          ▲                  │  │
 *                          └────GO_YIELD──────┘  └──GO_END──▶ gone
 *
 *   I1  A stream is in the heap, or blocked, or woken, or exhausted.  The one whose head is handed
 *       out stays first in the heap until it has its next head; who is woken meanwhile goes there
 *       later.
 *   I2  A blocked stream is on the list of the one goroutine its head needs; whatever that
 *       goroutine does next puts it back into the heap, and it is looked at afresh.
 *   I3  A count of 0 means that the goroutine's last move is in this same stream: always let
 *       through.
 *   I4  No blocked stream runs out of patience before a head later than look_ns, or before
 *       look_count events: until then none has to be looked at.
 *
 * Compound records come as parts, and each is let through by itself.  Taken as one, a "park h,
 * start g" could need a wake that another stream has behind the wake of h, which needs that park:
 * no order.
 *
 * When nothing fits (I2 and an empty heap), or when all others are far later, a head is forced and
 * counted, and its goroutine is *undetermined*: its next move is taken as it comes.  After a gap
 * all goroutines are; an epoch number says so without touching them.
 *
 * The rules are those of docs/trace-format.md, to the letter: another reader gets the same order.
 */
#include "reader/order.h"

#include "reader/goroutine.h"
#include "reader/reader.h"

#include <errno.h>
#include <stdlib.h>

#define UNMET_NS 1000000       // patience with a goroutine that may have been born in a gap
#define BEGINNING_NS 1000000   // by so much may clocks differ where a trace begins in the middle
#define PATIENCE_NS 2000000000 // with all others
#define PATIENCE_EVENTS 100000

/* ── the heap ── */

static bool earlier(const struct cursor *a, const struct cursor *b)
{
	return a->ticks != b->ticks ? a->ticks < b->ticks : a->thread < b->thread;
}

static bool above(const struct order_head *a, const struct order_head *b)
{
	return a->ticks != b->ticks ? a->ticks < b->ticks : a->cursor->thread < b->cursor->thread;
}

/** Put a head where the first one was, and where it belongs from there. */
static void heap_down(struct order *o, struct order_head head)
{
	size_t i = 0;

	for (size_t child; (child = 2 * i + 1) < o->heap_count; i = child) {
		if (child + 1 < o->heap_count && above(&o->heap[child + 1], &o->heap[child]))
			child++;
		if (above(&head, &o->heap[child]))
			break;
		o->heap[i] = o->heap[child];
	}
	o->heap[i] = head;
}

static void heap_drop_first(struct order *o)
{
	if (--o->heap_count)
		heap_down(o, o->heap[o->heap_count]);
}

void gtrace__order_push(struct order *o, struct cursor *c)
{
	struct order_head head = {c->ticks, c};
	size_t i = o->heap_count++;

	for (; i && above(&head, &o->heap[(i - 1) / 2]); i = (i - 1) / 2)
		o->heap[i] = o->heap[(i - 1) / 2];
	o->heap[i] = head;
}

/** Is the first one first with a later head, too?  Mostly: a stream has several events in a row. */
static inline bool first_still(const struct order *o, const struct order_head *head)
{
	return (o->heap_count < 2 || above(head, &o->heap[1])) &&
	       (o->heap_count < 3 || above(head, &o->heap[2]));
}

void gtrace__order_settle(struct order *o)
{
	struct cursor *c = o->heap[0].cursor;
	struct order_head head = {c->ticks, c};

	if (c->state != HEAD_NONE) {
		if (first_still(o, &head))
			o->heap[0] = head;
		else
			heap_down(o, head);
		return;
	}
	o->cut_count += !c->ended;
	heap_drop_first(o);
}

int gtrace__order_init(struct order *o, size_t n, const struct timeline *timeline, bool middle)
{
	o->heap = calloc(n + 1, sizeof(*o->heap));
	o->blocked = calloc(n + 1, sizeof(struct cursor *));
	o->timeline = timeline;
	o->middle = o->beginning = middle;
	o->lossy_count = middle;
	o->look_ns = INT64_MAX;
	o->look_count = UINT64_MAX;
	return o->heap && o->blocked ? 0 : -ENOMEM;
}

void gtrace__order_release(struct order *o)
{
	free(o->heap);
	free(o->blocked);
	free(o->rows);
}

/* ── the blocked ── */

static int64_t head_ns(const struct order *o, struct cursor *c)
{
	return gtrace__timeline_ns(o->timeline, c->ticks, &c->line);
}

/** What a later head has to be later by.  A goroutine that was born in a gap may never be born. */
static int64_t patience_ns(const struct order *o, const struct goroutine *g)
{
	return (o->epoch || o->middle) && g->state == GTRACE_state_NONE ? UNMET_NS : PATIENCE_NS;
}

static int block(struct order *o, struct cursor *c, uint64_t id)
{
	struct goroutine *g = gtrace__goroutine_get(o, id);

	if (!g)
		return -ENOMEM;
	c->place.wait_g = id;
	c->place.wait_next = g->waiting;
	g->waiting = c;
	c->place.blocked_index = o->blocked_count;
	o->blocked[o->blocked_count++] = c;
	if (!c->place.was_blocked)
		c->place.blocked_at = o->handed_out;
	c->place.was_blocked = true;
	int64_t look_ns = head_ns(o, c) + patience_ns(o, g);

	if (look_ns < o->look_ns)
		o->look_ns = look_ns; // keeps I4
	return 0;
}

/** Off the list of the blocked; not off its goroutine's list. */
static void unblock(struct order *o, struct cursor *c)
{
	struct cursor *last = o->blocked[--o->blocked_count];

	o->blocked[c->place.blocked_index] = last;
	last->place.blocked_index = c->place.blocked_index;
	c->place.wait_next = o->woken; // keeps I1
	o->woken = c;
}

static void woken_push(struct order *o)
{
	while (o->woken) {
		struct cursor *c = o->woken;

		o->woken = c->place.wait_next;
		gtrace__order_push(o, c);
	}
}

/** The goroutine has moved: have those who waited for it looked at again.  Keeps I2. */
static void wake_waiting(struct order *o, struct goroutine *g)
{
	struct cursor *c = g->waiting;

	g->waiting = NULL;
	while (c) {
		struct cursor *next = c->place.wait_next;

		unblock(o, c);
		c = next;
	}
}

/** Take one cursor off both lists. */
static void unblock_one(struct order *o, struct cursor *c)
{
	struct goroutine *g = gtrace__goroutine_find(o, c->place.wait_g);
	struct cursor **p = &g->waiting;

	while (*p != c)
		p = &(*p)->place.wait_next;
	*p = c->place.wait_next;
	if (!g->waiting && g->state == GTRACE_state_NONE)
		gtrace__goroutine_remove(o, g);
	unblock(o, c);
}

static void force(struct order *o, struct cursor *c)
{
	c->place.forced = true;
	unblock_one(o, c);
}

/** What was lost may be what they wait for. */
static void recheck_all(struct order *o)
{
	while (o->blocked_count)
		unblock_one(o, o->blocked[0]);
}

/** A blocked stream's patience with a head at ns: none left?  Keeps I4. */
static bool out_of_patience(struct order *o, struct cursor *c, int64_t ns)
{
	int64_t patience = patience_ns(o, gtrace__goroutine_find(o, c->place.wait_g));
	int64_t at = head_ns(o, c);

	if (ns - at <= patience) {
		if (at + patience < o->look_ns)
			o->look_ns = at + patience;
		return false;
	}
	if (patience == UNMET_NS || o->handed_out - c->place.blocked_at > PATIENCE_EVENTS)
		return true;
	if (c->place.blocked_at + PATIENCE_EVENTS < o->look_count)
		o->look_count = c->place.blocked_at + PATIENCE_EVENTS;
	return false;
}

/** Force the first of those that have waited long enough by a head at ns.  False: there is none. */
static bool force_impatient(struct order *o, int64_t ns)
{
	struct cursor *first = NULL;

	if (ns <= o->look_ns && o->handed_out <= o->look_count)
		return false;
	o->look_ns = INT64_MAX;
	o->look_count = UINT64_MAX;
	for (size_t i = 0; i < o->blocked_count; i++) {
		struct cursor *c = o->blocked[i];

		if (out_of_patience(o, c, ns) && (!first || earlier(c, first)))
			first = c;
	}
	if (!first)
		return false;
	o->look_ns = INT64_MIN; // there may be more
	force(o, first);
	return true;
}

/** Does it wait for one that may have been born before the trace begins? */
static bool waits_for_unmet(const struct order *o, const struct cursor *c)
{
	return o->middle && gtrace__goroutine_find(o, c->place.wait_g)->state == GTRACE_state_NONE;
}

/** The others may wait for what that stream has behind such a head: it is the first to go. */
static void force_earliest(struct order *o)
{
	struct cursor *first = o->blocked[0];

	for (size_t i = 1; i < o->blocked_count; i++) {
		struct cursor *c = o->blocked[i];
		bool unmet = waits_for_unmet(o, c), first_unmet = waits_for_unmet(o, first);

		if (unmet != first_unmet ? unmet : earlier(c, first))
			first = c;
	}
	force(o, first);
}

/* ── does it fit? ── */

static bool determined(const struct order *o, const struct goroutine *g)
{
	return !o->lossy_count && g->epoch == o->epoch;
}

static uint8_t state_before(const struct cursor *c)
{
	return c->id == GTRACE_GO_START ? GTRACE_state_RUNNABLE : GTRACE_state_WAITING;
}

static bool fits(struct order *o, const struct cursor *c)
{
	o->found = NULL;
	if (!c->move_g)
		return true;
	const struct goroutine *g = o->found = gtrace__goroutine_find(o, c->move_g);

	if (!c->move_seq || c->place.forced)
		return true; // I3
	if (!g || g->state == GTRACE_state_NONE)
		return o->lossy_count || (o->middle && c->move_seq > 1); // it was there before
	if (c->move_seq <= g->count || !determined(o, g))
		return true;
	return c->move_seq == g->count + 1 && g->state == state_before(c);
}

struct cursor *gtrace__order_first(struct order *o, struct gtrace_info *info, int *err)
{
	for (;;) {
		if (o->woken)
			woken_push(o);
		if (!o->heap_count) {
			if (!o->blocked_count)
				return NULL;
			force_earliest(o);
			continue;
		}
		struct cursor *c = o->heap[0].cursor;

		if (!fits(o, c)) {
			heap_drop_first(o);
			*err = block(o, c, c->move_g);
			if (*err)
				return NULL;
			continue;
		}
		if (c->state != HEAD_PART)
			return c;
		if (o->blocked_count && !c->place.forced && force_impatient(o, head_ns(o, c)))
			continue;
		info->inversions += c->place.was_blocked && c->ticks < o->ticks_max;
		c->place.was_blocked = false;
		if (c->ticks > o->ticks_max)
			o->ticks_max = c->ticks;
		o->handed_out++;
		return c;
	}
}

/* ── it happens ── */

static void broken(const struct order *o, struct gtrace_info *info)
{
	// What a stream was cut off from writing is missing, not broken.
	if (!o->cut_count)
		info->broken++;
}

static int apply_move(struct order *o, struct cursor *c, struct gtrace_info *info)
{
	uint64_t seq = c->move_seq;
	bool start = c->id == GTRACE_GO_START;
	struct goroutine *g = o->found;

	if (start)
		c->g = c->move_g;
	if (!c->move_g)
		return 0;
	if (!g)
		g = gtrace__goroutine_get(o, c->move_g);
	if (!g)
		return -ENOMEM;
	if (start)
		c->place.context_row = (size_t)(g - o->rows);
	bool known = g->state != GTRACE_state_NONE && determined(o, g);
	bool right = g->state == state_before(c) && (!seq || seq == g->count + 1);

	if (seq && seq <= g->count && g->state != GTRACE_state_NONE) { // too late to matter
		if (known && !o->middle) // there a stream is held up by what was before
			broken(o, info);
		g->epoch = EPOCH_UNDETERMINED;
		wake_waiting(o, g);
		return 0;
	}
	if ((known && !right) || c->place.forced) {
		if ((!o->epoch && !o->middle) || known)
			broken(o, info);
		known = false;
	}
	// What it did before may still come, if a stream is held up where the trace begins.
	bool sure = seq && !c->place.forced && !(o->middle && g->state == GTRACE_state_NONE);

	g->count = seq ? seq : g->count + 1;
	g->state = start ? GTRACE_state_RUNNING : GTRACE_state_RUNNABLE;
	g->epoch = known || sure ? o->epoch : EPOCH_UNDETERMINED;
	wake_waiting(o, g);
	return 0;
}

static int apply_new(struct order *o, const struct cursor *c, struct gtrace_info *info)
{
	uint64_t id = c->rec.arg[0];
	struct goroutine *g = id ? gtrace__goroutine_get(o, id) : NULL;

	if (!g)
		return id ? -ENOMEM : 0;
	if (g->state != GTRACE_state_NONE) {
		if (determined(o, g))
			broken(o, info);
		return 0;
	}
	g->state = GTRACE_state_RUNNABLE;
	g->count = 0;
	g->epoch = o->epoch;
	wake_waiting(o, g);
	return 0;
}

/** The context parks, yields or ends. */
static int apply_stop(struct order *o, struct cursor *c, struct gtrace_info *info, uint8_t state)
{
	uint64_t id = c->g;

	c->g = 0;
	if (!id)
		return 0;
	size_t row = c->place.context_row;
	bool there = o->rows && row <= o->mask && o->rows[row].id == id;
	struct goroutine *g = there ? &o->rows[row] : gtrace__goroutine_get(o, id);

	if (!g)
		return -ENOMEM;
	if (g->state != GTRACE_state_RUNNING && g->state != GTRACE_state_NONE && determined(o, g)) {
		broken(o, info);
		g->epoch = EPOCH_UNDETERMINED;
	}
	g->state = state;
	wake_waiting(o, g);
	if (state == GTRACE_state_ENDED)
		gtrace__goroutine_remove(o, g);
	return 0;
}

static void apply_gap(struct order *o, struct cursor *c)
{
	if (!c->place.lossy)
		o->lossy_count++;
	c->place.lossy = true;
	o->epoch++;
	recheck_all(o);
}

int gtrace__order_apply(struct order *o, struct cursor *c, struct gtrace_info *info)
{
	int err = 0;

	if (o->beginning && head_ns(o, c) >= BEGINNING_NS) {
		o->beginning = false;
		o->lossy_count--;
		o->epoch++;
	}
	if (c->id == GTRACE_GAP) {
		apply_gap(o, c);
		return 0;
	}
	if (c->place.lossy) { // the first event behind a gap
		c->place.lossy = false;
		o->lossy_count--;
		o->epoch++;
	}
	switch (c->id) {
	case GTRACE_GO_START:
	case GTRACE_GO_WAKE:
	case GTRACE_GO_WAKE_BY:
		err = apply_move(o, c, info);
		break;
	case GTRACE_GO_NEW:
		err = apply_new(o, c, info);
		break;
	case GTRACE_GO_PARK:
		err = apply_stop(o, c, info, GTRACE_state_WAITING);
		break;
	case GTRACE_GO_YIELD:
		err = apply_stop(o, c, info, GTRACE_state_RUNNABLE);
		break;
	case GTRACE_GO_END:
		err = apply_stop(o, c, info, GTRACE_state_ENDED);
		break;
	default:
		break;
	}
	c->place.forced = false;
	return err;
}

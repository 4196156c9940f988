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
 *   I1  A stream is in the heap, or blocked, or out (its head is being handed out), or exhausted.
 *   I2  A blocked stream is on the list of the one goroutine its head needs; whatever that
 * goroutine does next puts it back into the heap, and it is looked at afresh. I3  A count of 0
 * means that the goroutine's last move is in this same stream: always let through.
 *
 * Compound records come as parts, and each is let through by itself.  Taken as one, a "park h,
 * start g" could need a wake that another stream has behind the wake of h, which needs that park:
 * no order.
 *
 * When nothing fits (I2 and an empty heap), the earliest head is forced, counted, and its goroutine
 * is *undetermined*: its next move is taken as it comes.  After a gap all goroutines are; an epoch
 * number says so without touching them.  A head that can never fit any more is let through at once.
 */
#include "reader/order.h"

#include "reader/goroutine.h"
#include "reader/reader.h"

#include <errno.h>
#include <stdlib.h>

#define CHECK_EVENTS 1024      // how often the blocked are looked at
#define SKEW_NS 1000000        // clocks that are worth using are not further apart
#define PATIENCE_NS 2000000000 // of one that should fit some day
#define PATIENCE_EVENTS 100000

/* ── the heap ── */

static bool earlier(const struct cursor *a, const struct cursor *b)
{
	return a->time_ns != b->time_ns ? a->time_ns < b->time_ns : a->thread < b->thread;
}

static void heap_down(struct order *o, struct cursor *c)
{
	size_t i = 0;

	for (size_t child; (child = 2 * i + 1) < o->heap_count; i = child) {
		if (child + 1 < o->heap_count && earlier(o->heap[child + 1], o->heap[child]))
			child++;
		if (!earlier(o->heap[child], c))
			break;
		o->heap[i] = o->heap[child];
	}
	o->heap[i] = c;
}

static struct cursor *heap_pop(struct order *o)
{
	struct cursor *top = o->heap[0];
	struct cursor *last = o->heap[--o->heap_count];

	if (o->heap_count)
		heap_down(o, last);
	return top;
}

void gtrace__order_push(struct order *o, struct cursor *c)
{
	size_t i = o->heap_count++;

	for (; i && earlier(c, o->heap[(i - 1) / 2]); i = (i - 1) / 2)
		o->heap[i] = o->heap[(i - 1) / 2];
	o->heap[i] = c;
}

int gtrace__order_init(struct order *o, size_t n)
{
	o->heap = calloc(n + 1, sizeof(struct cursor *));
	o->blocked = calloc(n + 1, sizeof(struct cursor *));
	o->time_max = INT64_MIN;
	return o->heap && o->blocked ? 0 : -ENOMEM;
}

void gtrace__order_release(struct order *o)
{
	free(o->heap);
	free(o->blocked);
	free(o->rows);
}

/* ── the blocked ── */

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
	c->place.blocked = true;
	c->place.was_blocked = true;
	return 0;
}

/** Off the list of the blocked; not off its goroutine's list. */
static void unblock(struct order *o, struct cursor *c)
{
	struct cursor *last = o->blocked[--o->blocked_count];

	o->blocked[c->place.blocked_index] = last;
	last->place.blocked_index = c->place.blocked_index;
	c->place.blocked = false;
	gtrace__order_push(o, c);
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

static bool out_of_patience(const struct order *o, const struct cursor *c)
{
	int64_t late = o->heap_count ? o->heap[0]->time_ns - c->time_ns : INT64_MAX;
	const struct goroutine *g = gtrace__goroutine_find(o, c->place.wait_g);

	// A goroutine that was born in a gap is never going to be born.
	if (o->epoch && late > SKEW_NS && g->state == GTRACE_state_NONE)
		return true;
	return late > PATIENCE_NS && o->handed_out - c->place.blocked_at > PATIENCE_EVENTS;
}

static void force_impatient(struct order *o)
{
	for (size_t i = 0; i < o->blocked_count;) {
		struct cursor *c = o->blocked[i];

		if (out_of_patience(o, c))
			force(o, c);
		else
			i++;
	}
}

static void force_earliest(struct order *o)
{
	struct cursor *first = o->blocked[0];

	for (size_t i = 1; i < o->blocked_count; i++) {
		if (earlier(o->blocked[i], first))
			first = o->blocked[i];
	}
	force(o, first);
}

/* ── does it fit? ── */

static bool is_move(const struct part *p)
{
	return p->id == GTRACE_GO_START || p->id == GTRACE_GO_WAKE || p->id == GTRACE_GO_WAKE_BY;
}

static bool determined(const struct order *o, const struct goroutine *g)
{
	return !o->lossy_count && g->epoch == o->epoch;
}

static uint8_t state_before(const struct part *p)
{
	return p->id == GTRACE_GO_START ? GTRACE_state_RUNNABLE : GTRACE_state_WAITING;
}

static bool fits(const struct order *o, const struct cursor *c)
{
	const struct part *p = &c->part[c->k];

	if (c->state != HEAD_PART || !is_move(p) || !p->arg[1] || !p->arg[0] || c->place.forced)
		return true; // I3
	const struct goroutine *g = gtrace__goroutine_find(o, p->arg[0]);

	if (!g || g->state == GTRACE_state_NONE)
		return o->lossy_count != 0;
	if (p->arg[1] <= g->count || !determined(o, g))
		return true;
	return p->arg[1] == g->count + 1 && g->state == state_before(p);
}

struct cursor *gtrace__order_pop(struct order *o, struct gtrace_info *info, int *err)
{
	if (o->blocked_count && o->handed_out % CHECK_EVENTS == 0)
		force_impatient(o);
	for (;;) {
		if (!o->heap_count && o->blocked_count)
			force_earliest(o);
		if (!o->heap_count)
			return NULL;
		struct cursor *c = heap_pop(o);

		if (!fits(o, c)) {
			*err = block(o, c, c->part[c->k].arg[0]);
			if (*err)
				return NULL;
			continue;
		}
		if (c->state == HEAD_PART) {
			info->inversions += c->place.was_blocked && c->time_ns < o->time_max;
			c->place.was_blocked = false;
			if (c->time_ns > o->time_max)
				o->time_max = c->time_ns;
			o->handed_out++;
		}
		return c;
	}
}

void gtrace__order_exhausted(struct order *o, const struct cursor *c)
{
	o->cut_count += !c->ended;
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
	const struct part *p = &c->part[c->k];
	uint64_t seq = p->arg[1];
	bool start = p->id == GTRACE_GO_START;

	if (start)
		c->g = p->arg[0];
	if (!p->arg[0])
		return 0;
	struct goroutine *g = gtrace__goroutine_get(o, p->arg[0]);

	if (!g)
		return -ENOMEM;
	bool known = g->state != GTRACE_state_NONE && determined(o, g);
	bool right = g->state == state_before(p) && (!seq || seq == g->count + 1);

	if (seq && seq <= g->count && g->state != GTRACE_state_NONE) { // too late to matter
		if (known)
			broken(o, info);
		g->epoch = EPOCH_UNDETERMINED;
		wake_waiting(o, g);
		return 0;
	}
	if ((known && !right) || c->place.forced) {
		if (!o->epoch || known)
			broken(o, info);
		known = false;
	}
	g->count = seq ? seq : g->count + 1;
	g->state = start ? GTRACE_state_RUNNING : GTRACE_state_RUNNABLE;
	g->epoch = known || (seq && !c->place.forced) ? o->epoch : EPOCH_UNDETERMINED;
	wake_waiting(o, g);
	return 0;
}

static int apply_new(struct order *o, const struct cursor *c, struct gtrace_info *info)
{
	uint64_t id = c->part[c->k].arg[0];
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
	struct goroutine *g = gtrace__goroutine_get(o, id);

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
	const struct part *p = &c->part[c->k];
	int err = 0;

	if (p->id == GTRACE_GAP) {
		apply_gap(o, c);
		return 0;
	}
	if (c->place.lossy) { // the first event behind a gap
		c->place.lossy = false;
		o->lossy_count--;
		o->epoch++;
	}
	switch (p->id) {
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

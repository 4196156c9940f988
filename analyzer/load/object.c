/* SPDX-License-Identifier: MIT */
/**
 * object.c: objects, locks and timers.
 *
 * The row of an object is written when it is freed, or too many are not.
 */
#include "load/loader.h"

#define HOLD_LISTED UINT64_MAX // in place of the count: known from a list of goroutines alone

enum { OBJECTS_MAX = 1 << 17 }; // rows held back, for what becomes of them

struct object { // key: object, 0
	struct map_head head;
	int64_t made_ns, closed_ns, freed_ns; // < 0: it was not
	uint64_t made_site, made_by, close_site, closed_by, woken, cap;
	unsigned type;
};

struct hold { // key: object, count
	struct map_head head;
	int64_t from_ns;
	uint64_t g, site, count;
	uint64_t below; // key of the read lock that its goroutine took before; 0: none
	unsigned mode;
};

struct reader { // key: object, goroutine
	struct map_head head;
	uint64_t top; // key of the read lock it took last
};

struct timer { // key: object, 0
	struct map_head head;
	int64_t armed_ns, due_ns, period_ns, stopped_ns;
	uint64_t by, site, fired;
};

/* What a list said of a lock's holder is over once the lock itself is heard of. */
static void hold_unlist(struct loader *l, uint64_t object)
{
	struct hold *h = map_find(&l->holds, object, HOLD_LISTED);

	if (h)
		map_remove(&l->holds, h);
}

/* A list says who holds a lock that somebody waits for. */
static void lock_listed(struct loader *l, const struct gtrace_event *ev)
{
	if (map_find(&l->holds, ev->arg[0], ev->arg[2]))
		return;
	struct hold *h = map_put(&l->holds, ev->arg[0], HOLD_LISTED);

	if (!h) {
		l->no_memory = true;
		return;
	}
	*h = (struct hold){.head = h->head,
	                   .from_ns = l->middle ? 0 : l->now_ns,
	                   .g = ev->arg[1],
	                   .count = ev->arg[2],
	                   .mode = loader_word(ev->arg[3])};
}

/* Take a read lock out of its goroutine's list. */
static void reader_unlink(struct loader *l, const struct hold *h)
{
	struct reader *r = map_find(&l->readers, h->head.a, h->g);
	uint64_t *link = r ? &r->top : NULL;

	while (link && *link && *link != h->head.b) {
		struct hold *above = map_find(&l->holds, h->head.a, *link);
		link = above ? &above->below : NULL;
	}
	if (link && *link)
		*link = h->below;
	if (r && !r->top)
		map_remove(&l->readers, r);
}

static void lock_taken(struct loader *l, const struct gtrace_event *ev)
{
	hold_unlist(l, ev->arg[0]);
	struct hold *h = map_put(&l->holds, ev->arg[0], ev->arg[1]);

	loader_use(l, ev->g, ev->arg[0], loader_word(ev->arg[2]), ev->arg[3]);
	if (!h) {
		l->no_memory = true;
		return;
	}
	if (h->g)
		reader_unlink(l, h); // a damaged trace has it twice
	h->from_ns = l->now_ns;
	h->count = ev->arg[1];
	h->g = ev->g;
	h->mode = loader_word(ev->arg[2]);
	h->site = ev->arg[3];
	loader_lock_taken(l, ev->g, ev->arg[0], loader_word(ev->arg[2]), ev->arg[3]);
	h->below = 0;
	if (h->mode != GTRACE_op_RWMUTEX_RLOCK || !h->g)
		return;
	struct reader *r = map_put(&l->readers, ev->arg[0], h->g);

	if (!r) {
		l->no_memory = true;
		return;
	}
	h->below = r->top;
	r->top = ev->arg[1];
}

static void hold_row(struct loader *l, const struct hold *h, int64_t to_ns, uint64_t to_site)
{
	loader_hold(l, &(struct act){.object = h->head.a,
	                             .g = h->g,
	                             .count = h->count,
	                             .site = h->site,
	                             .to_site = to_site,
	                             .from_ns = h->from_ns,
	                             .to_ns = to_ns,
	                             .op = (uint8_t)h->mode});
}

/*
 * The lock that an unlock ends.  Which of its readers a lock is left by, the runtime does not know:
 * it is the last read lock of the goroutine that leaves, or if that has none, the one that the
 * event says.
 */
static struct hold *hold_ended(struct loader *l, const struct gtrace_event *ev)
{
	if (ev->arg[2] == GTRACE_op_RWMUTEX_RLOCK && ev->g) {
		const struct reader *r = map_find(&l->readers, ev->arg[0], ev->g);
		struct hold *h = r ? map_find(&l->holds, ev->arg[0], r->top) : NULL;
		if (h)
			return h;
	}
	return map_find(&l->holds, ev->arg[0], ev->arg[1]);
}

static void lock_released(struct loader *l, const struct gtrace_event *ev)
{
	hold_unlist(l, ev->arg[0]);
	struct hold *h = hold_ended(l, ev);

	if (!h)
		return;
	hold_row(l, h, l->now_ns > h->from_ns ? l->now_ns : h->from_ns, ev->arg[3]);
	loader_lock_released(l, h->g, ev->arg[0]);
	if (h->mode == GTRACE_op_RWMUTEX_RLOCK && h->g)
		reader_unlink(l, h);
	map_remove(&l->holds, h);
}

static void timer_row(struct loader *l, const struct timer *t)
{
	ROWS_PUT(&l->rows, ROWS_TIMER, db_int((int64_t)t->head.a), db_int(t->armed_ns), db_id(t->by),
	         db_int(t->due_ns), db_int(t->period_ns), db_id(t->site), db_int((int64_t)t->fired),
	         db_time(t->stopped_ns));
}

static int64_t after(int64_t now_ns, uint64_t ns)
{
	int64_t due;

	return __builtin_add_overflow(now_ns, ns, &due) ? INT64_MAX : due;
}

static void timer_armed(struct loader *l, const struct gtrace_event *ev)
{
	struct timer *t = map_put(&l->timers, ev->arg[0], 0);

	if (!t) {
		l->no_memory = true;
		return;
	}
	t->armed_ns = l->now_ns;
	t->due_ns = after(l->now_ns, ev->arg[1]);
	t->period_ns = ev->arg[2] > INT64_MAX ? INT64_MAX : (int64_t)ev->arg[2];
	t->stopped_ns = -1;
	t->by = ev->g;
	t->site = ev->arg[3];
}

static void timer_stopped(struct loader *l, uint64_t object)
{
	struct timer *t = map_find(&l->timers, object, 0);

	if (!t)
		return;
	t->stopped_ns = l->now_ns;
	timer_row(l, t);
	map_remove(&l->timers, t);
}

static void timer_fired(struct loader *l, uint64_t object)
{
	struct timer *t = map_find(&l->timers, object, 0);

	if (!t)
		return;
	t->fired++;
	if (t->period_ns)
		t->due_ns = after(l->now_ns, (uint64_t)t->period_ns);
	else
		timer_stopped(l, object);
}

static void object_row(struct loader *l, const struct object *o)
{
	bool closed = o->closed_ns >= 0;

	ROWS_PUT(&l->rows, ROWS_OBJECT, db_int((int64_t)o->head.a),
	         db_text(gtrace_name("object", o->type)), db_id(o->made_site), db_id(o->made_by),
	         db_int(o->made_ns), db_int((int64_t)o->cap), db_time(o->closed_ns),
	         db_id(o->closed_by), db_id(o->close_site),
	         closed ? db_int((int64_t)o->woken) : db_text(NULL), db_time(o->freed_ns));
}

static void objects_flush(struct loader *l)
{
	for (const struct object *o = map_next(&l->objects, NULL); o; o = map_next(&l->objects, o))
		object_row(l, o);
	map_clear(&l->objects);
}

static void object_made(struct loader *l, const struct gtrace_event *ev)
{
	if (l->objects.count >= OBJECTS_MAX)
		objects_flush(l);
	struct object *o = map_find(&l->objects, ev->arg[0], 0);

	if (o) // a damaged trace has it twice
		return;
	o = map_put(&l->objects, ev->arg[0], 0);
	if (!o) {
		l->no_memory = true;
		return;
	}
	o->made_ns = l->now_ns;
	o->closed_ns = o->freed_ns = -1;
	o->type = loader_word(ev->arg[1]);
	o->made_site = ev->arg[2];
	o->made_by = ev->g;
	o->cap = ev->arg[3];
}

static void object_freed(struct loader *l, uint64_t object)
{
	struct object *o = map_find(&l->objects, object, 0);

	if (!o) {
		ROWS_PUT(&l->rows, ROWS_OBJECT_FREE, db_int((int64_t)object), db_int(l->now_ns));
		return;
	}
	o->freed_ns = l->now_ns;
	object_row(l, o);
	map_remove(&l->objects, o);
}

static void object_closed(struct loader *l, const struct gtrace_event *ev)
{
	struct object *o = map_find(&l->objects, ev->arg[0], 0);

	if (o) {
		o->closed_ns = l->now_ns;
		o->closed_by = ev->g;
		o->close_site = ev->arg[2];
		o->woken = ev->arg[1];
	} else {
		ROWS_PUT(&l->rows, ROWS_OBJECT_CLOSE, db_int((int64_t)ev->arg[0]), db_int(l->now_ns),
		         db_id(ev->g), db_id(ev->arg[2]), db_int((int64_t)ev->arg[1]));
	}
	loader_use(l, ev->g, ev->arg[0], GTRACE_op_CHAN_CLOSE, ev->arg[2]);
}

/* A flat list, and so longer than others. */
bool loader_object_event(struct loader *l, const struct gtrace_event *ev)
{
	switch (ev->id) {
	case GTRACE_OBJ_NEW:
		object_made(l, ev);
		return true;
	case GTRACE_OBJ_FREE:
		object_freed(l, ev->arg[0]);
		return true;
	case GTRACE_CHAN_CLOSE:
		object_closed(l, ev);
		return true;
	case GTRACE_USE:
		loader_use(l, ev->g, ev->arg[0], loader_word(ev->arg[1]), ev->arg[2]);
		return true;
	case GTRACE_LOCK:
		lock_taken(l, ev);
		return true;
	case GTRACE_STATUS_HELD:
		lock_listed(l, ev);
		return true;
	case GTRACE_UNLOCK:
		lock_released(l, ev);
		return true;
	case GTRACE_WG_ADD: // 1 is -1 in zigzag
		loader_use(l, ev->g, ev->arg[0], ev->arg[1] & 1 ? GTRACE_op_WG_DONE : GTRACE_op_WG_ADD,
		           ev->arg[3]);
		return true;
	case GTRACE_TIMER_ARM:
		timer_armed(l, ev);
		return true;
	case GTRACE_TIMER_STOP:
		timer_stopped(l, ev->arg[0]);
		return true;
	case GTRACE_TIMER_FIRE:
		timer_fired(l, ev->arg[0]);
		return true;
	case GTRACE_GIVE:
		ROWS_PUT(&l->rows, ROWS_GIVE, db_int((int64_t)ev->arg[0]), db_int((int64_t)ev->arg[1]),
		         db_int(l->now_ns));
		return true;
	default:
		return false;
	}
}

void loader_objects_init(struct loader *l)
{
	l->objects.slot_bytes = sizeof(struct object);
	l->holds.slot_bytes = sizeof(struct hold);
	l->readers.slot_bytes = sizeof(struct reader);
	l->timers.slot_bytes = sizeof(struct timer);
	loader_nests_init(l);
}

void loader_objects_end(struct loader *l)
{
	objects_flush(l);
	loader_nests_end(l);
	for (const struct hold *h = map_next(&l->holds, NULL); h; h = map_next(&l->holds, h))
		hold_row(l, h, -1, 0);
	for (const struct timer *t = map_next(&l->timers, NULL); t; t = map_next(&l->timers, t))
		timer_row(l, t);
	loader_acts_end(l);
	map_release(&l->objects);
	map_release(&l->holds);
	map_release(&l->readers);
	map_release(&l->timers);
}

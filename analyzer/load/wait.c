/* SPDX-License-Identifier: MIT */
/**
 * wait.c: how long goroutines waited, summed up by object and by place.
 *
 * Reports and plots ask for these sums.  Here they cost two look-ups a wait; afterwards they cost a
 * pass over all intervals each, and how many waited at once a sort of them.
 */
#include "load/loader.h"

enum {
	OBJECT_WAITS = 1 << 15, // sums held in memory, if nobody waits there now
	REASON_CALL = GTRACE_reason_SYSCALL,
};

struct wait_sum {
	uint64_t waits;
	int64_t ns, longest_ns;
};

struct object_wait { // key: object, 0
	struct map_head head;
	struct wait_sum sum;
	uint64_t waiting, queue; // now; most at once
	uint64_t site;           // of the last wait; 0: unknown
	unsigned reason;         // likewise
};

struct site_wait { // key: site, reason
	struct map_head head;
	struct wait_sum sum;
	uint64_t still;
};

static void sum_add(struct wait_sum *s, int64_t ns)
{
	s->waits++;
	s->ns += ns;
	s->longest_ns = ns > s->longest_ns ? ns : s->longest_ns;
}

/* Add the sums to the table, and keep the objects that somebody waits for. */
static void objects_flush(struct loader *l)
{
	struct map kept = {.slot_bytes = sizeof(struct object_wait)};

	for (struct object_wait *w = map_next(&l->object_waits, NULL); w;
	     w = map_next(&l->object_waits, w)) {
		if (w->sum.waits)
			ROWS_PUT(&l->rows, ROWS_OBJECT_WAIT, db_int((int64_t)w->head.a),
			         db_int((int64_t)w->sum.waits), db_int(w->sum.ns), db_int(w->sum.longest_ns),
			         db_int((int64_t)w->queue), db_id(w->reason), db_id(w->site));
		struct object_wait *k = w->waiting ? map_put(&kept, w->head.a, 0) : NULL;
		if (k) {
			k->waiting = k->queue = w->waiting;
			k->reason = w->reason;
			k->site = w->site;
		}
		l->no_memory |= w->waiting && !k;
	}
	map_release(&l->object_waits);
	l->object_waits = kept;
	l->object_waits_max = 2 * kept.count > OBJECT_WAITS ? 2 * kept.count : OBJECT_WAITS;
}

void loader_wait_begins(struct loader *l, const struct goroutine *gr)
{
	uint64_t object = gr->object;

	if (!object)
		return;
	if (l->object_waits.count >= l->object_waits_max)
		objects_flush(l);
	struct object_wait *w = map_put(&l->object_waits, object, 0);

	if (!w) {
		l->no_memory = true;
		return;
	}
	if (++w->waiting > w->queue)
		w->queue = w->waiting;
	if (gr->reason) {
		w->reason = gr->reason;
		w->site = gr->site;
	}
}

static void object_waited(struct loader *l, uint64_t object, int64_t ns, bool counts)
{
	struct object_wait *w = map_find(&l->object_waits, object, 0);

	if (!w)
		return;
	w->waiting -= w->waiting > 0;
	if (counts)
		sum_add(&w->sum, ns);
}

void loader_waited(struct loader *l, struct goroutine *gr, int64_t ns, bool still)
{
	bool waits = gr->state == GTRACE_state_WAITING, counts = ns > 0 || still;

	if (!waits && gr->state != STATE_SYSCALL)
		return;
	if (waits && gr->object)
		object_waited(l, gr->object, ns, counts);
	if (!counts)
		return;
	struct site_wait *w = waits ? map_put(&l->site_waits, gr->site, gr->reason)
	                            : map_put(&l->site_waits, 0, REASON_CALL);

	if (waits)
		gr->waited_ns += ns;
	if (!w) {
		l->no_memory = true;
		return;
	}
	sum_add(&w->sum, ns);
	w->still += still;
}

void loader_waits_init(struct loader *l)
{
	l->object_waits.slot_bytes = sizeof(struct object_wait);
	l->object_waits_max = OBJECT_WAITS;
	l->site_waits.slot_bytes = sizeof(struct site_wait);
}

void loader_waits_end(struct loader *l)
{
	objects_flush(l);
	for (const struct site_wait *w = map_next(&l->site_waits, NULL); w;
	     w = map_next(&l->site_waits, w))
		ROWS_PUT(&l->rows, ROWS_SITE_WAIT, db_int((int64_t)w->head.a), db_int((int64_t)w->head.b),
		         db_int((int64_t)w->sum.waits), db_int(w->sum.ns), db_int(w->sum.longest_ns),
		         db_int((int64_t)w->still));
	map_release(&l->object_waits);
	map_release(&l->site_waits);
}

/* SPDX-License-Identifier: MIT */
/** graph.c: rows -> the graph of waits at the end of a trace. */
#include "detect/graph.h"

#include <stdlib.h>
#include <string.h>

#include <gtrace.h>

#include "array.h"
#include "db.h"
#include "load/load.h"

enum { PLACE_STACK = 3 }; // reach.place: the stack of a goroutine

struct index_entry {
	struct map_head head;
	size_t index; // plus 1
};

#define ARRAY_PUT(gr, array, count, ...) \
	do { \
		void *more_ = array_more((array), (count), sizeof *(array)); \
		if (more_) { \
			(array) = more_; \
			(array)[(count)++] = __VA_ARGS__; \
		} \
		(gr)->no_memory |= !more_; \
	} while (0)

size_t graph_thing(const struct graph *gr, uint64_t object)
{
	const struct index_entry *e = map_find(&gr->thing_index, object, 0);

	return e ? e->index : 0;
}

static void row_trace(struct graph *gr, sqlite3_stmt *st)
{
	gr->exited = sqlite3_column_int(st, 0);
	gr->deadlocked = sqlite3_column_int(st, 1);
	gr->blind = sqlite3_column_int(st, 2);
	gr->main_ended = sqlite3_column_int(st, 3);
	gr->last_wake_ns = sqlite3_column_int64(st, 4);
	gr->gap_ns = sqlite3_column_int64(st, 5) ? INT64_MAX : -1;
	gr->middle = sqlite3_column_int(st, 6);
}

static void row_gap(struct graph *gr, sqlite3_stmt *st)
{
	if (sqlite3_column_int64(st, 0) > gr->gap_ns)
		gr->gap_ns = sqlite3_column_int64(st, 0);
}

static void row_goroutine(struct graph *gr, sqlite3_stmt *st)
{
	struct node n = {
		.g = (uint64_t)sqlite3_column_int64(st, 0),
		.parent = (uint64_t)sqlite3_column_int64(st, 1),
		.born_ns = sqlite3_column_int64(st, 2),
		.since_ns = sqlite3_column_int64(st, 6),
		.foreign = sqlite3_column_int(st, 7),
		.kind = NODE_ACTIVE,
	};
	int state = sqlite3_column_int(st, 3), reason = sqlite3_column_int(st, 4);

	if (n.g == 1 && gr->main_ended)
		return;
	if (state == GTRACE_state_WAITING)
		n.kind = sqlite3_column_int(st, 5) || reason == GTRACE_reason_SLEEP ||
		                 reason == GTRACE_reason_IO_WAIT || reason == GTRACE_reason_SYSCALL
		             ? NODE_TIMED
		             : NODE_PARKED;
	gr->awake |= n.foreign || state == GTRACE_state_RUNNING || state == STATE_SYSCALL ||
	             reason == GTRACE_reason_SYSCALL;
	n.never = n.kind == NODE_PARKED &&
	          (reason == GTRACE_reason_CHAN_RECV_NIL || reason == GTRACE_reason_CHAN_SEND_NIL ||
	           reason == GTRACE_reason_SELECT_NONE);
	ARRAY_PUT(gr, gr->nodes, gr->node_count, n);
}

static void row_spinner(struct graph *gr, sqlite3_stmt *st)
{
	struct node *n = graph_node(gr, (uint64_t)sqlite3_column_int64(st, 0));

	if (n)
		n->spins = true;
}

static void row_young(struct graph *gr, sqlite3_stmt *st)
{
	struct node *n = graph_node(gr, (uint64_t)sqlite3_column_int64(st, 0));

	if (n)
		n->young = !n->member;
}

static void row_repeat(struct graph *gr, sqlite3_stmt *st)
{
	struct node *n = graph_node(gr, (uint64_t)sqlite3_column_int64(st, 0));

	if (!n)
		return;
	n->kind = NODE_PARKED;
	n->member = true;
	n->never = false;
}

static void row_wait(struct graph *gr, sqlite3_stmt *st)
{
	struct node *n = graph_node(gr, (uint64_t)sqlite3_column_int64(st, 0));
	uint64_t object = (uint64_t)sqlite3_column_int64(st, 1);
	struct index_entry *e = map_put(&gr->thing_index, object, 0);

	if (!e) {
		gr->no_memory = true;
		return;
	}
	if (!n)
		return;
	if (sqlite3_column_int(st, 3) && n->kind == NODE_PARKED)
		n->kind = NODE_TIMED;
	if (!e->index) {
		struct thing t = {
			.object = object,
			.lock = sqlite3_column_int(st, 4),
			.made_ns = sqlite3_column_int64(st, 5),
			.old = gr->middle && sqlite3_column_int(st, 6),
			.reach_ns = -1,
		};
		ARRAY_PUT(gr, gr->things, gr->thing_count, t);
		e->index = gr->thing_count;
	}
	if (gr->no_memory)
		return;
	if (!n->wait_count++)
		n->wait_first = gr->wait_count;
	gr->things[e->index - 1].waiter_count++;
	struct wait w = {.n = (size_t)(n - gr->nodes),
	                 .o = e->index - 1,
	                 .from_ns = sqlite3_column_int64(st, 2),
	                 .mere = sqlite3_column_int(st, 7)};

	n->mere |= w.mere;

	ARRAY_PUT(gr, gr->waits, gr->wait_count, w);
}

static void row_touch(struct graph *gr, sqlite3_stmt *st)
{
	size_t o = graph_thing(gr, (uint64_t)sqlite3_column_int64(st, 1));
	struct touch t = {(uint64_t)sqlite3_column_int64(st, 0), o - 1, sqlite3_column_int64(st, 2)};

	if (o && gr->things[o - 1].lock == (t.from_ns == TOUCH_HOLDS))
		ARRAY_PUT(gr, gr->touches, gr->touch_count, t);
}

static void row_holder(struct graph *gr, sqlite3_stmt *st)
{
	size_t o = graph_thing(gr, (uint64_t)sqlite3_column_int64(st, 0));

	if (!o)
		return;
	struct thing *t = &gr->things[o - 1];

	if (!t->holder_count++)
		t->holder_first = gr->holder_count;
	t->shared |= sqlite3_column_int(st, 2);
	ARRAY_PUT(gr, gr->holders, gr->holder_count, (uint64_t)sqlite3_column_int64(st, 1));
}

static void row_timer(struct graph *gr, sqlite3_stmt *st)
{
	size_t o = graph_thing(gr, (uint64_t)sqlite3_column_int64(st, 0));

	gr->timer_count++;
	if (o)
		gr->things[o - 1].timed = true;
}

static void row_reach(struct graph *gr, sqlite3_stmt *st)
{
	size_t o = graph_thing(gr, (uint64_t)sqlite3_column_int64(st, 0));

	// Supposing something, what was found on the stack of one that goes on is left to what else is
	// known of that one.
	if (!o || (gr->suppose && sqlite3_column_int64(st, 2) == PLACE_STACK))
		return;
	gr->things[o - 1].reach_ns = sqlite3_column_int64(st, 1);
	gr->things[o - 1].reached = sqlite3_column_int64(st, 2) != 0;
	gr->things[o - 1].still = sqlite3_column_int64(st, 3) != 0;
}

/* waiters: the waits again, by thing. */
static void graph_index(struct graph *gr)
{
	size_t at = 0;

	gr->waiters = calloc(gr->wait_count + 1, sizeof *gr->waiters);
	if (!gr->waiters) {
		gr->no_memory = true;
		return;
	}
	for (size_t o = 0; o < gr->thing_count; o++) {
		gr->things[o].waiter_first = at;
		at += gr->things[o].waiter_count;
		gr->things[o].waiter_count = 0;
	}
	for (size_t w = 0; w < gr->wait_count; w++) {
		struct thing *t = &gr->things[gr->waits[w].o];
		gr->waiters[t->waiter_first + t->waiter_count++] = w;
		t->long_waited |= !gr->nodes[gr->waits[w].n].young;
	}
}

int graph_read(struct graph *gr, sqlite3 *db, enum graph_suppose suppose)
{
	static const struct {
		const char *name[3]; // by what is supposed
		void (*row)(struct graph *gr, sqlite3_stmt *st);
	} parts[] = {
		{{"trace", "trace", "trace"}, row_trace},
		{{"gap", "gap", "gap"}, row_gap},
		{{"goroutines", "goroutines", "goroutines"}, row_goroutine},
		{{"spinners", "spinners", "spinners"}, row_spinner},
		{{NULL, "repeats", NULL}, row_repeat},
		{{"waits", "repeat_waits", "role_waits"}, row_wait},
		{{"touches", "touches", "touches"}, row_touch},
		{{"holders", "holders", "holders"}, row_holder},
		{{"timers", "timers", "timers"}, row_timer},
		{{"reach", "reach", "reach"}, row_reach},
		{{"young", "young", "young"}, row_young},
	};
	int64_t spin_ns = 0;

	*gr = (struct graph){.thing_index.slot_bytes = sizeof(struct index_entry), .suppose = suppose};
	int err = db_number(db, "sql/dead.sql", "spin", &spin_ns);

	for (size_t i = 0; i < sizeof parts / sizeof parts[0] && err == SQLITE_OK; i++) {
		sqlite3_stmt *st = NULL;
		if (!parts[i].name[suppose])
			continue;
		err = db_prepare(db, "sql/dead.sql", parts[i].name[suppose], &st);
		if (err == SQLITE_OK && sqlite3_bind_parameter_count(st))
			err = sqlite3_bind_int64(st, 1, spin_ns);
		while (err == SQLITE_OK && !gr->no_memory && (err = sqlite3_step(st)) == SQLITE_ROW) {
			parts[i].row(gr, st);
			err = SQLITE_OK;
		}
		sqlite3_finalize(st);
		err = err == SQLITE_DONE ? SQLITE_OK : err;
	}
	if (err == SQLITE_OK)
		graph_index(gr);
	return gr->no_memory ? SQLITE_NOMEM : err;
}

void graph_release(struct graph *gr)
{
	free(gr->nodes);
	free(gr->waits);
	free(gr->things);
	free(gr->waiters);
	free(gr->touches);
	free(gr->holders);
	map_release(&gr->thing_index);
	*gr = (struct graph){0};
}

struct node *graph_node(const struct graph *gr, uint64_t g)
{
	size_t lo = 0, hi = gr->node_count;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		if ((int64_t)gr->nodes[mid].g < (int64_t)g) // as SQLite orders them
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < gr->node_count && gr->nodes[lo].g == g ? &gr->nodes[lo] : NULL;
}

const struct touch *graph_touches(const struct graph *gr, uint64_t g, size_t *count)
{
	size_t lo = 0, hi = gr->touch_count;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		if ((int64_t)gr->touches[mid].g < (int64_t)g)
			lo = mid + 1;
		else
			hi = mid;
	}
	size_t end = lo;

	while (end < gr->touch_count && gr->touches[end].g == g)
		end++;
	*count = end - lo;
	return gr->touches ? gr->touches + lo : NULL;
}

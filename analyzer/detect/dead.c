/* SPDX-License-Identifier: MIT */
/**
 * dead.c: waiting goroutines that nobody alive may wake.
 *
 * The dead set is the greatest set D of parked goroutines such that no object a member waits for
 * has an agent outside D that may act on it.  It is found by deletion: at first D is everybody
 * parked, and the agents are the rest.  Each agent takes out of D whoever waits for an object it
 * may act on; those become agents in turn.  What no agent reached is dead.
 *
 * Who may act on an object, from the surest to the weakest rule:
 *
 *   L0  nobody, if there is no agent at all
 *   L1  a lock: its holders alone, since nobody else can unlock it; but a lock for reading anybody
 *       may end, so that this is not sure of one
 *   L3  a snapshot looked for the object in all memory but the stacks of goroutines that could not
 *       run again by what it found.  If it found it, somebody may act; if not, nobody
 *   L2  who used it, made it, was given it at birth, or descends from somebody who had done so
 *       by then
 *
 * A foreign thread, attached or in a call, may act on anything but others' locks, unless L3 says
 * no: what it was handed by means of C is in no trace.  So may who descends from one.
 *
 * A goroutine that spins gets less credit: only what it had to do with itself counts, not what its
 * ancestors had, since for so long a time it has shown no sign of it.
 *
 * L2 speaks of nobody whose wait is young, not longer than such waits take that end: an object that
 * was handed on through a channel or in memory has shown no trace of that yet.  Who joins others
 * that have waited for the same object for long is not young.
 *
 * A trace that begins in the middle does not tell who used an object that was made before, nor
 * which timers were armed: L2 speaks of none such, and L0 not at all unless the runtime did.
 *
 * What L2 ruled out makes a verdict probable; what the others ruled out leaves it sure.
 *
 * Cost: each touch and each ancestor is looked at once.  An agent's way up the tree of spawns stops
 * at an ancestor that was visited before; only touches of that ancestor between the last visitor's
 * birth and this one's are left to do, and its own ancestors have been visited from it already.
 */
#include "detect/dead.h"

#include <stdlib.h>

#include "db.h"

struct seen { // an ancestor that was visited; key: goroutine
	struct map_head head;
	size_t next; // its first touch that was later than every visitor's birth so far
	bool climbed;
};

struct dead {
	struct graph *gr;
	struct map seen;
	size_t *work; // nodes that became agents
	size_t work_count;
	sqlite3_stmt *parent;
	bool everything; // dead_act_on_all() has been called
	int err;         // an SQLite code
};

/* An agent may act on a thing: whoever waits for it lives, unless a snapshot says no. */
static void dead_act(struct dead *d, struct thing *t)
{
	const struct graph *gr = d->gr;
	bool ruled_out = t->reach_ns >= 0 && !t->reached && !t->timed;

	if (t->acted)
		return;
	t->acted = true;
	for (size_t i = 0; i < t->waiter_count; i++) {
		const struct wait *w = &gr->waits[gr->waiters[t->waiter_first + i]];
		struct node *n = &gr->nodes[w->n];
		if (!n->dead || (ruled_out && w->from_ns <= t->reach_ns))
			continue;
		n->dead = false;
		d->work[d->work_count++] = w->n;
	}
}

/* What somebody knows is not in the trace. */
static void dead_act_on_all(struct dead *d)
{
	if (d->everything)
		return;
	d->everything = true;
	for (size_t o = 0; o < d->gr->thing_count; o++) {
		if (!d->gr->things[o].lock)
			dead_act(d, &d->gr->things[o]);
	}
}

/* Parent and birth of an ancestor, alive or not, and whether it was a foreign thread. */
static struct node ancestor(struct dead *d, uint64_t g)
{
	const struct node *n = graph_node(d->gr, g);
	struct node gone = {.g = g};

	if (n)
		return *n;
	sqlite3_bind_int64(d->parent, 1, (int64_t)g);
	int got = sqlite3_step(d->parent);

	if (got == SQLITE_ROW) {
		gone.parent = (uint64_t)sqlite3_column_int64(d->parent, 0);
		gone.born_ns = sqlite3_column_int64(d->parent, 1);
		gone.foreign = sqlite3_column_int(d->parent, 2);
	} else if (got != SQLITE_DONE) {
		d->err = got; // without its ancestors somebody would seem to be dead
	}
	sqlite3_reset(d->parent);
	return gone;
}

/* What the ancestors of an agent that was born at born_ns had touched by then. */
static void dead_climb(struct dead *d, uint64_t g, int64_t born_ns)
{
	while (g) {
		struct seen *s = map_put(&d->seen, g, 0);
		size_t count;
		const struct touch *t = graph_touches(d->gr, g, &count);
		if (!s) {
			d->err = SQLITE_NOMEM;
			return;
		}
		for (; s->next < count && t[s->next].from_ns <= born_ns; s->next++)
			dead_act(d, &d->gr->things[t[s->next].o]);
		if (s->climbed)
			return;
		s->climbed = true;
		struct node n = ancestor(d, g);
		if (n.foreign)
			dead_act_on_all(d);
		g = n.parent;
		born_ns = n.born_ns;
	}
}

/* Supposed: does it wait for o, and never did anything else to it? */
static bool node_merely_waits(const struct graph *gr, const struct node *n, size_t o)
{
	for (size_t i = 0; n->mere && i < n->wait_count; i++) {
		const struct wait *w = &gr->waits[n->wait_first + i];
		if (w->o == o && w->mere)
			return true;
	}
	return false;
}

static void dead_agent(struct dead *d, const struct node *n)
{
	size_t count;
	const struct touch *t = graph_touches(d->gr, n->g, &count);

	for (size_t i = 0; i < count; i++) {
		if (!node_merely_waits(d->gr, n, t[i].o))
			dead_act(d, &d->gr->things[t[i].o]);
	}
	if (n->foreign)
		dead_act_on_all(d);
	if (!n->spins && !n->mere)
		dead_climb(d, n->parent, n->born_ns);
}

/* Is it not known to wait for good by anything but L2, which does not speak of it? */
static bool node_may_be_early(const struct graph *gr, const struct node *n)
{
	for (size_t i = 0; n->young && i < n->wait_count; i++) {
		const struct wait *w = &gr->waits[n->wait_first + i];
		const struct thing *t = &gr->things[w->o];
		if (!t->lock && !t->long_waited && w->from_ns > t->reach_ns)
			return true;
	}
	return false;
}

/* Everything may be acted on: nothing is known, or something other than an agent acts. */
static void dead_act_from_outside(struct dead *d, bool agents)
{
	struct graph *gr = d->gr;

	for (size_t o = 0; o < gr->thing_count; o++) {
		struct thing *t = &gr->things[o];
		bool reached = agents && t->reach_ns >= 0 && t->reached;
		bool lock_of_nobody = agents && t->lock && !t->holder_count;
		bool unseen = gr->blind || (t->old && !t->lock);
		if (t->timed || reached || lock_of_nobody || (agents && unseen))
			dead_act(d, t);
	}
	for (size_t i = 0; agents && i < gr->node_count; i++) {
		struct node *n = &gr->nodes[i];
		bool unknown = !n->never && !n->wait_count; // for what it waits was not recorded
		if (!n->dead || !(unknown || node_may_be_early(gr, n)))
			continue;
		n->dead = false;
		d->work[d->work_count++] = i;
	}
}

static void dead_delete(struct dead *d)
{
	struct graph *gr = d->gr;
	bool agents = false;

	for (size_t i = 0; i < gr->node_count; i++) {
		gr->nodes[i].dead = gr->nodes[i].kind == NODE_PARKED;
		agents |= !gr->nodes[i].dead;
	}
	agents |= gr->middle && !gr->deadlocked; // a timer that was armed before
	dead_act_from_outside(d, agents);
	for (size_t i = 0; i < gr->node_count; i++) {
		if (gr->nodes[i].kind != NODE_PARKED)
			dead_agent(d, &gr->nodes[i]);
	}
	while (d->work_count)
		dead_agent(d, &gr->nodes[d->work[--d->work_count]]);
}

/* ── how sure ───────────────────────────────────────────────────────────────────────────────── */

/*
 * Is L3 beyond doubt?  Not if somebody ran while the snapshot looked: a pointer may have moved from
 * where it had not been to where it had.  Nor if anybody has been woken since.
 */
static bool snapshot_speaks(const struct graph *gr, const struct thing *t)
{
	return t->reach_ns >= 0 && !t->reached && t->still && !gr->awake &&
	       t->reach_ns >= gr->last_wake_ns;
}

static void node_doubt(struct dead *d, size_t i)
{
	struct node *n = &d->gr->nodes[i];

	if (!n->dead || !n->sure)
		return;
	n->sure = false;
	d->work[d->work_count++] = i;
}

/* Doubt spreads from who waits for what only L2 speaks for, to who waits for its locks. */
static void dead_doubt(struct dead *d)
{
	struct graph *gr = d->gr;
	bool alone = !gr->timer_count && !gr->middle; // nobody else is left

	for (size_t i = 0; i < gr->node_count; i++) {
		gr->nodes[i].sure = gr->nodes[i].dead;
		alone &= gr->nodes[i].dead;
		if (!gr->nodes[i].never && !gr->nodes[i].wait_count && !gr->deadlocked)
			node_doubt(d, i);
	}
	if ((alone && !gr->main_ended) || gr->deadlocked)
		return; // L0
	for (size_t o = 0; o < gr->thing_count; o++) {
		const struct thing *t = &gr->things[o];
		bool speaks =
			t->lock ? t->holder_count > 0 && (alone || !t->shared) : snapshot_speaks(gr, t);
		for (size_t i = 0; i < t->waiter_count; i++) {
			const struct wait *w = &gr->waits[gr->waiters[t->waiter_first + i]];
			if (!speaks || (!t->lock && w->from_ns > t->reach_ns))
				node_doubt(d, w->n);
		}
	}
	while (d->work_count) {
		size_t count;
		uint64_t g = gr->nodes[d->work[--d->work_count]].g;
		const struct touch *t = graph_touches(gr, g, &count);
		for (size_t i = 0; i < count; i++) {
			const struct thing *th = &gr->things[t[i].o];
			for (size_t j = 0; th->lock && j < th->waiter_count; j++)
				node_doubt(d, gr->waits[gr->waiters[th->waiter_first + j]].n);
		}
	}
}

/* ── who keeps main waiting ─────────────────────────────────────────────────────────────────── */

struct thing_touch {
	size_t o;
	uint64_t g;
};

static int thing_touch_compare(const void *x, const void *y)
{
	const struct thing_touch *a = x, *b = y;

	return a->o < b->o ? -1 : a->o > b->o;
}

/* Main, if it is dead, and the dead that have had to do with what it waits for, and so on. */
static void dead_main(struct dead *d)
{
	struct graph *gr = d->gr;
	struct node *main = graph_node(gr, 1);

	if (!main || !main->dead)
		return;
	struct thing_touch *by = calloc(gr->touch_count + 1, sizeof *by);
	size_t *first = calloc(gr->thing_count + 1, sizeof *first);

	if (!by || !first) {
		d->err = SQLITE_NOMEM;
		goto out;
	}
	for (size_t i = 0; i < gr->touch_count; i++) {
		by[i] = (struct thing_touch){gr->touches[i].o, gr->touches[i].g};
		first[gr->touches[i].o + 1]++;
	}
	qsort(by, gr->touch_count, sizeof *by, thing_touch_compare);
	for (size_t o = 0; o < gr->thing_count; o++)
		first[o + 1] += first[o];
	main->main = true;
	d->work[d->work_count++] = (size_t)(main - gr->nodes);
	while (d->work_count) {
		const struct node *n = &gr->nodes[d->work[--d->work_count]];
		for (size_t i = 0; i < n->wait_count; i++) {
			size_t o = gr->waits[n->wait_first + i].o;
			for (size_t at = first[o]; !gr->things[o].walked && at < first[o + 1]; at++) {
				struct node *m = graph_node(gr, by[at].g);
				if (!m || !m->dead || m->main)
					continue;
				m->main = true;
				d->work[d->work_count++] = (size_t)(m - gr->nodes);
			}
			gr->things[o].walked = true;
		}
	}
out:
	free(by);
	free(first);
}

/* ── rows ─────────────────────────────────────────────────────────────────────────────────────────
 */

static bool node_touches_gap(const struct graph *gr, const struct node *n)
{
	for (size_t i = 0; i < n->wait_count; i++) {
		if (gr->gap_ns >= gr->things[gr->waits[n->wait_first + i].o].made_ns)
			return true;
	}
	return false;
}

static int dead_rows(sqlite3 *db, const struct graph *gr)
{
	sqlite3_stmt *clear = NULL, *st = NULL;
	int err = db_prepare(db, "sql/dead.sql", "clear", &clear);

	if (err == SQLITE_OK)
		err = db_row(clear, 0, NULL);
	if (err == SQLITE_OK)
		err = db_prepare(db, "sql/dead.sql", "dead", &st);
	for (size_t i = 0; i < gr->node_count && err == SQLITE_OK; i++) {
		const struct node *n = &gr->nodes[i];
		if (!n->dead)
			continue;
		err =
			DB_ROW(st, db_int((int64_t)n->g), db_int(n->sure),
		           db_id(n->ring ? gr->nodes[n->ring - 1].g : 0),
		           db_id(n->behind ? gr->nodes[n->behind - 1].g : 0), db_int(n->main),
		           db_int(node_touches_gap(gr, n)), db_id(n->loop ? gr->nodes[n->loop - 1].g : 0));
	}
	sqlite3_finalize(clear);
	sqlite3_finalize(st);
	return err;
}

/* Get ready to ask about gr.  Returns: an SQLite code; dead_close() in any case. */
static int dead_open(struct dead *d, struct graph *gr, sqlite3 *db)
{
	*d = (struct dead){.gr = gr, .seen.slot_bytes = sizeof(struct seen)};
	int err = db_prepare(db, "sql/dead.sql", "parent", &d->parent);

	d->work = calloc(gr->node_count + 1, sizeof *d->work);
	return d->work ? err : SQLITE_NOMEM;
}

static void dead_close(struct dead *d)
{
	sqlite3_finalize(d->parent);
	free(d->work);
	map_release(&d->seen);
}

int dead_mark(struct graph *gr, sqlite3 *db)
{
	struct dead d;
	int err = dead_open(&d, gr, db);

	if (err == SQLITE_OK) {
		dead_delete(&d);
		err = d.err;
	}
	dead_close(&d);
	return err;
}

int dead_find(sqlite3 *db)
{
	struct graph gr;
	struct dead d = {0};
	int err = graph_read(&gr, db, SUPPOSE_NOTHING);

	if (err == SQLITE_OK)
		err = dead_open(&d, &gr, db);
	if (err == SQLITE_OK) {
		dead_delete(&d);
		dead_doubt(&d);
		dead_main(&d);
		err = d.err;
	}
	if (err == SQLITE_OK)
		err = ring_find(&gr);
	if (err == SQLITE_OK)
		err = loop_find(&gr, db);
	if (err == SQLITE_OK)
		err = dead_rows(db, &gr);
	if (err == SQLITE_OK)
		err = db_run_asset(db, "sql/dead_kind.sql");
	dead_close(&d);
	graph_release(&gr);
	return err;
}

/* SPDX-License-Identifier: MIT */
/**
 * before.c: what happened before what, whatever the locks did.
 *
 * A goroutine's doings are in order; a birth comes before all the newborn does; a wake comes before
 * what the woken does; and a receive, a wait or an acquire after the sends, closes, dones and
 * releases on that object.  Which of several sends a receive got is in no trace, so all before it
 * count. Locks do not: their order is what is to be questioned.
 *
 * A question is answered by going through these steps in time order, from the one event to the
 * other, with the set of goroutines and objects that it has reached.
 */
#include "detect/before.h"

#include <stdlib.h>

#include "array.h"
#include "db.h"
#include "map.h"

#define SWEEP_MAX 200000000u // steps looked at in all questions

struct step {
	int64_t t;
	uint64_t from, to; // goroutines; or who took (from), and the object
	bool take;
};

struct give {
	uint64_t g, object;
};

struct reached { // key: goroutine, 0; or object, 1
	struct map_head head;
};

struct before {
	struct step *steps; // by time
	size_t step_count;
	struct give *gives; // by goroutine
	size_t give_count;
	struct map reached;
	uint64_t swept;
	bool no_memory;
};

static int step_row(void *arg, sqlite3_stmt *st)
{
	struct before *b = arg;
	struct step *steps = array_more(b->steps, b->step_count, sizeof *steps);

	if (!steps)
		return SQLITE_NOMEM;
	b->steps = steps;
	steps[b->step_count++] = (struct step){.t = sqlite3_column_int64(st, 0),
	                                       .take = sqlite3_column_int(st, 1) == 3,
	                                       .from = (uint64_t)sqlite3_column_int64(st, 2),
	                                       .to = (uint64_t)sqlite3_column_int64(st, 3)};
	return SQLITE_OK;
}

static int give_row(void *arg, sqlite3_stmt *st)
{
	struct before *b = arg;
	struct give *gives = array_more(b->gives, b->give_count, sizeof *gives);

	if (!gives)
		return SQLITE_NOMEM;
	b->gives = gives;
	gives[b->give_count++] = (struct give){.g = (uint64_t)sqlite3_column_int64(st, 0),
	                                       .object = (uint64_t)sqlite3_column_int64(st, 1)};
	return SQLITE_OK;
}

int before_open(struct before **out, sqlite3 *db)
{
	struct before *b = calloc(1, sizeof *b);
	int err = b ? SQLITE_OK : SQLITE_NOMEM;

	*out = NULL;
	if (b)
		b->reached.slot_bytes = sizeof(struct reached);
	if (err == SQLITE_OK)
		err = db_each(db, "sql/order.sql", "steps", step_row, b);
	if (err == SQLITE_OK)
		err = db_each(db, "sql/order.sql", "gives", give_row, b);
	if (err == SQLITE_OK)
		*out = b;
	else
		before_close(b);
	return err;
}

static bool is_reached(const struct before *b, uint64_t id, uint64_t kind)
{
	return map_find(&b->reached, id, kind) != NULL;
}

static void reach(struct before *b, uint64_t id, uint64_t kind)
{
	if (!map_put(&b->reached, id, kind))
		b->no_memory = true;
}

/** g is reached; and so is what it gives by, the first time or ever again. */
static void reach_goroutine(struct before *b, uint64_t g)
{
	size_t low = 0, high = b->give_count;

	reach(b, g, 0);
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (b->gives[middle].g < g)
			low = middle + 1;
		else
			high = middle;
	}
	for (; low < b->give_count && b->gives[low].g == g; low++)
		reach(b, b->gives[low].object, 1);
}

/** The first step that is not earlier. */
static size_t step_at(const struct before *b, int64_t t)
{
	size_t low = 0, high = b->step_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (b->steps[middle].t < t)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

bool before_may(struct before *b, uint64_t from, int64_t from_ns, uint64_t to, int64_t to_ns)
{
	if (from_ns > to_ns)
		return false;
	map_clear(&b->reached);
	reach_goroutine(b, from);
	for (size_t i = step_at(b, from_ns); i < b->step_count && b->steps[i].t <= to_ns; i++) {
		const struct step *s = &b->steps[i];
		bool by = s->take ? is_reached(b, s->to, 1) : is_reached(b, s->from, 0);
		uint64_t g = s->take ? s->from : s->to;
		if (++b->swept > SWEEP_MAX)
			return true;
		if (by && !is_reached(b, g, 0))
			reach_goroutine(b, g);
		if (b->no_memory || is_reached(b, to, 0))
			return true;
	}
	return is_reached(b, to, 0);
}

void before_close(struct before *b)
{
	if (!b)
		return;
	free(b->steps);
	free(b->gives);
	map_release(&b->reached);
	free(b);
}

/* SPDX-License-Identifier: MIT */
/**
 * goroutine.c: states of goroutines -> intervals.
 *
 *   G1  A goroutine is in the map from the first that is heard of it until it ends.
 *   G2  Its state began at since_ns, and every earlier stretch of it has been given to
 *       loader_interval().
 *   G3  since_ns never goes down: clocks of threads may differ, so a state change that seems to
 *       come before the last one is taken to come with it.
 *   G4  What is in l->near is in the map, where it says: a goroutine is asked for several times an
 *       event, and mostly one that was there a moment ago.
 *
 * A stretch of no length has no row: in a hand-off the woken goroutine is runnable for no time at
 * all. Any change of state is taken as it comes, even an odd one: the reader has put the events
 * into an order that fits, and where it could not (a lost batch), the event at hand is the best
 * there is.
 */
#include <stdlib.h>
#include <string.h>

#include "clean.h"
#include "load/loader.h"

enum { LATE_NS = 100000000 }; // ready to run for so long is worth a row

struct goroutine *loader_goroutine_find(struct loader *l, uint64_t g)
{
	struct goroutine **near = &l->near[g % GOROUTINES_NEAR];

	if (*near && (*near)->head.a == g)
		return *near;
	struct goroutine *gr = map_find(&l->goroutines, g, 0);

	if (gr)
		*near = gr; // keeps G4
	return gr;
}

struct goroutine *loader_goroutine(struct loader *l, uint64_t g)
{
	struct goroutine *gr = loader_goroutine_find(l, g);
	size_t room = l->goroutines.room;

	if (gr)
		return gr;
	gr = map_put(&l->goroutines, g, 0);
	if (l->goroutines.room != room) // they may have moved
		memset(l->near, 0, sizeof l->near);
	if (!gr) {
		l->no_memory = true;
		return NULL;
	}
	gr->born_ns = gr->since_ns = l->now_ns;
	gr->until_ns = -1;
	gr->state = GTRACE_state_RUNNABLE;
	gr->older = true; // but see goroutine_new()
	l->older++;
	if (++l->alive > l->peak) {
		l->peak = l->alive;
		l->peak_ns = l->now_ns;
	}
	return gr;
}

/* Its present state as a row that ends at to_ns (< 0: with the trace). */
static struct interval goroutine_interval(const struct goroutine *gr, int64_t to_ns)
{
	struct interval row = {
		.g = gr->head.a,
		.n = gr->intervals,
		.from_ns = gr->since_ns,
		.to_ns = to_ns,
		.state = gr->state,
	};

	if (gr->state == GTRACE_state_WAITING) {
		row.reason = gr->reason;
		row.flags = gr->flags;
		row.object = gr->object;
		row.site = gr->site;
	} else if (gr->state != GTRACE_state_RUNNABLE) {
		row.thread = gr->thread;
	}
	return row;
}

/* Was it ready to run for long, until to_ns (< 0: the end)? */
static void goroutine_late(struct loader *l, const struct goroutine *gr, int64_t to_ns)
{
	int64_t until = to_ns < 0 ? l->now_ns : to_ns;

	if (gr->state == GTRACE_state_RUNNABLE && until - gr->since_ns >= LATE_NS)
		ROWS_PUT(&l->rows, ROWS_LATE, db_int((int64_t)gr->head.a), db_int(gr->intervals),
		         db_int(gr->since_ns), db_time(to_ns));
}

/* Keeps G2 and G3.  row has who ended the old state, or is NULL. */
static void goroutine_become(struct loader *l, struct goroutine *gr, unsigned state,
                             const struct gtrace_event *wake)
{
	loader_waited(l, gr, l->now_ns > gr->since_ns ? l->now_ns - gr->since_ns : 0, false);
	if (l->now_ns > gr->since_ns) {
		struct interval row = goroutine_interval(gr, l->now_ns);
		if (wake) {
			row.woken_by = wake->id == GTRACE_GO_WAKE ? wake->g : 0;
			row.waker = wake->id == GTRACE_GO_WAKE_BY ? (uint8_t)wake->arg[3] : 0;
			row.wake_object = wake->arg[2];
		}
		loader_interval(l, gr, &row);
		loader_longest(l, &row);
		goroutine_late(l, gr, l->now_ns);
		loader_stack_row(l, gr);
		gr->intervals++;
		gr->since_ns = l->now_ns;
	}
	gr->state = (uint8_t)state;
	gr->stack = 0;
	gr->listed = false;
}

/* Was it in that state, as far as is known, and if it waited: may a wake through that object have
 * ended it? */
static bool goroutine_fits(const struct goroutine *gr, unsigned state, uint64_t object)
{
	if (gr->state != state)
		return false;
	return !object || gr->object == object || gr->reason == GTRACE_reason_SELECT ||
	       gr->flags & GTRACE_WAIT_CANCEL;
}

/*
 * The first event of a goroutine that is known from a list alone tells what it was until then: the
 * list, made while all go on, may have what it became since.
 */
static void goroutine_was(struct loader *l, struct goroutine *gr, unsigned state, uint64_t object)
{
	if (!gr->listed || goroutine_fits(gr, state, object))
		return;
	loader_waited(l, gr, 0, false);
	gr->state = (uint8_t)state;
	gr->reason = gr->flags = 0;
	gr->object = object;
	gr->site = 0;
	gr->case_count = 0;
	loader_wait_begins(l, gr);
}

static void goroutine_row(struct loader *l, const struct goroutine *gr, int64_t ended_ns)
{
	ROWS_PUT(&l->rows, ROWS_GOROUTINE, db_id(gr->head.a), db_text(gr->name), db_id(gr->parent),
	         db_id(gr->born_site), db_int(gr->born_ns), db_time(ended_ns), db_id(gr->entry),
	         db_int(gr->intervals), db_id(gr->foreign_thread), db_int(gr->depth),
	         db_int(gr->waited_ns), db_int(gr->older));
	loader_spawned(l, gr, ended_ns);
}

static void goroutine_drop(struct loader *l, struct goroutine *gr)
{
	loader_block_end(l, gr);
	free(gr->name);
	free(gr->cases);
	l->pollers -= gr->polls != NULL;
	free(gr->polls);
	l->near[gr->head.a % GOROUTINES_NEAR] = NULL;
	struct goroutine *moved = map_remove(&l->goroutines, gr);
	if (moved)
		l->near[moved->head.a % GOROUTINES_NEAR] = moved;
}

static void goroutine_new(struct loader *l, const struct gtrace_event *ev)
{
	struct goroutine *gr = loader_goroutine(l, ev->arg[0]);

	if (!gr)
		return;
	const struct goroutine *parent = ev->g ? loader_goroutine_find(l, ev->g) : NULL;

	l->older -= gr->older;
	l->started += gr->older;
	gr->older = false;
	goroutine_was(l, gr, GTRACE_state_RUNNABLE, 0);
	if (gr->listed)
		gr->born_ns = gr->since_ns = l->now_ns;
	gr->parent = ev->g;
	gr->depth = parent ? parent->depth + 1 : 0;
	gr->born_site = ev->arg[1];
	gr->entry = ev->arg[2];
}

static void goroutine_start(struct loader *l, const struct gtrace_event *ev)
{
	struct goroutine *gr = loader_goroutine(l, ev->arg[0]);

	if (!gr)
		return;
	goroutine_was(l, gr, GTRACE_state_RUNNABLE, 0);
	goroutine_become(l, gr, GTRACE_state_RUNNING, NULL);
	const struct thread *t = l->thread;
	if (t && t->kind == GTRACE_thread_kind_FOREIGN) // it runs no other
		gr->foreign_thread = ev->thread;
	gr->thread = ev->thread;
	gr->case_count = 0;
	gr->until_ns = -1;
}

/* What a goroutine does that waits for a reason. */
static unsigned reason_op(unsigned reason)
{
	static const uint8_t op[] = {
		[GTRACE_reason_CHAN_RECV] = GTRACE_op_CHAN_RECV,
		[GTRACE_reason_CHAN_SEND] = GTRACE_op_CHAN_SEND,
		[GTRACE_reason_MUTEX_LOCK] = GTRACE_op_MUTEX_LOCK,
		[GTRACE_reason_RWMUTEX_RLOCK] = GTRACE_op_RWMUTEX_RLOCK,
		[GTRACE_reason_RWMUTEX_LOCK] = GTRACE_op_RWMUTEX_LOCK,
		[GTRACE_reason_WAITGROUP_WAIT] = GTRACE_op_WG_WAIT,
		[GTRACE_reason_COND_WAIT] = GTRACE_op_COND_WAIT,
		[GTRACE_reason_SEM_ACQUIRE] = GTRACE_op_SEM_ACQUIRE,
		[GTRACE_reason_ONCE] = GTRACE_op_ONCE_DO,
		[GTRACE_reason_IO_WAIT] = GTRACE_op_IO,
	};

	return reason < sizeof op ? op[reason] : GTRACE_op_NONE;
}

/* What ends such a wait. */
static unsigned op_answer(unsigned op)
{
	switch (op) {
	case GTRACE_op_CHAN_RECV:
		return GTRACE_op_CHAN_SEND;
	case GTRACE_op_CHAN_SEND:
		return GTRACE_op_CHAN_RECV;
	case GTRACE_op_MUTEX_LOCK:
		return GTRACE_op_MUTEX_UNLOCK;
	case GTRACE_op_RWMUTEX_RLOCK:
		return GTRACE_op_RWMUTEX_UNLOCK;
	case GTRACE_op_RWMUTEX_LOCK:
		return GTRACE_op_RWMUTEX_UNLOCK;
	case GTRACE_op_WG_WAIT:
		return GTRACE_op_WG_DONE;
	case GTRACE_op_COND_WAIT:
		return GTRACE_op_COND_SIGNAL;
	case GTRACE_op_SEM_ACQUIRE:
		return GTRACE_op_SEM_RELEASE;
	default:
		return GTRACE_op_NONE;
	}
}

static void goroutine_park(struct loader *l, const struct gtrace_event *ev)
{
	struct goroutine *gr = ev->g ? loader_goroutine(l, ev->g) : NULL;

	if (!gr)
		return;
	goroutine_was(l, gr, GTRACE_state_RUNNING, 0);
	goroutine_become(l, gr, GTRACE_state_WAITING, NULL);
	loader_poll_ends(l, ev->g, 0);
	gr->reason = (uint8_t)ev->arg[0];
	gr->object = ev->arg[1];
	gr->site = ev->arg[2];
	gr->flags = (uint8_t)ev->arg[3];
	loader_wait_begins(l, gr);
	if (gr->object)
		loader_use(l, ev->g, gr->object, reason_op(gr->reason), gr->site);
	for (uint32_t i = 0; i < gr->case_count; i++)
		loader_use(l, ev->g, gr->cases[i].object, gr->cases[i].op, gr->site);
}

static void goroutine_wake(struct loader *l, const struct gtrace_event *ev)
{
	struct goroutine *gr = loader_goroutine(l, ev->arg[0]);

	if (!gr)
		return;
	goroutine_was(l, gr, GTRACE_state_WAITING, ev->arg[2]);
	unsigned op = reason_op(gr->reason);

	for (uint32_t i = 0; i < gr->case_count; i++) {
		if (gr->cases[i].object == ev->arg[2])
			op = gr->cases[i].op;
	}
	if (ev->id == GTRACE_GO_WAKE && ev->g && ev->arg[2] && gr->state == GTRACE_state_WAITING)
		loader_use(l, ev->g, ev->arg[2], op_answer(op), 0);
	goroutine_become(l, gr, GTRACE_state_RUNNABLE, ev);
	gr->case_count = 0;
	gr->until_ns = -1;
	l->last_wake_ns = l->now_ns;
}

static void goroutine_end(struct loader *l, uint64_t g)
{
	struct goroutine *gr = g ? loader_goroutine(l, g) : NULL;

	if (!gr)
		return;
	goroutine_was(l, gr, GTRACE_state_RUNNING, 0);
	goroutine_become(l, gr, GTRACE_state_ENDED, NULL);
	goroutine_row(l, gr, l->now_ns);
	goroutine_drop(l, gr);
	l->ended++;
	l->alive--;
}

static void goroutine_case(struct loader *l, uint64_t g, uint64_t object, unsigned op)
{
	struct goroutine *gr = g ? loader_goroutine(l, g) : NULL;

	if (!gr)
		return;
	if (gr->case_count == gr->case_cap) {
		uint32_t cap = gr->case_cap ? gr->case_cap * 2 : 4;
		struct wait_case *more = realloc(gr->cases, cap * sizeof *more);
		if (!more) {
			l->no_memory = true;
			return;
		}
		gr->cases = more;
		gr->case_cap = cap;
	}
	gr->cases[gr->case_count++] = (struct wait_case){object, op};
}

static void goroutine_until(struct loader *l, uint64_t g, uint64_t after_ns)
{
	struct goroutine *gr = g ? loader_goroutine(l, g) : NULL;
	int64_t due;

	if (gr && !__builtin_add_overflow(l->now_ns, after_ns, &due))
		gr->until_ns = due;
}

static void goroutine_name(struct loader *l, const struct gtrace_event *ev)
{
	struct goroutine *gr = loader_goroutine(l, ev->arg[0]);
	char name[CLEAN_MAX];

	if (!gr)
		return;
	clean_text(name, ev->bytes[1], ev->arg[1]);
	free(gr->name);
	gr->name = strdup(name);
}

/*
 * A row of a snapshot tells us nothing of a goroutine that we know but whence it came.  Of one that
 * we do not know it says what has been so since the trace began, for nothing has been heard of it
 * since.
 */
static void goroutine_status(struct loader *l, const struct gtrace_event *ev)
{
	struct goroutine *gr = loader_goroutine_find(l, ev->arg[0]);
	bool known = gr != NULL;

	if (ev->arg[1] == GTRACE_state_ENDED)
		return;
	if (!known)
		gr = loader_goroutine(l, ev->arg[0]);
	if (!gr)
		return;
	if (!gr->born_site) {
		gr->parent = ev->arg[6];
		gr->born_site = ev->arg[7];
	}
	if (known)
		return;
	gr->listed = true;
	if (l->middle)
		gr->born_ns = gr->since_ns = 0;
	gr->state = (uint8_t)ev->arg[1];
	gr->reason = (uint8_t)ev->arg[2];
	gr->object = ev->arg[3];
	gr->site = ev->arg[4];
	gr->flags = (uint8_t)ev->arg[5];
	if (gr->state < GTRACE_state_RUNNABLE || gr->state > GTRACE_state_WAITING)
		gr->state = GTRACE_state_RUNNABLE;
	if (gr->state == GTRACE_state_WAITING)
		loader_wait_begins(l, gr);
}

/* An object of the select that a listed goroutine waits in. */
static void goroutine_listed_case(struct loader *l, const struct gtrace_event *ev)
{
	const struct goroutine *gr = loader_goroutine_find(l, ev->arg[0]);

	if (gr && gr->listed && gr->state == GTRACE_state_WAITING)
		goroutine_case(l, ev->arg[0], ev->arg[1], loader_word(ev->arg[2]));
}

/* g lost its thread's right to run, or has it back. */
static void goroutine_outside(struct loader *l, uint64_t g, bool outside)
{
	struct goroutine *gr = g ? loader_goroutine_find(l, g) : NULL;

	if (outside && gr && gr->state == GTRACE_state_RUNNING)
		goroutine_become(l, gr, STATE_SYSCALL, NULL);
	else if (!outside && gr && gr->state == STATE_SYSCALL)
		goroutine_become(l, gr, GTRACE_state_RUNNING, NULL);
}

/* A flat list, and so longer than others. */
bool loader_goroutine_event(struct loader *l, const struct gtrace_event *ev)
{
	struct goroutine *gr;

	switch (ev->id) {
	case GTRACE_GO_NEW:
		goroutine_new(l, ev);
		return true;
	case GTRACE_GO_START:
		goroutine_start(l, ev);
		return true;
	case GTRACE_GO_PARK:
		goroutine_park(l, ev);
		return true;
	case GTRACE_GO_YIELD:
		gr = ev->g ? loader_goroutine(l, ev->g) : NULL;
		loader_poll(l, ev->g, ev->arg[0], 1, true);
		if (gr) {
			goroutine_was(l, gr, GTRACE_state_RUNNING, 0);
			goroutine_become(l, gr, GTRACE_state_RUNNABLE, NULL);
		}
		return true;
	case GTRACE_ATTEMPTS:
		loader_attempts(l, ev->g, ev->arg[0], ev->arg[1]);
		return true;
	case GTRACE_GO_END:
		goroutine_end(l, ev->g);
		return true;
	case GTRACE_GO_WAKE:
	case GTRACE_GO_WAKE_BY:
		goroutine_wake(l, ev);
		return true;
	case GTRACE_GO_NAME:
		goroutine_name(l, ev);
		return true;
	case GTRACE_GO_STATUS:
		goroutine_status(l, ev);
		return true;
	case GTRACE_STATUS_CASE:
		goroutine_listed_case(l, ev);
		return true;
	case GTRACE_WAIT_CASE:
		gr = ev->g ? loader_goroutine(l, ev->g) : NULL;
		if (gr)
			goroutine_was(l, gr, GTRACE_state_RUNNING, 0);
		goroutine_case(l, ev->g, ev->arg[0], loader_word(ev->arg[1]));
		return true;
	case GTRACE_WAIT_UNTIL:
		goroutine_until(l, ev->g, ev->arg[0]);
		return true;
	case GTRACE_HANDOFF:
		if (ev->arg[2] != GTRACE_why_BUSY)
			goroutine_outside(l, ev->arg[3], true);
		return false; // thread.c wants it too
	case GTRACE_GO_REENTER:
		goroutine_outside(l, ev->g, false);
		return true;
	default:
		return false;
	}
}

static void goroutine_wait_rows(struct loader *l, const struct goroutine *gr)
{
	struct wait_case only = {gr->object, reason_op(gr->reason)};
	const struct wait_case *cases = gr->case_count ? gr->cases : &only;
	uint32_t count = gr->case_count ? gr->case_count : gr->object != 0;

	for (uint32_t i = 0; i < count; i++) {
		ROWS_PUT(&l->rows, ROWS_WAIT_ON, db_int((int64_t)gr->head.a),
		         db_int((int64_t)cases[i].object), db_text(gtrace_name("op", cases[i].op)),
		         db_int(gr->since_ns), db_time(gr->until_ns));
	}
}

static void goroutine_still(struct loader *l, const struct interval *v)
{
	ROWS_PUT(&l->rows, ROWS_STILL, db_int((int64_t)v->g), db_int(v->n), db_int(v->from_ns),
	         db_int(v->state), db_id(v->reason), db_id(v->object), db_id(v->site), db_id(v->flags),
	         db_id(v->thread));
}

void loader_goroutines_end(struct loader *l)
{
	for (struct goroutine *gr = map_next(&l->goroutines, NULL); gr;
	     gr = map_next(&l->goroutines, gr)) {
		struct interval row = goroutine_interval(gr, -1);
		loader_waited(l, gr, l->duration_ns > gr->since_ns ? l->duration_ns - gr->since_ns : 0,
		              true);
		loader_interval(l, gr, &row);
		loader_longest(l, &row);
		goroutine_still(l, &row);
		goroutine_late(l, gr, -1);
		loader_stack_row(l, gr);
		gr->intervals++;
		goroutine_row(l, gr, -1);
		if (gr->state == GTRACE_state_WAITING)
			goroutine_wait_rows(l, gr);
		loader_poll_rows(l, gr);
		loader_block_end(l, gr);
		free(gr->name);
		free(gr->polls);
		free(gr->cases);
	}
	loader_spawns_end(l);
	map_release(&l->goroutines);
}

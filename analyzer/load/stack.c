/* SPDX-License-Identifier: MIT */
/**
 * stack.c: stacks of goroutines that wait or run for long.
 *
 * A STACK belongs to the record before it in its stream, which says of which goroutine it is.  It
 * is kept with the state that the goroutine is in, and becomes a row when that ends.
 */
#include "load/loader.h"

/* Is the goroutine still in what it was seen in?  Its own thread may have gone on. */
static bool stack_fits(const struct goroutine *gr, bool waits)
{
	bool runs = gr->state == GTRACE_state_RUNNING || gr->state == STATE_SYSCALL;

	return waits ? gr->state == GTRACE_state_WAITING : runs;
}

static void stack_seen(struct loader *l, const struct thread *t, uint64_t stack)
{
	struct goroutine *gr = loader_goroutine_find(l, t->stack_of);

	if (!gr || !stack || !stack_fits(gr, t->stack_waits))
		return;
	gr->stack = stack;
	l->stack_last = stack > l->stack_last ? stack : l->stack_last;
}

void loader_stack_event(struct loader *l, struct thread *t, const struct gtrace_event *ev)
{
	if (ev->id == GTRACE_STACK && t->stack_of)
		stack_seen(l, t, ev->arg[0]);
	t->stack_of = 0;
	t->stack_waits = ev->id != GTRACE_BUSY;
	if (ev->id == GTRACE_GO_PARKED || ev->id == GTRACE_GO_STATUS || ev->id == GTRACE_BUSY)
		t->stack_of = ev->arg[0];
	else if (ev->id == GTRACE_GO_PARK)
		t->stack_of = ev->g;
}

void loader_stack_row(struct loader *l, struct goroutine *gr)
{
	if (gr->stack)
		ROWS_PUT(&l->rows, ROWS_STACK, db_int((int64_t)gr->head.a), db_int(gr->intervals),
		         db_int((int64_t)gr->stack));
}

/* The reader numbers stacks from 1 without holes. */
void loader_stacks_end(struct loader *l)
{
	for (uint64_t i = 1; i <= l->stack_last; i++) {
		const uint64_t *pcs;
		size_t n = gtrace_reader_stack(l->reader, i, &pcs);
		for (size_t k = 0; k < n; k++)
			ROWS_PUT(&l->rows, ROWS_FRAME, db_int((int64_t)i), db_int((int64_t)k),
			         db_int((int64_t)pcs[k]));
	}
}

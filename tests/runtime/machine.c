/* SPDX-License-Identifier: MIT */
/**
 * machine.c: the rules of the reference, as steps of a machine.
 *
 * Rules, each from gor.h:
 *
 *   F1  a channel passes values first in, first out; waiting senders and receivers are served in
 *       the order of coming; a receiver takes from the buffer, and then the first waiting sender's
 *       value moves up
 *   F2  a close wakes all who wait on the channel; what is in the buffer stays
 *   F3  a select does a case that is ready, any of them; else its default; else it waits on all
 *   F4  a mutex and a semaphore serve in the order of coming; an unlock hands over
 *   F5  a writer waits until nobody is in; a reader while a writer is in or anybody waits; a writer
 *       that leaves lets in all waiting readers, else the first writer; the last reader the first
 *   F6  a wait group at zero wakes all; below zero it panics
 *   F7  waiting on a condition queues, then unlocks, then locks again: three steps
 *   F8  a call with a time limit that has to wait may end by it at any moment
 *   F9  a timer that runs puts a value into its channel of one at any moment; stopping it takes
 *       that out again, and says whether it ran or there was one
 *
 * Where time stamps were taken, a call that returned before another began comes before it.
 */
#include "machine.h"
#include "reference.h"
#include <errno.h>
#include <string.h>

/* ── queues and answers ───────────────────────────────────────────────────────────────────────────
 */

static void push(struct queue *q, int g)
{
	for (int i = 0; i < q->len; i++)
		if (q->who[i] == g) // a fake runtime's leftovers
			return;
	q->who[q->len++] = (uint8_t)g;
}

static int take(struct queue *q, int at)
{
	int g = q->who[at];

	q->len--;
	memmove(q->who + at, q->who + at + 1, (size_t)(q->len - at));
	q->who[q->len] = 0;
	return g;
}

static void leave(struct queue *q, int g)
{
	for (int i = 0; i < q->len; i++)
		if (q->who[i] == g) {
			take(q, i);
			return;
		}
}

static void leave_chans(struct state *st, int g)
{
	for (int c = 0; c < ENDS; c++) {
		leave(&st->chan[c].recvq, g);
		leave(&st->chan[c].sendq, g);
	}
}

static const struct op *current(const struct machine *m, const struct state *st, int g)
{
	return &m->p->ops[g][st->pc[g]];
}

/* g's call returns.  False: that is not what was seen. */
static bool settle(const struct machine *m, struct state *st, int g, int code, int value)
{
	const struct answer *want = m->want ? &m->want->at[g][st->pc[g]] : NULL;

	if (want && want->progress == DONE && (want->code != code || want->value != value))
		return false;
	if (want && want->progress != DONE && !(m->cut && want->progress == BEGUN))
		return false;
	if (m->out) {
		struct answer *a = &m->out->at[g][st->pc[g]];
		a->progress = DONE;
		a->code = (int16_t)code;
		a->value = (int16_t)value;
	}
	st->phase[g] = BEFORE;
	st->status[g] = ++st->pc[g] < m->p->len[g] ? READY : OVER;
	return true;
}

/* g's call panics, and g goes no further. */
static bool panic(const struct machine *m, struct state *st, int g, enum panic kind)
{
	const struct answer *want = m->want ? &m->want->at[g][st->pc[g]] : NULL;

	if (want && m->cut && want->progress == BEGUN)
		st->panicked |= m->want->ending == PANIC && m->want->panic == (int)kind;
	else if (want && (want->progress != PANICKED || want->code != (int)kind))
		return false;
	if (m->out) {
		m->out->at[g][st->pc[g]].progress = PANICKED;
		m->out->at[g][st->pc[g]].code = (int16_t)kind;
	}
	st->status[g] = OVER;
	return true;
}

static bool block(struct state *st, int g)
{
	st->status[g] = BLOCKED;
	return true;
}

/* ── channels ─────────────────────────────────────────────────────────────────────────────────────
 */

/* The case of a select that is about c in this direction. */
static int case_of(const struct op *op, int c, int on)
{
	for (int i = 0; i < op->cases; i++)
		if (op->at[i].on == on && op->at[i].chan == c)
			return i;
	return -1;
}

static bool settle_recv(const struct machine *m, struct state *st, int g, int c, int value)
{
	const struct op *op = current(m, st, g);

	return settle(m, st, g, op->call == SELECT ? case_of(op, c, ON_RECV) : value != 0, value);
}

static bool settle_send(const struct machine *m, struct state *st, int g, int c, bool sent)
{
	const struct op *op = current(m, st, g);

	if (!sent && (op->call == SEND || op->call == SELECT))
		return panic(m, st, g, SEND_ON_CLOSED);
	return settle(m, st, g,
	              op->call == SELECT ? case_of(op, c, ON_SEND)
	              : sent             ? 0
	                                 : -EPIPE,
	              UNTOUCHED);
}

/* The value that g sends, or waits to send, on c. */
static int value_of(const struct machine *m, const struct state *st, int g, int c)
{
	const struct op *op = current(m, st, g);

	return program_value(g, st->pc[g], op->call == SELECT ? case_of(op, c, ON_SEND) : 0);
}

static int cap_of(const struct machine *m, int c)
{
	return m->p->cap[c] + ((m->faults & BUFFER_ONE_TOO_MANY) != 0);
}

static bool can(const struct machine *m, const struct state *st, int c, int on)
{
	if (c == NIL) // or of the timer, to which nobody sends
		return false;
	if (st->chan[c].closed)
		return true;
	if (on == ON_SEND)
		return st->chan[c].recvq.len > 0 || st->chan[c].len < cap_of(m, c);
	return st->chan[c].len > 0 || st->chan[c].sendq.len > 0;
}

/* The first who waits in a queue, out of all others too. */
static int partner(const struct machine *m, struct state *st, struct queue *q)
{
	int w = take(q, 0);

	if (!(m->faults & SELECT_STAYS_QUEUED))
		leave_chans(st, w);
	return w;
}

static bool do_send(const struct machine *m, struct state *st, int g, int c)
{
	int value = st->chan[c].closed ? 0 : value_of(m, st, g, c);

	if (!value)
		return settle_send(m, st, g, c, false);
	if (st->chan[c].recvq.len == 0) {
		st->chan[c].buf[st->chan[c].len++] = (uint8_t)value;
		return settle_send(m, st, g, c, true);
	}
	int w = partner(m, st, &st->chan[c].recvq);
	if (st->status[w] == BLOCKED && !settle_recv(m, st, w, c, value)) // else a mistake loses it
		return false;
	return settle_send(m, st, g, c, true);
}

static int buf_take(const struct machine *m, struct state *st, int c)
{
	uint8_t *buf = st->chan[c].buf;
	int at = m->faults & BUFFER_NEWEST_FIRST ? st->chan[c].len - 1 : 0, value = buf[at];

	st->chan[c].len--;
	memmove(buf + at, buf + at + 1, (size_t)(st->chan[c].len - at));
	buf[st->chan[c].len] = 0;
	return value;
}

static bool do_recv(const struct machine *m, struct state *st, int g, int c)
{
	bool buffered = st->chan[c].len > 0;
	int value = buffered ? buf_take(m, st, c) : 0;

	if (st->chan[c].sendq.len > 0 && !(buffered && m->faults & FULL_BUFFER_FORGETS_SENDER)) {
		int w = partner(m, st, &st->chan[c].sendq);
		if (st->status[w] != BLOCKED) // a mistake
			return settle_recv(m, st, g, c, value);
		int moved = value_of(m, st, w, c);
		if (buffered)
			st->chan[c].buf[st->chan[c].len++] = (uint8_t)moved;
		else
			value = moved;
		if (!settle_send(m, st, w, c, true))
			return false;
	}
	return settle_recv(m, st, g, c, value);
}

static bool do_close(const struct machine *m, struct state *st, int g, int c)
{
	if (c == NIL || st->chan[c].closed)
		return panic(m, st, g, c == NIL ? CLOSE_OF_NIL : CLOSE_OF_CLOSED);
	st->chan[c].closed = 1;
	while (st->chan[c].recvq.len > 0) {
		int w = partner(m, st, &st->chan[c].recvq);
		if (st->status[w] == BLOCKED && !settle_recv(m, st, w, c, 0))
			return false;
		if (m->faults & CLOSE_WAKES_ONE_RECEIVER)
			break;
	}
	while (st->chan[c].sendq.len > 0 && !(m->faults & CLOSE_FORGETS_SENDERS)) {
		int w = partner(m, st, &st->chan[c].sendq);
		if (st->status[w] == BLOCKED && !settle_send(m, st, w, c, false))
			return false;
	}
	return settle(m, st, g, 0, UNTOUCHED);
}

/* A send or a receive by itself; -EAGAIN or waiting if it cannot. */
static bool arrive_chan(const struct machine *m, struct state *st, int g)
{
	const struct op *op = current(m, st, g);
	int c = op->obj;
	bool recv = op->call == RECV || op->call == TRY_RECV || op->call == RECV_UNTIL;

	if (can(m, st, c, recv ? ON_RECV : ON_SEND))
		return recv ? do_recv(m, st, g, c) : do_send(m, st, g, c);
	if (op->call == TRY_SEND || op->call == TRY_RECV)
		return settle(m, st, g, -EAGAIN, UNTOUCHED);
	if (c != NIL)
		push(recv ? &st->chan[c].recvq : &st->chan[c].sendq, g);
	return block(st, g);
}

/* Case `choice` of a select, or waiting on all. */
static bool arrive_select(const struct machine *m, struct state *st, int g, int choice)
{
	const struct op *op = current(m, st, g);

	if (choice == PLAIN) {
		for (int i = 0; i < op->cases; i++)
			if (op->at[i].on <= ON_SEND && op->at[i].chan != NIL)
				push(op->at[i].on == ON_RECV ? &st->chan[op->at[i].chan].recvq
				                             : &st->chan[op->at[i].chan].sendq,
				     g);
		return block(st, g);
	}
	if (op->at[choice].on == ON_DEFAULT)
		return settle(m, st, g, choice, UNTOUCHED);
	return op->at[choice].on == ON_RECV ? do_recv(m, st, g, op->at[choice].chan)
	                                    : do_send(m, st, g, op->at[choice].chan);
}

/* The limit of g's call has passed. */
static bool time_is_up(const struct machine *m, struct state *st, int g)
{
	const struct op *op = current(m, st, g);

	if (!(m->faults & TIMEOUT_STAYS_QUEUED))
		leave_chans(st, g);
	return settle(m, st, g, op->call == SELECT ? case_of(op, 0, ON_TIMEOUT) : -ETIMEDOUT,
	              UNTOUCHED);
}

/* The timer has come to its time. */
static bool fire(const struct machine *m, struct state *st)
{
	st->armed = 0;
	while (st->chan[TIMER].recvq.len > 0) {
		int w = partner(m, st, &st->chan[TIMER].recvq);
		if (st->status[w] == BLOCKED) // or else it is a mistake
			return settle_recv(m, st, w, TIMER, TICK);
	}
	st->chan[TIMER].len = 1;
	st->chan[TIMER].buf[0] = TICK;
	return true;
}

static bool arrive_timer(const struct machine *m, struct state *st, int g)
{
	int was = st->armed || st->chan[TIMER].len > 0;

	st->armed = current(m, st, g)->call == RESET;
	if (!(m->faults & STOP_LEAVES_THE_TIME)) {
		st->chan[TIMER].len = 0;
		st->chan[TIMER].buf[0] = 0;
	}
	return settle(m, st, g, was, UNTOUCHED);
}

/* ── the others ───────────────────────────────────────────────────────────────────────────────────
 */

static bool lock_mutex(const struct machine *m, struct state *st, int g, int mu)
{
	if (st->mutex[mu].owner != NOBODY_HAS_IT) {
		push(&st->mutex[mu].q, g);
		return block(st, g);
	}
	st->mutex[mu].owner = (uint8_t)g;
	return settle(m, st, g, 0, UNTOUCHED);
}

static bool unlock_mutex(const struct machine *m, struct state *st, int mu)
{
	struct queue *q = &st->mutex[mu].q;

	st->mutex[mu].owner = NOBODY_HAS_IT;
	if (!q->len || m->faults & UNLOCK_WAKES_NOBODY)
		return true;
	int w = take(q, 0);
	st->mutex[mu].owner = (uint8_t)w;
	return settle(m, st, w, 0, UNTOUCHED);
}

static bool arrive_mutex(const struct machine *m, struct state *st, int g)
{
	const struct op *op = current(m, st, g);
	int owner = st->mutex[op->obj].owner;

	if (op->call == LOCK || (op->call == TRYLOCK && owner == NOBODY_HAS_IT))
		return lock_mutex(m, st, g, op->obj);
	if (op->call == TRYLOCK)
		return settle(m, st, g, -EBUSY, UNTOUCHED);
	if (owner != g)
		return panic(m, st, g, owner == NOBODY_HAS_IT ? UNLOCK_UNLOCKED : UNLOCK_FOREIGN);
	return settle(m, st, g, 0, UNTOUCHED) && unlock_mutex(m, st, op->obj);
}

static bool writes(const struct machine *m, const struct state *st, int g)
{
	return current(m, st, g)->call == WLOCK;
}

static bool enter_rw(const struct machine *m, struct state *st, int g, bool write)
{
	if (write)
		st->writer = (uint8_t)g;
	else
		st->readers++;
	return settle(m, st, g, 0, UNTOUCHED);
}

static bool arrive_rw(const struct machine *m, struct state *st, int g)
{
	int call = current(m, st, g)->call;
	bool write = call == WLOCK || call == TRYWLOCK;

	if (st->writer == NOBODY_HAS_IT && !(write ? st->readers : st->rw.len))
		return enter_rw(m, st, g, write);
	if (call == TRYWLOCK || call == TRYRLOCK)
		return settle(m, st, g, -EBUSY, UNTOUCHED);
	push(&st->rw, g);
	return block(st, g);
}

static bool leave_rw(const struct machine *m, struct state *st, int g)
{
	bool write = current(m, st, g)->call == WUNLOCK;

	if (write && st->writer != g)
		return panic(m, st, g, st->writer == NOBODY_HAS_IT ? WUNLOCK_UNLOCKED : WUNLOCK_FOREIGN);
	if (!write && !st->readers)
		return panic(m, st, g, RUNLOCK_UNLOCKED);
	if (!settle(m, st, g, 0, UNTOUCHED))
		return false;
	if (write)
		st->writer = NOBODY_HAS_IT;
	else
		st->readers--;
	for (int i = 0; write && i < st->rw.len;) {
		if (writes(m, st, st->rw.who[i]))
			i++;
		else if (!enter_rw(m, st, take(&st->rw, i), false))
			return false;
	}
	if (st->readers || !st->rw.len || (!write && m->faults & LAST_READER_WAKES_NOBODY))
		return true;
	return enter_rw(m, st, take(&st->rw, 0), true);
}

static bool arrive_wg(const struct machine *m, struct state *st, int g)
{
	const struct op *op = current(m, st, g);

	if (op->call == WG_WAIT) {
		if (st->count == 0)
			return settle(m, st, g, 0, UNTOUCHED);
		push(&st->wg, g);
		return block(st, g);
	}
	st->count = (int8_t)(st->count + (op->call == WG_ADD ? op->n : -1));
	if (st->count < 0)
		return panic(m, st, g, NEGATIVE_COUNTER);
	while (st->count == 0 && st->wg.len > 0) {
		if (!settle(m, st, take(&st->wg, 0), 0, UNTOUCHED))
			return false;
		if (m->faults & WG_WAKES_ONE)
			break;
	}
	return settle(m, st, g, 0, UNTOUCHED);
}

static void signal_one(struct state *st, int w)
{
	if (st->phase[w] == QUEUED) {
		st->phase[w] = QUEUED_SIGNALLED;
	} else {
		st->phase[w] = LOCKING;
		st->status[w] = READY;
	}
}

static bool wait_cond(const struct machine *m, struct state *st, int g)
{
	int mu = current(m, st, g)->obj, owner = st->mutex[mu].owner;

	switch (st->phase[g]) {
	case BEFORE:
		if (owner != g)
			return panic(m, st, g, owner == NOBODY_HAS_IT ? UNLOCK_UNLOCKED : UNLOCK_FOREIGN);
		push(&st->cond, g);
		st->phase[g] = QUEUED;
		return true;
	case QUEUED:
		st->phase[g] = WAITING;
		st->status[g] = BLOCKED;
		return m->faults & COND_KEEPS_MUTEX || unlock_mutex(m, st, mu);
	case QUEUED_SIGNALLED:
		st->phase[g] = LOCKING;
		return unlock_mutex(m, st, mu);
	default:
		return lock_mutex(m, st, g, mu);
	}
}

static bool wake_cond(const struct machine *m, struct state *st, int g)
{
	bool all = current(m, st, g)->call == COND_BROADCAST;

	while (st->cond.len > 0 && !(m->faults & SIGNAL_IS_LOST)) {
		signal_one(st, take(&st->cond, 0));
		if (!all)
			break;
	}
	return settle(m, st, g, 0, UNTOUCHED);
}

static bool arrive_sem(const struct machine *m, struct state *st, int g)
{
	const struct op *op = current(m, st, g);

	if (op->call != SEM_RELEASE && !st->sem.len && st->permits >= op->n) {
		st->permits = (uint8_t)(st->permits - op->n);
		return settle(m, st, g, 0, UNTOUCHED);
	}
	if (op->call == SEM_TRY)
		return settle(m, st, g, -EAGAIN, UNTOUCHED);
	if (op->call == SEM_ACQUIRE) {
		push(&st->sem, g);
		return block(st, g);
	}
	st->permits = (uint8_t)(st->permits + op->n);
	if (!settle(m, st, g, 0, UNTOUCHED))
		return false;
	while (st->sem.len > 0 && st->permits >= current(m, st, st->sem.who[0])->n) {
		int w = take(&st->sem, 0);
		st->permits = (uint8_t)(st->permits - current(m, st, w)->n);
		if (!settle(m, st, w, 0, UNTOUCHED))
			return false;
		if (m->faults & RELEASE_WAKES_ONE)
			break;
	}
	return true;
}

static void start(const struct machine *m, struct state *st, int g)
{
	st->status[g] = m->p->len[g] ? READY : OVER;
}

/* ── steps ────────────────────────────────────────────────────────────────────────────────────────
 */

/* A flat switch. */
bool machine_step(const struct machine *m, struct state *st, struct step s)
{
	int g = s.g;
	const struct op *op = current(m, st, g);

	if (s.choice == FIRE)
		return fire(m, st);
	if (s.choice == TIME_IS_UP)
		return time_is_up(m, st, g);
	if (m->want && m->want->at[g][st->pc[g]].progress == NOT_BEGUN)
		return false;
	if (m->out && st->phase[g] == BEFORE)
		m->out->at[g][st->pc[g]].progress = BEGUN;
	switch ((enum call)op->call) {
	case GO:
		start(m, st, op->obj);
		return settle(m, st, g, 0, UNTOUCHED);
	case EXIT:
		if (!settle(m, st, g, 0, UNTOUCHED))
			return false;
		st->status[g] = OVER;
		return true;
	case SELECT:
		return arrive_select(m, st, g, s.choice);
	case CLOSE:
		return do_close(m, st, g, op->obj);
	case RESET:
	case STOP:
		return arrive_timer(m, st, g);
	case SEND:
	case TRY_SEND:
	case SEND_UNTIL:
	case SEND_EVER:
	case RECV:
	case TRY_RECV:
	case RECV_UNTIL:
		return arrive_chan(m, st, g);
	case LOCK:
	case TRYLOCK:
	case UNLOCK:
		return arrive_mutex(m, st, g);
	case WLOCK:
	case TRYWLOCK:
	case RLOCK:
	case TRYRLOCK:
		return arrive_rw(m, st, g);
	case WUNLOCK:
	case RUNLOCK:
		return leave_rw(m, st, g);
	case WG_ADD:
	case WG_DONE:
	case WG_WAIT:
		return arrive_wg(m, st, g);
	case COND_WAIT:
		return wait_cond(m, st, g);
	case COND_SIGNAL:
	case COND_BROADCAST:
		return wake_cond(m, st, g);
	case SEM_ACQUIRE:
	case SEM_TRY:
	case SEM_RELEASE:
		return arrive_sem(m, st, g);
	default:
		return settle(m, st, g, 0, UNTOUCHED);
	}
}

static bool is_timed(const struct op *op)
{
	return op->call == SEND_UNTIL || op->call == RECV_UNTIL ||
	       (op->call == SELECT && case_of(op, 0, ON_TIMEOUT) >= 0);
}

bool machine_waits_for_good(const struct machine *m, const struct state *st, int g)
{
	return st->status[g] == BLOCKED && !is_timed(current(m, st, g));
}

/* Did all that had returned when g's call began take effect? */
static bool is_time(const struct machine *m, const struct state *st, int g)
{
	for (int h = 0; h < m->p->goroutines; h++)
		if (st->pc[h] < m->need[g][st->pc[g]][h])
			return false;
	return true;
}

/* What a select that comes now may do. */
static int select_steps(const struct machine *m, const struct state *st, int g, struct step *out)
{
	const struct op *op = current(m, st, g);
	int n = 0, deflt = -1;

	for (int i = 0; i < op->cases; i++) {
		if (op->at[i].on == ON_DEFAULT)
			deflt = i;
		else if (op->at[i].on != ON_TIMEOUT && can(m, st, op->at[i].chan, op->at[i].on))
			out[n++] = (struct step){(uint8_t)g, (uint8_t)i};
	}
	if (deflt >= 0 && m->faults & SELECT_PREFERS_DEFAULT)
		n = 0;
	if (n == 0)
		out[n++] = (struct step){(uint8_t)g, deflt >= 0 ? (uint8_t)deflt : PLAIN};
	return n;
}

int machine_steps(const struct machine *m, const struct state *st, struct step *out)
{
	int n = 0;

	for (int g = 0; g < m->p->goroutines; g++) {
		if (st->status[g] == BLOCKED && is_timed(current(m, st, g)))
			out[n++] = (struct step){(uint8_t)g, TIME_IS_UP};
		if (st->status[g] != READY || !is_time(m, st, g))
			continue;
		if (current(m, st, g)->call == SELECT)
			n += select_steps(m, st, g, out + n);
		else
			out[n++] = (struct step){(uint8_t)g, PLAIN};
	}
	if (st->armed)
		out[n++] = (struct step){0, FIRE};
	return n;
}

void machine_begin(const struct machine *m, struct state *st)
{
	memset(st, 0, sizeof *st);
	st->count = (int8_t)m->p->count;
	st->permits = m->p->permits;
	st->writer = NOBODY_HAS_IT;
	for (int i = 0; i < MUTEXES; i++)
		st->mutex[i].owner = NOBODY_HAS_IT;
	for (int g = 0; g < m->p->goroutines; g++)
		if (!program_is_child(m->p, g))
			start(m, st, g);
}

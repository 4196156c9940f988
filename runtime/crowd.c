/* SPDX-License-Identifier: MIT */
/**
 * crowd.c: the receivers of a closed channel, woken when their turn comes.
 *
 * A close may end a million waits.  Each is a record on a stack of its own, long cold, and to touch
 * it costs more than a switch.  So a close wakes a ring's worth and leaves the rest, still linked
 * as they waited, with the global list; whoever comes for work there ends as many waits as it takes
 * goroutines, and runs them while their stacks are in its cache.
 *
 * Only waits that nobody else can end are left so, since nobody else knows that these have ended:
 * none of a select's, none with a deadline, none of a foreign thread's (the end of the run ends
 * those).  The channel says whether there are any among them (recv_mixed); then all are woken at
 * once, as they are when recorded, or with a seed, which picks among the runnable.
 *
 * The channel may be freed meanwhile.  What a receiver has to find is in the crowd.
 *
 *   W1  a goroutine of a crowd is WAITING, in no queue, and its waiter only in this list.
 *   W2  a crowd is in sched->crowds, where it counts CROWD_WEIGHT in global_count, or one thread
 *       that has a p is ending some of its waits.  So no deadlock is seen while there is one.
 *
 * From both ends at once: each waiter says where the next one is, and two chains of loads that miss
 * the cache take half the time of one.
 */
#include <stdlib.h>
#include <string.h>

#include "crowd.h"
#include "runq.h"

struct crowd {
	struct crowd *next;
	struct waitq q;
	uint32_t elem_bytes;
};

/** Under s->lock. */
static void crowd_link(struct sched *s, struct crowd *c, struct crowd **link)
{
	c->next = *link;
	*link = c;
	if (!c->next)
		s->crowds_end = &c->next;
	atomic_fetch_add_explicit(&s->global_count, CROWD_WEIGHT, memory_order_release);
}

/** Take over all waits of q, of a channel that is closed and locked.  False: no memory. */
bool gor__crowd_put(struct sched *s, struct waitq *q, uint32_t elem_bytes)
{
	struct crowd *c = malloc(sizeof *c);

	if (!c)
		return false;
	*c = (struct crowd){.q = *q, .elem_bytes = elem_bytes};
	__atomic_store_n(&q->first, NULL, __ATOMIC_RELAXED);
	q->last = NULL;
	gor__lock(&s->lock);
	crowd_link(s, c, s->crowds ? s->crowds_end : &s->crowds);
	gor__unlock(&s->lock);
	return true;
}

/** Under s->lock: one for gor__crowd_wake(); NULL: there is none, or it is the batches' turn. */
struct crowd *gor__crowd_next(struct sched *s)
{
	struct crowd *c = s->crowds;

	s->crowds_turn = !s->crowds_turn;
	if (!c || (s->global_first && !s->crowds_turn))
		return NULL;
	s->crowds = c->next;
	atomic_fetch_sub_explicit(&s->global_count, CROWD_WEIGHT, memory_order_relaxed);
	return c;
}

/** End the wait of w, which is out of the queue. */
static struct g *crowd_end_wait(const struct crowd *c, struct waiter *w)
{
	if (w->value)
		memset(w->value, 0, c->elem_bytes);
	w->wait->result = w->index;
	w->wait->ok = false;
	g_set_state(w->wait->g, G_RUNNABLE);
	return w->wait->g;
}

/**
 * Of a crowd from gor__crowd_next(): one goroutine to run, the rest into p's ring, which has room
 * for `most` in all.  What is left of it is for others.
 */
struct g *gor__crowd_wake(struct p *p, struct crowd *c, unsigned most)
{
	struct sched *s = p->sched;
	struct g *got = crowd_end_wait(c, gor__waitq_claim(&c->q));

	for (unsigned n = 1; n < most; n++) { // from both ends in turn
		struct waiter *w = n % 2 ? gor__waitq_claim_last(&c->q) : gor__waitq_claim(&c->q);
		if (!w)
			break;
		gor__runq_put(p, crowd_end_wait(c, w));
	}
	if (!c->q.first) {
		free(c);
		return got;
	}
	gor__lock(&s->lock);
	crowd_link(s, c, &s->crowds);
	gor__unlock(&s->lock);
	if (atomic_load_explicit(&s->idle_p_count, memory_order_relaxed))
		gor__wake_one(s);
	return got;
}

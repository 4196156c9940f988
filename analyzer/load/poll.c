/* SPDX-License-Identifier: MIT */
/**
 * poll.c: goroutines that ask again and again.
 *
 * Each goroutine has a few places at which it polls, of which the one that was left longest ago
 * gives way to a new one.  A try that succeeds empties the slot of its site; whatever a goroutine
 * does but yield empties those of yields.
 */
#include <stdlib.h>

#include "load/loader.h"

void loader_attempts(struct loader *l, uint64_t g, uint64_t site, uint64_t count)
{
	// A yield or a sleep for no time, with nobody else to run.
	bool yields = l->site_op == GTRACE_op_YIELD || l->site_op == GTRACE_op_SLEEP;

	if (!yields)
		loader_poll_ends(l, g, 0);
	loader_poll(l, g, site, count, yields);
}

void loader_poll(struct loader *l, uint64_t g, uint64_t site, uint64_t count, bool yields)
{
	struct goroutine *gr = g && site ? loader_goroutine(l, g) : NULL;

	if (!gr)
		return;
	if (!gr->polls) {
		gr->polls = calloc(POLLS, sizeof *gr->polls);
		if (!gr->polls) {
			l->no_memory = true;
			return;
		}
		l->pollers++;
	}
	struct poll *p = &gr->polls[0];

	for (int i = 0; i < POLLS; i++) {
		struct poll *q = &gr->polls[i];
		if (q->count && q->site == site && q->yields == yields) {
			p = q;
			break;
		}
		if (p->count && (!q->count || q->last_ns < p->last_ns))
			p = q;
	}
	if (!p->count || p->site != site || p->yields != yields)
		*p = (struct poll){.site = site, .from_ns = l->now_ns, .yields = yields};
	p->count += count;
	p->last_ns = l->now_ns;
}

void loader_poll_ends(struct loader *l, uint64_t g, uint64_t site)
{
	struct goroutine *gr = l->pollers ? loader_goroutine_find(l, g) : NULL;

	for (int i = 0; gr && gr->polls && i < POLLS; i++) {
		if (gr->polls[i].yields || gr->polls[i].site == site)
			gr->polls[i].count = 0;
	}
}

void loader_poll_rows(struct loader *l, const struct goroutine *gr)
{
	for (int i = 0; gr->polls && i < POLLS; i++) {
		const struct poll *p = &gr->polls[i];
		if (p->count)
			ROWS_PUT(&l->rows, ROWS_POLL, db_int((int64_t)gr->head.a), db_int((int64_t)p->site),
			         db_int(p->yields), db_int((int64_t)p->count), db_int(p->from_ns),
			         db_int(p->last_ns));
	}
}

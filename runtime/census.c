/* SPDX-License-Identifier: MIT */
/**
 * census.c: all goroutines of the run as they are, while they go on; for who looks in.
 *
 * As in keyframe.c, descriptors may be read at any time, and what they say of a goroutine that is
 * replaced meanwhile is thrown away, by its id.  A row may mix two moments of a goroutine.
 */
#include "census.h"

#include <stdio.h>
#include <string.h>

#include "scheduler.h"

struct census {
	void (*row)(void *arg, const struct module_goroutine *g);
	void *arg;
	const struct sched *sched;
};

static const char *census_state(enum g_state state, unsigned reason, bool outside)
{
	switch (state) {
	case G_WAITING:
		return gtrace_name("reason", reason);
	case G_RUNNABLE:
		return "runnable";
	default:
		return outside ? "syscall" : "running";
	}
}

__attribute__((no_sanitize("thread"))) static void census_row(void *arg, struct g *g)
{
	struct census *c = arg;
	char name[G_NAME_MAX];
	enum g_state state = g_state(g);
	uint64_t id = g->id;
	const struct m *home = g->home;
	struct module_goroutine row = {
		.id = id,
		.parent = g->parent,
		.state = census_state(state, g->reason,
	                          home && home->foreign &&
	                              atomic_load_explicit(&home->handed, memory_order_relaxed)),
		.waits = state == G_WAITING,
		.site = g->site,
		.born = g->born,
		.name = name,
	};

	memcpy(name, g->name, sizeof name);
	name[sizeof name - 1] = 0;
	atomic_thread_fence(memory_order_acquire);
	if (g->sched == c->sched && id && g->id == id && state != G_DEAD && state != G_NEW)
		c->row(c->arg, &row);
}

void gor__census(void (*row)(void *arg, const struct module_goroutine *g), void *arg)
{
	struct census c = {.row = row, .arg = arg, .sched = gor__sched_now()};

	if (c.sched && !atomic_load(&c.sched->stopped))
		gor__g_each(census_row, &c);
}

void gor__numbers(struct module_numbers *n)
{
	const struct sched *s = gor__sched_now();
	const struct gtrace_rec *rec = gor__record_hold();

	*n = (struct module_numbers){
		.goroutines = gor_num_goroutine(),
		.procs = s ? s->procs : gor__config.procs,
		.threads = s ? atomic_load(&s->m_count) : 0,
	};
	snprintf(n->recording, sizeof n->recording, "%s", rec ? gtrace_rec_path(rec) : "");
	gor__record_release();
}

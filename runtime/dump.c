/* SPDX-License-Identifier: MIT */
/**
 * dump.c: the goroutines in the form of Go's tracebacks.
 *
 * A goroutine's place is that of its last call of the runtime, which is where it waits.
 */
#include <stdlib.h>
#include <unistd.h>

#include "dump.h"
#include "out.h"
#include "scheduler.h"

struct dump {
	struct g **list;
	size_t count, room;
	const struct sched *sched;
};

static void dump_collect(void *arg, struct g *g)
{
	struct dump *d = arg;

	if (g->sched != d->sched)
		return;
	if (d->count == d->room) {
		size_t room = d->room ? 2 * d->room : 256;
		struct g **list = realloc(d->list, room * sizeof *list);
		if (!list)
			return;
		d->list = list;
		d->room = room;
	}
	d->list[d->count++] = g;
}

static int dump_by_id(const void *a, const void *b)
{
	uint64_t x = (*(struct g *const *)a)->id, y = (*(struct g *const *)b)->id;

	return x < y ? -1 : x > y;
}

static const char *dump_status(const struct g *g, const struct g *current)
{
	const struct m *home = g->home;

	if (g == current)
		return "running";
	switch (g_state(g)) {
	case G_WAITING:
		return gtrace_name("reason", g->reason);
	case G_RUNNABLE:
		return "runnable";
	default: // a foreign thread in its own code
		return home && home->foreign && atomic_load(&home->handed) ? "syscall" : "running";
	}
}

/** One goroutine, and an empty line. */
void gor__dump_block(struct out *out, const struct g *g, const struct g *current)
{
	const struct gor_site *at = g->site ? g->site : g->born;

	gor__out_say(out, "goroutine %llu [%s%s]:\n", (unsigned long long)g->id,
	             dump_status(g, current), g->home ? ", locked to thread" : "");
	if (g->site)
		gor__out_say(out, "%s(...)\n\t%s:%u\n", at->func, at->file, at->line);
	else
		gor__out_say(out, "%s(...)\n\t??:0\n", at->text[0] ? at->text : "??");
	if (g->parent)
		gor__out_say(out, "created by %s in goroutine %llu\n\t%s:%u\n", g->born->func,
		             (unsigned long long)g->parent, g->born->file, g->born->line);
	gor__out_say(out, "\n");
}

static void dump_all(struct out *out, struct g *current)
{
	struct dump d = {.sched = gor__sched_now()};

	gor__g_each(dump_collect, &d);
	if (d.count)
		qsort(d.list, d.count, sizeof *d.list, dump_by_id);
	for (size_t i = 0; i < d.count; i++)
		if (d.list[i] != current)
			gor__dump_block(out, d.list[i], current);
	free(d.list);
}

/** Dump current, or all of this run: current first, then by id. */
void gor__dump(struct g *current, bool all)
{
	struct out out = {.fd = STDERR_FILENO};

	if (current)
		gor__dump_block(&out, current, current);
	if (all && gor__sched_now())
		dump_all(&out, current);
	gor__out_flush(&out);
}

int gor__dump_write(int fd)
{
	struct out out = {.fd = fd};
	const struct m *m = gor__here();
	struct g *current = m ? m->cur : NULL;

	if (current)
		gor__dump_block(&out, current, current);
	dump_all(&out, current);
	return gor__out_flush(&out);
}

/* SPDX-License-Identifier: MIT */
/**
 * dump.c: the goroutines in the form of Go's tracebacks.
 *
 * A goroutine's place is that of its last call of the runtime, which is where it waits.
 *
 * The others may go on meanwhile: what is read of a goroutine stays readable, whatever becomes of
 * it.  No memory is taken from malloc(), whose lock a goroutine may hold for ever.
 */
#include <sys/mman.h>
#include <unistd.h>

#include "dump.h"
#include "out.h"
#include "scheduler.h"
#include "sort.h"

#define NO_RACES __attribute__((no_sanitize("thread")))

struct dump {
	struct g **list;
	size_t count, room;
	const struct sched *sched;
};

NO_RACES static void dump_count(void *arg, struct g *g)
{
	struct dump *d = arg;

	d->room += g->sched == d->sched;
}

NO_RACES static void dump_collect(void *arg, struct g *g)
{
	struct dump *d = arg;

	if (g->sched == d->sched && d->count < d->room)
		d->list[d->count++] = g;
}

NO_RACES static int dump_by_id(const void *a, const void *b)
{
	uint64_t x = (*(struct g *const *)a)->id, y = (*(struct g *const *)b)->id;

	return x < y ? -1 : x > y;
}

NO_RACES static const char *dump_status(const struct g *g, const struct g *current)
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
NO_RACES void gor__dump_block(struct out *out, const struct g *g, const struct g *current)
{
	const struct gor_site *born = g->born, *site = g->site;

	if (!born)
		return; // it has ended, and its page went
	gor__out_say(out, "goroutine %llu [%s%s]:\n", (unsigned long long)g->id,
	             dump_status(g, current), g->home ? ", locked to thread" : "");
	if (site)
		gor__out_say(out, "%s(...)\n\t%s:%u\n", site->func, site->file, site->line);
	else
		gor__out_say(out, "%s(...)\n\t??:0\n", born->text[0] ? born->text : "??");
	if (g->parent)
		gor__out_say(out, "created by %s in goroutine %llu\n\t%s:%u\n", born->func,
		             (unsigned long long)g->parent, born->file, born->line);
	gor__out_say(out, "\n");
}

NO_RACES static void dump_all(struct out *out, struct g *current)
{
	struct dump d = {.sched = gor__sched_now()};

	gor__g_each(dump_count, &d);
	d.room += 64; // born meanwhile
	size_t bytes = d.room * sizeof *d.list;
	d.list = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (d.list == MAP_FAILED)
		return;
	gor__g_each(dump_collect, &d);
	if (d.count)
		gor__sort(d.list, d.count, sizeof *d.list, dump_by_id);
	for (size_t i = 0; i < d.count; i++)
		if (d.list[i] != current)
			gor__dump_block(out, d.list[i], current);
	munmap(d.list, bytes);
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

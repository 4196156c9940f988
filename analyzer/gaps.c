/* SPDX-License-Identifier: MIT */
/** gaps.c: a gap lasts from its thread's event before it to the next one. */
#include "gaps.h"

#include <inttypes.h>

struct gap_thread {
	struct map_head head;
	int64_t last_ns;
	uint64_t open; // number of its gap that has no end yet, from 1; 0 none
};

static void gap_open(struct gaps *gaps, struct gap_thread *t, const struct gtrace_event *ev)
{
	if (gaps->count < GAPS_SHOWN)
		gaps->shown[gaps->count] = (struct gap){
			.thread = ev->arg[0],
			.batches = ev->arg[1],
			.events = ev->arg[2],
			.from_ns = t->last_ns,
			.to_ns = INT64_MIN,
		};
	t->open = ++gaps->count;
}

bool gaps_event(struct gaps *gaps, const struct gtrace_event *ev)
{
	bool gap = ev->id == GTRACE_GAP;

	gaps->threads.slot_bytes = sizeof(struct gap_thread);
	struct gap_thread *t = map_put(&gaps->threads, gap ? ev->arg[0] : ev->thread, 0);

	if (!t)
		return false;
	if (t->open && t->open <= GAPS_SHOWN) {
		struct gap *open = &gaps->shown[t->open - 1];
		open->to_ns = ev->time_ns > open->from_ns ? ev->time_ns : open->from_ns;
	}
	t->open = 0;
	if (gap)
		gap_open(gaps, t, ev);
	else
		t->last_ns = ev->time_ns;
	return true;
}

static void gap_print(const struct gap *gap, FILE *out)
{
	fprintf(out, "gap=thread %" PRIu64 ", from %.3f ms ", gap->thread, (double)gap->from_ns / 1e6);
	if (gap->to_ns >= gap->from_ns)
		fprintf(out, "to %.3f ms: ", (double)gap->to_ns / 1e6);
	else
		fprintf(out, "to its end: ");
	fprintf(out, "%" PRIu64 " batch%s, ", gap->batches, gap->batches == 1 ? "" : "es");
	if (gap->events)
		fprintf(out, "%" PRIu64 " event%s\n", gap->events, gap->events == 1 ? "" : "s");
	else
		fprintf(out, "nobody knows how many events\n");
}

void gaps_print(const struct gaps *gaps, FILE *out)
{
	for (uint64_t i = 0; i < gaps->count && i < GAPS_SHOWN; i++)
		gap_print(&gaps->shown[i], out);
	if (gaps->count > GAPS_SHOWN)
		fprintf(out, "gap=... and %" PRIu64 " more\n", gaps->count - GAPS_SHOWN);
}

void gaps_release(struct gaps *gaps)
{
	map_release(&gaps->threads);
}

/* SPDX-License-Identifier: MIT */
/** progress.c: one line on a terminal that says how far a long analysis is. */
#include "progress.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "talk.h"

#define FIRST_NS 300000000 // what is over sooner says nothing
#define AGAIN_NS 100000000
#define NS_PER_S 1000000000

static int64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * INT64_C(1000000000) + ts.tv_nsec;
}

void progress_begin(struct progress *p, bool quiet)
{
	int64_t now = now_ns();

	*p = (struct progress){
		.on = !quiet && isatty(STDERR_FILENO),
		.began_ns = now,
		.next_ns = now + FIRST_NS,
	};
}

/** ", 43 %, 46 of 107 MB, 3.1 M events/s, 0:12 left" */
static void progress_text(char *out, size_t size, const struct progress_at *at, double seconds)
{
	double part = at->total ? (double)at->done / (double)at->total : 0;
	double rate = seconds > 0 ? (double)at->count / seconds : 0;
	size_t n = 0;

	part = part > 1 ? 1 : part;
	if (at->total)
		n += (size_t)snprintf(out + n, size - n, ", %.0f %%", part * 100);
	if (at->total && at->bytes)
		n += (size_t)snprintf(out + n, size - n, ", %.0f of %.0f MB",
		                      part * (double)at->total / 1e6, (double)at->total / 1e6);
	n += (size_t)snprintf(out + n, size - n, ", %.1f M %s/s", rate / 1e6, at->unit);
	if (part > 0) {
		uint64_t left = (uint64_t)(seconds * (1 - part) / part + 0.5);
		snprintf(out + n, size - n, ", %llu:%02u left", (unsigned long long)left / 60,
		         (unsigned)(left % 60));
	}
}

void progress_show(struct progress *p, const char *step, const struct progress_at *at)
{
	char text[160] = "";

	if (!p || !p->on)
		return;
	int64_t now = now_ns();
	bool first = !p->step || strcmp(p->step, step) != 0;

	if (first) {
		p->step = step;
		p->step_ns = now;
	}
	if (first && now - p->began_ns >= FIRST_NS)
		p->next_ns = now;
	if (now < p->next_ns)
		return;
	if (at)
		progress_text(text, sizeof text, at, (double)(now - p->step_ns) / NS_PER_S);
	talk_status("%s%s", step, text);
	p->shown = true;
	p->next_ns = now + AGAIN_NS;
}

void progress_end(struct progress *p)
{
	if (p->shown)
		talk_clear();
	p->on = p->shown = false;
}

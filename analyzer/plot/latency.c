/* SPDX-License-Identifier: MIT */
/** latency.c: how long goroutines were ready before they ran: over time, and how it is spread. */
#include <errno.h>
#include <stdlib.h>

#include "plot/figures.h"
#include "plot/spread.h"

enum {
	LATENCY_COLUMNS = 120,           // stretches of the run, each with a p50, p99 and maximum
	LATENCY_BAR = SPREAD_OCTAVE / 4, // classes in a bar of the histogram
};

struct latency {
	int64_t end_ns;
	struct spread all;
	struct spread column[LATENCY_COLUMNS];
};

static int latency_open(void **out, sqlite3 *db, int64_t end_ns)
{
	struct latency *l = *out = calloc(1, sizeof *l);

	(void)db;
	if (!l)
		return -ENOMEM;
	l->end_ns = end_ns;
	return 0;
}

/** Delays count when they end. */
static int latency_interval(void *latency, const struct interval *row, const struct pass_life *life)
{
	struct latency *l = latency;

	(void)life;
	if (row->state != 1)
		return 0;
	int64_t ns = row->to_ns < 0 ? l->end_ns : row->to_ns;
	int64_t delay = ns > row->from_ns ? ns - row->from_ns : 0;
	double at = (double)ns * LATENCY_COLUMNS / (double)l->end_ns;
	size_t column = at < LATENCY_COLUMNS - 1 ? (size_t)at : LATENCY_COLUMNS - 1;

	spread_add(&l->all, delay);
	spread_add(&l->column[column], delay);
	return 0;
}

const struct pass_reader latency_reader = {
	.open = latency_open,
	.interval = latency_interval,
	.close = free,
};

/** One measure over time, as steps; there is none where nobody was ready.  Returns the last. */
static double latency_block(struct latency *l, struct figure *f, const char *label,
                            unsigned per_mille)
{
	double last_ns = 0;
	bool broken = true; // by an empty line, of which two would end the block

	figure_block(f, label);
	for (size_t i = 0; i < LATENCY_COLUMNS; i++) {
		const struct spread *s = &l->column[i];

		if (!s->total) {
			if (!broken)
				fputs("\n", f->data.file);
			broken = true;
			continue;
		}
		broken = false;
		double ns = per_mille < 1000 ? spread_at(s, per_mille) : (double)s->max_ns;

		last_ns = ns;
		for (size_t k = 0; k < 2; k++)
			fprintf(f->data.file, "%lld\t%.0f\n",
			        (long long)series_edge(l->end_ns, LATENCY_COLUMNS, i + k), ns < 1 ? 1 : ns);
	}
	fputs(broken ? "\n" : "\n\n", f->data.file);
	return last_ns;
}

/** Bars: from, to, how many. */
static void latency_bars(struct latency *l, struct figure *f)
{
	uint64_t most = 1;

	figure_block(f, "histogram: from, to, count");
	for (size_t i = 0; i < SPREAD_CLASSES; i += LATENCY_BAR) {
		uint64_t n = 0;

		for (size_t k = 0; k < LATENCY_BAR; k++)
			n += l->all.count[i + k];
		if (n)
			fprintf(f->data.file, "%.9g\t%.9g\t%llu\n", spread_ns(i), spread_ns(i + LATENCY_BAR),
			        (unsigned long long)n);
		most = n > most ? n : most;
	}
	fputs("\n\n", f->data.file);
	fprintf(f->vars.file, "most = %llu.0\n", (unsigned long long)most);
}

static void latency_write(struct latency *l, struct figure *f)
{
	static const struct {
		const char *name;
		unsigned per_mille;
	} measures[] = {{"p50", 500}, {"p99", 990}, {"max", 1000}};
	size_t low = 0;

	while (!l->all.count[low])
		low++;
	fprintf(f->vars.file, "delays = %llu\nlow = %.9g\nhigh = %lld.0\nmeasures = %d\n",
	        (unsigned long long)l->all.total, spread_ns(low - low % LATENCY_BAR),
	        (long long)l->all.max_ns, 3);
	figure_array(f, "measure", 3);
	figure_array(f, "measure_end", 3);
	for (size_t i = 0; i < 3; i++) {
		char text[64], label[100];
		double ns = measures[i].per_mille < 1000 ? spread_at(&l->all, measures[i].per_mille)
		                                         : (double)l->all.max_ns;

		figure_time(text, sizeof text, ns);
		snprintf(label, sizeof label, "%s (%s in all)", measures[i].name, text);
		figure_put_text(f, "measure", i + 1, label);
		figure_put(f, "measure_end", i + 1,
		           latency_block(l, f, measures[i].name, measures[i].per_mille));
	}
	latency_bars(l, f);
	f->keys = 3;
}

int figure_latency(struct figure *f, sqlite3 *db, void *latency)
{
	struct latency *l = latency;

	(void)db;
	if (l->all.total)
		latency_write(l, f);
	else
		f->nothing = "no goroutine had to wait for a thread";
	return 0;
}

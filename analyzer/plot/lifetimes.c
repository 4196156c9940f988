/* SPDX-License-Identifier: MIT */
/** lifetimes.c: how long goroutines lived; those alive at the end, so far; not those from before.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "plot/figures.h"
#include "plot/spread.h"

enum { LIFETIMES_BAR = SPREAD_OCTAVE / 2 }; // classes in a bar

struct lifetimes {
	int64_t end_ns;
	struct spread ended, alive;
	uint64_t older;
};

static int lifetimes_open(void **out, sqlite3 *db, int64_t end_ns)
{
	struct lifetimes *l = *out = calloc(1, sizeof *l);

	(void)db;
	if (!l)
		return -ENOMEM;
	l->end_ns = end_ns;
	return 0;
}

/** Of those born before the trace nobody knows. */
static int lifetimes_life(void *lifetimes, const struct pass_life *life)
{
	struct lifetimes *l = lifetimes;
	bool alive = life->ended_ns < 0;
	int64_t ns = (alive ? l->end_ns : life->ended_ns) - life->born_ns;

	if (life->older)
		l->older++;
	else
		spread_add(alive ? &l->alive : &l->ended, ns > 0 ? ns : 0);
	return 0;
}

const struct pass_reader lifetimes_reader = {
	.open = lifetimes_open,
	.life = lifetimes_life,
	.close = free,
};

static uint64_t lifetimes_bar(const struct spread *s, size_t from)
{
	uint64_t n = 0;

	for (size_t i = 0; i < LIFETIMES_BAR; i++)
		n += s->count[from + i];
	return n;
}

static void lifetimes_write(struct lifetimes *l, struct figure *f)
{
	uint64_t most = 1;
	double low = 0, high = 1;

	figure_block(f, "from_ns, to_ns, ended, alive at the end");
	for (size_t i = 0; i < SPREAD_CLASSES; i += LIFETIMES_BAR) {
		uint64_t ended = lifetimes_bar(&l->ended, i), alive = lifetimes_bar(&l->alive, i);

		if (!ended && !alive)
			continue;
		fprintf(f->data.file, "%.9g\t%.9g\t%llu\t%llu\n", spread_ns(i),
		        spread_ns(i + LIFETIMES_BAR), (unsigned long long)ended, (unsigned long long)alive);
		low = low > 0 ? low : spread_ns(i);
		high = spread_ns(i + LIFETIMES_BAR);
		most = ended + alive > most ? ended + alive : most;
	}
	fprintf(f->vars.file,
	        "most = %llu.0\nlow = %.9g\nhigh = %.9g\nended = %llu\nalive = %llu\nolder = %llu\n",
	        (unsigned long long)most, pow(10, floor(log10(low))), pow(10, ceil(log10(high))),
	        (unsigned long long)l->ended.total, (unsigned long long)l->alive.total,
	        (unsigned long long)l->older);
	figure_array(f, "quantile", 2);
	figure_array(f, "quantile_at", 2);
	for (size_t i = 0; i < 2; i++) {
		double ns = l->ended.total ? spread_at(&l->ended, i ? 990 : 500) : 0;
		char text[64] = "";
		int n = snprintf(text, sizeof text, i ? "p99 " : "p50 ");

		figure_time(text + n, sizeof text - (size_t)n, ns);
		figure_put_text(f, "quantile", i + 1, text);
		figure_put(f, "quantile_at", i + 1, ns);
	}
	f->keys = 1;
}

int figure_lifetimes(struct figure *f, sqlite3 *db, void *lifetimes)
{
	struct lifetimes *l = lifetimes;

	(void)db;
	if (l->ended.total + l->alive.total < 2)
		f->nothing = "fewer than two goroutines were born in the trace";
	else
		lifetimes_write(l, f);
	return 0;
}

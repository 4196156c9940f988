/* SPDX-License-Identifier: MIT */
/**
 * series.c: keep of a count over time only what can be seen.
 *
 * A picture has so many columns of pixels.  However often the count changes inside one of them, the
 * eye gets the line that enters, the line that leaves and the highest and lowest place between.  So
 * each column keeps four points: first, lowest, highest, last.
 *
 *   I1  memory is that of the columns, whatever the number of changes.
 *   I2  in each column, the drawn line has the lowest and the highest value of the full one, the
 * value carried in from the left included. I3  two columns side by side merge into one by the same
 * rule, so a picture that comes out too large is made coarser without reading the data again.
 *
 * Between columns the line is drawn by its corners: the old value is repeated at the time of the
 * next change.  Inside a column there are no corners, since they would be less than a pixel wide.
 * Rejected: gnuplot's own `fillsteps`, which draws each step as a rectangle with a seam, 230 bytes
 * of SVG where two corners of one outline take 28.
 */
#include "plot/series.h"

#include <stdlib.h>

struct column {
	struct series_point first, low, high, last;
	bool used;
};

struct series {
	int64_t end_ns;
	size_t columns;
	struct series_point now;
	int64_t peak;
	struct column column[];
};

struct series *series_new(int64_t end_ns, size_t columns)
{
	struct series *s = calloc(1, sizeof *s + columns * sizeof s->column[0]);

	if (!s)
		return NULL;
	s->end_ns = end_ns > 0 ? end_ns : 1;
	s->columns = columns;
	return s;
}

static size_t series_column(const struct series *s, int64_t ns)
{
	size_t i = (size_t)((double)ns / (double)s->end_ns * (double)s->columns);

	return i < s->columns ? i : s->columns - 1;
}

void series_add(struct series *s, int64_t ns, int64_t value)
{
	if (ns < s->now.ns)
		ns = s->now.ns;
	if (ns > s->end_ns)
		ns = s->end_ns;
	if (value == s->now.value)
		return;
	struct series_point p = {.ns = ns, .value = value};
	struct column *c = &s->column[series_column(s, ns)];

	if (!c->used)
		*c = (struct column){.first = p, .low = p, .high = p, .used = true};
	if (value < c->low.value)
		c->low = p;
	if (value > c->high.value)
		c->high = p;
	c->last = p;
	s->now = p;
	if (value > s->peak)
		s->peak = value;
}

int64_t series_last(const struct series *s)
{
	return s->now.value;
}

int64_t series_peak(const struct series *s)
{
	return s->peak;
}

/** The points of a column in order of time, each once; returns how many. */
static size_t column_points(const struct column *c, struct series_point out[4])
{
	bool low_first = c->low.ns < c->high.ns;
	const struct series_point *in[] = {
		&c->first,
		low_first ? &c->low : &c->high,
		low_first ? &c->high : &c->low,
		&c->last,
	};
	size_t n = 0;

	for (size_t i = 0; i < 4; i++)
		if (!n || out[n - 1].ns != in[i]->ns || out[n - 1].value != in[i]->value)
			out[n++] = *in[i];
	return n;
}

static void series_count(void *arg, struct series_point p)
{
	(void)p;
	++*(size_t *)arg;
}

size_t series_drawn(const struct series *s)
{
	size_t n = 0;

	series_draw(s, series_count, &n);
	return n;
}

static void column_merge(struct column *a, const struct column *b)
{
	if (!b->used)
		return;
	if (!a->used) {
		*a = *b;
		return;
	}
	if (b->low.value < a->low.value)
		a->low = b->low;
	if (b->high.value > a->high.value)
		a->high = b->high;
	a->last = b->last;
}

bool series_coarsen(struct series *s)
{
	if (s->columns < 2)
		return false;
	for (size_t i = 0; i < s->columns / 2; i++) {
		struct column c = s->column[2 * i];

		column_merge(&c, &s->column[2 * i + 1]);
		s->column[i] = c;
	}
	s->columns /= 2;
	return true;
}

void series_draw(const struct series *s, void (*point)(void *arg, struct series_point p), void *arg)
{
	struct series_point at = {0, 0};

	point(arg, at);
	for (size_t i = 0; i < s->columns; i++) {
		struct series_point p[4];
		size_t n = s->column[i].used ? column_points(&s->column[i], p) : 0;

		if (!n)
			continue;
		if (p[0].ns != at.ns) // the corner
			point(arg, (struct series_point){.ns = p[0].ns, .value = at.value});
		for (size_t k = 0; k < n; k++)
			point(arg, p[k]);
		at = p[n - 1];
	}
	if (at.ns != s->end_ns)
		point(arg, (struct series_point){.ns = s->end_ns, .value = at.value});
}

void series_free(struct series *s)
{
	free(s);
}

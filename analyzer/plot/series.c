/* SPDX-License-Identifier: MIT */
/**
 * series.c: keep of a count over time only what can be seen.
 *
 * A picture has so many columns of pixels.  However often the count changes inside one of them, the
 * eye gets the line that enters, the line that leaves and the highest and lowest place between.  So
 * each column keeps these; a picture in which every change stands in the middle of its column is
 * the same with all of them.  An area covers its column up to the highest place: only that is kept.
 *
 *   I1  memory is that of the columns, whatever the number of changes.
 *   I2  in each column, the drawn line has the lowest and the highest value of the full one, the
 *       value carried in from the left included.
 *   I3  two columns side by side merge into one by the same rule, so a picture that comes out too
 *       large is made coarser without reading the data again.
 *
 * Lines are drawn by their corners: the old value is repeated at the time of the next change.
 * Rejected: gnuplot's own `fillsteps`, which draws each step as a rectangle with a seam, 230 bytes
 * of SVG where two corners of one outline take 28; and its dashes, which depend on the length of
 * the line and so on what was left out: here the time says whether a dash is on.
 */
#include "plot/series.h"

#include <math.h>
#include <stdlib.h>

struct column {
	struct series_point low, high, last;
	int64_t first_ns;
	bool used;
};

struct series {
	int64_t end_ns;
	size_t columns;
	int64_t from; // the value it begins with
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

int64_t series_edge(int64_t end_ns, size_t columns, size_t i)
{
	return (int64_t)ceil((double)i * (double)end_ns / (double)columns);
}

static size_t series_column(const struct series *s, int64_t ns)
{
	size_t i = (size_t)((double)ns * (double)s->columns / (double)s->end_ns);

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

	s->now = p;
	if (value > s->peak)
		s->peak = value;
	if (!ns) { // it was so before
		s->from = value;
		return;
	}
	if (!c->used)
		*c = (struct column){.first_ns = ns, .low = p, .high = p, .used = true};
	if (value < c->low.value)
		c->low = p;
	if (value > c->high.value)
		c->high = p;
	c->last = p;
}

int64_t series_last(const struct series *s)
{
	return s->now.value;
}

int64_t series_peak(const struct series *s)
{
	return s->peak;
}

int64_t series_at(const struct series *s, int64_t ns)
{
	size_t i = series_column(s, ns);

	while (i > 0 && !s->column[i].used)
		i--;
	return s->column[i].used ? s->column[i].last.value : s->from;
}

int64_t series_end(const struct series *s, int64_t ns)
{
	size_t i = series_column(s, ns < s->end_ns ? ns : s->end_ns);

	if (i + 1 == s->columns)
		return INT64_MAX;
	int64_t end_ns = series_edge(s->end_ns, s->columns, i + 1);

	while (series_column(s, end_ns - 1) > i) // rounding
		end_ns--;
	while (series_column(s, end_ns) <= i)
		end_ns++;
	return end_ns;
}

size_t series_columns(const struct series *s)
{
	return s->columns;
}

static void series_count(void *arg, struct series_point p)
{
	(void)p;
	++*(size_t *)arg;
}

size_t series_drawn(const struct series *s, enum series_way way)
{
	size_t n = 0;

	series_draw(s, way, series_count, &n);
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
	if (s->columns % 2)
		return false;
	for (size_t i = 0; i < s->columns / 2; i++) {
		struct column c = s->column[2 * i];

		column_merge(&c, &s->column[2 * i + 1]);
		s->column[i] = c;
	}
	s->columns /= 2;
	return true;
}

/** Where points go, and the last one. */
struct pen {
	void (*point)(void *arg, struct series_point p);
	void *arg;
	struct series_point at;
};

static void pen_to(struct pen *pen, int64_t ns, int64_t value)
{
	if (pen->at.ns == ns && pen->at.value == value)
		return;
	pen->at = (struct series_point){ns, value};
	pen->point(pen->arg, pen->at);
}

/** A corner and, if they stand out, the lowest and the highest point, then the last one. */
static void pen_column(struct pen *pen, const struct column *c)
{
	int64_t in = pen->at.value, out = c->last.value;
	bool low = c->low.value < in && c->low.value < out;
	bool high = c->high.value > in && c->high.value > out;
	bool low_first = c->low.ns < c->high.ns;

	pen_to(pen, c->first_ns, in);
	if (low && low_first)
		pen_to(pen, c->low.ns, c->low.value);
	if (high)
		pen_to(pen, c->high.ns, c->high.value);
	if (low && !low_first)
		pen_to(pen, c->low.ns, c->low.value);
	pen_to(pen, c->last.ns, out);
}

static void series_line(const struct series *s, bool dashes, struct pen *pen)
{
	size_t dash = dashes ? s->columns / SERIES_DASHES : 0;

	for (size_t i = 0; i < s->columns; i++) {
		if (dash && i && i % dash == 0) { // the end of the last one, and the next one's begin
			int64_t ns = series_edge(s->end_ns, s->columns, i);

			if (ns - 1 > pen->at.ns)
				pen_to(pen, ns - 1, pen->at.value);
			pen_to(pen, ns, pen->at.value);
		}
		if (s->column[i].used)
			pen_column(pen, &s->column[i]);
	}
}

static void series_top(const struct series *s, struct pen *pen)
{
	int64_t carried = s->from;

	for (size_t i = 0; i < s->columns; i++) {
		const struct column *c = &s->column[i];
		int64_t ns = series_edge(s->end_ns, s->columns, i);
		int64_t top = c->used && c->high.value > carried ? c->high.value : carried;

		if (c->used)
			carried = c->last.value;
		if (top == pen->at.value)
			continue;
		pen_to(pen, ns, pen->at.value);
		pen_to(pen, ns, top);
	}
}

void series_draw(const struct series *s, enum series_way way,
                 void (*point)(void *arg, struct series_point p), void *arg)
{
	struct pen pen = {.point = point, .arg = arg, .at.value = way == SERIES_TOP ? 0 : s->from};

	point(arg, pen.at);
	pen_to(&pen, 0, s->from);
	if (way == SERIES_TOP)
		series_top(s, &pen);
	else
		series_line(s, way == SERIES_DASH, &pen);
	pen_to(&pen, s->end_ns, pen.at.value);
	if (way == SERIES_TOP)
		pen_to(&pen, s->end_ns, 0); // the outline is whole, as it is from 0 up
}

void series_free(struct series *s)
{
	free(s);
}

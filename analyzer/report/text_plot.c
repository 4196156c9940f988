/* SPDX-License-Identifier: MIT */
/**
 * text_plot.c: the number of goroutines over time, in letters.
 *
 *       6 |:|||                                      |
 *         ||||||||||||||||||||||||||||||||||||||||||||
 *       0 ||||||||||||||||||||||||||||||||||||||||||||| 4 at 224.2 ms
 *
 * The order of births and ends inside a slice is not looked at, so that nothing has to be sorted: a
 * column is as high as the highest of its slices was at its end; the peak, which is known, is put
 * where it was.
 */
#include "report/text_plot.h"

#include <string.h>

#include "db.h"
#include "plain.h"
#include "report/text_number.h"

enum { PLOT_COLUMNS_MAX = 80, PLOT_SLICES = 16, PLOT_ROWS = 3 };

struct slices {
	int64_t end_ns, count;
	int64_t step[PLOT_COLUMNS_MAX * PLOT_SLICES];
};

static void slices_add(struct slices *s, int64_t ns, int64_t step)
{
	int64_t at = (int64_t)((double)ns / (double)s->end_ns * (double)s->count);

	s->step[at < 0 ? 0 : at < s->count ? at : s->count - 1] += step;
}

static int slices_row(void *arg, sqlite3_stmt *st)
{
	int64_t ended_ns = sqlite3_column_int64(st, 1);

	slices_add(arg, sqlite3_column_int64(st, 0), 1);
	if (ended_ns >= 0)
		slices_add(arg, ended_ns, -1);
	return SQLITE_OK;
}

/** Of a row, the part that is full. */
static char plot_letter(int64_t value, int64_t peak, int row)
{
	double full = (double)value / (double)peak * PLOT_ROWS - row;

	if (full <= 0)
		return ' ';
	return full <= 1.0 / 3 ? '.' : full <= 2.0 / 3 ? ':' : '|';
}

static void plot_columns(const struct slices *s, const struct text_plot *plot, int64_t *column,
                         int n)
{
	int64_t alive = 0;
	int peak = (int)((double)plot->peak_ns / (double)s->end_ns * n);

	for (int i = 0; i < n; i++) {
		column[i] = 0;
		for (int k = 0; k < PLOT_SLICES; k++) {
			alive += s->step[i * PLOT_SLICES + k];
			column[i] = alive > column[i] ? alive : column[i];
		}
		if (i == peak || column[i] > plot->peak)
			column[i] = plot->peak;
	}
}

int text_plot(sqlite3 *db, FILE *out, const struct text_plot *plot)
{
	struct slices s = {.end_ns = plot->end_ns};
	int64_t column[PLOT_COLUMNS_MAX];
	char top[32], left[32], time[32], end[80];

	if (plot->peak < 2 || plot->end_ns <= 0)
		return SQLITE_OK;
	text_count(top, plot->peak);
	snprintf(end, sizeof end, "%s at %s", text_count(left, plot->left),
	         plain_time(time, plot->end_ns));
	int label = strlen(top) < 3 ? 3 : (int)strlen(top);
	int n = 80 - 2 - label - 2 - 2 - (int)strlen(end);

	s.count = (int64_t)n * PLOT_SLICES;
	int err = db_each(db, "sql/report/text.sql", "counts", slices_row, &s);

	if (err != SQLITE_OK)
		return err;
	plot_columns(&s, plot, column, n);
	for (int row = PLOT_ROWS - 1; row >= 0; row--) {
		fprintf(out, "%s  %*s |", row == PLOT_ROWS - 1 ? "\n" : "", label,
		        row == PLOT_ROWS - 1 ? top
		        : row                ? ""
		                             : "0");
		for (int i = 0; i < n; i++)
			fputc(plot_letter(column[i], plot->peak, row), out);
		fprintf(out, "|%s%s\n", row ? "" : " ", row ? "" : end);
	}
	return SQLITE_OK;
}

/* SPDX-License-Identifier: MIT */
/**
 * html_lanes.c: what the goroutines in findings did over time, a lane each.
 *
 * A lane is as wide as LANE_COLUMNS.  Of all that happens in a column the most lively is drawn:
 * running before ready, before a call, before waiting.  So a lane costs a few kilobytes at most,
 * whatever the goroutine did.  States differ in height as well as in colour.
 */
#include <inttypes.h>
#include <stdbool.h>
#include <string.h>

#include "db.h"
#include "plot/figure.h"
#include "report/html_parts.h"
#include "report/html_write.h"

enum { LANES = 60, LANE_COLUMNS = 640, LANE_LEFT = 236, LANE_HEIGHT = 18, LANE_TOP = 22 };

/** The higher is drawn. */
enum lane_state {
	LANE_NONE,
	LANE_WAITING,
	LANE_OUTSIDE,
	LANE_CALL,
	LANE_RUNNABLE,
	LANE_RUNNING,
	LANE_STATES
};

static const struct {
	const char *name; // the class, and in the legend
	int height;
} lane_states[LANE_STATES] = {
	[LANE_WAITING] = {"waiting", 2},   [LANE_OUTSIDE] = {"sleeping", 4}, [LANE_CALL] = {"call", 8},
	[LANE_RUNNABLE] = {"runnable", 6}, [LANE_RUNNING] = {"running", 12},
};

struct lanes {
	FILE *out;
	int64_t end_ns;
	int count;
	unsigned char column[LANES][LANE_COLUMNS];
};

static double lane_x(const struct lanes *l, int64_t ns)
{
	double x = (double)ns / (double)l->end_ns * LANE_COLUMNS;

	return x < 0 ? 0 : x > LANE_COLUMNS ? LANE_COLUMNS : x;
}

static int lane_interval(void *arg, sqlite3_stmt *st)
{
	static const enum lane_state states[] = {
		[1] = LANE_RUNNABLE, [2] = LANE_RUNNING, [5] = LANE_CALL};
	struct lanes *l = arg;
	int lane = sqlite3_column_int(st, 0), number = sqlite3_column_int(st, 3);
	int64_t to_ns = sqlite3_column_int64(st, 2);
	int from = (int)lane_x(l, sqlite3_column_int64(st, 1));
	int to = to_ns < 0 ? LANE_COLUMNS - 1 : (int)lane_x(l, to_ns);
	enum lane_state state = number == 3 && sqlite3_column_int(st, 4) ? LANE_OUTSIDE : LANE_WAITING;

	if (number == 1 || number == 2 || number == 5)
		state = states[number];
	if (lane < 0 || lane >= LANES)
		return SQLITE_OK;
	for (int x = from; x <= to && x < LANE_COLUMNS; x++)
		if (l->column[lane][x] < state)
			l->column[lane][x] = (unsigned char)state;
	return SQLITE_OK;
}

/** One path a state: a stroke for each stretch of it. */
static void lane_draw(FILE *out, const unsigned char *column, enum lane_state state)
{
	bool any = false;

	for (int x = 0; x < LANE_COLUMNS;) {
		int end = x + 1;

		while (end < LANE_COLUMNS && column[end] == column[x])
			end++;
		if (column[x] == state) {
			if (!any)
				fprintf(out, "<path class=\"%s\" d=\"", lane_states[state].name);
			any = true;
			fprintf(out, "M%d 9h%d", LANE_LEFT + x, end - x);
		}
		x = end;
	}
	if (any)
		fputs("\"/>", out);
}

static int lane_goroutine(void *arg, sqlite3_stmt *st)
{
	struct lanes *l = arg;
	int lane = sqlite3_column_int(st, 0);
	int64_t ended_ns = sqlite3_column_int64(st, 4);

	fprintf(l->out, "<g transform=\"translate(0 %d)\"><text x=\"0\" y=\"13\"><title>",
	        LANE_TOP + lane * LANE_HEIGHT);
	html_clip(l->out, db_column(st, 2), HTML_PLACE_CHARS);
	fputs("</title>", l->out);
	html_clip(l->out, db_column(st, 2), 31);
	fputs("</text>", l->out);
	for (int state = LANE_WAITING; lane < LANES && state < LANE_STATES; state++)
		lane_draw(l->out, l->column[lane], (enum lane_state)state);
	if (ended_ns >= 0)
		fprintf(l->out, "<path class=\"end\" d=\"M%.1f 2v14\"/>", LANE_LEFT + lane_x(l, ended_ns));
	fputs("</g>\n", l->out);
	return SQLITE_OK;
}

/* A thin line from who woke to who was woken, with a dot at its end. */
static int lane_wake(void *arg, sqlite3_stmt *st)
{
	struct lanes *l = arg;
	int from = sqlite3_column_int(st, 0), to = sqlite3_column_int(st, 1);
	double x = LANE_LEFT + lane_x(l, sqlite3_column_int64(st, 2));

	fprintf(l->out,
	        "<path class=\"wake\" d=\"M%.1f %dV%d\"/><circle cx=\"%.1f\" cy=\"%d\" r=\"2\"/>\n", x,
	        LANE_TOP + from * LANE_HEIGHT + 9, LANE_TOP + to * LANE_HEIGHT + 9, x,
	        LANE_TOP + to * LANE_HEIGHT + 9);
	return SQLITE_OK;
}

/** Of 1, 2, 5, 10, 20 ... nanoseconds the first that goes into the whole eight times at most. */
static int64_t lanes_step(int64_t end_ns)
{
	int64_t step = 1;

	for (int i = 0; step < end_ns / 8; i++)
		step = i % 3 == 1 ? step / 2 * 5 : step * 2;
	return step;
}

static void lanes_axis(struct lanes *l)
{
	int64_t step = lanes_step(l->end_ns);
	char text[32];

	for (int64_t ns = 0; ns <= l->end_ns; ns += step) {
		double x = LANE_LEFT + lane_x(l, ns);

		figure_time(text, sizeof text, (double)ns);
		fprintf(l->out,
		        "<path class=\"grid\" d=\"M%.1f %dV%d\"/><text x=\"%.1f\" y=\"12\" class=\"%s\">%s"
		        "</text>\n",
		        x, LANE_TOP - 4, LANE_TOP + l->count * LANE_HEIGHT, x,
		        x > LANE_LEFT + LANE_COLUMNS - 30 ? "right" : "middle", ns ? text : "0");
	}
}

static void lanes_legend(FILE *out)
{
	static const char *const words[LANE_STATES] = {
		[LANE_WAITING] = "waits for another",
		[LANE_OUTSIDE] = "sleep, input or output",
		[LANE_CALL] = "in a call outside",
		[LANE_RUNNABLE] = "ready to run",
		[LANE_RUNNING] = "runs",
	};

	fputs("<figcaption>", out);
	for (int i = LANE_STATES - 1; i > LANE_NONE; i--)
		fprintf(out,
		        "<span><svg class=\"key\" viewBox=\"0 0 24 18\" aria-hidden=\"true\">"
		        "<path class=\"%s\" "
		        "d=\"M0 9h24\"/></svg> %s</span> ",
		        lane_states[i].name, words[i]);
	fputs("<span>A thin line goes from who woke to the dot at who was woken; a bar is the "
	      "end.</span></figcaption>\n",
	      out);
}

int html_part_lanes(struct html_page *p)
{
	static const char asset[] = "sql/html/lanes.sql";
	struct lanes l = {.out = p->out, .end_ns = db_number(p->db, "sql/show/at.sql", "end", 0)};
	int err = html_do(p, asset, "lanes");

	l.end_ns = l.end_ns > 0 ? l.end_ns : 1;
	l.count = (int)db_number(p->db, asset, "count", 0);
	if (err || !l.count) {
		fputs("<p>No goroutine is in a finding.</p>\n", p->out);
		return err;
	}
	err = html_each(p, asset, "intervals", lane_interval, &l);
	fputs("<figure class=\"lanes\" tabindex=\"0\">\n", p->out);
	fprintf(p->out,
	        "<svg role=\"img\" aria-label=\"what each goroutine did over time\" "
	        "viewBox=\"0 0 %d %d\">\n",
	        LANE_LEFT + LANE_COLUMNS + 4, LANE_TOP + l.count * LANE_HEIGHT + 4);
	lanes_axis(&l);
	if (!err)
		err = html_each(p, asset, "goroutines", lane_goroutine, &l);
	if (!err)
		err = html_each(p, asset, "wakes", lane_wake, &l);
	fputs("</svg>\n", p->out);
	lanes_legend(p->out);
	fputs("</figure>\n", p->out);
	html_more(p, db_number(p->db, asset, "left_out", 0), "goroutines");
	return err;
}

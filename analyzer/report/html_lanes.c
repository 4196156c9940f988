/* SPDX-License-Identifier: MIT */
/**
 * html_lanes.c: what the goroutines in findings did over time, a lane each.
 *
 * A lane is as wide as LANE_COLUMNS.  Of all that happens in a column the most lively is drawn:
 * running before ready, before a call, before waiting.  So a lane costs a few kilobytes at most,
 * whatever the goroutine did.  States differ in height as well as in colour.  Of the wakes between
 * them the first WAKES are drawn.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <gtrace.h>

#include "db.h"
#include "interval/each.h"
#include "plot/figure.h"
#include "report/html_parts.h"
#include "report/html_write.h"
#include "talk.h"

enum {
	LANES = 60,
	WAKES = 300,
	LANE_COLUMNS = 640,
	LANE_LEFT = 236,
	LANE_HEIGHT = 18,
	LANE_TOP = 22
};

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

/** Whose lane it is. */
struct lane {
	int64_t g;
	int lane; // from above
};

struct wake {
	int64_t ns;
	int from, to; // lanes
};

struct lanes {
	FILE *out;
	int64_t end_ns;
	int count, wakes;
	struct lane who[LANES];  // by goroutine
	const struct lane *at;   // whose intervals are read
	struct wake wake[WAKES]; // earliest first
	unsigned char column[LANES][LANE_COLUMNS];
};

static double lane_x(const struct lanes *l, int64_t ns)
{
	double x = (double)ns / (double)l->end_ns * LANE_COLUMNS;

	return x < 0 ? 0 : x > LANE_COLUMNS ? LANE_COLUMNS : x;
}

static enum lane_state lane_state(const struct interval *row)
{
	switch (row->state) {
	case GTRACE_state_RUNNABLE:
		return LANE_RUNNABLE;
	case GTRACE_state_RUNNING:
		return LANE_RUNNING;
	case STATE_SYSCALL:
		return LANE_CALL;
	default: // time, or the world outside, ends sleep and IO wait
		return row->reason == GTRACE_reason_SLEEP || row->reason == GTRACE_reason_IO_WAIT
		           ? LANE_OUTSIDE
		           : LANE_WAITING;
	}
}

static void lane_paint(struct lanes *l, const struct interval *row)
{
	unsigned char *column = l->column[l->at->lane], state = (unsigned char)lane_state(row);
	int from = (int)lane_x(l, row->from_ns);
	int to = row->to_ns < 0 ? LANE_COLUMNS - 1 : (int)lane_x(l, row->to_ns);

	for (int x = from; x <= to && x < LANE_COLUMNS; x++)
		if (column[x] < state)
			column[x] = state;
}

static int lane_compare(const void *x, const void *y)
{
	const struct lane *a = x, *b = y;

	return a->g < b->g ? -1 : a->g > b->g;
}

/** Keep it if it is among the first so far; of equals those that were there before. */
static void wake_keep(struct lanes *l, const struct wake *w)
{
	int at = l->wakes;

	at -= at == WAKES;
	for (; at > 0 && l->wake[at - 1].ns > w->ns; at--)
		l->wake[at] = l->wake[at - 1];
	l->wake[at] = *w;
	l->wakes += l->wakes < WAKES;
}

static int lane_interval(void *arg, const struct interval *row)
{
	struct lanes *l = arg;

	lane_paint(l, row);
	if (row->state != GTRACE_state_WAITING || row->to_ns < 0 || !row->woken_by ||
	    (l->wakes == WAKES && l->wake[WAKES - 1].ns <= row->to_ns))
		return SQLITE_OK;
	const struct lane key = {.g = (int64_t)row->woken_by};
	const struct lane *by = bsearch(&key, l->who, (size_t)l->count, sizeof key, lane_compare);

	if (by && by != l->at)
		wake_keep(l, &(struct wake){row->to_ns, by->lane, l->at->lane});
	return SQLITE_OK;
}

static int lane_who(void *arg, sqlite3_stmt *st)
{
	struct lanes *l = arg;

	if (l->count < LANES)
		l->who[l->count++] = (struct lane){sqlite3_column_int64(st, 0), sqlite3_column_int(st, 1)};
	return SQLITE_OK;
}

/** What they did, and the wakes. */
static int lanes_read(struct html_page *p, struct lanes *l)
{
	int err = SQLITE_OK;

	for (int i = 0; i < l->count && err == SQLITE_OK; i++) {
		l->at = &l->who[i];
		if (l->at->g)
			err = interval_each(p->db, 1, (uint64_t)l->at->g, lane_interval, l);
	}
	if (err == SQLITE_OK)
		return 0;
	talk("cannot query the database: %s (intervals)", sqlite3_errmsg(p->db));
	return -EIO;
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
static void wake_draw(const struct lanes *l, const struct wake *w)
{
	double x = LANE_LEFT + lane_x(l, w->ns);

	fprintf(l->out,
	        "<path class=\"wake\" d=\"M%.1f %dV%d\"/><circle cx=\"%.1f\" cy=\"%d\" r=\"2\"/>\n", x,
	        LANE_TOP + w->from * LANE_HEIGHT + 9, LANE_TOP + w->to * LANE_HEIGHT + 9, x,
	        LANE_TOP + w->to * LANE_HEIGHT + 9);
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
	struct lanes l = {.out = p->out};
	int64_t left_out = 0;
	int err = html_number(p, "sql/show/at.sql", "end", &l.end_ns);

	if (!err)
		err = html_do(p, asset, "lanes");
	if (!err)
		err = html_number(p, asset, "left_out", &left_out);
	l.end_ns = l.end_ns > 0 ? l.end_ns : 1;
	if (!err)
		err = html_each(p, asset, "who", lane_who, &l);
	if (err || !l.count) {
		fputs("<p>No goroutine is in a finding.</p>\n", p->out);
		return err;
	}
	err = lanes_read(p, &l);
	fputs("<figure class=\"lanes\" tabindex=\"0\">\n", p->out);
	fprintf(p->out,
	        "<svg role=\"img\" aria-label=\"what each goroutine did over time\" "
	        "viewBox=\"0 0 %d %d\">\n",
	        LANE_LEFT + LANE_COLUMNS + 4, LANE_TOP + l.count * LANE_HEIGHT + 4);
	lanes_axis(&l);
	if (!err)
		err = html_each(p, asset, "goroutines", lane_goroutine, &l);
	for (int i = 0; i < l.wakes; i++)
		wake_draw(&l, &l.wake[i]);
	fputs("</svg>\n", p->out);
	lanes_legend(p->out);
	fputs("</figure>\n", p->out);
	html_more(p, left_out, "goroutines");
	return err;
}

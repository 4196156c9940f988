/* SPDX-License-Identifier: MIT */
/**
 * html_graph.c: who waits for whom in a finding, or took locks in which order, as a drawing.
 *
 * Goroutines are boxes, objects are rounded; an arrow goes from who waits to what it waits for, and
 * from that to who has it.  What has to be seen is the circle, if there is one: its nodes are laid
 * on an ellipse.  The others stand to the left of it, in columns by how many arrows away they are.
 * Without a circle the columns end at what waits for nothing:
 *
 *     ┌────┐   ╭──────╮   ┌────┐                  ┌────┐
 *     │ g5 │──▶│ lock │──▶│ g2 │            ╭──▶  │ g3 │ ──╮
 *     └────┘ ╭▶╰──────╯   └────┘          ╭────╮  └────┘ ╭────╮
 *     ┌────┐ │                            │ a  │         │ b  │
 *     │ g6 │─╯                            ╰────╯  ┌────┐ ╰────╯
 *     └────┘                                 ▲──  │ g4 │ ◀─╯
 *                                                 └────┘
 *
 *   I1  at most GRAPH_NODES nodes and GRAPH_EDGES arrows are drawn, whatever the finding has.
 *   I2  an arrow is there only if both its ends are.
 */
#include "report/html_graph.h"

#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "db.h"
#include "report/html_write.h"

enum {
	GRAPH_GOROUTINES = 24,
	GRAPH_NODES = 48,
	GRAPH_EDGES = 96,
	GRAPH_CHARS = 25, // of a line in a box
	GRAPH_FILE = 256,
	GRAPH_LABEL = 36, // characters beside an arrow
};

static const double node_width = 196, node_height = 46, column_width = 280, row_height = 66;

struct graph_node {
	bool object, ended, circle;
	int64_t number, count; // how many it stands for
	char label[GRAPH_FILE], place[GRAPH_FILE + 24];
	int distance; // arrows to the circle, or to what waits for nothing; -1: not known yet
	double x, y;  // its middle
};

struct graph_edge {
	int from, to, kind;
	char label[GRAPH_FILE];
};

struct graph {
	struct graph_node node[GRAPH_NODES];
	struct graph_edge edge[GRAPH_EDGES];
	int nodes, edges;
	int path[GRAPH_NODES], path_len; // then the circle
	int64_t left_out;
};

/* ── what is drawn ──────────────────────────────────────────────────────────────────────────────
 */

static int graph_find(const struct graph *g, bool object, int64_t number)
{
	for (int i = 0; i < g->nodes; i++)
		if (g->node[i].object == object && g->node[i].number == number)
			return i;
	return -1;
}

/** file:line without folders. */
static void graph_place(struct graph_node *n, const char *file, int64_t line)
{
	const char *slash = strrchr(file, '/');

	if (*file)
		snprintf(n->place, sizeof n->place, "%.200s:%" PRId64, slash ? slash + 1 : file, line);
}

static int graph_goroutine(void *arg, sqlite3_stmt *st)
{
	struct graph *g = arg;
	int64_t count = sqlite3_column_int64(st, 1);

	if (g->nodes == GRAPH_GOROUTINES) {
		g->left_out += count;
		return SQLITE_OK;
	}
	struct graph_node *n = &g->node[g->nodes++];

	*n = (struct graph_node){
		.number = sqlite3_column_int64(st, 0),
		.count = count,
		.ended = sqlite3_column_int(st, 5),
		.distance = -1,
	};
	if (count > 1)
		snprintf(n->label, sizeof n->label, "%" PRId64 " goroutines", count);
	else
		snprintf(n->label, sizeof n->label, "%s", db_column(st, 2));
	graph_place(n, db_column(st, 3), sqlite3_column_int64(st, 4));
	return SQLITE_OK;
}

static int graph_object(struct graph *g, sqlite3_stmt *st)
{
	int64_t number = sqlite3_column_int64(st, 2);
	int at = graph_find(g, true, number);

	if (at >= 0 || g->nodes == GRAPH_NODES)
		return at;
	struct graph_node *n = &g->node[g->nodes];

	*n = (struct graph_node){
		.object = true, .number = number, .count = sqlite3_column_int64(st, 6), .distance = -1};
	if (n->count > 1)
		snprintf(n->label, sizeof n->label, "%" PRId64 " \u00d7 %s", n->count, db_column(st, 3));
	else
		snprintf(n->label, sizeof n->label, "%s", db_column(st, 3));
	graph_place(n, db_column(st, 4), sqlite3_column_int64(st, 5));
	return g->nodes++;
}

static int graph_arrow(void *arg, sqlite3_stmt *st)
{
	struct graph *g = arg;
	int kind = sqlite3_column_int(st, 0),
		goroutine = graph_find(g, false, sqlite3_column_int64(st, 1));
	int object = goroutine < 0 ? -1 : graph_object(g, st);

	if (object < 0 || g->edges == GRAPH_EDGES)
		return SQLITE_OK; // keeps I1 and I2
	struct graph_edge *e = &g->edge[g->edges++];

	*e = (struct graph_edge){.from = kind ? object : goroutine,
	                         .to = kind ? goroutine : object,
	                         .kind = kind};
	snprintf(e->label, sizeof e->label, "%s", db_column(st, 7));
	return SQLITE_OK;
}

static int graph_rows(struct graph *g, const struct html_graph *what, const char *name,
                      int (*row)(void *arg, sqlite3_stmt *st))
{
	sqlite3_stmt *st;
	int err = db_prepare(what->db, what->asset, name, &st);

	if (err == SQLITE_OK)
		err = sqlite3_bind_int64(st, 1, what->id);
	while (err == SQLITE_OK && (err = sqlite3_step(st)) == SQLITE_ROW)
		err = row(g, st);
	sqlite3_finalize(st);
	return err == SQLITE_DONE ? SQLITE_OK : err;
}

/* ── where it goes ──────────────────────────────────────────────────────────────────────────────
 */

/** Depth first: true when path[] ends in a circle, and holds nothing else any more. */
static bool graph_circle(struct graph *g, int at, bool *seen)
{
	for (int i = 0; i < g->path_len; i++) {
		if (g->path[i] != at)
			continue;
		g->path_len -= i;
		memmove(g->path, g->path + i, (size_t)g->path_len * sizeof g->path[0]);
		return true;
	}
	if (seen[at])
		return false;
	seen[at] = true;
	g->path[g->path_len++] = at;
	for (int e = 0; e < g->edges; e++)
		if (g->edge[e].from == at && graph_circle(g, g->edge[e].to, seen))
			return true;
	g->path_len--;
	return false;
}

static bool graph_ends(const struct graph *g, int at)
{
	for (int e = 0; e < g->edges; e++)
		if (g->edge[e].from == at)
			return false;
	return true;
}

/** How far each node is from those that have a distance. */
static void graph_spread(struct graph *g)
{
	bool more = true;

	while (more) {
		more = false;
		for (int e = 0; e < g->edges; e++) {
			struct graph_node *from = &g->node[g->edge[e].from], *to = &g->node[g->edge[e].to];

			if (to->distance < 0 || (from->distance >= 0 && from->distance <= to->distance + 1))
				continue;
			from->distance = to->distance + 1;
			more = true;
		}
	}
}

/** The node of the circle that most others lead to comes to its left, where those stand. */
static void graph_turn(struct graph *g)
{
	int most = 0, best = 0, left = g->path_len == 2 ? 1 : g->path_len * 3 / 4;
	int path[GRAPH_NODES];

	for (int i = 0; i < g->path_len; i++)
		g->node[g->path[i]].circle = true;
	for (int i = 0; i < g->path_len; i++) {
		int from = 0;

		for (int e = 0; e < g->edges; e++)
			from += g->edge[e].to == g->path[i] && !g->node[g->edge[e].from].circle;
		if (from > most) {
			most = from;
			best = i;
		}
	}
	if (!most)
		return;
	memcpy(path, g->path, sizeof path);
	for (int i = 0; i < g->path_len; i++)
		g->path[(i + left) % g->path_len] = path[(i + best) % g->path_len];
}

static void graph_ellipse(struct graph *g)
{
	const double turn = 6.283185307179586;
	double wide = fmax(230, g->path_len * 215 / turn), high = fmax(115, g->path_len * 75 / turn);

	for (int i = 0; i < g->path_len; i++) {
		struct graph_node *n = &g->node[g->path[i]];
		double angle = turn * i / g->path_len - turn / 4;

		if (g->path_len == 2)
			angle += turn / 4;
		n->x = column_width + wide + wide * cos(angle);
		n->y = high * sin(angle);
		n->distance = 0;
	}
}

static void graph_layout(struct graph *g)
{
	bool seen[GRAPH_NODES] = {false};
	int rows[GRAPH_NODES + 2] = {0}, placed[GRAPH_NODES + 2] = {0};

	for (int i = 0; i < g->nodes && !g->path_len; i++)
		graph_circle(g, i, seen);
	graph_turn(g);
	graph_ellipse(g);
	if (g->path_len)
		graph_spread(g);
	for (int i = 0; i < g->nodes; i++) // beside a circle, what has nothing to do with it
		if (g->node[i].distance < 0 && graph_ends(g, i))
			g->node[i].distance = g->path_len ? 1 : 0;
	graph_spread(g);
	for (int i = 0; i < g->nodes; i++) {
		struct graph_node *n = &g->node[i];

		n->distance = n->distance < 0 ? 1 : n->distance;
		rows[n->distance] += !n->circle;
	}
	for (int i = 0; i < g->nodes; i++) {
		struct graph_node *n = &g->node[i];

		if (n->circle)
			continue;
		n->x = (1 - n->distance) * column_width;
		n->y = row_height * (placed[n->distance]++ - (rows[n->distance] - 1) / 2.0);
	}
}

/* ── the drawing ────────────────────────────────────────────────────────────────────────────────
 */

/** From the middle of a box towards (x, y), as far as its edge. */
static void graph_edge_of(const struct graph_node *n, double x, double y, double *ex, double *ey)
{
	double dx = x - n->x, dy = y - n->y;
	double part =
		fmin(node_width / 2 / fmax(fabs(dx), 1e-9), node_height / 2 / fmax(fabs(dy), 1e-9));

	part = fmin(part, 1);
	*ex = n->x + dx * part;
	*ey = n->y + dy * part;
}

/** An arrow: a curve from (x1, y1) to (x2, y2), drawn towards (mx, my). */
struct graph_curve {
	double x1, y1, mx, my, x2, y2;
};

/** Bent to its left, so that two between the same boxes are seen. */
static struct graph_curve graph_curve(const struct graph *g, const struct graph_edge *e)
{
	const struct graph_node *a = &g->node[e->from], *b = &g->node[e->to];
	double dx = b->x - a->x, dy = b->y - a->y, length = fmax(hypot(dx, dy), 1);
	double bend = a->circle && b->circle ? (g->path_len == 2 ? 50 : 24) : 0;
	struct graph_curve c = {.mx = (a->x + b->x) / 2 + dy / length * bend,
	                        .my = (a->y + b->y) / 2 - dx / length * bend};

	graph_edge_of(a, c.mx, c.my, &c.x1, &c.y1);
	graph_edge_of(b, c.mx, c.my, &c.x2, &c.y2);
	return c;
}

/** There is room beside the arrows of a circle alone. */
static bool graph_labelled(const struct graph *g, const struct graph_edge *e)
{
	return *e->label && g->node[e->from].circle && g->node[e->to].circle;
}

/** What stands beside an arrow, outside of the circle. */
struct graph_label {
	double x, y, left, right;
	const char *anchor;
};

static struct graph_label graph_label(const struct graph *g, const struct graph_edge *e)
{
	struct graph_curve c = graph_curve(g, e);
	const struct graph_node *a = &g->node[e->from], *b = &g->node[e->to];
	double wide = 7.3 * (double)fmin((double)strlen(e->label), GRAPH_LABEL);
	double x = (c.x1 + c.x2) / 4 + c.mx / 2, y = (c.y1 + c.y2) / 4 + c.my / 2;
	double out = c.mx - (a->x + b->x) / 2;

	if (fabs(out) < 5) // above or below
		return (struct graph_label){x, y + (c.my < 0 ? -6 : 16), x - wide / 2, x + wide / 2,
		                            "middle"};
	if (out > 0)
		return (struct graph_label){x + 6, y + (c.my < 0 ? -5 : 14), x + 6, x + 6 + wide, "start"};
	return (struct graph_label){x - 6, y + (c.my < 0 ? -5 : 14), x - 6 - wide, x - 6, "end"};
}

static void graph_draw_edge(FILE *out, const struct graph *g, const struct graph_edge *e,
                            int64_t id)
{
	static const char *const names[] = {"wait", "hold", "could"};
	struct graph_curve c = graph_curve(g, e);

	fprintf(out,
	        "<path class=\"%s\" marker-end=\"url(#arrow-%" PRId64
	        ")\" d=\"M%.1f %.1fQ%.1f %.1f %.1f "
	        "%.1f\"/>\n",
	        names[e->kind], id, c.x1, c.y1, c.mx, c.my, c.x2, c.y2);
	if (graph_labelled(g, e)) {
		struct graph_label l = graph_label(g, e);

		fprintf(out, "<text class=\"beside\" style=\"text-anchor:%s\" x=\"%.1f\" y=\"%.1f\">",
		        l.anchor, l.x, l.y);
		html_clip(out, e->label, GRAPH_LABEL);
		fputs("</text>\n", out);
	}
}

/** What stands for several goroutines leads to the list of those of the finding. */
static void graph_draw_node(FILE *out, const struct graph_node *n, int64_t id)
{
	bool list = !n->object && n->count > 1;

	if (list)
		fprintf(out, "<a href=\"#goroutines-%" PRId64 "\">", id);
	fprintf(out, "<g class=\"%s%s\"><title>", n->object ? "object" : "goroutine",
	        n->ended ? " ended" : "");
	html_clip(out, n->label, GRAPH_FILE);
	fprintf(out, "</title><rect x=\"%.1f\" y=\"%.1f\" width=\"%.0f\" height=\"%.0f\" rx=\"%d\"/>",
	        n->x - node_width / 2, n->y - node_height / 2, node_width, node_height,
	        n->object ? 22 : 3);
	fprintf(out, "<text x=\"%.1f\" y=\"%.1f\">", n->x, n->y - 4);
	html_clip(out, n->label, GRAPH_CHARS);
	fprintf(out, "</text><text class=\"soft\" x=\"%.1f\" y=\"%.1f\">", n->x, n->y + 14);
	if (n->ended)
		fputs("ended ", out);
	html_clip(out, n->place, GRAPH_CHARS);
	fputs(list ? "</text></g></a>\n" : "</text></g>\n", out);
}

static void graph_draw(FILE *out, const struct graph *g, int64_t id)
{
	double left = 0, right = 0, top = 0, bottom = 0;

	for (int i = 0; i < g->nodes; i++) {
		const struct graph_node *n = &g->node[i];

		left = i ? fmin(left, n->x) : n->x;
		right = i ? fmax(right, n->x) : n->x;
		top = i ? fmin(top, n->y) : n->y;
		bottom = i ? fmax(bottom, n->y) : n->y;
	}
	left -= node_width / 2;
	right += node_width / 2;
	for (int i = 0; i < g->edges; i++) {
		if (graph_labelled(g, &g->edge[i])) {
			struct graph_label l = graph_label(g, &g->edge[i]);

			left = fmin(left, l.left);
			right = fmax(right, l.right);
		}
	}
	left -= 8;
	right += 8;
	top -= node_height / 2 + (g->path_len == 2 ? 36 : 8);
	bottom += node_height / 2 + (g->path_len == 2 ? 36 : 8);
	fprintf(out,
	        "<svg class=\"graph\" role=\"img\" aria-label=\"who waits for whom in finding %" PRId64
	        "\" viewBox=\"%.0f %.0f %.0f %.0f\" style=\"width:%.0fpx\">\n",
	        id, left, top, right - left, bottom - top, right - left);
	fprintf(
		out,
		"<defs><marker id=\"arrow-%" PRId64 "\" viewBox=\"0 0 8 8\" refX=\"8\" refY=\"4\" "
		"markerWidth=\"8\" markerHeight=\"8\" markerUnits=\"userSpaceOnUse\" orient=\"auto\"><path "
		"d=\"M0 0L8 4L0 8z\"/></marker></defs>\n",
		id);
	for (int i = 0; i < g->edges; i++)
		graph_draw_edge(out, g, &g->edge[i], id);
	for (int i = 0; i < g->nodes; i++)
		graph_draw_node(out, &g->node[i], id);
	fputs("</svg>\n", out);
}

int html_graph(const struct html_graph *what, FILE *out, int64_t *left_out)
{
	struct graph g = {.nodes = 0};
	int err = graph_rows(&g, what, "goroutines", graph_goroutine);

	if (err == SQLITE_OK)
		err = graph_rows(&g, what, "edges", graph_arrow);
	if (err != SQLITE_OK)
		return err;
	graph_layout(&g);
	graph_draw(out, &g, what->id);
	*left_out = g.left_out;
	return SQLITE_OK;
}

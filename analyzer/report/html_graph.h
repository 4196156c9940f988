/* SPDX-License-Identifier: MIT */
/** html_graph.h: who waits for whom in a finding, or took locks in which order, as a drawing. */
#ifndef REPORT_HTML_GRAPH_H
#define REPORT_HTML_GRAPH_H

#include <sqlite3.h>
#include <stdint.h>
#include <stdio.h>

/** A finding, and the statements "goroutines" and "edges" that tell of it. */
struct html_graph {
	sqlite3 *db;
	const char *asset;
	int64_t id;
};

/**
 * Write it as SVG.
 *
 * *left_out becomes the number of goroutines there was no room for.
 * Returns: an SQLite code.
 */
int html_graph(const struct html_graph *what, FILE *out, int64_t *left_out);

#endif
